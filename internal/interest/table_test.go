package interest_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nats-server/internal/interest"
	"nats-server/internal/subject"
)

// nobody is a subscriber that is never delivered to.
var nobody = new(interest.Subscriber)

func newSub(filter, group string, sid int) *interest.Sub {
	return interest.NewSub(nobody, []byte(filter), []byte(group), []byte(strconv.Itoa(sid)))
}

// sids is a match result in a form that can be compared: sorted, duplicates kept.
func sids(subs []*interest.Sub) string {
	var ids []string
	for _, s := range subs {
		ids = append(ids, s.Sid())
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func match(t *interest.Table, subj string) ([]*interest.Sub, interest.Stamp) {
	return t.Match(interest.Hash([]byte(subj)), []byte(subj), nil)
}

// model is the table one would write without a thought about speed.
type model []*interest.Sub

func (m model) match(subj string) (subs []*interest.Sub) {
	for _, s := range m {
		if subject.Match(s.Filter(), subj) {
			subs = append(subs, s)
		}
	}
	return subs
}

// words makes subjects and filters that overlap a lot. Wildcards and what looks
// like them are tokens of subjects, too.
type words struct{ *rand.Rand }

func (w words) subject() string {
	tokens := []string{"a", "b", "c", "*", ">", "a*", ">>"}
	s := tokens[w.IntN(len(tokens))]
	for range w.IntN(4) {
		s += "." + tokens[w.IntN(len(tokens))]
	}
	return s
}

func (w words) filter() string {
	for {
		if s := w.subject(); subject.ValidFilter(s) {
			return s
		}
	}
}

func (w words) group() string { return []string{"", "", "q", "workers"}[w.IntN(4)] }

func newWords(t *testing.T) words {
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return words{rand.New(rand.NewPCG(seed, 0))}
}

func TestTableMatchesLikeTheModel(t *testing.T) {
	w := newWords(t)
	for _, most := range []int{1, 10, 100, 1000} {
		var table interest.Table
		var m model
		check := func() {
			t.Helper()
			for range 10 {
				subj := w.subject()
				got, _ := match(&table, subj)
				if g, want := sids(got), sids(m.match(subj)); g != want {
					t.Fatalf("%q of %d subscriptions: got %q, want %q", subj, len(m), g, want)
				}
			}
			if table.Len() != len(m) {
				t.Fatalf("Len is %d, want %d", table.Len(), len(m))
			}
		}
		for i := range 2000 {
			if len(m) == 0 || len(m) < most && w.IntN(2) == 0 {
				s := newSub(w.filter(), w.group(), i)
				table.Insert(s)
				m = append(m, s)
			} else {
				at := w.IntN(len(m))
				table.Remove(m[at])
				m = slices.Delete(m, at, at+1)
			}
			if i%10 == 0 {
				check()
			}
		}
		for len(m) > 0 {
			table.Remove(m[0])
			m = m[1:]
			if len(m)%16 == 0 {
				check()
			}
		}
	}
}

func TestManyWithOneFilter(t *testing.T) {
	f := func(filter, subj string) {
		t.Helper()
		var table interest.Table
		var m model
		for i := range 50 {
			s := newSub(filter, "", i)
			table.Insert(s)
			m = append(m, s)
		}
		order := rand.Perm(len(m))
		for n, at := range order {
			table.Remove(m[at])
			var left model
			for _, i := range order[n+1:] {
				left = append(left, m[i])
			}
			if got, _ := match(&table, subj); sids(got) != sids(left) {
				t.Fatalf("%s: got %q, want %q", filter, sids(got), sids(left))
			}
		}
		// The filter can be used again.
		table.Insert(m[0])
		table.Insert(m[1])
		if got, _ := match(&table, subj); sids(got) != "0 1" {
			t.Errorf("%s: got %q after the filter was used again", filter, sids(got))
		}
	}
	f("a.b", "a.b")
	f("a.*", "a.b")
	f("*.b", "a.b")
	f(">", "a.b")
	f("a.>", "a.b.c")
}

func TestMatchAppends(t *testing.T) {
	var table interest.Table
	before, s := newSub("x", "", 1), newSub("a", "", 2)
	table.Insert(s)
	subs := make([]*interest.Sub, 1, 8)
	subs[0] = before
	subs, _ = table.Match(interest.Hash([]byte("a")), []byte("a"), subs)
	if len(subs) != 2 || subs[0] != before || subs[1] != s {
		t.Errorf("got %v", subs)
	}
}

func TestResultsAreCopies(t *testing.T) {
	f := func(filter string) {
		t.Helper()
		var table interest.Table
		var all model
		for i := range 3 {
			all = append(all, newSub(filter, "", i))
			table.Insert(all[i])
		}
		got, _ := match(&table, "a.b")
		for _, s := range all {
			table.Remove(s)
		}
		if sids(got) != "0 1 2" {
			t.Errorf("%s: the result has become %q", filter, sids(got))
		}
		got, _ = match(&table, "a.b")
		table.Insert(all[0])
		clear(got[:cap(got)])
		if got, _ := match(&table, "a.b"); sids(got) != "0" {
			t.Errorf("%s: got %q", filter, sids(got))
		}
	}
	f("a.b")
	f("a.*")
	f(">")
}
