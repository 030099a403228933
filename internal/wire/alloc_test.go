package wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"nats-server/internal/wire"
)

// drain parses a buffer of whole commands and returns how many there were.
func drain(t testing.TB, p *wire.Parser, b []byte) (count int) {
	p.Begin()
	for len(b) > 0 {
		verb, n := p.Next(b)
		switch verb {
		case wire.None, wire.Broken:
			t.Fatalf("%q: %+v", b[:min(len(b), 40)], p.Fault)
		case wire.Sub:
			if _, _, _, ok := wire.SubArgs(p.Arg); !ok {
				t.Fatal("bad SUB")
			}
		case wire.Unsub:
			if _, _, ok := wire.UnsubArgs(p.Arg); !ok {
				t.Fatal("bad UNSUB")
			}
		}
		b = b[n:]
		count++
	}
	return count
}

const header = "NATS/1.0\r\nA: b\r\n\r\n"

// Buffers as clients send them.
var (
	sameLine  = []byte(strings.Repeat("PUB orders.eu.new 16\r\n0123456789abcdef\r\n", 400))
	otherLine = linesOf("PUB orders.%d.new _INBOX.%d 16\r\n0123456789abcdef\r\n", 400)
	sameHPub  = []byte(strings.Repeat("HPUB orders.eu.new 18 34\r\n"+header+"0123456789abcdef\r\n", 300))
	otherHPub = linesOf("HPUB orders.%d.new _INBOX.%d 18 34\r\n"+header+"0123456789abcdef\r\n", 300)
	oddLine   = linesOf("PUB  orders.%d.new\t_INBOX.%d  16 \n0123456789abcdef\r\n", 400)
)

func linesOf(format string, count int) []byte {
	var b bytes.Buffer
	for i := range count {
		fmt.Fprintf(&b, format, i, i)
	}
	return b.Bytes()
}

// noAllocations fails the test if f allocates once it has warmed up.
func noAllocations(t *testing.T, what string, f func()) {
	t.Helper()
	f()
	if n := testing.AllocsPerRun(50, f); n != 0 {
		t.Errorf("%s: %v allocations", what, n)
	}
}

func TestParsingDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	f := func(what string, in []byte) {
		t.Helper()
		p := wire.Parser{Limits: ample}
		noAllocations(t, what, func() { drain(t, &p, in) })
	}
	f("PUB, same line", sameLine)
	f("PUB, other lines", otherLine)
	f("PUB, odd lines", oddLine)
	f("HPUB, same line", sameHPub)
	f("HPUB, other lines", otherHPub)
	f("SUB and UNSUB", linesOf("SUB orders.%d q %[1]d\r\nUNSUB %[2]d 5\r\n", 200))
	f("PING and PONG", []byte(strings.Repeat("PING\r\nPONG\r\n+OK\r\n", 200)))
}

func TestEncodingDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	m := message(t, "HPUB orders.new _INBOX.x 18 34\r\n"+header+"0123456789abcdef\r\n")
	tmpl, err := anyServer.Template()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 0, 4096)
	sid := []byte("17")
	noAllocations(t, "prefix and plain tail", func() { b = m.AppendPlainTail(wire.AppendPrefix(b[:0], m.Subject, sid)) })
	noAllocations(t, "no responders", func() { b = wire.AppendNoResponders(b[:0], m.Reply, sid, m.Subject) })
	noAllocations(t, "-ERR", func() { b = wire.AppendErr(b[:0], wire.ErrInvalidSubject) })
	noAllocations(t, "INFO", func() { b = tmpl.Append(b[:0], wire.PerClient{ID: 1, IP: "127.0.0.1"}) })
	encoded := deliver(m, "17")
	noAllocations(t, "reading a delivery", func() { wire.ReadDelivery(encoded) })
}

func BenchmarkParse(b *testing.B) {
	f := func(name string, in []byte) {
		b.Run(name, func(b *testing.B) {
			p := wire.Parser{Limits: ample}
			msgs := drain(b, &p, in)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				drain(b, &p, in)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*msgs), "ns/msg")
		})
	}
	f("PUB same line", sameLine)
	f("PUB other lines", otherLine)
	f("PUB odd lines", oddLine)
	f("HPUB same line", sameHPub)
	f("HPUB other lines", otherHPub)
}

func BenchmarkReadDelivery(b *testing.B) {
	encoded := deliver(message(b, "HPUB orders.new _INBOX.x 18 34\r\n"+header+"0123456789abcdef\r\n"), "17")
	b.ReportAllocs()
	for b.Loop() {
		wire.ReadDelivery(encoded)
	}
}
