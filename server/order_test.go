package server_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"nats-server/internal/testkit"
)

// The tests of this file and the next are named after the guarantees of spec:
// client-protocol 22.

// Guarantee 1: commands take effect in order, and what the server writes is one
// FIFO in the order caused, with others publishing to the same connection.
func TestGuarantee1OneFIFO(t *testing.T) {
	s := testkit.Start(t, nil)
	p := join(t, s, "")
	p.send("CONNECT {\"verbose\":true}\r\nSUB noise.* noise\r\n")
	p.until("+OK", nil)
	p.until("+OK", nil)
	startFlood(t, s, 2, 0, "noise.a", "noise.b")

	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		var sent strings.Builder
		var want []string
		subscribed := false
		say := func(command string, answers ...string) {
			sent.WriteString(command)
			want = append(want, answers...)
		}
		for i := range 50 {
			switch rnd.IntN(6) {
			case 0:
				say("PING\r\n", "PONG")
			case 1:
				say("SUB a..b 9\r\n", "-ERR 'Invalid Subject'")
			case 2:
				say("SUB mine 1\r\n", "+OK")
				subscribed = true
			case 3:
				say("UNSUB 1\r\n", "+OK")
				subscribed = false
			case 4:
				say(pub("$NRG.x", "x"), `-ERR 'Permissions Violation for Publish to "$NRG.x"'`)
			default:
				payload := fmt.Sprintf("r %d", 100*round+i)
				say(pub("mine", payload), "+OK")
				if subscribed {
					want = append(want, "mine "+payload)
				}
			}
		}
		say("UNSUB 1\r\n", "+OK")
		p.send(sent.String())
		for i := 0; i < len(want); {
			f := p.read()
			got := f.line
			if f.payload != nil {
				if f.sid == "noise" {
					continue
				}
				got = f.subject + " " + string(f.payload)
			}
			if got != want[i] {
				t.Fatalf("round %d, answer %d is %q, want %q; before it %q", round, i, got, want[i], want[max(0, i-5):i])
			}
			i++
		}
	}
}

// Guarantee 2: after the PONG that follows a SUB, every message whose processing
// begins later arrives, although publishers have cached who gets their messages.
func TestGuarantee2SubIsInForceAtThePong(t *testing.T) {
	f := func(name, filter, queue string) {
		t.Run(name, func(t *testing.T) {
			s := testkit.Start(t, nil)
			const publishers = 3
			flood := startFlood(t, s, publishers, 0, "hot.a")
			p := join(t, s, quiet)
			for i := range 500 {
				sid := fmt.Sprint(i)
				p.send("SUB " + filter + " " + queue + " " + sid + "\r\nPING\r\n")
				first := map[string]int{}
				note := func(f frame) {
					if f.payload == nil {
						p.fail("got %q", f.verb+": "+f.line)
					}
					if who, n := number(f.payload); first[who] == 0 {
						first[who] = n
					}
				}
				p.until("PONG", note)
				var begun [publishers]int
				for who := range publishers {
					begun[who] = int(flood.begun[who].Load())
				}
				for len(first) < publishers {
					note(p.read())
				}
				for who, n := range begun {
					if got := first[fmt.Sprint(who)]; got > n+1 {
						t.Fatalf("publisher %d had begun %d messages at the PONG, and the first to arrive is %d", who, n, got)
					}
				}
				p.send("UNSUB " + sid + "\r\nPING\r\n")
				p.until("PONG", nil)
			}
		})
	}
	f("literal", "hot.a", "")
	f("wildcard", "hot.*", "")
	f("anything", ">", "")
	f("queue", "hot.a", "q")
}

// Guarantee 4: at the PONG that follows publishes, all of them are queued for the
// subscribers, so they come before the answer to anything these send from then on.
func TestGuarantee4PublishedAtThePong(t *testing.T) {
	s := testkit.Start(t, nil)
	var subs [3]*peer
	for i := range subs {
		subs[i] = join(t, s, quiet)
		subs[i].send("SUB mine 1\r\nSUB other 2\r\n")
		subs[i].sync()
	}
	startFlood(t, s, 1, 0, "other")
	p := join(t, s, quiet)
	for round := range 400 {
		const batch = 25
		p.send(strings.Repeat(pub("mine", fmt.Sprintf("p %d", round)), batch))
		p.sync()
		for _, sub := range subs {
			got := 0
			sub.syncing(func(f frame) {
				if f.sid == "1" {
					got++
				}
			})
			if got != batch {
				t.Fatalf("round %d: %d of %d messages came before the PONG", round, got, batch)
			}
		}
	}
}

// Guarantee 5: from one connection to another messages arrive in the order
// published, whatever their subjects and the subscriptions they are for. The
// interest changes all the while, so that publishers work it out again and again.
func TestGuarantee5OrderBetweenTwoConnections(t *testing.T) {
	s := testkit.Start(t, nil)
	const publishers, each = 3, 20000
	subjects := []string{"a", "b.c", "b.d", "e"}

	var subs [2]*peer
	for i := range subs {
		subs[i] = join(t, s, quiet)
		subs[i].send("SUB a 1\r\nSUB b.* 2\r\nSUB > 3\r\nSUB b.c q 4\r\nSUB e q 5\r\nSUB e 6\r\nUNSUB 6 1000000\r\n")
		subs[i].sync()
	}
	churn := join(t, s, quiet)
	flood := startFlood(t, s, publishers, each, subjects...)
	published := make(chan struct{})
	go func() {
		flood.wait()
		close(published)
	}()
	var all sync.WaitGroup
	all.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-published:
				for _, sub := range subs {
					sub.send("PING\r\n")
				}
				return
			default:
			}
			churn.send(fmt.Sprintf("SUB %s %d\r\nPING\r\n", []string{"a", "b.*", "e", ">"}[i%4], i))
			churn.until("PONG", nil)
			churn.send(fmt.Sprintf("UNSUB %d\r\nPING\r\n", i))
			churn.until("PONG", nil)
		}
	})
	var mu sync.Mutex
	queued := 0
	for _, sub := range subs {
		all.Go(func() {
			order, count := rising{}, map[string]int{}
			sub.until("PONG", func(f frame) {
				order.next(sub, f)
				count[f.sid]++
			})
			// Plain subscriptions get everything; the two groups are counted below.
			for sid, share := range map[string]int{"1": 1, "2": 2, "3": 4, "6": 1} {
				if want := publishers * each * share / len(subjects); count[sid] != want {
					t.Errorf("sid %s got %d messages, want %d", sid, count[sid], want)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			queued += count["4"] + count["5"]
		})
	}
	all.Wait()
	if want := publishers * each * 2 / len(subjects); !t.Failed() && queued != want {
		t.Errorf("the queue groups got %d messages, want %d", queued, want)
	}
}
