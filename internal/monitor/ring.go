package monitor

import (
	"sync"

	"nats-server/internal/facts"
)

// keptSubs is how many subscriptions all connections in a Ring may have together;
// beyond that the oldest lose theirs.
const keptSubs = 100_000

// Ring remembers the connections that were closed last. It is safe for concurrent use.
type Ring struct {
	most int

	mu     sync.Mutex
	all    []*facts.Connection // a ring once it is full
	oldest int
	subs   int // that they have together
	bare   int // so many of the oldest have lost theirs
}

// NewRing returns a ring of so many connections.
func NewRing(most int) *Ring { return &Ring{most: most} }

// Add remembers a connection. It must not be changed any more.
func (r *Ring) Add(f *facts.Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.subs += len(f.Subs); len(r.all) < r.most {
		r.all = append(r.all, f)
	} else {
		r.subs -= len(r.all[r.oldest].Subs)
		r.all[r.oldest] = f
		r.oldest = (r.oldest + 1) % r.most
		r.bare = max(r.bare-1, 0)
	}
	for ; r.subs > keptSubs && r.bare < len(r.all)-1; r.bare++ {
		at := &r.all[(r.oldest+r.bare)%len(r.all)]
		r.subs -= len((*at).Subs)
		without := **at // others may be looking at it
		without.Subs = nil
		*at = &without
	}
}

// Resize lets the ring remember so many connections from now on.
func (r *Ring) Resize(most int) {
	all := r.All()
	r.mu.Lock()
	r.most, r.all, r.oldest, r.subs, r.bare = most, nil, 0, 0, 0
	r.mu.Unlock()
	for _, f := range all[max(len(all)-most, 0):] {
		r.Add(f)
	}
}

// All returns what is remembered, the latest last.
func (r *Ring) All() []*facts.Connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*facts.Connection, 0, len(r.all))
	return append(append(all, r.all[r.oldest:]...), r.all[:r.oldest]...)
}
