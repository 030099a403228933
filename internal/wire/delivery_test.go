package wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"nats-server/internal/wire"
)

// message parses one message.
func message(t testing.TB, in string) *wire.Msg {
	t.Helper()
	p := wire.Parser{Limits: ample}
	p.Begin()
	if verb, n := p.Next([]byte(in)); verb != wire.Pub || n != len(in) {
		t.Fatalf("%q: verb %d of %d bytes, fault %+v", in, verb, n, p.Fault)
	}
	return &p.Msg
}

// deliver is what a receiver with sid gets of m.
func deliver(m *wire.Msg, sid string) []byte {
	b := append(wire.AppendPrefix(nil, m.Subject, sid), m.Tail...)
	if m.Header == 0 {
		b = b[1:]
	}
	return b
}

func TestDelivery(t *testing.T) {
	f := func(in, want, plain string) {
		t.Helper()
		m := message(t, in)
		if got := string(deliver(m, "7")); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		got := wire.AppendPrefix(nil, m.Subject, []byte("7"))[1:]
		if got = m.AppendPlainTail(got); string(got) != plain {
			t.Errorf("%q without headers: got %q, want %q", in, got, plain)
		}
	}
	same := func(in, want string) { t.Helper(); f(in, want, want) }
	// As the publisher wrote it.
	same("PUB foo 2\r\nhi\r\n", "MSG foo 7 2\r\nhi\r\n")
	same("PUB foo bar 2\r\nhi\r\n", "MSG foo 7 bar 2\r\nhi\r\n")
	same("PUB foo 0\r\n\r\n", "MSG foo 7 0\r\n\r\n")
	f("HPUB foo 2 5\r\nhdbod\r\n", "HMSG foo 7 2 5\r\nhdbod\r\n", "MSG foo 7 3\r\nbod\r\n")
	f("HPUB foo bar 2 2\r\nhd\r\n", "HMSG foo 7 bar 2 2\r\nhd\r\n", "MSG foo 7 bar 0\r\n\r\n")
	same("pub   foo 2\r\nhi\r\n", "MSG foo 7 2\r\nhi\r\n")
	same("PUB foo \tbar 2\r\nhi\r\n", "MSG foo 7 bar 2\r\nhi\r\n")
	// In the form a delivery must have, however the publisher wrote it.
	same("PUB foo bar\t2\r\nhi\r\n", "MSG foo 7 bar 2\r\nhi\r\n")
	same("PUB foo bar  2\r\nhi\r\n", "MSG foo 7 bar 2\r\nhi\r\n")
	same("PUB foo 2 \r\nhi\r\n", "MSG foo 7 2\r\nhi\r\n")
	same("PUB foo 2\nhi\r\n", "MSG foo 7 2\r\nhi\r\n")
	same("PUB foo 2 \nhi\r\n", "MSG foo 7 2\r\nhi\r\n")
	same("PUB foo bar 2\t\nhi\r\n", "MSG foo 7 bar 2\r\nhi\r\n")
	f("HPUB foo  bar\t2  5\nhdbod\r\n", "HMSG foo 7 bar 2 5\r\nhdbod\r\n", "MSG foo 7 bar 3\r\nbod\r\n")
	f("HPUB foo 2 5 \nhdbod\r\n", "HMSG foo 7 2 5\r\nhdbod\r\n", "MSG foo 7 3\r\nbod\r\n")
	// A header of no bytes is none.
	same("HPUB foo 0 3\r\nbod\r\n", "MSG foo 7 3\r\nbod\r\n")
	same("HPUB foo bar 0 3\r\nbod\r\n", "MSG foo 7 bar 3\r\nbod\r\n")
	// Size tokens pass as they are.
	f("PUB foo 002\r\nhi\r\n", "MSG foo 7 002\r\nhi\r\n", "MSG foo 7 2\r\nhi\r\n")
}

func TestNoReplyIsNil(t *testing.T) {
	if m := message(t, "PUB foo r 0\r\n\r\n"); string(m.Reply) != "r" {
		t.Errorf("reply %q", m.Reply)
	}
	if m := message(t, "PUB foo 0\r\n\r\n"); m.Reply != nil {
		t.Errorf("reply %q", m.Reply)
	}
}

