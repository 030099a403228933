package interest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"nats-server/internal/interest"
)

func TestNoResultIsNotCurrent(t *testing.T) {
	var s interest.Stamp
	if s.Current() {
		t.Error("the zero stamp is current")
	}
}

// remembered is a match result that somebody keeps.
type remembered struct {
	subj  string
	subs  []*interest.Sub
	stamp interest.Stamp
}

func remember(t *interest.Table, subj string) remembered {
	subs, stamp := match(t, subj)
	return remembered{subj, subs, stamp}
}

func TestCurrentResultsAreRight(t *testing.T) {
	w := newWords(t)
	var table interest.Table
	var m model
	kept := make([]remembered, 4)
	current := 0
	for i := range 20_000 {
		if n := w.IntN(200); len(m) < n {
			s := newSub(w.filter(), w.group(), i)
			table.Insert(s)
			m = append(m, s)
		} else if len(m) > 0 {
			at := w.IntN(len(m))
			table.Remove(m[at])
			m = slices.Delete(m, at, at+1)
		}
		r := &kept[i%len(kept)]
		if r.stamp.Current() {
			current++
			if want := sids(m.match(r.subj)); sids(r.subs) != want {
				t.Fatalf("%q: a current result is %q, want %q", r.subj, sids(r.subs), want)
			}
		} else {
			*r = remember(&table, w.subject())
			if !r.stamp.Current() {
				t.Fatal("a fresh result is not current")
			}
		}
	}
	if current == 0 {
		t.Error("no result was ever current")
	}
}

func TestChangesOutdateTheirResults(t *testing.T) {
	f := func(filter, subj string) {
		t.Helper()
		var table interest.Table
		s, other := newSub(filter, "", 1), newSub(filter, "", 2)
		step := func(what string, change func(*interest.Sub), who *interest.Sub) {
			t.Helper()
			r := remember(&table, subj)
			if change(who); r.stamp.Current() {
				t.Errorf("%s: a result outlives %s", filter, what)
			}
		}
		step("the first subscription", table.Insert, s)
		step("the second", table.Insert, other)
		step("a change of one", table.Touch, s)
		step("the end of one", table.Remove, s)
		step("the end of the other", table.Remove, other)
	}
	f("a.b", "a.b")
	f("a.*", "a.b")
	f("a.>", "a.b")
	f("*.b", "a.b")
	f("*", "*")
	f(">", "a.b")
}

func TestChangesElsewhereOutdateFewResults(t *testing.T) {
	const results = 1000
	f := func(filter string, most int) {
		t.Helper()
		var table interest.Table
		var kept []remembered
		for i := range results {
			kept = append(kept, remember(&table, fmt.Sprintf("a%d.b", i)))
		}
		table.Insert(newSub(filter, "", 1))
		outdated := 0
		for i := range kept {
			if !kept[i].stamp.Current() {
				outdated++
			}
		}
		if outdated > most {
			t.Errorf("%s outdated %d of %d results", filter, outdated, results)
		}
	}
	f("x.y", results/10)
	f("x.*", results/3)
	f("x.>", results/3)
}

// Between two equal matches with a stamp that is still current afterwards nothing
// can have changed, whatever others do meanwhile.
func TestStampsUnderConcurrentChanges(t *testing.T) {
	const writers, readers, changes = 3, 2, 3000
	var table interest.Table
	var stop atomic.Bool
	var writing, reading sync.WaitGroup
	seed := rand.Uint64()
	for i := range writers {
		writing.Go(func() {
			w := words{rand.New(rand.NewPCG(seed, uint64(i)))}
			var mine model
			for n := range changes {
				if len(mine) < 20 && w.IntN(2) == 0 {
					s := newSub(w.filter(), w.group(), i*changes+n)
					table.Insert(s)
					mine = append(mine, s)
					if found, _ := match(&table, s.Filter()); !slices.Contains(found, s) {
						t.Errorf("%s is not found after Insert", s.Filter())
					}
				} else if len(mine) > 0 {
					s := mine[0]
					mine = mine[1:]
					table.Remove(s)
					if found, _ := match(&table, s.Filter()); slices.Contains(found, s) {
						t.Errorf("%s is found after Remove", s.Filter())
					}
				}
			}
			for _, s := range mine {
				table.Remove(s)
			}
		})
	}
	for i := range readers {
		reading.Go(func() {
			w := words{rand.New(rand.NewPCG(seed, uint64(writers+i)))}
			for !stop.Load() {
				subj := w.subject()
				first, stamp := match(&table, subj)
				second, _ := match(&table, subj)
				if stamp.Current() && sids(first) != sids(second) {
					t.Errorf("%q: %q and %q under one stamp", subj, sids(first), sids(second))
					return
				}
			}
		})
	}
	writing.Wait()
	stop.Store(true)
	reading.Wait()
	if n := table.Len(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
	if left, _ := match(&table, "a"); len(left) > 0 {
		t.Errorf("%q are left", sids(left))
	}
}
