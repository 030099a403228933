package interest

// Remotes finds the interest of one connection to another server in one account. It is
// not safe for concurrent use.
type Remotes struct {
	plain  index[literal, *literal] // the many: without a group and an origin
	others map[wanted]*Sub
}

type wanted struct{ filter, group, origin string }

// Len returns how many there are.
func (x *Remotes) Len() int { return x.plain.live + len(x.others) }

// Find returns the interest in a filter, of a queue group or of none, and of the
// leafnodes of an origin or of none, or nil.
func (x *Remotes) Find(filter, group, origin []byte) *Sub {
	if len(group) > 0 || len(origin) > 0 {
		return x.others[wanted{string(filter), string(group), string(origin)}]
	}
	return (*Sub)(x.plain.find(hashBytes(filter), filter))
}

// Add inserts s, which must not be present.
func (x *Remotes) Add(s *Sub) {
	if key, other := s.wanted(); other {
		if x.others == nil {
			x.others = make(map[wanted]*Sub)
		}
		x.others[key] = s
		return
	}
	x.plain.add(hash(s.Filter()), (*literal)(s))
}

// Remove deletes s, which must be present.
func (x *Remotes) Remove(s *Sub) {
	if key, other := s.wanted(); other {
		delete(x.others, key)
		return
	}
	x.plain.remove(hash(s.Filter()), []byte(s.Filter()))
}

// Each calls f for everything. f must not change x.
func (x *Remotes) Each(f func(*Sub)) {
	x.plain.each(func(s *literal) { f((*Sub)(s)) })
	for _, s := range x.others {
		f(s)
	}
}

func (s *Sub) wanted() (key wanted, other bool) {
	key = wanted{s.Filter(), s.Group(), s.Origin()}
	return key, key.group != "" || key.origin != ""
}
