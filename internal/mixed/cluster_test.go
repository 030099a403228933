//go:build unix

package mixed_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
)

// cluster is some nodes that are connected to each other.
type cluster []*node

// shape says who is in a cluster and who dials whom: "o r r" is one of ours, which the
// two references dial; "o = r" are two that dial each other.
type shape string

// shapes are both kinds of servers, each in each role: dialed by the other, dialing,
// told of the other by a third.
var shapes = []shape{
	"r r", "o o", "o r", "r o", "o = r",
	"o o r", "o r o", "r o o", "r r o", "r o r", "o r r", "o = r = o", "r = o = r",
}

// run starts the servers; the first is the seed.
func (s shape) run(t testing.TB, extra string) cluster {
	t.Helper()
	return s.runAs(t, extra)
}

// runAs is run where clients need these options.
func (s shape) runAs(t testing.TB, extra string, options ...nats.Option) cluster {
	t.Helper()
	kinds := strings.Fields(strings.ReplaceAll(string(s), "=", ""))
	programs := map[string]program{}
	for _, k := range kinds {
		if k == "o" {
			programs[k] = ours(t)
		} else {
			programs[k] = theirs(t)
		}
	}
	var c cluster
	for i, k := range kinds {
		n := newNode(t, fmt.Sprintf("n%d%s", i, k), extra)
		if i > 0 {
			n.routes = []string{c[0].cluster}
		}
		n.start(programs[k])
		c = append(c, n)
	}
	if strings.Contains(string(s), "=") {
		c.dialEachOther()
	}
	c.joined(options...)
	return c
}

// dialEachOther has all servers start anew, at once, with the addresses of all.
func (c cluster) dialEachOther() {
	for _, n := range c {
		n.t.Helper()
		n.kill()
		n.routes = nil
		for _, other := range c {
			n.routes = append(n.routes, other.cluster) // its own, too: that is to do no harm
		}
	}
	for _, n := range c {
		n.start(n.program)
	}
}

// joined waits until each server reaches each other one. Until then questions may get
// lost: of two connections between the same servers one is closed.
func (c cluster) joined(options ...nats.Option) {
	for _, from := range c {
		from.t.Helper()
		for _, to := range c {
			a, b := connect(from.t, from, options...), connect(to.t, to, options...)
			subject := unique("joined")
			b.serve(subject, "", func(*nats.Msg) *nats.Msg { return new(nats.Msg) })
			testkit.Eventually(from.t, patience, to.name+" answers "+from.name, func() bool {
				_, err := a.Request(subject, nil, 200*time.Millisecond)
				return err == nil
			})
			a.Close()
			b.Close()
		}
	}
}

// each runs f for each ordered pair of servers.
func (c cluster) each(t *testing.T, f func(t *testing.T, from, to *node)) {
	t.Helper()
	for _, from := range c {
		for _, to := range c {
			if from != to {
				t.Run(from.name+" to "+to.name, func(t *testing.T) { f(t, from, to) })
			}
		}
	}
}

// person is a client of one server.
type person struct {
	*nats.Conn
	t testing.TB
}

// connect returns a client of this server and no other. Errors fail the test, but for
// those of a connection that ends because its server does.
func connect(t testing.TB, n *node, options ...nats.Option) person {
	t.Helper()
	ending := n.ending
	options = append([]nats.Option{nats.NoReconnect(), nats.Timeout(patience), nats.ErrorHandler(
		func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if broken := new(net.OpError); !ending.Load() || !errors.As(err, &broken) {
				t.Errorf("a client of %s got %v", n.name, err)
			}
		})}, options...)
	nc, err := nats.Connect(n.url(), options...)
	if err != nil {
		t.Fatalf("%s: %v", n.name, err)
	}
	t.Cleanup(nc.Close)
	return person{nc, t}
}

// comesBack lets a client connect again, for as long as it takes.
func comesBack(o *nats.Options) error {
	o.AllowReconnect, o.MaxReconnect, o.ReconnectWait, o.ReconnectJitter = true, -1, 10*time.Millisecond, 0
	return nil
}

