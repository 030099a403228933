//go:build unix

package mixed_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"nats-server/internal/testkit"
)

// TestLeavingMember publishes to a group while a member on another server comes and
// goes. A message that is on its way to it when it leaves goes to the one that stays, on
// a third server (spec: cluster-routes 15.3): all arrive, once.
func TestLeavingMember(t *testing.T) {
	t.Parallel()
	// The publisher, the member that comes and goes, the one that stays.
	for _, s := range []shape{"r r r", "o o o", "o r o", "r o r", "o o r", "r r o"} {
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			c := s.run(t, "")
			const messages = 20_000
			publisher, stays := connect(t, c[0]), connect(t, c[2])
			subject := unique("leaving")
			rest := stays.on(subject, "group")
			if err := rest.SetPendingLimits(-1, -1); err != nil {
				t.Fatal(err)
			}
			publisher.knows(stays)
			connect(t, c[1]).knows(stays)
			var comesAndGoes coming
			var done sync.WaitGroup
			stop := make(chan struct{})
			done.Go(func() { comesAndGoes.run(testkit.Dial(t, c[1].client), subject, stop) })
			for i := range messages {
				if err := publisher.Publish(subject, fmt.Append(nil, i)); err != nil {
					t.Fatal(err)
				}
				if i%50 == 0 {
					publisher.flush()
				}
			}
			publisher.flush()
			close(stop)
			done.Wait()
			seen := comesAndGoes.seen
			nothingMore(t, publisher, stays)
			publisher.knows(connect(t, c[1]))
			connect(t, c[1]).knows(stays)
			nothingMore(t, connect(t, c[1]), stays) // what was sent on came from there
			pending, _, _ := rest.Pending()
			for range pending {
				m, err := rest.NextMsg(patience)
				if err != nil {
					t.Fatal(err)
				}
				seen = append(seen, string(m.Data))
			}
			times := map[string]int{}
			for _, number := range seen {
				times[number]++
			}
			lost, more := 0, 0
			for i := range messages {
				switch n := times[strconv.Itoa(i)]; {
				case n == 0:
					lost++
				case n > 1:
					more++
				}
			}
			t.Logf("the member came %d times and got %d messages, the other %d", comesAndGoes.times, len(comesAndGoes.seen), pending)
			if lost > 0 || more > 0 {
				t.Errorf("of %d messages %d are lost and %d came more than once", messages, lost, more)
			}
			if comesAndGoes.times < 20 || len(comesAndGoes.seen) < 20 || pending < 20 {
				t.Errorf("nothing was tested: the member came %d times and got %d messages, the other %d", comesAndGoes.times, len(comesAndGoes.seen), pending)
			}
		})
	}
}

// coming is a member that comes and goes.
type coming struct {
	times int
	seen  []string // messages
}

// run subscribes and unsubscribes. After the answer to a PING nothing more comes for
// what has been unsubscribed, so that no message is missed.
func (c *coming) run(r *testkit.Raw, subject string, stop <-chan struct{}) {
	r.Connect(`{"verbose":false}`)
	for {
		select {
		case <-stop:
			return
		default:
		}
		c.times++
		r.Send(fmt.Sprintf("SUB %s group %d\r\nPING\r\n", subject, c.times))
		c.read(r)
		r.Send("PING\r\n")
		c.read(r)
		r.Send(fmt.Sprintf("UNSUB %d\r\nPING\r\n", c.times))
		c.read(r)
	}
}

// read takes messages up to PONG.
func (c *coming) read(r *testkit.Raw) {
	lines := strings.Split(r.ReadUntil("PONG"), "\r\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "MSG ") {
			c.seen = append(c.seen, lines[i+1])
		}
	}
}
