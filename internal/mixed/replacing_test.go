//go:build unix

package mixed_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
)

// TestNewerRestart ends each of two servers and starts it again: all connections come
// back, compressed as before, and the interest of clients that come back with them.
func TestNewerRestart(t *testing.T) {
	newer(t)
	t.Parallel()
	pairs(t, func(t *testing.T, dialed, dialing program) {
		d := newDuo(t, dialed, dialing, "accounts: [APP], compression: s2_auto", "accounts: [APP], compression: s2_better")
		complete := func() {
			t.Helper()
			d.have(pooled(3, 3, "APP"))
			d.compress(t, "s2_auto", "s2_better")
		}
		complete()
		for i, n := range d.cluster {
			for _, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGUSR2} {
				stays := d.cluster[1-i]
				var others, comers []person
				subject := unique("again")
				for _, account := range tenants {
					others = append(others, connect(t, stays, of(account)))
					comer := connect(t, n, of(account), comesBack, nats.IgnoreDiscoveredServers())
					comer.serve(subject, "group", func(m *nats.Msg) *nats.Msg { return &nats.Msg{Data: m.Data} })
					comers = append(comers, comer)
				}
				for _, other := range others {
					other.answered(subject)
				}
				n.end(how)
				for _, other := range others {
					other.unanswered(subject)
				}
				n.start(n.program)
				for _, other := range others {
					other.answered(subject)
				}
				complete()
				for _, p := range append(others, comers...) {
					p.Close()
				}
				for _, account := range tenants {
					d.joined(of(account))
				}
			}
		}
	})
}

// TestNewerGossip has three servers with pools, accounts with connections of their own and
// compression, of which two know of each other by the seed alone, and loses each of them.
func TestNewerGossip(t *testing.T) {
	newer(t)
	t.Parallel()
	for _, kinds := range []string{"r r r", "o o o", "r o r", "r r o", "r o o", "o r r", "o r o", "o o r"} {
		t.Run(kinds, func(t *testing.T) {
			t.Parallel()
			programs := map[byte]program{'o': ours(t), 'r': theirs(t)}
			var c cluster
			for i := range 3 {
				n := newNode(t, fmt.Sprintf("n%d%c", i, kinds[2*i]), observed())
				n.inCluster = []string{
					"accounts: [APP]", "accounts: [APP], compression: s2_auto", "accounts: [APP], compression: s2_best",
				}[i]
				if i > 0 {
					n.routes = []string{c[0].cluster}
				}
				n.start(programs[kinds[2*i]])
				c = append(c, n)
			}
			whole := func() {
				t.Helper()
				c.have(pooled(3, 3, "APP"))
				for _, account := range tenants {
					c.joined(of(account))
				}
			}
			whole()
			c[1].compresses(t, "s2_auto")
			for _, way := range [][2]int{{1, 2}, {2, 1}} {
				for _, account := range []string{"APP", "PLAIN"} {
					duo{c}.carrier(t, way[0], way[1], account)
				}
			}
			c.tellURLs(t)
			for _, n := range c {
				n.end(syscall.SIGKILL)
				rest := slices.DeleteFunc(slices.Clone(c), func(o *node) bool { return o == n })
				rest.have(pooled(3, 3, "APP"))
				rest.joined(of("PLAIN"))
				rest.tellURLs(t)
				n.start(n.program)
				whole()
			}
			c.tellURLs(t)
		})
	}
}

// tellURLs waits until clients of each server are told of all others, and nobody else.
func (c cluster) tellURLs(t *testing.T) {
	t.Helper()
	var want []string
	for _, n := range c {
		want = append(want, n.url())
	}
	slices.Sort(want)
	for _, n := range c {
		var got []string
		if !testkit.Within(patience, func() bool {
			nc := connect(t, n, of("PLAIN"))
			defer nc.Close()
			got = append(nc.DiscoveredServers(), n.url())
			slices.Sort(got)
			got = slices.Compact(got)
			return slices.Equal(got, want)
		}) {
			t.Fatalf("clients of %s (%s) are told %v, want %v", n.name, n.program.name, got, want)
		}
	}
}
