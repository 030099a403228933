package route

import (
	"fmt"
	"slices"
	"strconv"

	"nats-server/internal/conn"
)

// MostSlots is the largest pool that this server has, or lets another ask for.
const MostSlots = 1024

// member is another server of the cluster, to which there is at least one registered
// connection (spec: cluster-routes 10). It is guarded by Cluster.mu.
type member struct {
	noPool bool // it, or this server, wants one connection for everything
	// poolSize and larger are what the server says about its pool on all connections of that;
	// 0 until there is one.
	poolSize int
	larger   bool
	slots    []*Session          // by index, which decides for which accounts; nil is free
	pinned   map[string]*Session // for one account each
	moving   map[string]bool     // accounts that are to have one, and use the pool until then
	urls     []string            // of its clients, that ours are told
}

// each calls f for every connection, the first slot first.
func (m *member) each(f func(*Session)) {
	m.eachPooled(f)
	for _, s := range m.pinned {
		f(s)
	}
}

// eachPooled calls f for every connection that is not for one account.
func (m *member) eachPooled(f func(*Session)) {
	for _, s := range m.slots {
		if s != nil {
			f(s)
		}
	}
}

// first is the connection for what concerns the server as a whole; nil if there is none.
func (m *member) first() (first *Session) {
	m.each(func(s *Session) {
		if first == nil {
			first = s
		}
	})
	return first
}

// count is how many connections there are.
func (m *member) count() (n int) {
	m.each(func(*Session) { n++ })
	return n
}

// pooled is how many of them are not for one account.
func (m *member) pooled() int { return m.count() - len(m.pinned) }

// free returns the lowest of so many slots that is free, or -1.
func (m *member) free(size int) int {
	for i := range size {
		if i >= len(m.slots) || m.slots[i] == nil {
			return i
		}
	}
	return -1
}

// lacks reports whether there is a place for a connection like s.
func (m *member) lacks(s *Session) bool {
	if s.account != "" {
		return m.pinned[s.account] == nil
	}
	return len(m.slots) == 0 || m.free(len(m.slots)) >= 0
}

// placeLocked gives s, whose first INFO has come, its place among the connections to its
// server, or returns why there is none (spec: cluster-routes 10.2, 10.3).
func (c *Cluster) placeLocked(s *Session) *conn.Verdict {
	set, i := c.settings.Load(), s.info
	m := c.members[s.remoteID]
	noPool := set.PoolSize < 1 || i.PoolSize < 1
	switch {
	case c.closing:
		return duplicate
	case i.PoolSize > MostSlots:
		return misplaced("Mismatch route pool size: %d vs %d", set.PoolSize, i.PoolSize)
	case s.account != "" && noPool:
		s.noReconnect = true
		v := misplaced("Not possible to have a dedicated route for account %s between those servers", strconv.Quote(s.account))
		v.Quiet = true // with an older server this is how it has to be
		return v
	case m != nil && (m.noPool != noPool || !noPool && s.account == "" && m.pooled() > 0 && m.poolSize != i.PoolSize):
		return duplicate // the other server has other settings now: these connections are about to end
	case m == nil:
		m = &member{noPool: noPool, pinned: make(map[string]*Session), moving: make(map[string]bool)}
	}
	place := c.placeInPool
	if s.account != "" {
		place = c.placePinned
	}
	if v := place(m, s, set); v != nil {
		return v
	}
	c.members[s.remoteID] = m
	s.member = m
	m.each(func(o *Session) {
		if o != s {
			o.inherit(s)
			s.inherit(o)
		}
	})
	return nil
}

