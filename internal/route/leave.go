package route

import (
	"math/rand/v2"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/dial"
	"nats-server/internal/interest"
)

// left is told that s has ended: its interest goes, what was learnt from it, and, if it
// should be there, it is dialed anew (spec: cluster-routes 3, 18.1).
func (c *Cluster) left(s *Session) {
	c.mu.Lock()
	delete(c.sessions, s.conn.ID)
	c.past.add(s.conn)
	changed := c.unregisterLocked(s)
	again, wanted := c.againLocked(s)
	c.mu.Unlock()
	s.dropAllInterest()
	if changed {
		c.tell()
	}
	if wanted {
		c.reconnect(again)
	}
}

// unregisterLocked takes s out of what subscribers and others see, and reports whether
// clients are to be told.
func (c *Cluster) unregisterLocked(s *Session) (changed bool) {
	if c.remotes[s.remoteID] != s {
		return false
	}
	delete(c.remotes, s.remoteID)
	c.relinkLocked()
	return c.learnt.drop(s)
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
	case s.remoteID != "" && c.remotes[s.remoteID] != nil:
		log.Debugf("Not attempting reconnect for solicited route, already connected to %q", s.remoteID)
		return t, false
	}
	log.Debugf("Attempting reconnect for solicited route %q", dial.Redacted(s.url))
	t = target{url: s.url, explicit: s.explicit, again: true}
	if s.dialed != nil {
		t.mode = s.dialed.mode
	}
	return t, true
}

// jitter is the wait before a route is dialed anew.
func jitter(explicit bool) time.Duration {
	d := rand.N(100 * time.Millisecond)
	if explicit {
		d += retryDelay
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
		subs.Each(a.Unsubscribe)
	}
	s.remotes = map[*account.Account]*interest.Remotes{}
	s.numSubs.Store(0)
}

// AnnounceLameDuck tells every server that this one is about to go (spec:
// cluster-routes 18.1).
func (c *Cluster) AnnounceLameDuck() {
	set := c.settings.Load()
	for _, s := range *c.links.Load() {
		s.conn.Out.Append(c.infoLine(set, infoFor{lameDuck: true}))
		s.conn.Out.Flush(true)
	}
}

// leaves is told that the server of s is about to go.
func (c *Cluster) leaves(s *Session) {
	c.mu.Lock()
	changed := c.learnt.drop(s)
	c.mu.Unlock()
	if changed {
		c.tell()
	}
}
