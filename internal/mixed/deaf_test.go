//go:build unix

package mixed_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
)

// deafPeer joins as another server would (spec: cluster-routes 21.3), wants everything,
// and from then on reads nothing.
func deafPeer(t *testing.T, n *node) {
	t.Helper()
	const id = "NDEAFAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	r := testkit.DialSilent(t, n.cluster)
	r.Greeting()
	r.Send(`CONNECT {"echo":true,"verbose":false,"pedantic":false,"tls_required":false,"headers":true,"name":"` + id +
		`","cluster":"mixed","lnoc":true}` + "\r\n" +
		`INFO {"server_id":"` + id + `","server_name":"deaf","version":"2.9.10","proto":2,"go":"go1.19.8","host":"127.0.0.1","port":1,` +
		`"headers":true,"max_payload":1048576,"cluster":"mixed","lnoc":true} ` + "\r\n")
	r.Send("RS+ $G >\r\nPING\r\n")
	for {
		line, err := r.TryLine()
		if err != nil {
			t.Fatalf("waiting for PONG: %v", err)
		}
		if line == "PONG\r\n" {
			return
		}
	}
}

const (
	batch     = 1000
	batchSize = 1 << 10
)

// batches publishes batch after batch, each when the one before has arrived at a
// subscriber of the same server, and returns what each took.
func batches(t *testing.T, pub, sub person, until func(n int) bool) (took []time.Duration) {
	t.Helper()
	subject, arrived := unique("local"), make(chan bool)
	count := 0
	s, err := sub.Subscribe(subject, func(*nats.Msg) {
		if count++; count%batch == 0 {
			arrived <- true
		}
	})
	if err == nil {
		err = s.SetPendingLimits(-1, -1)
	}
	if err != nil {
		t.Fatal(err)
	}
	sub.flush()
	data := make([]byte, batchSize)
	for !until(len(took)) {
		begin := time.Now()
		for range batch {
			if err := pub.Publish(subject, data); err != nil {
				t.Fatal(err)
			}
		}
		if err := pub.Flush(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-arrived:
		case <-time.After(patience):
			t.Fatalf("batch %d does not arrive", len(took))
		}
		took = append(took, time.Since(begin))
	}
	if err := s.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	return took
}

func median(all []time.Duration) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// TestDeafPeer has a server in the cluster that stops reading: those who publish and
// subscribe beside it go on as before, and it is cut off by the write deadline.
func TestDeafPeer(t *testing.T) {
	// One round of measuring says little on a machine that does other things, too.
	const tries = 5
	for _, p := range []program{ours(t), theirs(t)} {
		t.Run(p.name, func(t *testing.T) {
			for range tries {
				held := besideDeafPeer(t, p)
				if !p.isOurs() || *oursFlag != "" || !held {
					return // others hold their publishers up
				}
			}
			t.Errorf("in each of %d rounds a deaf server holds up the others", tries)
		})
	}
}

// besideDeafPeer is one round. It reports whether the deaf server has held up the others.
func besideDeafPeer(t *testing.T, p program) (held bool) {
	t.Helper()
	const deadline = 2 * time.Second
	n := newNode(t, "n0", fmt.Sprintf("write_deadline: %q\n", deadline))
	n.start(p)
	defer n.kill()
	pub, sub := connect(t, n), connect(t, n)
	before := batches(t, pub, sub, func(n int) bool { return n == 200 })
	deafPeer(t, n)
	begin := time.Now()
	cut := func() bool { return strings.Contains(n.log.String(), "Router connection closed") }
	var cutAfter time.Duration
	beside := batches(t, pub, sub, func(int) bool {
		if cut() || time.Since(begin) > patience {
			cutAfter = time.Since(begin)
		}
		return cutAfter > 0
	})
	report := fmt.Sprintf("1 MB to a local subscriber: %v before, %v beside a deaf server (the longest %v, %d batches); it is cut off after %v",
		median(before), median(beside), slices.Max(beside), len(beside), cutAfter)
	t.Log(report)
	if !cut() || cutAfter < deadline/2 {
		t.Fatalf("the deaf server is not cut off by its deadline: %s", report)
	}
	// Each batch is copied once more, and while the garbage collector looks through what
	// the deaf server does not take, everybody waits a little.
	return cutAfter > 3*deadline ||
		median(beside) > 3*median(before)+time.Millisecond || slices.Max(beside) > 20*median(before)+250*time.Millisecond
}
