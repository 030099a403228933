package interest

import (
	"sync"
	"sync/atomic"

	"nats-server/internal/subject"
)

// wildcards is a shard of filters with wildcards: a trie with one level per token.
type wildcards struct {
	generation atomic.Uint64
	filled     atomic.Bool // spares matches the lock of an empty trie
	mu         sync.RWMutex
	root       level
}

// level is what may come next at one depth of the trie.
type level struct {
	next map[string]*node // by literal token; nil if none
	one  *node            // '*'
	rest *node            // '>'
}

// node is one token in its place: the filters that end there, and what follows.
type node struct {
	set
	then level
}

func (l *level) empty() bool { return len(l.next) == 0 && l.one == nil && l.rest == nil }

func (n *node) empty() bool { return len(n.subs) == 0 && n.then.empty() }

// child returns the node of token, made if it is missing.
func (l *level) child(token string) *node {
	slot := l.wildcard(token)
	if slot == nil {
		n := l.next[token]
		if n == nil {
			if l.next == nil {
				l.next = make(map[string]*node, 1)
			}
			n = new(node)
			l.next[token] = n
		}
		return n
	}
	if *slot == nil {
		*slot = new(node)
	}
	return *slot
}

// wildcard returns where the node of a wildcard token is kept, or nil if token is
// a literal.
func (l *level) wildcard(token string) **node {
	switch {
	case subject.IsOne(token):
		return &l.one
	case subject.IsRest(token):
		return &l.rest
	}
	return nil
}

func (x *wildcards) insert(s *Sub, told Told) {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.generation.Add(1)
	l := &x.root
	for tail, more := s.Filter(), true; ; {
		var token string
		token, tail, more = subject.Next(tail)
		n := l.child(token)
		if !more {
			n.add(s)
			told.come(s, &n.tally)
			break
		}
		l = &n.then
	}
	x.filled.Store(true)
}

func (x *wildcards) remove(s *Sub, told Told) {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.generation.Add(1)
	told.gone(s, &s.peers.tally)
	x.root.remove(s, s.Filter())
	x.filled.Store(!x.root.empty())
}

// remove takes s out below l and prunes what is empty then.
func (l *level) remove(s *Sub, filter string) {
	token, tail, more := subject.Next(filter)
	n := l.child(token)
	if more {
		n.then.remove(s, tail)
	} else {
		n.set.remove(s)
	}
	if !n.empty() {
		return
	}
	if slot := l.wildcard(token); slot != nil {
		*slot = nil
		return
	}
	if delete(l.next, token); len(l.next) == 0 {
		l.next = nil
	}
}

func (x *wildcards) match(subj []byte, subs []*Sub) ([]*Sub, uint64) {
	// The generation is read first: a filter inserted after that changes it.
	if at := x.generation.Load(); !x.filled.Load() {
		return subs, at
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.root.match(subj, subs), x.generation.Load()
}

// match appends what is wanted below l of a subject whose rest is subj.
func (l *level) match(subj []byte, subs []*Sub) []*Sub {
	for {
		if l.rest != nil {
			subs = append(subs, l.rest.subs...)
		}
		token, tail, more := subject.Next(subj)
		if l.one != nil {
			if more {
				subs = l.one.then.match(tail, subs)
			} else {
				subs = append(subs, l.one.subs...)
			}
		}
		n := l.next[string(token)]
		if n == nil {
			return subs
		}
		if !more {
			return append(subs, n.subs...)
		}
		l, subj = &n.then, tail
	}
}