var counter atomic.Int64

// unique is a subject that nobody has used.
func unique(name string) string { return fmt.Sprintf("%s.%d", name, counter.Add(1)) }

// on subscribes; the server knows.
func (p person) on(subject, queue string) *nats.Subscription {
	p.t.Helper()
	sub, err := p.QueueSubscribeSync(subject, queue)
	if err != nil {
		p.t.Fatal(err)
	}
	p.flush()
	return sub
}

// serve answers with what f makes of the request; the server knows.
func (p person) serve(subject, queue string, f func(m *nats.Msg) *nats.Msg) *nats.Subscription {
	p.t.Helper()
	sub, err := p.QueueSubscribe(subject, queue, func(m *nats.Msg) {
		if err := m.RespondMsg(f(m)); err != nil && !p.IsClosed() { // by the test, which has had its answer
			p.t.Errorf("answering: %v", err)
		}
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.flush()
	return sub
}

func (p person) flush() {
	p.t.Helper()
	if err := p.FlushTimeout(patience); err != nil {
		p.t.Fatal(err)
	}
}

// knows waits until p's server knows everything that other has subscribed to, or has
// unsubscribed from. Changes go from server to server in order, so it is enough that
// one more has arrived: what p asks is answered by other.
func (p person) knows(other person) {
	p.t.Helper()
	subject := unique("known")
	sub := other.serve(subject, "", func(*nats.Msg) *nats.Msg { return new(nats.Msg) })
	p.answered(subject)
	if err := sub.Unsubscribe(); err != nil {
		p.t.Fatal(err)
	}
}

// answered asks until there is an answer.
func (p person) answered(subject string) {
	p.t.Helper()
	if !testkit.Within(patience, func() bool {
		_, err := p.Request(subject, nil, patience)
		if err != nil && !errors.Is(err, nats.ErrNoResponders) {
			p.t.Fatalf("asking on %s: %v", subject, err)
		}
		return err == nil
	}) {
		p.t.Fatalf("nobody answers on %s", subject)
	}
}

// unanswered asks until the server says that nobody is there.
func (p person) unanswered(subject string) {
	p.t.Helper()
	testkit.Eventually(p.t, patience, "no responders on "+subject, func() bool {
		_, err := p.Request(subject, nil, 100*time.Millisecond)
		return errors.Is(err, nats.ErrNoResponders)
	})
}

// send publishes numbers from 0 on.
func (p person) send(subject string, n int) {
	p.t.Helper()
	for i := range n {
		if err := p.Publish(subject, fmt.Append(nil, i)); err != nil {
			p.t.Fatal(err)
		}
	}
	p.flush()
}

// gets expects these numbers in order, and a subject.
func gets(t testing.TB, sub *nats.Subscription, subject string, n int) {
	t.Helper()
	for i := range n {
		m, err := sub.NextMsg(patience)
		if err != nil {
			t.Fatalf("message %d on %s: %v", i, sub.Subject, err)
		}
		if string(m.Data) != fmt.Sprint(i) || m.Subject != subject {
			t.Fatalf("on %s: got %q on %s, want %d on %s", sub.Subject, m.Data, m.Subject, i, subject)
		}
	}
}

// nothingMore expects nothing on the subscriptions of to, after everything that from
// has sent so far: one last message comes behind it.
func nothingMore(t testing.TB, from, to person, subs ...*nats.Subscription) {
	t.Helper()
	last := to.on(unique("last"), "")
	from.knows(to)
	if err := from.Publish(last.Subject, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := last.NextMsg(patience); err != nil {
		t.Fatal(err)
	}
	for _, s := range subs {
		if n, _, err := s.Pending(); n != 0 || err != nil && !errors.Is(err, nats.ErrBadSubscription) {
			t.Errorf("%d messages too many on %s, %v", n, s.Subject, err)
		}
	}
}
