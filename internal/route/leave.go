package route

import (
	"math/rand/v2"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/conn"
	"nats-server/internal/dial"
	"nats-server/internal/interest"
)

// left is told that s has ended: its interest goes, what was learnt from it, and, if it
// should be there, it is dialed anew (spec: cluster-routes 3, 18.1).
func (c *Cluster) left(s *Session) {
	c.mu.Lock()
	delete(c.sessions, s.conn.ID)
	c.past.add(s.conn)
	noPool, failed := s.member != nil && s.member.noPool, s.member == nil && s.dialed != nil
	changed := c.unregisterLocked(s)
	again, wanted := c.againLocked(s)
	switch {
	case failed && wanted:
		again.heard, again.failures = s.dialed.heard, s.dialed.failures+1
	case failed:
		c.settleLocked(s.dialed)
	}
	// Another server may have a pool when it comes back (spec: cluster-routes 3). Where
	// this one has a pool only now, repool has seen to it.
	upgraded := noPool && c.settings.Load().PoolSize > 0 && !(again.explicit && s.conn.Reason() == conn.RouteRemoved)
	c.mu.Unlock()
	s.dropAllInterest()
	if changed {
		c.tell()
	}
	if !wanted {
		return
	}
	c.reconnect(again)
	if upgraded {
		for _, t := range c.pinnedOf(again) {
			c.reconnect(t)
		}
	}
}

// unregisterLocked takes s out of what subscribers and others see, and reports whether
// clients are to be told.
func (c *Cluster) unregisterLocked(s *Session) (changed bool) {
	m := s.member
	if m == nil {
		return false
	}
	s.member = nil
	if s.account != "" {
		delete(m.pinned, s.account)
		m.eachPooled(func(o *Session) { o.sleep(s.account, false) })
	} else {
		m.slots[s.slot] = nil
		if m.pooled() == 0 {
			m.slots = nil // there may be another number of them next time
		}
	}
	if m.first() == nil {
		delete(c.members, s.remoteID)
		changed = c.learnt.drop(m)
	}
	c.relinkLocked()
	return changed
}

// againLocked returns what is to be dialed after the end of s, if anything (spec:
// cluster-routes 3).
func (c *Cluster) againLocked(s *Session) (t target, wanted bool) {
	log := c.cfg.Log
	switch {
	case c.closing, s.noReconnect, !s.solicited && !s.retry, s.url == nil:
		return t, false
	case s.remoteID == c.cfg.ServerID:
		log.Debugf("Detected route to self, ignoring %q", dial.Redacted(s.url))
		return t, false
	case c.members[s.remoteID] != nil && !c.members[s.remoteID].lacks(s):
		log.Debugf("Not attempting reconnect for solicited route, already connected to %q", s.remoteID)
		return t, false
	}
	log.Debugf("Attempting reconnect for solicited route %q", dial.Redacted(s.url))
	t = target{url: s.url, explicit: s.explicit, account: s.account, again: true}
	switch s.conn.Reason() {
	case conn.ParseError, conn.ProtocolViolation, conn.DuplicateRoute:
		t.refused = true
	case conn.RouteRemoved:
		t.soon = true // it was this side that has ended it, to begin anew
	}
	if s.dialed != nil {
		t.mode = s.dialed.mode
	}
	return t, true
}

// jitter is the wait before t is dialed anew. Where one of the two has refused the other
// there is no hurry, and where a reload has ended a good route there is. What is no server
// of the cluster, but was said to be, is dialed ever more slowly.
func (t *target) jitter() time.Duration {
	d := rand.N(100 * time.Millisecond)
	if (t.explicit || t.refused) && !t.soon {
		d += retryDelay
	}
	if !t.explicit && t.failures > 1 {
		d += dial.Delay(t.failures, retryDelay, mostDelay)
	}
	return d
}

// dropAllInterest removes everything that the other server wanted.
func (s *Session) dropAllInterest() {
	const many = 1000
	if s.numSubs.Load() > many {
		s.conn.Lengthy()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for a, subs := range s.remotes {
		s.mesh.cfg.Log.Debugf("%s - Removing %d subscriptions for account %q", s.conn, subs.Len(), a.Name)
		if !s.asleep[a.Name] {
			subs.Each(a.Unsubscribe)
		}
	}
	s.remotes = map[*account.Account]*interest.Remotes{}
	s.numSubs.Store(0)
}

// AnnounceLameDuck tells every server that this one is about to go (spec:
// cluster-routes 18.1).
func (c *Cluster) AnnounceLameDuck() {
	set := c.settings.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		s := m.first()
		s.conn.Out.Append(c.infoLine(set, infoFor{lameDuck: true}))
		s.conn.Out.Flush(false)
	}
}

// leaves is told that the server of s is about to go.
func (c *Cluster) leaves(s *Session) {
	c.mu.Lock()
	changed := s.member != nil && c.learnt.drop(s.member)
	c.mu.Unlock()
	if changed {
		c.tell()
	}
}
