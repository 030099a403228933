package account_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"nats-server/internal/account"
	"nats-server/internal/interest"
)

func TestAccountsAreSubjectSpaces(t *testing.T) {
	a, b := account.New("A"), account.New("B")
	match := func(a *account.Account) ([]*interest.Sub, interest.Stamp) {
		return a.Match(interest.Hash([]byte("foo.bar")), []byte("foo.bar"), nil)
	}
	to := new(interest.Subscriber)
	literal := interest.NewSub(to, []byte("foo.bar"), nil, []byte("1"))
	wild := interest.NewSub(to, []byte("foo.*"), []byte("q"), []byte("2"))
	a.Subscribe(literal)
	a.Subscribe(wild)

	if got, _ := match(a); len(got) != 2 || a.NumSubscriptions() != 2 {
		t.Errorf("%d of %d match", len(got), a.NumSubscriptions())
	}
	if got, _ := match(b); len(got) != 0 || b.NumSubscriptions() != 0 {
		t.Errorf("%s has %d matches", b.Name, len(got))
	}
	for _, s := range []*interest.Sub{literal, wild} {
		_, stamp := match(a)
		_, other := match(b)
		if a.Changed(s); stamp.Current() || !other.Current() {
			t.Errorf("%s: after a change %v in its account, %v in the other", s.Filter(), stamp.Current(), other.Current())
		}
		_, stamp = match(a)
		if a.Unsubscribe(s); stamp.Current() {
			t.Errorf("%s: a result outlives it", s.Filter())
		}
	}
	if got, _ := match(a); len(got) != 0 || a.NumSubscriptions() != 0 {
		t.Errorf("%d are left", a.NumSubscriptions())
	}
	if a.Name != "A" || account.Global != "$G" {
		t.Errorf("%s %s", a.Name, account.Global)
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	a := account.New("A")
	var all sync.WaitGroup
	var joined atomic.Int32
	for range 20 {
		all.Go(func() {
			if a.Join(7) {
				joined.Add(1)
			}
		})
	}
	all.Wait()
	if joined.Load() != 7 || a.NumConnections() != 7 || a.Join(0) || a.Join(7) {
		t.Errorf("%d have joined, %d are there", joined.Load(), a.NumConnections())
	}
	a.Leave()
	if !a.Join(7) || a.Join(7) || !a.Join(8) {
		t.Errorf("%d are there", a.NumConnections())
	}
}

// Whoever waits for choices waits for those that were begun before, by anybody.
func TestChoicesAreAwaited(t *testing.T) {
	a := account.New("A")
	a.AwaitChoices() // there are none
	for range 300 {
		var handedOver atomic.Int32
		var wg sync.WaitGroup
		const choosers = 3
		for range choosers {
			a.BeginChoice()
		}
		wg.Go(func() {
			a.AwaitChoices()
			if n := handedOver.Load(); n != choosers {
				t.Errorf("did not wait for %d choices", choosers-n)
			}
		})
		for range choosers {
			wg.Go(func() {
				runtime.Gosched()
				handedOver.Add(1)
				a.EndChoice()
			})
		}
		wg.Wait()
	}
	a.BeginChoice()
	a.EndChoice()
	a.AwaitChoices()
}
