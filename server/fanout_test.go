package server_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"nats-server/internal/testkit"
)

// The tests of this file repeat the promises for many receivers of one message,
// which a server may serve together: clients like to number their subscriptions
// alike, so that the bytes for many of them are the same.

// sizes are the lengths of payloads that a fan-out has to do with.
var sizes = []int{0, 0, 0, 200, 0, 3000, 0, 0, 20000, 0, 70000}

// padded is a payload "<who> <n>" of at least size bytes.
func padded(who string, n, size int) string { return fmt.Sprintf("%s %0*d", who, size, n) }

// mixture publishes n messages of all sizes to subjects hot.a and hot.b.
func mixture(p *peer, who string, n int) {
	var out strings.Builder
	for i := 1; i <= n; i++ {
		out.WriteString(pub([]string{"hot.a", "hot.b"}[i/3%2], padded(who, i, sizes[i%len(sizes)])))
		if i%15 == 0 || i == n {
			p.send(out.String())
			p.sync()
			out.Reset()
		}
	}
}

func TestFanOut(t *testing.T) {
	s := testkit.Start(t, nil)
	const publishers, each, receivers = 3, 500, 8
	published := make(chan struct{})
	var publishing, all sync.WaitGroup

	// Those who stay get everything, in the order of each publisher.
	var stay [receivers]*peer
	for i := range stay {
		stay[i] = join(t, s, quiet)
		stay[i].send("SUB hot.* 1\r\nSUB hot.a 2\r\nSUB > 3\r\n")
		if i%3 == 0 { // which must not be served together with the others
			stay[i].send("UNSUB 1 1000000\r\n")
		}
		stay[i].sync()
		all.Go(func() {
			order, count := rising{}, map[string]int{}
			stay[i].until("PONG", func(f frame) {
				order.next(stay[i], f)
				count[f.sid]++
			})
			half := 0
			for n := 1; n <= each; n++ {
				half += (n/3 + 1) % 2 // those to hot.a
			}
			for sid, want := range map[string]int{"1": publishers * each, "2": publishers * half, "3": publishers * each} {
				if count[sid] != want {
					t.Errorf("receiver %d got %d messages for sid %s, want %d", i, count[sid], sid, want)
				}
			}
		})
	}
	// One unsubscribes and comes back with the same sid.
	comes := join(t, s, quiet)
	all.Go(func() {
		order := rising{}
		for {
			select {
			case <-published:
				return
			default:
			}
			comes.send("SUB hot.a 1\r\n")
			comes.syncing(func(f frame) { order.next(comes, f) })
			comes.send("UNSUB 1\r\nPING\r\n")
			comes.until("PONG", func(f frame) { order.next(comes, f) })
			comes.send("SUB cold 1\r\n")
			comes.syncing(func(f frame) { comes.fail("message on %s for the sid that is used again", f.subject) })
			comes.send("UNSUB 1\r\n")
			comes.sync()
		}
	})
	// One after the other goes without a word.
	all.Go(func() {
		for {
			select {
			case <-published:
				return
			default:
			}
			p := join(t, s, quiet)
			p.send("SUB hot.* 1\r\n")
			p.sync()
			_ = p.nc.(*net.TCPConn).SetLinger(0)
			p.nc.Close()
		}
	})
	for who := range publishers {
		p := join(t, s, quiet)
		publishing.Go(func() { mixture(p, fmt.Sprint(who), each) })
	}
	publishing.Wait()
	close(published)
	for _, p := range stay {
		p.send("PING\r\n")
	}
	all.Wait()
	numSubs(t, s, 3*receivers)
	if n := s.NumPanics() + s.NumSlowConsumers(); n != 0 {
		t.Errorf("%d panics and slow consumers", n)
	}
}

// Receivers that differ in what they want of the same message each get it.
func TestFanOutWithAndWithoutHeaders(t *testing.T) {
	s := testkit.Start(t, nil)
	const headers = `{"verbose":false,"headers":true}`
	const noEcho = `{"verbose":false,"headers":true,"echo":false}`
	var with, without [6]*peer
	for i := range with {
		with[i], without[i] = join(t, s, headers), join(t, s, quiet)
	}
	publisher := join(t, s, noEcho)
	for _, p := range append(append([]*peer{publisher}, with[:]...), without[:]...) {
		p.send("SUB x 1\r\n")
		p.sync()
	}
	big := strings.Repeat("x", 5000)
	for _, payload := range []string{"", "hi", big} {
		for _, reply := range []string{"", "r "} {
			publisher.send(fmt.Sprintf("HPUB x %s12 %d\r\nNATS/1.0\r\n\r\n%s\r\nPUB x %s%d\r\n%s\r\n", reply, 12+len(payload), payload, reply, len(payload), payload))
			publisher.syncing(func(frame) { t.Error("the publisher hears itself") })
			check := func(p *peer, header int, text string) {
				t.Helper()
				if f := p.read(); f.header != header || string(f.payload) != text || f.reply != strings.TrimSpace(reply) || f.sid != "1" {
					t.Fatalf("got %s %s with %d bytes of header and reply %q: %s", f.verb, f.sid, f.header, f.reply, testkit.Quote(string(f.payload)))
				}
			}
			for _, p := range with {
				check(p, 12, "NATS/1.0\r\n\r\n"+payload)
				check(p, 0, payload)
			}
			for _, p := range without {
				check(p, 0, payload)
				check(p, 0, payload)
			}
		}
	}
}

// A few of many that do not read are cut off, or left out where nobody is to be
// cut off; the many get everything.
func TestFanOutWithStuckReceivers(t *testing.T) {
	f := func(name string, noStall bool) {
		t.Run(name, func(t *testing.T) {
			o := local
			o.MaxPending, o.NoFastProducerStall = 2<<20, noStall
			s := testkit.Start(t, &o)
			const stuckOnes, receivers, batch, batches = 2, 6, 20, 500
			for range stuckOnes {
				stuck(t, s, "SUB x 1\r\n")
			}
			var healthy [receivers]*peer
			for i := range healthy {
				healthy[i] = join(t, s, quiet)
				healthy[i].send("SUB x 1\r\n")
				healthy[i].sync()
			}
			publisher := join(t, s, quiet)
			load := kilo("x", batch)
			for n := range batches {
				publisher.send(load)
				publisher.sync()
				for i, p := range healthy {
					for range batch {
						if f := p.read(); len(f.payload) != kilobyte {
							t.Fatalf("batch %d, receiver %d: got %q", n, i, f.verb+": "+f.line)
						}
					}
				}
			}
			want := int64(stuckOnes)
			if noStall {
				want = 0
			}
			if n := s.NumSlowConsumers(); n != want {
				t.Errorf("%d slow consumers, want %d", n, want)
			}
			for _, p := range healthy {
				p.syncing(func(frame) { t.Error("got more than was published") })
			}
		})
	}
	f("cut off", false)
	f("left out", true)
}
