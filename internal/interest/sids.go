package interest

// Sids finds the subscriptions of one connection by their sid. It is not safe for
// concurrent use.
type Sids struct{ subs index[bySid, *bySid] }

type bySid Sub

func (s *bySid) key() string { return (*Sub)(s).Sid() }

// Len returns the number of subscriptions.
func (x *Sids) Len() int { return x.subs.live }

// Find returns the subscription with that sid, or nil.
func (x *Sids) Find(sid []byte) *Sub { return (*Sub)(x.subs.find(hashBytes(sid), sid)) }

// Add inserts s, whose sid must not be present.
func (x *Sids) Add(s *Sub) { x.subs.add(hash(s.Sid()), (*bySid)(s)) }

// Remove deletes s if it is present, and reports whether it was. Another
// subscription that has taken over the sid stays.
func (x *Sids) Remove(s *Sub) bool {
	sid := []byte(s.Sid())
	h := hashBytes(sid)
	if x.subs.find(h, sid) != (*bySid)(s) {
		return false
	}
	x.subs.remove(h, sid)
	return true
}

// Each calls f for every subscription.
func (x *Sids) Each(f func(*Sub)) { x.subs.each(func(s *bySid) { f((*Sub)(s)) }) }
