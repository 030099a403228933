package interest

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// named is the simplest thing that knows its key.
type named struct{ name string }

func (n *named) key() string { return n.name }

// checked is an index beside the map that it must be equal to.
type checked struct {
	t    *testing.T
	x    index[named, *named]
	want map[string]*named
}

func newChecked(t *testing.T) *checked { return &checked{t: t, want: make(map[string]*named)} }

func (c *checked) add(key string) {
	p := &named{key}
	c.x.add(hash(key), p)
	c.want[key] = p
}

func (c *checked) remove(key string) {
	c.t.Helper()
	want := c.want[key]
	delete(c.want, key)
	if got := c.x.remove(hash(key), []byte(key)); got != want {
		c.t.Fatalf("removing %q gave %v, want %v", key, got, want)
	}
}

func (c *checked) find(key string) {
	c.t.Helper()
	if got := c.x.find(hash(key), []byte(key)); got != c.want[key] {
		c.t.Fatalf("%q: found %v, want %v", key, got, c.want[key])
	}
}

// consistent checks everything there is about the index.
func (c *checked) consistent() {
	c.t.Helper()
	live, used := 0, 0
	for i, tag := range c.x.tags {
		if (tag > gone) != (c.x.slots[i] != nil) {
			c.t.Fatalf("slot %d has tag %#x and holds %v", i, tag, c.x.slots[i])
		}
		if tag > gone {
			live++
		}
		if tag != free {
			used++
		}
	}
	if live != c.x.live || used != c.x.used || live != len(c.want) {
		c.t.Fatalf("%d live and %d used, counted as %d and %d, want %d live", live, used, c.x.live, c.x.used, len(c.want))
	}
	if len(c.x.tags) > 0 && used >= len(c.x.tags) {
		c.t.Fatalf("no free slot among %d", len(c.x.tags))
	}
	each := 0
	c.x.each(func(n *named) {
		if each++; c.want[n.name] != n {
			c.t.Fatalf("each shows %q", n.name)
		}
	})
	if each != len(c.want) {
		c.t.Fatalf("each shows %d of %d", each, len(c.want))
	}
	for key := range c.want {
		c.find(key)
	}
}

func name(i int) string { return fmt.Sprintf("key-%d", i) }

func TestIndexUnderRandomChanges(t *testing.T) {
	for _, names := range []int{1, 7, 8, 9, 30, 1000} {
		c := newChecked(t)
		for step := range 20_000 {
			key := name(rand.IntN(names))
			c.find(key)
			if _, ok := c.want[key]; ok || rand.IntN(2) == 0 {
				c.remove(key)
			} else {
				c.add(key)
			}
			if step%1000 == 0 {
				c.consistent()
			}
		}
		c.consistent()
	}
}

func TestIndexGrowsAndShrinks(t *testing.T) {
	const names = 10_000
	c := newChecked(t)
	c.find("in an empty index")
	c.remove("from an empty index")
	for i := range names {
		c.add(name(i))
		if i&(i-1) == 0 {
			c.consistent()
		}
	}
	c.consistent()
	if most := 4 * names; len(c.x.tags) > most {
		t.Errorf("%d slots for %d things", len(c.x.tags), names)
	}
	for i, at := range rand.Perm(names) {
		c.remove(name(at))
		c.find(name(at))
		if i&(i-1) == 0 || i > names-20 {
			c.consistent()
		}
	}
	if len(c.x.tags) > 4*minSlots {
		t.Errorf("%d slots when all is removed", len(c.x.tags))
	}
}

// Steady coming and going leaves gone slots behind, which must neither fill the
// table nor make it grow.
func TestIndexUnderSteadyChurn(t *testing.T) {
	const live = 500
	c := newChecked(t)
	for i := range live {
		c.add(name(i))
	}
	slots := len(c.x.tags)
	for i := range 50_000 {
		c.add(name(live + i))
		c.remove(name(i))
		if i%5000 == 0 {
			c.consistent()
		}
	}
	c.consistent()
	if len(c.x.tags) > 2*slots {
		t.Errorf("from %d to %d slots", slots, len(c.x.tags))
	}
}

func TestIndexSwap(t *testing.T) {
	c := newChecked(t)
	for i := range 20 {
		c.add(name(i))
	}
	key := name(7)
	other := &named{key}
	c.x.swap(hash(key), []byte(key), other)
	c.want[key] = other
	c.consistent()
}

// Things with equal hashes tell each other apart by their keys alone.
func TestIndexWithEqualHashes(t *testing.T) {
	var x index[named, *named]
	const h = 12345
	for i := range 6 { // more would make it grow, which hashes the keys
		x.add(h, &named{name(i)})
	}
	for _, gone := range []int{0, 3, 5} {
		if p := x.remove(h, []byte(name(gone))); p == nil || p.name != name(gone) {
			t.Fatalf("removed %v for %d", p, gone)
		}
	}
	for i := range 6 {
		want := i == 1 || i == 2 || i == 4
		if p := x.find(h, []byte(name(i))); (p != nil) != want || p != nil && p.name != name(i) {
			t.Errorf("%d: found %v", i, p)
		}
	}
}

// What is removed from a table is not kept by it.
func TestEmptyTableHoldsNothing(t *testing.T) {
	var table Table
	var subs []*Sub
	for i, filter := range []string{"a", "a.b", "a.*", "a.*.c.>", "a.>", "*", "*.b", ">", "*.*.x.y", "a.*.c.d"} {
		for n := range 3 {
			subs = append(subs, NewSub(nil, []byte(filter), nil, []byte(name(10*i+n))))
		}
	}
	for _, s := range subs {
		table.Insert(s)
	}
	for _, at := range rand.Perm(len(subs)) {
		table.Remove(subs[at])
	}
	if !table.anywhere.root.empty() || table.anywhere.filled.Load() {
		t.Error("something is left of filters that begin with a wildcard")
	}
	for i := range table.wildcard {
		if x := &table.wildcard[i]; !x.root.empty() || x.filled.Load() {
			t.Error("something is left of filters with wildcards")
		}
	}
	for i := range table.literal {
		x := &table.literal[i].bySubject
		x.each(func(s *literal) { t.Errorf("%q is left", s.key()) })
	}
}