// placePinned makes s the connection for its account.
func (c *Cluster) placePinned(m *member, s *Session, set *Settings) *conn.Verdict {
	if s.dialed == nil {
		switch name := strconv.Quote(s.account); {
		case c.cfg.Accounts.Lookup(s.account) == nil:
			text := "Unable to lookup account " + name + ": account missing"
			return refusal(text, conn.MissingAccount, text)
		case !slices.Contains(set.Pinned, s.account):
			return misplaced("No route for account %s", name)
		}
	} else if !slices.Contains(set.Pinned, s.account) { // any more
		s.noReconnect = true
		return &conn.Verdict{Reason: conn.RouteRemoved}
	}
	if kept := m.pinned[s.account]; kept != nil {
		return c.replaced(s, kept)
	}
	m.pinned[s.account] = s
	s.parser.Pinned, s.link.Pinned = true, true
	if s.moving = s.dialed != nil && m.moving[s.account]; s.moving {
		s.sleep(s.account, true)
	}
	return nil
}

// placeInPool gives s a slot: the lowest that is free if this side has dialed, else the
// one that the other side wants.
func (c *Cluster) placeInPool(m *member, s *Session, set *Settings) *conn.Verdict {
	i, size := s.info, 1
	if !m.noPool {
		size = max(set.PoolSize, i.PoolSize)
	}
	index := i.PoolIndex
	switch {
	case s.dialed != nil && index != 0:
		return misplaced("Route pool index should not be set but is set to %d", index)
	case index < 0 || index >= size:
		return misplaced("Invalid route pool index: %d - pool size is %d", index, i.PoolSize)
	case s.dialed != nil:
		index = m.free(size)
	}
	switch {
	case index < 0:
		c.cfg.Log.Debugf("%s - Route pool size reached, closing extra connection to %q", s.conn, s.remoteID)
		return c.replaced(s, m.slots[:size]...)
	case index < len(m.slots) && m.slots[index] != nil:
		return c.replaced(s, m.slots[index])
	}
	if len(m.slots) < size {
		m.slots = append(m.slots, make([]*Session, size-len(m.slots))...)
	}
	m.slots[index] = s
	m.poolSize, m.larger = i.PoolSize, i.PoolLarger
	s.slot, s.poolSize = index, size
	for account := range m.pinned {
		s.sleep(account, true)
	}
	return nil
}

// replaced is the verdict on s if others are kept in its place (spec: cluster-routes 5.2).
// There is no rule which of two is kept, so the other server may keep the one that is
// closed here: the survivor is dialed anew when it ends, whoever has dialed it first.
func (c *Cluster) replaced(s *Session, kept ...*Session) *conn.Verdict {
	c.cfg.Log.Debugf("%s - Detected duplicate remote route %q", s.conn, s.remoteID)
	s.noReconnect = true
	for _, o := range kept {
		o.retry = true
		o.inherit(s)
	}
	return duplicate
}

// inherit makes s be dialed anew when it ends if o is, too.
func (s *Session) inherit(o *Session) {
	// The URL goes with "explicit": only a configured one is dialed for ever.
	if o.solicited && !s.solicited || o.explicit && !s.explicit {
		s.solicited, s.explicit, s.url = true, o.explicit, o.url
	}
}

// purgeLocked takes out the connections to a server that have been closed, and whose end
// has not been told of yet. It reports whether clients are to be told.
func (c *Cluster) purgeLocked(id string) (changed bool) {
	if m := c.members[id]; m != nil {
		m.each(func(s *Session) {
			if s.conn.Closed() && c.unregisterLocked(s) {
				changed = true
			}
		})
	}
	return changed
}

var duplicate = &conn.Verdict{Reason: conn.DuplicateRoute}

func misplaced(format string, v ...any) *conn.Verdict {
	text := fmt.Sprintf(format, v...)
	return refusal(text, conn.ProtocolViolation, text)
}

// fill dials the next connection of a pool (spec: cluster-routes 10.3).
func (c *Cluster) fill(s *Session) {
	c.mu.Lock()
	t := target{url: s.url, explicit: s.explicit, mode: s.dialed.mode}
	c.mu.Unlock()
	c.solicit(t)
}
