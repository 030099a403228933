package main

import (
	"bytes"
	"testing"
)

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		filter, subject string
		want            bool
	}{
		{"a.b", "a.b", true}, {"a.b", "a.c", false}, {"a.b", "a.b.c", false}, {"a.b.c", "a.b", false},
		{"a.*", "a.b", true}, {"a.*", "a", false}, {"a.*", "a.b.c", false}, {"*.b", "a.b", true},
		{"a.>", "a.b.c", true}, {"a.>", "a", false}, {">", "a", true}, {"*.a9.>", "x.a9.b", true},
		{"*.a9.>", "x.a91.b", false},
	} {
		if got := matches(c.filter, c.subject); got != c.want {
			t.Errorf("matches(%q, %q) = %v", c.filter, c.subject, got)
		}
	}
}

func TestUniformChunk(t *testing.T) {
	c := uniformChunk("b", "1", 16, 10, 1000)
	n := int64(bytes.Count(c.data, []byte("PUB b 16\r\n")))
	if n == 0 || c.deliveries != 10*n {
		t.Errorf("%d messages, %d deliveries", n, c.deliveries)
	}
	want := int64(len("MSG b 1 16\r\n0123456789abcdef\r\n"))
	if c.bytes != n*want {
		t.Errorf("%d bytes, want %d", c.bytes, n*want)
	}
	if c = uniformChunk("b", "1", 16, 0, 1000); c.bytes != 0 || c.deliveries != n {
		t.Errorf("nobody listens: %d bytes, %d operations", c.bytes, c.deliveries)
	}
	d := deliveredChunk("b", "1", 16, 10, 1000)
	if d.bytes != int64(len(d.data)) || d.bytes%want != 0 || d.deliveries != 10*d.bytes/want {
		t.Errorf("delivered: %d bytes, %d deliveries", d.bytes, d.deliveries)
	}
}

func TestLiteralSubs(t *testing.T) {
	subs := literalSubs(1000, 8)
	if s := subs[0]; s != (subscription{0, "bench.a0.b0", "1"}) {
		t.Errorf("first: %+v", s)
	}
	if s := subs[125]; s != (subscription{1, "bench.a25.b125", "1"}) {
		t.Errorf("first of the second connection: %+v", s)
	}
	if s := subs[999]; s != (subscription{7, "bench.a99.b999", "125"}) {
		t.Errorf("last: %+v", s)
	}
}

func TestRandomChunksCountDeliveries(t *testing.T) {
	literals := []subscription{{0, "s.a", "1"}, {0, "s.bb", "22"}}
	wild := []subscription{{1, "s.bb.>", "9"}, {1, "*.bb", "333"}}
	var deliveries, sum, pubs, wantBytes int64
	for _, c := range randomChunks(literals, wild, 4, 4000, 1000) {
		a := int64(bytes.Count(c.data, []byte("PUB s.a 4\r\n0123\r\n")))
		b := int64(bytes.Count(c.data, []byte("PUB s.bb 4\r\n0123\r\n")))
		pubs += a + 2*b
		wantBytes += a*int64(len("MSG s.a 1 4\r\n0123\r\n")) +
			b*int64(len("MSG s.bb 22 4\r\n0123\r\nMSG s.bb 333 4\r\n0123\r\n"))
		deliveries += c.deliveries
		sum += c.bytes
	}
	if deliveries != pubs || sum != wantBytes || pubs == 0 {
		t.Errorf("%d deliveries with %d bytes, want %d with %d", deliveries, sum, pubs, wantBytes)
	}
}
