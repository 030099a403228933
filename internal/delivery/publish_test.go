package delivery_test

import (
	"strings"
	"testing"
)

func TestWhoGetsAMessage(t *testing.T) {
	w := newWorld(t)
	p, literal, wild, rest, other, many := w.peer(), w.peer(), w.peer(), w.peer(), w.peer(), w.peer()
	literal.sub("foo.bar", "", "1")
	wild.sub("foo.*", "", "sid-2")
	rest.sub(">", "", "3")
	other.sub("foo", "", "4")
	other.sub("foo.*.*", "", "5")
	other.sub("foo.barr", "", "6")
	many.sub("foo.bar", "", "1")
	many.sub("*.bar", "", "2")
	many.sub("foo.bar", "", "3")
	for range 3 { // first, second and later messages take different ways
		equal(t, "delivered", p.send("PUB foo.bar 2\r\nhi\r\n"), true)
		literal.hears("MSG foo.bar 1 2|hi|")
		wild.hears("MSG foo.bar sid-2 2|hi|")
		rest.hears("MSG foo.bar 3 2|hi|")
		other.hears("")
		seen := make(map[string]int)
		for _, d := range many.deliveries() {
			seen[d.sid]++
		}
		if len(seen) != 3 || seen["1"] != 1 || seen["2"] != 1 || seen["3"] != 1 {
			t.Errorf("one with several subscriptions: %v", seen)
		}
		p.hears("")
	}
}

func TestNobodyWantsIt(t *testing.T) {
	w := newWorld(t)
	p, r := w.peer(), w.peer()
	equal(t, "delivered", p.send(message("foo", "x")), false)
	sub := r.sub("foo", "", "1")
	equal(t, "delivered", p.send(message("foo", "x")), true)
	r.unsub(sub)
	equal(t, "delivered", p.send(message("foo", "x")), false)
	r.sub(">", "", "2")
	r.sub("a.*.b", "", "3")
	for range 3 {
		for _, subj := range []string{"a..b", ".", ".a", "a.", "..", "a.b."} {
			equal(t, subj+" delivered", p.send(message(subj, "x")), false)
		}
	}
	r.hears("MSG foo 1 1|x|")
}

func TestWildcardsInSubjectsAreLiteral(t *testing.T) {
	w := newWorld(t)
	p, r := w.peer(), w.peer()
	r.sub("foo.*", "", "1")
	r.sub("foo.bar", "", "2")
	for range 3 {
		p.send(message("foo.*", "x") + message("foo.>", "y"))
		r.hears("MSG foo.* 1 1|x|MSG foo.> 1 1|y|")
	}
}

func TestFormsOfAMessage(t *testing.T) {
	w := newWorld(t)
	p, with, without := w.peer(), w.peer(), w.peer()
	without.self.NoHeaders.Store(true)
	with.sub("foo", "", "1")
	without.sub("foo", "", "2")
	f := func(in, headers, plain string) {
		t.Helper()
		for range 3 {
			p.send(in)
			with.hears(headers)
			without.hears(plain)
		}
	}
	f("PUB foo 2\r\nhi\r\n", "MSG foo 1 2|hi|", "MSG foo 2 2|hi|")
	f("PUB foo r 2\r\nhi\r\n", "MSG foo 1 r 2|hi|", "MSG foo 2 r 2|hi|")
	f("PUB foo 0\r\n\r\n", "MSG foo 1 0||", "MSG foo 2 0||")
	f("HPUB foo 2 4\r\nhdhi\r\n", "HMSG foo 1 2 4|hdhi|", "MSG foo 2 2|hi|")
	f("HPUB foo r 2 2\r\nhd\r\n", "HMSG foo 1 r 2 2|hd|", "MSG foo 2 r 0||")
	f("HPUB foo 0 2\r\nhi\r\n", "MSG foo 1 2|hi|", "MSG foo 2 2|hi|")
	f("PUB  foo\tr  2\nhi\r\n", "MSG foo 1 r 2|hi|", "MSG foo 2 r 2|hi|")
	f("HPUB foo 2 4\r\nhdhi\r\nPUB foo 1\r\nx\r\n", "HMSG foo 1 2 4|hdhi|MSG foo 1 1|x|", "MSG foo 2 2|hi|MSG foo 2 1|x|")
}

func TestLargeMessages(t *testing.T) {
	w := newWorld(t)
	p, receivers := w.peer(), w.several(6)
	for _, r := range receivers {
		r.sub("foo", "", "1")
	}
	for _, size := range []int{500, 4000, 5000, 64 << 10, 65 << 10, 1 << 20, 3 << 20} {
		body := strings.Repeat("x", size)
		p.send(message("foo", body) + message("foo", "small") + message("foo", body+"y"))
		for _, r := range receivers {
			equalAll(t, "bodies", r.bodies(), []string{body, "small", body + "y"})
		}
	}
}

