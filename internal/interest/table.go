package interest

import (
	"sync"
	"sync/atomic"

	"nats-server/internal/subject"
)

const (
	literalShards  = 32
	wildcardShards = 8
)

// Table is the interest of one account. It is safe for concurrent use; each shard
// is guarded by its own lock, of which no goroutine holds two.
type Table struct {
	literal  [literalShards]literals
	wildcard [wildcardShards]wildcards // by first token
	anywhere wildcards                 // first token is a wildcard
	inserted atomic.Uint64             // subscriptions ever
	removed  atomic.Uint64
	told     Told
}

// Stamp tells how old a match result is. It is valid as long as Current says so.
type Stamp struct {
	literal, wildcard, anywhere *atomic.Uint64
	at                          [3]uint64
}

// Current reports whether a match made now would give the same result.
func (s *Stamp) Current() bool {
	return s.literal != nil &&
		s.literal.Load() == s.at[0] && s.wildcard.Load() == s.at[1] && s.anywhere.Load() == s.at[2]
}

// Len returns the number of subscriptions.
func (t *Table) Len() int {
	inserted, removed := t.Changes()
	return int(inserted - removed)
}

// Changes returns how many subscriptions were ever inserted and removed.
func (t *Table) Changes() (inserted, removed uint64) {
	removed = t.removed.Load() // first, so that there are never more than inserted
	return t.inserted.Load(), removed
}

// Insert adds s. Every match that begins after its return finds it.
func (t *Table) Insert(s *Sub) {
	if x := t.tries(s); x != nil {
		x.insert(s, t.told)
	} else {
		h := hash(s.Filter())
		t.literals(h).insert(h, s, t.told)
	}
	t.inserted.Add(1)
}

// Remove deletes s, which must be present.
func (t *Table) Remove(s *Sub) {
	if x := t.tries(s); x != nil {
		x.remove(s, t.told)
	} else {
		h := hash(s.Filter())
		t.literals(h).remove(h, s, t.told)
	}
	t.removed.Add(1)
}

// Touch makes every result that contains s outdated.
func (t *Table) Touch(s *Sub) {
	if x := t.tries(s); x != nil {
		x.generation.Add(1)
	} else {
		t.literals(hash(s.Filter())).generation.Add(1)
	}
}

// Match appends to subs every subscription that wants subj, and returns the stamp
// of that result. Wildcards in subj are ordinary token values. h is Hash(subj).
func (t *Table) Match(h uint64, subj []byte, subs []*Sub) ([]*Sub, Stamp) {
	first, _, _ := subject.Next(subj)
	lit, wild, any := t.literals(h), t.wildcards(first), &t.anywhere
	stamp := Stamp{literal: &lit.generation, wildcard: &wild.generation, anywhere: &any.generation}
	subs, stamp.at[0] = lit.match(h, subj, subs)
	subs, stamp.at[1] = wild.match(subj, subs)
	subs, stamp.at[2] = any.match(subj, subs)
	return subs, stamp
}

// Hash is the hash of a subject that Match wants, so that callers can use it for
// their own tables too.
func Hash(subj []byte) uint64 { return hashBytes(subj) }

func (t *Table) literals(h uint64) *literals { return &t.literal[h>>32%literalShards] }

func (t *Table) wildcards(first []byte) *wildcards {
	return &t.wildcard[hashBytes(first)%wildcardShards]
}

// tries returns the shard of a filter with wildcards, or nil for one without.
func (t *Table) tries(s *Sub) *wildcards {
	filter := s.Filter()
	if !subject.HasWildcard(filter) {
		return nil
	}
	first, _, _ := subject.Next(filter)
	if subject.IsOne(first) || subject.IsRest(first) {
		return &t.anywhere
	}
	return t.wildcards([]byte(first))
}

// literals is a shard of filters without wildcards. A subject with one subscriber
// is that Sub in the index; several share a set, and any one of them stands in
// the index for all.
type literals struct {
	generation atomic.Uint64
	mu         sync.RWMutex
	bySubject  index[literal, *literal]
	_          [32]byte // neighbours share no cache line
}

type literal Sub

func (s *literal) key() string { return (*Sub)(s).Filter() }

func (x *literals) insert(h uint64, s *Sub, told Told) {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.generation.Add(1)
	first := (*Sub)(x.bySubject.find(h, []byte(s.Filter())))
	if first == nil {
		x.bySubject.add(h, (*literal)(s))
		told.come(s, nil)
		return
	}
	if first.peers == nil {
		peers := new(set)
		peers.add(first)
		if told != nil && !first.Remote() {
			peers.count(first, 1)
		}
	}
	first.peers.add(s)
	told.come(s, &first.peers.tally)
}

func (x *literals) remove(h uint64, s *Sub, told Told) {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.generation.Add(1)
	peers := s.peers
	if peers == nil || len(peers.subs) == 1 {
		x.bySubject.remove(h, []byte(s.Filter()))
		told.gone(s, nil)
		return
	}
	peers.remove(s)
	if key := []byte(s.Filter()); x.bySubject.find(h, key) == (*literal)(s) {
		x.bySubject.swap(h, key, (*literal)(peers.subs[0]))
	}
	told.gone(s, &peers.tally)
}

func (x *literals) match(h uint64, subj []byte, subs []*Sub) ([]*Sub, uint64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if s := (*Sub)(x.bySubject.find(h, subj)); s != nil {
		if s.peers == nil {
			subs = append(subs, s)
		} else {
			subs = append(subs, s.peers.subs...)
		}
	}
	return subs, x.generation.Load()
}
