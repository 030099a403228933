package wire_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nats-server/internal/wire"
)

// chop cuts in into pieces at random places, often in the middle of nowhere.
func chop(r *rand.Rand, in string) (pieces []string) {
	longest := 1 + r.IntN(1+len(in))
	for len(in) > 0 {
		n := min(len(in), 1+r.IntN(longest))
		pieces, in = append(pieces, in[:n]), in[n:]
	}
	return pieces
}

func TestEverySplitGivesTheSame(t *testing.T) {
	grammar(func(in string, want ...string) {
		t.Helper()
		equal(t, fmt.Sprintf("%q, byte by byte", in), parse(t, ample, strings.Split(in, "")...), want)
		if len(in) > 200 {
			return
		}
		for at := range len(in) {
			equal(t, fmt.Sprintf("%q + %q", in[:at], in[at:]), parse(t, ample, in[:at], in[at:]), want)
		}
	})
}

// stream is random commands and what comes out of them.
func stream(r *rand.Rand) (in string, want []string) {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	gap := func() string { return pick(" ", " ", " ", "\t", "  ", " \t ") }
	end := func() string { return pick("\r\n", "\r\n", "\r\n", "\n", " \r\n", " \n", "\t\t\r\n") }
	token := func() string { return pick("a", "b.c", "foo.>", "*", "x..y", "\xfe\x00", strings.Repeat("long.", 9)) }
	bytes := func() string { return pick("", "x", "hi", "\r\n", "PUB a 1\r\n", "\n\n\n", strings.Repeat("z", 70)) }
	size := func(n int) string { return pick("", "", "0", "000") + fmt.Sprint(n) }

	before, beforeWant := "", func(string) string { return "" }
	for range 1 + r.IntN(12) {
		switch r.IntN(9) {
		case 0:
			in += pick("PING", "ping", "PINGxyz \t") + "\r\n"
			want = append(want, "PING")
		case 1:
			a := token() + gap() + pick("1", "sid-2")
			in += pick("SUB", "sub") + gap() + a + "\r\n"
			want = append(want, arg("SUB", a))
		case 2:
			in += pick("CONNECT", "CONNECT ") + `{"verbose":true}` + pick("\n", "\r\n")
			want = append(want, arg("CONNECT", `{"verbose":true}`))
		case 3, 4, 5: // the line before with the same or another size
			if body := bytes(); before != "" && len(body) == 2 {
				in += before + body + "\r\n"
				want = append(want, beforeWant(body))
			}
		default:
			subj, reply, header, body := token(), pick("", token()), bytes(), bytes()
			line, sizes := subj+gap(), ""
			if reply != "" {
				line += reply + gap()
			}
			verb := pick("PUB", "HPUB", "hPub")
			if verb == "PUB" {
				header = ""
			} else {
				sizes = size(len(header)) + gap()
			}
			line = verb + gap() + line + sizes + size(len(header+body)) + end()
			in += line + header + body + "\r\n"
			want = append(want, hpub(subj, reply, header, body))
			if len(header+body) == 2 {
				before, beforeWant = line, func(b string) string {
					return hpub(subj, reply, b[:len(header)], b[len(header):])
				}
			}
		}
	}
	return in, want
}

func TestRandomStreamsInRandomPieces(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 3000 {
		in, want := stream(r)
		equal(t, fmt.Sprintf("seed %d: %q", seed, in), parse(t, ample, in), want)
		pieces := chop(r, in)
		equal(t, fmt.Sprintf("seed %d: %q", seed, pieces), parse(t, ample, pieces...), want)
		if t.Failed() {
			return
		}
	}
}

func FuzzParser(f *testing.F) {
	grammar(func(in string, _ ...string) { f.Add([]byte(in), uint64(len(in))) })
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		in, _ := stream(r)
		f.Add([]byte(in), r.Uint64())
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		l := wire.Limits{ControlLine: 1 + r.IntN(100), Payload: r.IntN(100), Headers: r.IntN(4) > 0}
		before := bytes.Clone(in)
		whole := parse(t, l, string(in))
		if pieces := chop(r, string(in)); !slices.Equal(parse(t, l, pieces...), whole) {
			t.Errorf("%q with %+v:\n%q\nunsplit: %q", pieces, l, parse(t, l, pieces...), whole)
		}
		if !bytes.Equal(in, before) {
			t.Error("the input was changed")
		}
	})
}
