package server_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"nats-server/internal/testkit"
)

// Guarantee 10: what a publisher sent before it closed is processed.
func TestGuarantee10PublishAndClose(t *testing.T) {
	s := testkit.Start(t, nil)
	sub := join(t, s, quiet)
	sub.send("SUB x 1\r\n")
	sub.sync()
	const publishers, each = 200, 50
	var all sync.WaitGroup
	for i := range publishers {
		p := join(t, s, "") // the INFO is read, so that closing does not reset
		all.Go(func() {
			var out strings.Builder
			out.WriteString("CONNECT " + quiet + "\r\n")
			for n := range each {
				out.WriteString(pub("x", fmt.Sprintf("%d %d", i, n)))
			}
			out.WriteString("PUB x 10\r\ncut") // not whole, so it is not for anybody
			p.send(out.String())
			p.nc.Close()
		})
	}
	seen := map[string]int{}
	for range publishers * each {
		f := sub.read()
		if f.payload == nil {
			t.Fatalf("got %q after %d messages", f.verb+": "+f.line, len(seen))
		}
		who, n := number(f.payload)
		if n != seen[who] {
			t.Fatalf("publisher %s: got message %d, want %d", who, n, seen[who])
		}
		seen[who]++
	}
	all.Wait()
	eventually(t, "the publishers are gone", func() bool { return s.NumClients() == 1 })
	sub.syncing(func(f frame) { t.Errorf("got %q beyond what was published", f.payload) })
}

// A client may close its sending half and still gets every answer.
func TestHalfCloseIsAnswered(t *testing.T) {
	s := testkit.Start(t, nil)
	for range 50 {
		r := testkit.Dial(t, s.Addr().String())
		r.Send("CONNECT {\"verbose\":false}\r\nSUB x 1\r\n" + strings.Repeat("PUB x 2\r\nhi\r\n", 500) + "PING\r\nPUB x 9\r\n")
		noErr(t, r.HalfClose())
		r.ExpectBytes(strings.Repeat("MSG x 1 2\r\nhi\r\n", 500) + "PONG\r\n")
		_, err := r.TryClosed()
		noErr(t, err)
	}
	eventually(t, "the clients are gone", func() bool { return s.NumClients() == 0 })
	numSubs(t, s, 0)
}

// Guarantee 11: an auto-unsubscribe never lets more through, and exactly that
// many arrive, with publishers competing.
func TestGuarantee11NeverMoreThanTheMaximum(t *testing.T) {
	s := testkit.Start(t, nil)
	startFlood(t, s, 3, 0, "hot")
	p := join(t, s, quiet)
	competed := 0
	for i := range 300 {
		most := 100 + i%70
		fill := newFill(p, fmt.Sprint(i), most)
		p.send(fmt.Sprintf("SUB hot %d\r\nUNSUB %[1]d %d\r\nPING\r\n", i, most))
		nothing := func(frame) {}
		if fill.take(nothing) {
			competed++
		}
		for fill.got < most {
			f := p.read()
			if f.sid != fill.sid {
				t.Fatalf("got %q for sid %q", f.verb+": "+f.line, f.sid)
			}
			fill.more(nothing)(f)
		}
		p.syncing(fill.more(nothing))
	}
	if competed < 50 {
		t.Errorf("the maximum was set in time only %d times", competed)
	}
	numSubs(t, s, 0)
}

// The surplus of a member that has had its fill is for its peers.
func TestGuarantee11PeersGetTheSurplus(t *testing.T) {
	s := testkit.Start(t, nil)
	const publishers, each = 3, 4000
	limited, peer := join(t, s, quiet), join(t, s, quiet)
	for round := range 5 {
		g := newGroup()
		limited.send(fmt.Sprintf("SUB x q %d\r\nUNSUB %[1]d 5\r\n", round))
		limited.sync()
		peer.send("SUB x q 1\r\n")
		peer.sync()
		startFlood(t, s, publishers, each, "x").wait()
		got := 0
		limited.syncing(func(f frame) { got++; g.take(f) })
		peer.syncing(g.take)
		if got != 5 {
			t.Errorf("the limited member got %d messages", got)
		}
		g.complete(t, publishers, each)
		peer.send("UNSUB 1\r\n")
		peer.sync()
	}
}

// Guarantee 12: messages that race with the end of a connection reach no other,
// though it has the same sid, and harm nothing.
func TestGuarantee12ConnectionsEndUnderLoad(t *testing.T) {
	s := testkit.Start(t, nil)
	flood := startFlood(t, s, 3, 0, "hot")
	healthy := join(t, s, quiet)
	healthy.send("SUB hot 1\r\n")
	const each = 150
	var comeAndGo, all sync.WaitGroup
	for range 2 {
		comeAndGo.Go(func() {
			for i := range each {
				p := join(t, s, quiet)
				p.send("SUB hot 1\r\nPING\r\n")
				p.until("PONG", nil)
				if i%2 == 0 {
					_ = p.nc.(interface{ SetLinger(int) error }).SetLinger(0) // reset, not an orderly end
				}
				p.nc.Close()
			}
		})
		comeAndGo.Go(func() {
			for range each {
				p := join(t, s, quiet)
				p.send("SUB cold 1\r\n")
				p.syncing(func(f frame) { p.fail("message on %s for another connection", f.subject) })
				p.nc.Close()
			}
		})
	}
	all.Go(func() {
		order := rising{}
		healthy.until("PONG", func(f frame) { order.next(healthy, f) })
	})
	comeAndGo.Wait()
	flood.end()
	healthy.send("PING\r\n")
	all.Wait()
	eventually(t, "only the publishers and one subscriber are left", func() bool { return s.NumClients() == 4 })
	numSubs(t, s, 1)
	if n := s.NumPanics(); n != 0 {
		t.Errorf("%d panics", n)
	}
}

// An in-process connection keeps the same promises.
func TestInProcessOrder(t *testing.T) {
	s := testkit.Start(t, nil)
	startFlood(t, s, 2, 0, "hot")
	nc, err := s.InProcessConn()
	noErr(t, err)
	p := attach(t, nc, quiet)
	order := rising{}
	for i := range 200 {
		p.send(fmt.Sprintf("SUB hot %d\r\nPING\r\n", i))
		p.until("PONG", func(f frame) { order.next(p, f) })
		p.syncing(func(f frame) { order.next(p, f) })
		p.send(fmt.Sprintf("UNSUB %d\r\nPING\r\n", i))
		p.until("PONG", func(f frame) { order.next(p, f) })
		p.syncing(func(f frame) { t.Fatalf("message for sid %s after UNSUB", f.sid) })
	}
	nc.Close()
	if _, err := io.WriteString(nc, "PING\r\n"); err == nil {
		t.Error("a closed connection takes more")
	}
}