// What one reader causes for a connection leaves in the order caused, its own
// connection included.
func TestOwnLinesKeepTheirOrder(t *testing.T) {
	w := newWorld(t)
	p := w.peer()
	p.sub("foo", "", "1")
	p.sub("foo", "q", "2")
	for range 3 {
		p.sender.Control([]byte("+OK\r\n"))
		p.pub(message("bar", "x"))
		p.sender.Control([]byte("+OK\r\n"))
		p.pub(message("foo", "y"))
		p.sender.Control([]byte("PONG\r\n"))
		p.pub(message("foo", strings.Repeat("z", 1000)))
		p.sender.Control([]byte(strings.Repeat("-", 100_000)))
		p.settle()
		z := strings.Repeat("z", 1000)
		p.hears("+OK|+OK|MSG foo 1 1|y|MSG foo 2 1|y|PONG|MSG foo 1 1000|" + z + "|MSG foo 2 1000|" + z + "|" + strings.Repeat("-", 100_000))
	}
}

// The same when others get the same bytes.
func TestOwnLinesKeepTheirOrderAmongMany(t *testing.T) {
	w := newWorld(t)
	p, others := w.peer(), w.several(6)
	for _, r := range append(others, p) {
		r.sub("foo", "", "1")
	}
	for range 3 {
		for _, body := range []string{"a", "b"} {
			p.sender.Control([]byte("+OK\r\n"))
			p.pub(message("foo", body))
		}
		p.settle()
		p.hears("+OK|MSG foo 1 1|a|+OK|MSG foo 1 1|b|")
		for _, r := range others {
			r.hears("MSG foo 1 1|a|MSG foo 1 1|b|")
		}
	}
}

func TestHeadersForSomeOfMany(t *testing.T) {
	for plain := range 6 {
		w := newWorld(t)
		p, receivers := w.peer(), w.several(6)
		for i, r := range receivers {
			r.self.NoHeaders.Store(i == plain)
			r.sub("foo", "", "1")
		}
		for range 3 {
			p.send("PUB foo 1\r\na\r\nHPUB foo 2 4\r\nhdhi\r\nPUB foo 1\r\nb\r\n")
			for i, r := range receivers {
				if i == plain {
					r.hears("MSG foo 1 1|a|MSG foo 1 2|hi|MSG foo 1 1|b|")
				} else {
					r.hears("MSG foo 1 1|a|HMSG foo 1 2 4|hdhi|MSG foo 1 1|b|")
				}
			}
		}
	}
}

func TestEcho(t *testing.T) {
	w := newWorld(t)
	p, other := w.peer(), w.peer()
	p.sub("foo", "", "1")
	p.sub("foo.*", "", "2")
	p.sub("foo", "q", "3")
	equal(t, "delivered", p.send(message("foo", "a")), true)
	p.hears("MSG foo 1 1|a|MSG foo 3 1|a|")
	p.sender.SetEcho(false)
	for range 3 {
		equal(t, "delivered", p.send(message("foo", "b")), false)
		equal(t, "delivered", p.send(message("foo.x", "b")), false)
	}
	p.hears("")
	// Those of others come through, and the others get everything.
	other.sub("foo", "q", "4")
	for range 20 {
		equal(t, "delivered", p.send(message("foo", "c")), true)
	}
	equal(t, "messages to the other", len(other.bodies()), 20)
	other.send(message("foo.x", "d"))
	p.hears("MSG foo.x 2 1|d|")
	p.sender.SetEcho(true)
	for range 3 {
		p.send(message("foo.x", "e"))
		p.hears("MSG foo.x 2 1|e|")
	}
}

func TestNoResponders(t *testing.T) {
	w := newWorld(t)
	p, other := w.peer(), w.peer()
	ask := func() {
		p.sender.NoResponders([]byte("svc.x"), []byte("reply.1"))
		p.settle()
	}
	p.sub("reply.*", "q", "1") // queue subscriptions do not count
	other.sub("reply.*", "", "2")
	ask()
	p.hears("")
	p.sub("reply.*", "", "3")
	ask()
	p.hears("HMSG reply.1 3 37 37|NATS/1.0 503|Nats-Subject: svc.x|||")
	p.sub("reply.1", "", "4")
	ask()
	if n := strings.Count(p.heard(), "HMSG"); n != 1 {
		t.Errorf("told %d times", n)
	}
	other.hears("")
	// A message to such a reply would reach nobody.
	p.sub(">", "", "5")
	for _, reply := range []string{"a..b", "a.", ".", ""} {
		p.sender.NoResponders([]byte("svc"), []byte(reply))
	}
	p.settle()
	p.hears("")
}
