package interest_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"nats-server/internal/interest"
)

// What a watcher is told, and finds, is what a simple count says.
func TestToldOfLocalInterest(t *testing.T) {
	type key struct{ filter, group string }
	r := rand.New(rand.NewPCG(7, 7))
	away := &interest.Subscriber{Link: new(interest.Link)}
	table := new(interest.Table)
	told, counts := map[key]int{}, map[key]int{}
	table.Watch(func(filter, group string, n int) {
		k := key{filter, group}
		if group == "" && n > 1 || told[k] == n {
			t.Errorf("%v: told %d after %d", k, n, told[k])
		}
		if told[k] = n; n == 0 {
			delete(told, k)
		}
	})
	check := func(what string, got map[key]int) {
		t.Helper()
		want := maps.Clone(counts)
		for k := range want {
			if k.group == "" {
				want[k] = 1
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
	filters := []string{"a", "b", "a.b", "a.*", "a.>", "*.b", ">", "c.d.e"}
	var all []*interest.Sub
	for step := range 3000 {
		if len(all) > 0 && r.IntN(20) < 9 || len(all) > 40 {
			i := r.IntN(len(all))
			s := all[i]
			all[i] = all[len(all)-1]
			all = all[:len(all)-1]
			table.Remove(s)
			if k := (key{s.Filter(), s.Group()}); !s.Remote() {
				if counts[k]--; counts[k] == 0 {
					delete(counts, k)
				}
			}
		} else {
			filter, group := filters[r.IntN(len(filters))], ""
			if r.IntN(2) == 0 {
				group = fmt.Sprint("q", r.IntN(2))
			}
			var s *interest.Sub
			if r.IntN(3) == 0 {
				s = interest.NewRemote(away, []byte(filter), []byte(group), nil, 3)
			} else {
				s = interest.NewSub(nobody, []byte(filter), []byte(group), []byte("1"))
				counts[key{filter, group}]++
			}
			table.Insert(s)
			all = append(all, s)
		}
		check("told", told)
		if step%50 == 0 {
			found, parts := map[key]int{}, 0
			table.EachLocal(func(filter, group string, n int) { found[key{filter, group}] += n }, func() { parts++ })
			check("found", found)
			if parts == 0 {
				t.Error("no part was done")
			}
		}
	}
}

func TestRemotes(t *testing.T) {
	away := &interest.Subscriber{Link: new(interest.Link)}
	x := new(interest.Remotes)
	f := func(filter, group, origin string, weight int) *interest.Sub {
		s := interest.NewRemote(away, []byte(filter), []byte(group), []byte(origin), weight)
		x.Add(s)
		if got := x.Find([]byte(filter), []byte(group), []byte(origin)); got != s || got.Weight() != weight || got.Limited() {
			t.Errorf("%s %s: found %+v", filter, group, got)
		}
		return s
	}
	// Filter, group and origin one after the other are the same text in all of these.
	subs := []*interest.Sub{f("abc", "", "", 0), f("ab", "c", "", 2), f("a", "bc", "", 1), f("ab", "", "c", 0), f("a", "b", "c", 3)}
	for i, s := range subs {
		n := 0
		x.Each(func(*interest.Sub) { n++ })
		if n != len(subs)-i || x.Len() != n {
			t.Errorf("%d, and a length of %d", n, x.Len())
		}
		x.Remove(s)
		if x.Find([]byte(s.Filter()), []byte(s.Group()), []byte(s.Origin())) != nil {
			t.Errorf("%s is still there", s.Filter())
		}
	}
	s := subs[1]
	for _, n := range []int{5, 0, -3} {
		if s.SetWeight(n); s.Weight() != max(n, 0) {
			t.Errorf("weight %d becomes %d", n, s.Weight())
		}
	}
}