func TestAppendNoResponders(t *testing.T) {
	f := func(reply, sid, subject, want string) {
		t.Helper()
		got := wire.AppendNoResponders([]byte("before "), []byte(reply), sid, []byte(subject))
		if string(got) != "before "+want {
			t.Errorf("got %q, want %q", got, want)
		}
		m, gotSid, n := wire.ReadDelivery([]byte(want))
		if n != len(want) || string(gotSid) != sid || m.Header != len(m.Body) || m.Reply != nil || string(m.Subject) != reply {
			t.Errorf("%q reads as %+v to %q, %d bytes", want, m, gotSid, n)
		}
	}
	f("rep", "7", "nobody", "HMSG rep 7 38 38\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n\r\n")
	f("_INBOX.x", "sid-1", "a.b", "HMSG _INBOX.x sid-1 35 35\r\nNATS/1.0 503\r\nNats-Subject: a.b\r\n\r\n\r\n")
	long := strings.Repeat("s", 968)
	f("r", "1", long, "HMSG r 1 1000 1000\r\nNATS/1.0 503\r\nNats-Subject: "+long+"\r\n\r\n\r\n")
}

// reads fails the test if the delivery of m to sid does not read as it was.
func reads(t testing.TB, m *wire.Msg, sid string) {
	t.Helper()
	b := deliver(m, sid)
	whole := len(b)
	b = append(b, "MSG other 1 0\r\n\r\n"...)
	got, gotSid, n := wire.ReadDelivery(b)
	if n != whole || string(gotSid) != sid {
		t.Errorf("%q: %d of %d bytes, sid %q", b[:whole], n, whole, gotSid)
	}
	want := fmt.Sprintf("%q %q %d %q %q %v", m.Subject, m.Reply, m.Header, m.Body, m.Tail, m.Reply == nil)
	if s := fmt.Sprintf("%q %q %d %q %q %v", got.Subject, got.Reply, got.Header, got.Body, got.Tail, got.Reply == nil); s != want {
		t.Errorf("got %s, want %s", s, want)
	}
	again := deliver(&got, sid)
	if !bytes.Equal(again, b[:whole]) {
		t.Errorf("delivered again as %q, was %q", again, b[:whole])
	}
}

func TestReadDelivery(t *testing.T) {
	grammar(func(in string, want ...string) {
		t.Helper()
		if len(want) == 1 && strings.HasPrefix(want[0], "PUB") {
			reads(t, message(t, in), "1")
			reads(t, message(t, in), "abc.def-\xff>*")
		}
	})
}

func FuzzReadDelivery(f *testing.F) {
	f.Add("foo", "", "1", "", "hi", byte(0))
	f.Add("foo.bar", "_INBOX.x", "sid", "NATS/1.0\r\n\r\n", "payload\r\n", byte(3))
	f.Add("a", "b", "c", "h", "", byte(0xFF))
	token := func(s string) string {
		return strings.Map(func(c rune) rune {
			if strings.ContainsRune(" \t\r\n", c) {
				return -1
			}
			return c
		}, s)
	}
	f.Fuzz(func(t *testing.T, subject, reply, sid, header, body string, form byte) {
		subject, reply, sid = token(subject), token(reply), token(sid)
		if subject == "" || sid == "" || len(subject)+len(reply) > 4000 || len(header)+len(body) > ample.Payload {
			return
		}
		gaps, ends := []string{" ", "\t", "  ", " \t "}, []string{"\r\n", "\n", " \r\n", " \n"}
		gap, end := gaps[form&3], ends[form>>2&3]
		in := "PUB " + subject + gap
		if header != "" || form&0x10 != 0 {
			in = "H" + in
		}
		if reply != "" {
			in += reply + gap
		}
		if in[0] == 'H' {
			in += fmt.Sprint(len(header)) + gap
		}
		in += fmt.Sprint(len(header+body)) + end + header + body + "\r\n"
		m := message(t, in)
		if string(m.Subject) != subject || string(m.Reply) != reply || m.Header != len(header) || string(m.Body) != header+body {
			t.Fatalf("%q parsed as %+v", in, m)
		}
		reads(t, m, sid)
	})
}
