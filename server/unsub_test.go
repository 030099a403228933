package server_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// Guarantee 3: no message for a sid follows the PONG after its UNSUB, however fast
// others publish, and the sid can be used again at once.
func TestGuarantee3NothingAfterUnsub(t *testing.T) {
	f := func(name, hot, cold string) {
		t.Run(name, func(t *testing.T) {
			s := testkit.Start(t, nil)
			flood := startFlood(t, s, 3, 0, "hot.a", "hot.b")
			p := join(t, s, quiet)
			for i := range 500 {
				p.send("SUB " + hot + " 7\r\n")
				for range 20 {
					if f := p.read(); f.payload == nil {
						t.Fatalf("got %q", f.verb+": "+f.line)
					}
				}
				p.send("UNSUB 7\r\nPING\r\n")
				p.until("PONG", nil)
				p.syncing(func(f frame) {
					t.Fatalf("round %d: message %q on %s after the PONG that followed UNSUB", i, f.payload, f.subject)
				})
				p.send("SUB " + cold + " 7\r\n" + pub("cold", "here") + "UNSUB 7\r\nPING\r\n")
				got := 0
				p.until("PONG", func(f frame) {
					if got++; f.subject != "cold" {
						t.Fatalf("round %d: message on %s for the sid that was used again", i, f.subject)
					}
				})
				if got != 1 {
					t.Fatalf("round %d: %d messages for the sid that was used again", i, got)
				}
			}
			flood.end()
			if n := s.NumSubscriptions(); n != 0 {
				t.Errorf("%d subscriptions are left", n)
			}
		})
	}
	f("literal", "hot.a", "cold")
	f("wildcard", "hot.>", "cold")
	f("queue", "hot.* q", "cold q")
	f("with limit", "hot.* 7\r\nUNSUB 7 1000000\r\nSUB x", "cold")
}

// The same in one go: what was published after the sid's second SUB, and nothing
// else, arrives behind the second PONG.
func TestSidIsUsedAgainInOneWrite(t *testing.T) {
	s := testkit.Start(t, nil)
	startFlood(t, s, 3, 0, "hot")
	p := join(t, s, quiet)
	p.send("SUB hot 7\r\n")
	for i := range 1000 {
		p.send("UNSUB 7\r\nPING\r\nSUB cold 7\r\nPUB cold 1\r\nx\r\nUNSUB 7\r\nSUB hot 7\r\n")
		p.until("PONG", func(f frame) {
			if f.subject != "hot" {
				t.Fatalf("round %d: message on %s before the PONG", i, f.subject)
			}
		})
		if f := p.read(); f.subject != "cold" {
			t.Fatalf("round %d: the first message after the PONG is %q on %q", i, f.payload, f.subject)
		}
	}
}

// group is a queue group whose members come and go while others publish.
type group struct {
	mu   sync.Mutex
	seen map[string]int // how often each payload arrived, at whichever member
}

func newGroup() *group { return &group{seen: map[string]int{}} }

func (g *group) take(f frame) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen[string(f.payload)]++
}

// complete checks that every message of a flood arrived exactly once.
func (g *group) complete(t *testing.T, publishers, each int) {
	t.Helper()
	lost, twice := 0, 0
	for who := range publishers {
		for n := 1; n <= each; n++ {
			switch g.seen[fmt.Sprintf("%d %d", who, n)] {
			case 0:
				lost++
			case 1:
			default:
				twice++
			}
		}
	}
	if lost+twice > 0 {
		t.Errorf("of %d messages %d were lost, %d came more than once", publishers*each, lost, twice)
	}
}

// leaving runs a flood against a group of which one member stays and others leave
// and come back in the way that comeAndGo does, which has to take everything that
// arrives for its member. It returns what the one that stays saw, in order.
func leaving(t *testing.T, comeAndGo func(p *peer, g *group, round int)) *group {
	t.Helper()
	s := testkit.Start(t, nil)
	const publishers, each = 3, 30000
	g := newGroup()
	stays := join(t, s, quiet)
	stays.send("SUB work.* q 1\r\n")
	stays.sync()
	members := []*peer{join(t, s, quiet), join(t, s, quiet)}

	flood := startFlood(t, s, publishers, each, "work.a", "work.b")
	published := make(chan struct{})
	go func() {
		flood.wait()
		close(published)
		stays.send("PING\r\n")
	}()
	var all sync.WaitGroup
	rounds := make([]int, len(members))
	for i, p := range members {
		all.Go(func() {
			for {
				select {
				case <-published:
					return
				default:
				}
				comeAndGo(p, g, rounds[i])
				rounds[i]++
			}
		})
	}
	all.Go(func() { stays.until("PONG", g.take) })
	all.Wait()
	for i, n := range rounds {
		if n < 20 {
			t.Errorf("member %d came and went only %d times", i, n)
		}
	}
	if !t.Failed() {
		g.complete(t, publishers, each)
	}
	if n := s.NumPanics(); n != 0 {
		t.Errorf("%d panics", n)
	}
	return g
}

