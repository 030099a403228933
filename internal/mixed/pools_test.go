//go:build unix

package mixed_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	"nats-server/internal/testkit"
)

// TestNewerPools has pools of routes of all sizes, with the same and with other sizes at
// the other end. Between references of different sizes a question may overtake the interest
// in its answer, so that there is nothing to be tested.
func TestNewerPools(t *testing.T) {
	newer(t)
	t.Parallel()
	for _, sizes := range [][2]int{{3, 3}, {1, 1}, {5, 5}, {1, 3}, {3, 1}, {3, 5}, {5, 3}, {1, 5}, {-1, 3}, {3, -1}, {-1, -1}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			pairs(t, func(t *testing.T, dialed, dialing program) {
				if sizes[0] != sizes[1] && min(sizes[0], sizes[1]) > 0 && !dialed.isOurs() && !dialing.isOurs() {
					t.Skip("answers are lost")
				}
				d := newDuo(t, dialed, dialing, fmt.Sprint("pool_size: ", sizes[0]), fmt.Sprint("pool_size: ", sizes[1]))
				want := pooled(sizes[0], sizes[1])
				d.have(want)
				d.tenantsMeet(tenants...)
				for _, account := range tenants {
					d.crossings(t, account)
				}
				size := deciding(d.cluster, sizes)
				d.spread(t, 0, 1, size)
				d.spread(t, 1, 0, size)
				d.have(want)
			})
		})
	}
}

// deciding is the size of a pool by which accounts are spread: that of a reference, or else
// the larger one.
func deciding(c cluster, sizes [2]int) int {
	for i, n := range c {
		if !n.program.isOurs() && min(sizes[0], sizes[1]) > 0 {
			return sizes[i]
		}
	}
	return pooled(sizes[0], sizes[1]).Pool
}

// pooled is what two servers with pools of those sizes, -1 being none, have to each other.
func pooled(a, b int, pinned ...string) connections {
	if min(a, b) < 0 {
		return connections{Pool: 1}
	}
	return connections{Pool: max(a, b), Pinned: strings.Join(append([]string{"$SYS"}, pinned...), " ")}
}

// index is that of an account in a pool (spec: cluster-routes 10.1).
func index(account string, size int) uint32 {
	if size <= 1 {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(account))
	return h.Sum32() % uint32(size)
}

// spread expects that what is published on one server goes to the other over one
// connection for each account, the one that a pool of that size has for it.
func (d duo) spread(t *testing.T, from, to, size int) {
	t.Helper()
	taken := map[string]uint64{}
	for _, account := range tenants {
		taken[account] = d.carrier(t, from, to, account)
	}
	for _, a := range tenants {
		for _, b := range tenants {
			if same := index(a, size) == index(b, size); same != (taken[a] == taken[b]) {
				t.Errorf("%s takes connection %d and %s takes %d: in a pool of %d they have %d and %d",
					a, taken[a], b, taken[b], size, index(a, size), index(b, size))
			}
		}
	}
}

// carrier is the connection over which messages of an account go, as both servers count.
func (d duo) carrier(t *testing.T, from, to int, account string) (rid uint64) {
	t.Helper()
	const n = 500
	a, b := connect(t, d.cluster[from], of(account)), connect(t, d.cluster[to], of(account))
	defer a.Close()
	defer b.Close()
	subject := unique("spread")
	sub := b.on(subject, "")
	a.knows(b)
	before := counts(d.cluster[from], func(r routez) int { return r.OutMsgs })
	in := counts(d.cluster[to], func(r routez) int { return r.InMsgs })
	data := bytes.Repeat([]byte("compressible "), 20)
	for range n {
		if err := a.Publish(subject, data); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		if m, err := sub.NextMsg(patience); err != nil || !bytes.Equal(m.Data, data) {
			t.Fatalf("in %s: %v", account, err)
		}
	}
	one := func(who *node, before map[uint64]int, f func(routez) int) (rid uint64) {
		t.Helper()
		if !testkit.Within(patience, func() bool {
			var takers []uint64
			for id, count := range counts(who, f) {
				if count-before[id] >= n {
					takers = append(takers, id)
				}
			}
			if len(takers) == 1 {
				rid = takers[0]
			}
			return len(takers) == 1
		}) {
			t.Fatalf("messages of %s do not take one connection of %s: before %v, after %v", account, who.name, before, counts(who, f))
		}
		return rid
	}
	one(d.cluster[to], in, func(r routez) int { return r.InMsgs })
	return one(d.cluster[from], before, func(r routez) int { return r.OutMsgs })
}

func counts(n *node, f func(routez) int) map[uint64]int {
	all := map[uint64]int{}
	for _, r := range n.routez() {
		all[r.RID] = f(r)
	}
	return all
}

// TestNewerPoolsOfThree has three servers with pools of different sizes, one of which has
// none. Two know of each other by the third alone.
func TestNewerPoolsOfThree(t *testing.T) {
	newer(t)
	t.Parallel()
	sizes := []int{3, 5, -1}
	for _, kinds := range []string{"o o o", "o r r", "r o r", "o r o", "o o r", "r o o"} {
		for seed := range sizes {
			t.Run(fmt.Sprint(kinds, " ", seed), func(t *testing.T) {
				t.Parallel()
				programs := map[byte]program{'o': ours(t), 'r': theirs(t)}
				c := make(cluster, len(sizes))
				for _, i := range []int{seed, (seed + 1) % 3, (seed + 2) % 3} {
					n := newNode(t, fmt.Sprintf("n%d%c", i, kinds[2*i]), observed())
					n.inCluster = fmt.Sprint("pool_size: ", sizes[i])
					if i != seed {
						n.routes = []string{c[seed].cluster}
					}
					n.start(programs[kinds[2*i]])
					c[i] = n
				}
				for i, from := range c {
					for j, to := range c {
						if i != j {
							from.has(pooled(sizes[i], sizes[j]), to)
						}
					}
				}
				c.tenantsMeet("APP", "PLAIN")
				c.each(t, func(t *testing.T, from, to *node) {
					for _, account := range tenants {
						a, b := connect(t, from, of(account)), connect(t, to, of(account))
						plain(t, a, b)
						queueGroups(t, a, b)
						oldRequests(t, a, b)
					}
				})
			})
		}
	}
}
