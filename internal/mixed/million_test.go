//go:build unix

package mixed_test

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
)

var million = flag.Int("million", 100_000, "how many subscriptions TestMillion announces to a server that joins")

// TestMillion has a server join a cluster with very many subscriptions. It knows them
// all within five seconds of its start.
func TestMillion(t *testing.T) {
	const limit = 5 * time.Second
	for _, p := range []program{ours(t), theirs(t)} {
		t.Run(p.name, func(t *testing.T) {
			seed := newNode(t, "n0", "")
			seed.start(p)
			holder := subscribeMany(t, seed, *million)
			near := connect(t, seed)
			joining := newNode(t, "n1", "", seed.cluster)
			begin := time.Now()
			joining.start(p)
			far := connect(t, joining)
			// When the seed knows an interest of the newcomer, it has queued all of its
			// own. What it says after that arrives after all of them.
			hello := unique("hello")
			far.serve(hello, "", func(*nats.Msg) *nats.Msg { return new(nats.Msg) })
			near.answered(hello)
			near.serve("last", "", func(*nats.Msg) *nats.Msg { return new(nats.Msg) })
			far.answered("last")
			took := time.Since(begin)
			t.Logf("%d subscriptions are known %v after the start of the process", *million, took)
			if took > limit && p.isOurs() {
				t.Errorf("%d subscriptions are known only after %v, which is more than %v", *million, took, limit)
			}
			for range 1000 {
				subject := many(rand.IntN(*million))
				if err := far.Publish(subject, nil); err != nil {
					t.Fatal(err)
				}
				got := ""
				for got == "" || got == "PING\r\n" {
					var err error
					if got, err = holder.TryLine(); err != nil {
						t.Fatal(err)
					}
				}
				if !strings.HasPrefix(got, "MSG "+subject+" ") {
					t.Fatalf("got %q, want a message on %s", got, subject)
				}
				holder.ExpectLine("")
			}
		})
	}
}

func many(i int) string { return fmt.Sprintf("many.%d.%d", i%1000, i) }

// subscribeMany returns a client with n subscriptions; the server knows them.
func subscribeMany(t *testing.T, n *node, count int) *testkit.Raw {
	t.Helper()
	r := testkit.Dial(t, n.client)
	r.SetTimeout(3 * patience)
	r.Connect(`{"verbose":false}`)
	out := bufio.NewWriterSize(r.Conn, 64<<10)
	for i := range count {
		fmt.Fprintf(out, "SUB %s %d\r\n", many(i), i+1)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	r.Sync()
	return r
}