// A member of a queue group that unsubscribes, and is told so by the PONG, costs
// the group no message: this is how clients drain.
func TestGroupMemberLeavesUnderLoad(t *testing.T) {
	leaving(t, func(p *peer, g *group, _ int) {
		p.send("SUB work.* q 1\r\nPING\r\n")
		p.until("PONG", g.take)
		for range 10 {
			p.syncing(g.take)
		}
		p.send("UNSUB 1\r\nPING\r\n")
		p.until("PONG", g.take)
		p.syncing(func(f frame) { p.fail("message %q after the PONG that followed UNSUB", f.payload) })
	})
}

// The same where members leave because they have had their fill.
func TestGroupMemberHasItsFillUnderLoad(t *testing.T) {
	leaving(t, func(p *peer, g *group, round int) {
		const most = 150
		fill := newFill(p, fmt.Sprint(round), most)
		p.send(fmt.Sprintf("SUB work.* q %d\r\nUNSUB %[1]d %d\r\nPING\r\n", round, most))
		fill.take(g.take)
		for range 20 {
			if p.syncing(fill.more(g.take)); fill.got >= most {
				break
			}
		}
		p.send(fmt.Sprintf("UNSUB %d\r\nPING\r\n", round))
		p.until("PONG", fill.more(g.take))
	})
}

// fill counts the messages for a subscription that ends by itself. Publishers may
// get any number through between the SUB and the UNSUB that sets the maximum, but
// after the PONG that follows it nothing comes beyond the maximum.
type fill struct {
	p         *peer
	sid       string
	most, got int
}

func newFill(p *peer, sid string, most int) *fill { return &fill{p: p, sid: sid, most: most} }

// take counts up to the PONG. It reports whether the maximum is still ahead.
func (f *fill) take(take func(frame)) (ahead bool) {
	f.p.until("PONG", func(m frame) {
		f.got++
		take(m)
	})
	return f.got < f.most
}

// more counts what comes after the PONG.
func (f *fill) more(take func(frame)) func(frame) {
	return func(m frame) {
		if f.got++; f.got > f.most {
			f.p.fail("message %d for sid %s, which ends with %d", f.got, f.sid, f.most)
		}
		take(m)
	}
}

// Guarantee 5 where messages have to look for another member: to each member they
// still come in the order published.
func TestGroupKeepsTheOrderWhenMembersLeave(t *testing.T) {
	s := testkit.Start(t, nil)
	stays, leaves := join(t, s, quiet), join(t, s, quiet)
	stays.send("SUB work q 1\r\n")
	stays.sync()
	const publishers, each = 2, 30000
	flood := startFlood(t, s, publishers, each, "work")
	published := make(chan struct{})
	go func() {
		flood.wait()
		close(published)
		stays.send("PING\r\n")
	}()
	var all sync.WaitGroup
	all.Go(func() {
		order := rising{}
		stays.until("PONG", func(f frame) { order.next(stays, f) })
	})
	all.Go(func() {
		for {
			select {
			case <-published:
				return
			default:
			}
			order := rising{}
			take := func(f frame) { order.next(leaves, f) }
			leaves.send("SUB work q 1\r\nPING\r\n")
			leaves.until("PONG", take)
			leaves.syncing(take)
			leaves.send("UNSUB 1\r\nPING\r\n")
			leaves.until("PONG", take)
		}
	})
	all.Wait()
}

// A message that looks for another member keeps its header, even if the one that
// left did not want headers.
func TestGroupKeepsHeadersWhenMembersLeave(t *testing.T) {
	s := testkit.Start(t, nil)
	const headers = `{"verbose":false,"headers":true}`
	stays, leaves := join(t, s, headers), join(t, s, quiet)
	stays.send("SUB work q 1\r\n")
	stays.sync()
	publisher := join(t, s, headers)
	published := make(chan struct{})
	go func() {
		defer close(published)
		batch := strings.Repeat("HPUB work 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", 40)
		for range 1500 {
			publisher.send(batch)
			publisher.sync()
		}
		stays.send("PING\r\n")
	}()
	var all sync.WaitGroup
	all.Go(func() {
		stays.until("PONG", func(f frame) {
			if f.header != 12 || len(f.payload) != 14 {
				stays.fail("got %s with %d bytes of header: %q", f.verb, f.header, f.payload)
			}
		})
	})
	all.Go(func() {
		for {
			select {
			case <-published:
				return
			default:
			}
			leaves.send("SUB work q 1\r\n")
			leaves.sync()
			leaves.send("UNSUB 1\r\n")
			leaves.sync()
		}
	})
	all.Wait()
}

// numSubs waits until the server has n subscriptions.
func numSubs(t *testing.T, s *server.Server, n uint32) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d subscriptions", n), func() bool { return s.NumSubscriptions() == n })
}
