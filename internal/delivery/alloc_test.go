package delivery_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"nats-server/internal/conn"
	"nats-server/internal/listen"
	"nats-server/internal/logs"
)

// loopback makes peers over TCP whose far ends read all the time.
type loopback struct {
	*world
	endpoints chan conn.Endpoint
	addr      string
}

func newLoopback(t testing.TB) *loopback {
	poller, err := conn.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(poller.Close)
	l, err := listen.Bind(context.Background(), "127.0.0.1:0", poller, new(logs.Log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	lo := &loopback{newWorld(t), make(chan conn.Endpoint, 1), l.Addr().String()}
	l.Serve(func(a listen.Accepted) { lo.endpoints <- a.Endpoint() })
	return lo
}

func (lo *loopback) peer() *peer {
	far, err := net.Dial("tcp", lo.addr)
	if err != nil {
		lo.t.Fatal(err)
	}
	go func() {
		defer far.Close()
		b := make([]byte, 256<<10)
		for {
			if _, err := far.Read(b); err != nil {
				return
			}
		}
	}()
	return lo.peerOver(<-lo.endpoints)
}

func (lo *loopback) several(n int) (peers []*peer) {
	for range n {
		peers = append(peers, lo.peer())
	}
	return peers
}

// drained waits until everything is written.
func drained(peers []*peer) {
	for _, p := range peers {
		for p.Out.Pending() > 0 {
			runtime.Gosched()
		}
	}
}

const header = "NATS/1.0\r\nA: b\r\n\r\n"

func headed(subject, body string) string {
	return fmt.Sprintf("HPUB %s %d %d\r\n%s%s\r\n", subject, len(header), len(header)+len(body), header, body)
}

func TestDeliveringDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	f := func(what string, receivers int, group string, sid func(int) string, read string) {
		t.Helper()
		lo := newLoopback(t)
		p, peers := lo.peer(), lo.several(receivers)
		for i, r := range peers {
			r.sub("foo.bar", group, sid(i))
		}
		b := []byte(read)
		run := func() {
			p.parser.Begin()
			for rest := b; len(rest) > 0; {
				_, n := p.parser.Next(rest)
				if !p.sender.Publish(&p.parser.Msg) {
					t.Fatal("not delivered")
				}
				rest = rest[n:]
			}
			p.settle()
			drained(peers)
		}
		for range 50 {
			run()
		}
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations for each read", what, n)
		}
	}
	own := func(i int) string { return fmt.Sprint(i) }
	same := func(int) string { return "1" }
	one, body := message("foo.bar", "0123456789abcdef"), strings.Repeat("x", 1000)
	f("PUB to 1", 1, "", own, one)
	f("HPUB to 1", 1, "", own, headed("foo.bar", "0123456789abcdef"))
	f("100 PUB to 1", 1, "", own, strings.Repeat(one, 100))
	f("PUB of 20 KB to 1", 1, "", own, message("foo.bar", strings.Repeat(body, 20)))
	f("PUB to 10", 10, "", own, one)
	f("PUB to 100", 100, "", own, one)
	f("HPUB to 100", 100, "", own, headed("foo.bar", body))
	f("20 PUB to 100", 100, "", own, strings.Repeat(one, 20))
	f("PUB to 100 with one sid", 100, "", same, one)
	f("HPUB to 100 with one sid", 100, "", same, headed("foo.bar", body))
	f("20 PUB to 100 with one sid", 100, "", same, strings.Repeat(message("foo.bar", body), 20))
	f("PUB to a group of 8", 8, "q", own, one)
	f("HPUB to a group of 8", 8, "q", own, headed("foo.bar", body))
	f("20 PUB to a group of 8", 8, "q", own, strings.Repeat(one, 20))
}

// Subjects that are used once, as those of replies are, have no lane.
func TestDeliveringToOneOffSubjectsDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	lo := newLoopback(t)
	p, peers := lo.peer(), lo.several(3)
	peers[0].sub("reply.*", "", "1")
	peers[1].sub("reply.>", "q", "2")
	peers[2].sub("reply.>", "q", "2")
	var reads [][]byte
	for i := range 400 {
		reads = append(reads, []byte(message(fmt.Sprintf("reply.%d", i), "0123456789abcdef")))
	}
	i := 0
	run := func() {
		p.parser.Begin()
		p.parser.Next(reads[i])
		p.sender.Publish(&p.parser.Msg)
		p.settle()
		drained(peers)
		i++
	}
	for range 100 {
		run()
	}
	if n := testing.AllocsPerRun(200, run); n != 0 {
		t.Errorf("%v allocations for each message", n)
	}
}

func BenchmarkDeliver(b *testing.B) {
	const msgs = 100 // in one read
	f := func(name string, receivers int, group string, sid func(int) string) {
		b.Run(name, func(b *testing.B) {
			lo := newLoopback(b)
			p, peers := lo.peer(), lo.several(receivers)
			for i, r := range peers {
				r.sub("foo.bar", group, sid(i))
			}
			read := []byte(strings.Repeat(message("foo.bar", strings.Repeat("x", 128)), msgs))
			b.ReportAllocs()
			for b.Loop() {
				p.parser.Begin()
				for rest := read; len(rest) > 0; {
					_, n := p.parser.Next(rest)
					p.sender.Publish(&p.parser.Msg)
					rest = rest[n:]
				}
				p.settle()
				drained(peers)
			}
			if group != "" {
				receivers = 1
			}
			per := float64(b.Elapsed().Nanoseconds()) / float64(b.N*msgs)
			b.ReportMetric(per, "ns/msg")
			b.ReportMetric(per/float64(receivers), "ns/delivery")
		})
	}
	own := func(i int) string { return fmt.Sprint(i) }
	same := func(int) string { return "1" }
	f("1 to 1", 1, "", own)
	f("1 to 10", 10, "", own)
	f("1 to 100", 100, "", own)
	f("1 to 100 with one sid", 100, "", same)
	f("1 to a group of 8", 8, "q", own)
}

// BenchmarkPlan is the cost of a message whose subject is used once.
func BenchmarkPlan(b *testing.B) {
	lo := newLoopback(b)
	p, r := lo.peer(), lo.peer()
	r.sub("reply.*", "", "1")
	var reads [][]byte
	for i := range 10_000 {
		reads = append(reads, []byte(message(fmt.Sprintf("reply.%d", i), "0123456789abcdef")))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.parser.Begin()
		p.parser.Next(reads[i%len(reads)])
		p.sender.Publish(&p.parser.Msg)
		if i%100 == 99 {
			p.settle()
			drained([]*peer{r})
		}
	}
}
