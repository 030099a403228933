package route

import (
	"nats-server/internal/wire"
)

// register makes s the route to the server that has sent i, or reports false if there is
// one already. What follows has the order of spec: cluster-routes 7.
func (c *Cluster) register(s *Session, i *wire.RouteInfo) bool {
	set := c.settings.Load()
	c.mu.Lock()
	s.remoteID, s.info = i.ServerID, i
	s.export = i.Export
	if s.dialed == nil {
		s.url = ownURL(i, set)
	}
	if c.closing || c.isDuplicateLocked(s) {
		c.mu.Unlock()
		return false
	}
	c.remotes[s.remoteID] = s
	c.past.accepted++
	learnt := c.learnt.add(s, set)
	c.relinkLocked()
	c.gossipLocked(s)
	c.announceLocked(s)
	c.mu.Unlock()
	s.conn.Out.Flush(true)
	if learnt {
		c.tell()
	}
	c.cfg.Log.Debugf("%s - Registering remote route %q", s.conn, i.ServerID)
	return true
}

// isDuplicateLocked reports whether there is another route to the server of s, which is
// then the one to be kept (spec: cluster-routes 5.2). There is no rule which of two is
// kept, so the other server may keep the one that is closed here: the survivor is dialed
// anew when it ends, whoever has dialed it first.
func (c *Cluster) isDuplicateLocked(s *Session) bool {
	kept := c.remotes[s.remoteID]
	if kept == nil {
		return false
	}
	if kept.conn.Closed() { // it has not been told of yet
		c.unregisterLocked(kept)
		return false
	}
	s.noReconnect = true
	kept.retry = true
	// The URL goes with "explicit": only a configured one is dialed for ever.
	if s.solicited && !kept.solicited || s.explicit && !kept.explicit {
		kept.solicited, kept.explicit, kept.url = true, s.explicit, s.url
	}
	c.cfg.Log.Debugf("%s - Detected duplicate remote route %q", s.conn, s.remoteID)
	return true
}
