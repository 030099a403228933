package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"nats-server/internal/wire"
)

// ample are limits that only tests of limits run into.
var ample = wire.Limits{ControlLine: 4096, Payload: 1 << 20, Headers: true}

// More is what parse appends when the input ends in the middle of a command.
const more = "…"

// pub and hpub are how parse shows a message.
func pub(subject, reply, body string) string { return hpub(subject, reply, "", body) }

func hpub(subject, reply, header, body string) string {
	return fmt.Sprintf("PUB %q reply %q header %q body %q", subject, reply, header, body)
}

// arg is how parse shows a command with arguments.
func arg(verb, args string) string { return fmt.Sprintf("%s %q", verb, args) }

// broken is how parse shows broken grammar, where everything ends.
func broken(k wire.FaultKind) string { return fmt.Sprintf("broken %d", k) }

// parse feeds pieces to a fresh parser as a connection does: one buffer serves
// them all, and what is left of a piece is moved to its start. It returns what
// came out.
func parse(t testing.TB, l wire.Limits, pieces ...string) (out []string) {
	t.Helper()
	p := wire.Parser{Limits: l}
	buffer := make([]byte, len(strings.Join(pieces, "")))
	var rest []byte
	partial, due := false, 0
	for _, piece := range pieces {
		kept := copy(buffer, rest)
		poison(buffer[kept:])
		rest = buffer[:kept+copy(buffer[kept:], piece)]
		p.Begin()
		for len(rest) > 0 {
			verb, n := p.Next(rest)
			if n < 0 || n > len(rest) {
				t.Fatalf("%q: took %d bytes of %d", rest, n, len(rest))
			}
			if due > 0 && verb != wire.None && verb != wire.Broken && n != due {
				t.Fatalf("%q: a command of %d bytes, announced as one of %d", rest, n, due)
			}
			if due = 0; verb == wire.None {
				if due = p.Need; due > 0 && (n > 0 || due <= len(rest)) {
					t.Fatalf("%q: needs %d bytes, has them", rest, due)
				}
				partial = n > 0
				rest = rest[n:]
				break
			}
			if partial = false; verb == wire.Broken {
				return append(out, broken(p.Fault.Kind))
			}
			if n == 0 {
				t.Fatalf("%q: verb %d takes nothing", rest, verb)
			}
			out = append(out, show(t, &p, verb))
			rest = rest[n:]
		}
	}
	if len(rest) > 0 || partial {
		out = append(out, more)
	}
	return out
}

// poison makes sure that nobody relies on bytes that are gone.
func poison(b []byte) {
	for i := range b {
		b[i] = 0xEE
	}
}

func show(t testing.TB, p *wire.Parser, verb wire.Verb) string {
	t.Helper()
	switch verb {
	case wire.Pub:
		m := &p.Msg
		if want := tail(m); string(m.Tail) != want {
			t.Fatalf("%q: tail %q, want %q", m.Subject, m.Tail, want)
		}
		return hpub(string(m.Subject), string(m.Reply), string(m.Body[:m.Header]), string(m.Body[m.Header:]))
	case wire.Sub:
		return arg("SUB", string(p.Arg))
	case wire.Unsub:
		return arg("UNSUB", string(p.Arg))
	case wire.Connect:
		return arg("CONNECT", string(p.Arg))
	case wire.Info:
		return arg("INFO", string(p.Arg))
	case wire.Ping:
		return "PING"
	case wire.Pong:
		return "PONG"
	case wire.OK:
		return "+OK"
	}
	t.Fatalf("unexpected verb %d", verb)
	return ""
}

// tail is what must follow the sid when m is delivered. Only the size tokens are
// taken from m.Tail itself: they pass as the publisher wrote them.
func tail(m *wire.Msg) string {
	line, _, _ := strings.Cut(string(m.Tail), "\r\n")
	tokens := strings.Split(line, " ")
	want := ""
	if m.Reply != nil {
		want = string(m.Reply) + " "
	}
	if m.Header > 0 {
		want += number(tokens[max(0, len(tokens)-2)], m.Header) + " "
	}
	return want + number(tokens[len(tokens)-1], len(m.Body)) + "\r\n" + string(m.Body) + "\r\n"
}

// number returns token if it stands for n, else n.
func number(token string, n int) string {
	digits := fmt.Sprint(n)
	if zeros := len(token) - len(digits); zeros >= 0 && token == strings.Repeat("0", zeros)+digits {
		return token
	}
	return digits
}

func equal(t testing.TB, what string, got, want []string) {
	t.Helper()
	if g, w := strings.Join(got, "\n\t"), strings.Join(want, "\n\t"); g != w {
		t.Errorf("%s\ngot\n\t%s\nwant\n\t%s", what, g, w)
	}
}
