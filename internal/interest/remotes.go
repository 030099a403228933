package interest

// Remotes finds the interest of one connection to another server in one account. It is
// not safe for concurrent use.
type Remotes struct {
	plain  index[literal, *literal]
	groups map[member]*Sub
}

type member struct{ filter, group string }

// Len returns how many there are.
func (x *Remotes) Len() int { return x.plain.live + len(x.groups) }

// Find returns the interest in a filter, of a queue group or of none, or nil.
func (x *Remotes) Find(filter, group []byte) *Sub {
	if len(group) > 0 {
		return x.groups[member{string(filter), string(group)}]
	}
	return (*Sub)(x.plain.find(hashBytes(filter), filter))
}

// Add inserts s, which must not be present.
func (x *Remotes) Add(s *Sub) {
	if group := s.Group(); group != "" {
		if x.groups == nil {
			x.groups = make(map[member]*Sub)
		}
		x.groups[member{s.Filter(), group}] = s
		return
	}
	x.plain.add(hash(s.Filter()), (*literal)(s))
}

// Remove deletes s, which must be present.
func (x *Remotes) Remove(s *Sub) {
	if group := s.Group(); group != "" {
		delete(x.groups, member{s.Filter(), group})
		return
	}
	x.plain.remove(hash(s.Filter()), []byte(s.Filter()))
}

// Each calls f for everything. f must not change x.
func (x *Remotes) Each(f func(*Sub)) {
	x.plain.each(func(s *literal) { f((*Sub)(s)) })
	for _, s := range x.groups {
		f(s)
	}
}
