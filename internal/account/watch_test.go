package account_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"nats-server/internal/account"
	"nats-server/internal/interest"
)

type interestKey struct{ account, filter, group string }

// ledger is what another server knows: the last that it was told.
type ledger struct {
	mu    sync.Mutex
	known map[interestKey]int
}

func (l *ledger) tell(account, filter, group string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[interestKey{account, filter, group}] = n; n == 0 {
		delete(l.known, interestKey{account, filter, group})
	}
}

// mesh tells several ledgers, of which some join late.
type mesh struct {
	peers   atomic.Pointer[[]*ledger]
	settled atomic.Int32
}

func (m *mesh) LocalInterest(a *account.Account, filter, group string, n int) {
	for _, l := range *m.peers.Load() {
		l.tell(a.Name, filter, group, n)
	}
}

func (m *mesh) Settle() { m.settled.Add(1) }

// A server that joins while interest changes knows in the end what there is: each
// change is in the copy that it gets, or follows it (spec: cluster-routes 13.5).
func TestInterestOfALateServer(t *testing.T) {
	r := account.NewRegistry()
	r.Set([]string{"A"})
	m := new(mesh)
	m.peers.Store(new([]*ledger))
	r.Watch(m)
	r.Set([]string{"A", "B"})
	names := []string{"$G", "A", "B"}
	to := new(interest.Subscriber)

	var all sync.WaitGroup
	counts := make([]map[interestKey]int, 4)
	for i := range counts {
		counts[i] = make(map[interestKey]int)
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 1))
			var mine []*interest.Sub
			var where []string
			for range 20_000 {
				if n := len(mine); n > 30 || n > 0 && rnd.IntN(2) == 0 {
					j := rnd.IntN(n)
					r.Lookup(where[j]).Unsubscribe(mine[j])
					counts[i][interestKey{where[j], mine[j].Filter(), mine[j].Group()}]--
					mine[j], where[j] = mine[n-1], where[n-1]
					mine, where = mine[:n-1], where[:n-1]
					continue
				}
				name := names[rnd.IntN(len(names))]
				filter, group := fmt.Sprint([]string{"a.", "*.", "b.c."}[rnd.IntN(3)], rnd.IntN(5)), []string{"", "q", "w"}[rnd.IntN(3)]
				s := interest.NewSub(to, []byte(filter), []byte(group), nil)
				r.Lookup(name).Subscribe(s)
				counts[i][interestKey{name, filter, group}]++
				mine, where = append(mine, s), append(where, name)
			}
		})
	}
	for range 10 {
		all.Go(func() {
			l := &ledger{known: make(map[interestKey]int)}
			for {
				old := m.peers.Load()
				joined := append((*old)[:len(*old):len(*old)], l)
				if m.peers.CompareAndSwap(old, &joined) {
					break
				}
			}
			for _, a := range r.All() {
				a.EachLocal(func(filter, group string, n int) { l.tell(a.Name, filter, group, n) }, func() {})
			}
		})
	}
	all.Wait()
	want := make(map[interestKey]int)
	for _, c := range counts {
		for k, n := range c {
			if want[k] += n; want[k] == 0 {
				delete(want, k)
			}
		}
	}
	for k := range want {
		if k.group == "" {
			want[k] = 1
		}
	}
	for i, l := range *m.peers.Load() {
		if !maps.Equal(l.known, want) {
			t.Errorf("server %d knows %d of %d", i, len(l.known), len(want))
		}
	}
	r.Global().Announce()
	if account.New("alone").Announce(); m.settled.Load() != 1 {
		t.Errorf("settled %d times", m.settled.Load())
	}
}
