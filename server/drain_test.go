package server_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// drainLoad publishes to "work" through conns until stop is closed, and returns
// how many messages were sent once all of them are queued.
func drainLoad(t *testing.T, s *server.Server, stop <-chan struct{}) (sent func() int) {
	t.Helper()
	var all sync.WaitGroup
	var n atomic.Int64
	for range 2 {
		nc := dial(t, s)
		all.Go(func() {
			for {
				select {
				case <-stop:
					if err := nc.FlushTimeout(patience); err != nil {
						t.Error(err)
					}
					return
				default:
				}
				for range 50 {
					if err := nc.Publish("work", []byte(strconv.FormatInt(n.Add(1), 10))); err != nil {
						t.Error(err)
						return
					}
				}
				if err := nc.FlushTimeout(patience); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return func() int {
		all.Wait()
		return int(n.Load())
	}
}

// tally counts messages by payload.
type tally struct {
	mu    sync.Mutex
	seen  map[string]int
	total int
}

func (c *tally) take(m *nats.Msg) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[string(m.Data)]++
	c.total++
}

func (c *tally) counts() (total, different int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total, len(c.seen)
}

// Members of a queue group come, take some messages and drain, all the time; every
// message is handled exactly once. Nothing reaches a subscription after its drain.
func drained(t *testing.T, drain func(*testing.T, *nats.Conn, *nats.Subscription)) {
	s := testkit.Start(t, nil)
	got := &tally{seen: map[string]int{}}
	stays := dial(t, s)
	sub, err := stays.QueueSubscribe("work", "q", got.take)
	noErr(t, err)
	noErr(t, sub.SetPendingLimits(-1, -1))
	flush(t, stays)
	stop := make(chan struct{})
	sent := drainLoad(t, s, stop)

	for range 30 {
		closed := make(chan struct{})
		var over atomic.Bool
		nc := dial(t, s, nats.DrainTimeout(patience), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
		taken := make(chan struct{}, 1)
		member, err := nc.QueueSubscribe("work", "q", func(m *nats.Msg) {
			if over.Load() {
				t.Errorf("message %q after the drain", m.Data)
			}
			got.take(m)
			select {
			case taken <- struct{}{}:
			default:
			}
		})
		noErr(t, err)
		noErr(t, member.SetPendingLimits(-1, -1))
		flush(t, nc)
		receive(t, "the member has a message", taken)
		drain(t, nc, member)
		over.Store(true)
		flush(t, stays)
		nc.Close()
		receive(t, "closed", closed)
	}
	close(stop)
	want := sent()
	eventually(t, "all messages are handled", func() bool {
		total, _ := got.counts()
		return total >= want
	})
	flush(t, stays)
	if total, different := got.counts(); total != want || different != want {
		t.Errorf("%d messages were sent, %d handled, of which %d different", want, total, different)
	}
	eventually(t, "the members are gone", func() bool { return s.NumClients() == 3 })
	numSubs(t, s, 1)
}

func TestDrainSubscriptionUnderLoad(t *testing.T) {
	drained(t, func(t *testing.T, _ *nats.Conn, sub *nats.Subscription) {
		noErr(t, sub.Drain())
		eventually(t, "drained", func() bool { return !sub.IsDraining() && !sub.IsValid() })
	})
}

func TestDrainConnectionUnderLoad(t *testing.T) {
	drained(t, func(t *testing.T, nc *nats.Conn, _ *nats.Subscription) {
		noErr(t, nc.Drain())
		eventually(t, "drained", nc.IsClosed)
	})
}
