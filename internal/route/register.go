package route

import (
	"strconv"

	"nats-server/internal/conn"
	"nats-server/internal/wire"
)

// register makes s a route to the server that has sent i, or returns why it is none. What
// follows has the order of spec: cluster-routes 7.
func (c *Cluster) register(s *Session, i *wire.RouteInfo) *conn.Verdict {
	set := c.settings.Load()
	c.mu.Lock()
	s.remoteID, s.info = i.ServerID, i
	s.export = i.Export
	if s.dialed == nil {
		s.url = ownURL(i, set)
	}
	changed := c.purgeLocked(s.remoteID)
	if v := c.placeLocked(s); v != nil {
		c.mu.Unlock()
		if changed {
			c.tell()
		}
		return v
	}
	if s.delayed {
		s.conn.Out.Append(c.infoLine(set, s.introduction()))
	}
	if s.dialed != nil {
		c.settleLocked(s.dialed)
	}
	c.past.accepted++
	if s.member.count() == 1 && c.learnt.add(s.member, i.ConnectURLs, set) {
		changed = true
	}
	c.relinkLocked()
	c.gossipLocked(s)
	c.announceLocked(s)
	if s.account != "" && !s.moving {
		c.moveLocked(s)
	}
	s.filling = s.dialed != nil && s.account == "" && s.member.free(s.poolSize) >= 0
	if s.filling || s.moving {
		s.conn.Out.Append(c.conn.PingLine)
	}
	c.mu.Unlock()
	s.conn.Out.Flush(true)
	if changed {
		c.tell()
	}
	c.cfg.Log.Debugf("%s - Registering remote route %q%s", s.conn, i.ServerID, s.forAccount())
	return nil
}

// forAccount tells which account s is for, if it is for one alone.
func (s *Session) forAccount() string {
	if s.account == "" {
		return ""
	}
	return " for account " + strconv.Quote(s.account)
}
