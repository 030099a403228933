package route

import (
	"cmp"
	"maps"
	"slices"

	"nats-server/internal/conn"
	"nats-server/internal/facts"
	"nats-server/internal/interest"
	"nats-server/internal/wire"
)

// Routes returns what is known of each route, by id, with at most so many entries of the
// other server's interest each.
func (c *Cluster) Routes(subs int) []facts.Route {
	c.mu.Lock()
	sessions := c.registeredLocked()
	all := make([]facts.Route, 0, len(sessions))
	for _, s := range sessions {
		all = append(all, s.reportLocked())
	}
	c.mu.Unlock()
	if subs > 0 {
		for i, s := range sessions {
			all[i].Subs = s.subscriptions(subs)
		}
	}
	slices.SortFunc(all, func(a, b facts.Route) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func (s *Session) reportLocked() facts.Route {
	r := facts.Route{
		RemoteID:    s.remoteID,
		RemoteName:  s.info.ServerName,
		Solicited:   s.dialed != nil,
		Configured:  s.explicit,
		Pinned:      s.account,
		Compression: s.compressionLocked(),
		Import:      permissions(s.info.Import),
		Export:      permissions(s.export),
	}
	s.conn.Facts(&r.Connection)
	r.Subscriptions = int(s.numSubs.Load())
	return r
}

func permissions(r *wire.Rules) *facts.Permissions {
	if r == nil {
		return nil
	}
	return &facts.Permissions{Allow: r.Allow, Deny: r.Deny}
}

// subscriptions returns at most so many entries of the other server's interest.
func (s *Session) subscriptions(most int) (list []facts.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for acct, remotes := range s.remotes {
		remotes.Each(func(sub *interest.Sub) {
			if len(list) == most {
				return
			}
			id := "R " + acct.Name + " " + sub.Filter()
			if sub.Origin() != "" {
				id = "L " + sub.Origin() + id[1:]
			}
			if g := sub.Group(); g != "" {
				id += " " + g
			}
			list = append(list, facts.Subscription{Subject: sub.Filter(), Queue: sub.Group(), SID: id})
		})
	}
	return list
}

// past is what routes that have ended have come to. It is guarded by Cluster.mu.
type past struct {
	accepted uint64
	closed   map[string]uint64 // by reason
	total    facts.Traffic
}

// add counts a connection that has ended.
func (p *past) add(c *conn.Conn) {
	if p.closed == nil {
		p.closed = make(map[string]uint64)
	}
	p.closed[c.Reason().String()]++
	p.total.Add(c.Traffic())
}

// Totals are what all routes have come to, those that have ended included.
func (c *Cluster) Totals() facts.Totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := facts.Totals{Open: len(c.registeredLocked()), Accepted: c.past.accepted, Traffic: c.past.total, Closed: maps.Clone(c.past.closed)}
	for _, s := range c.sessions {
		t.Traffic.Add(s.conn.Traffic())
	}
	return t
}
