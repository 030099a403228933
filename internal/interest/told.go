package interest

// Told is a function that is told how many subscriptions that are not remote want a
// filter: for a queue group after every change, for plain ones (group "") whether there
// are any, as 1 or 0, when that changes. It is called under the lock of the shard, so
// that what it hears of a filter is in order. It must be short and take no lock but that
// of a queue.
type Told func(filter, group string, n int)

// Watch lets f be told of changes. It must be called before the first Insert.
func (t *Table) Watch(f Told) { t.told = f }

// come tells that s was inserted; the tally is nil if s is alone.
func (f Told) come(s *Sub, t *tally) {
	if f == nil || s.Remote() {
		return
	}
	n := 1
	if t != nil {
		n = t.count(s, 1)
	}
	if n == 1 || s.Group() != "" {
		f(s.Filter(), s.Group(), n)
	}
}

// gone tells that s was removed; the tally is nil if s was alone.
func (f Told) gone(s *Sub, t *tally) {
	if f == nil || s.Remote() {
		return
	}
	n := 0
	if t != nil {
		n = t.count(s, -1)
	}
	if n == 0 || s.Group() != "" {
		f(s.Filter(), s.Group(), n)
	}
}

// EachLocal calls f, as Watch's function would have been called last, for all filters
// and groups with subscriptions that are not remote. It does so shard by shard, and
// calls done after each. Both are called under the lock of the shard: whatever Watch's
// function hears of those filters was before f, or comes after done. There must be such
// a function.
func (t *Table) EachLocal(f Told, done func()) {
	for i := range t.literal {
		t.literal[i].each(f, done)
	}
	for i := range t.wildcard {
		t.wildcard[i].each(f, done)
	}
	t.anywhere.each(f, done)
}

func (x *literals) each(f Told, done func()) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	defer done()
	x.bySubject.each(func(l *literal) {
		s := (*Sub)(l)
		switch {
		case s.peers != nil:
			s.peers.each(s.Filter(), f)
		case !s.Remote():
			f(s.Filter(), s.Group(), 1)
		}
	})
}

func (x *wildcards) each(f Told, done func()) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	defer done()
	x.root.each(f)
}

func (l *level) each(f Told) {
	for _, n := range l.next {
		n.each(f)
	}
	l.one.each(f)
	l.rest.each(f)
}

func (n *node) each(f Told) {
	if n == nil {
		return
	}
	if len(n.subs) > 0 {
		n.tally.each(n.subs[0].Filter(), f)
	}
	n.then.each(f)
}

func (t *tally) each(filter string, f Told) {
	if t.plain > 0 {
		f(filter, "", 1)
	}
	for group, n := range t.groups {
		f(filter, group, n)
	}
}
