package route

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"nats-server/internal/wire"
)

// Values of gossip_mode (spec: cluster-routes 8).
const (
	gossipDefault = iota
	gossipDisabled
	gossipOverride
)

// gossipLocked tells all other servers of the new one at the end of s, and of each
// connection for one account (spec: cluster-routes 8).
func (c *Cluster) gossipLocked(s *Session) {
	if s.account == "" && s.member.pooled() > 1 {
		return // it is known already
	}
	learnt := s.dialed != nil && !s.dialed.explicit
	if learnt && s.dialed.mode != gossipOverride || s.info.GossipMode == gossipDisabled {
		return
	}
	for id, m := range c.members {
		if id == s.remoteID || m.noPool && s.account != "" {
			continue
		}
		to := m.first()
		if own := m.pinned[s.account]; own != nil {
			to = own
		}
		i := *s.info
		i.Nonce = ""
		i.PoolIndex, i.Account = 0, s.account
		i.GossipMode = gossipDefault
		switch accepted := s.dialed == nil; {
		case accepted && to.dialed != nil && to.dialed.explicit, !accepted && s.dialed.explicit:
			i.GossipMode = gossipOverride
		case accepted:
			i.GossipMode = gossipDisabled
		}
		to.conn.Out.Append(i.ForwardedLine())
		to.conn.Out.Flush(false)
	}
}

// hear takes the word of the server of s that there is a third one, or that it has a
// connection for one account.
func (c *Cluster) hear(s *Session, i *wire.RouteInfo) {
	set := c.settings.Load()
	c.mu.Lock()
	m := c.members[i.ServerID]
	connected := m != nil && (i.Account == "" && m.pooled() > 0 || m.pinned[i.Account] != nil)
	mute := s.member != nil && s.member.noPool // it knows nothing of accounts
	c.mu.Unlock()
	u, err := url.Parse(i.IP)
	if connected || i.ServerID == "" || err != nil || u.Host == "" || set.configures(i, u) {
		return
	}
	t := target{url: withCredentials(u, i, set), account: i.Account, mode: i.GossipMode}
	c.try(t)
	if mute {
		for _, p := range c.pinnedOf(t) {
			c.try(p)
		}
	}
}

// What other servers say must not have this one dial, or look up names, without limit.
const (
	mostHeard = 1024 // servers at a time of which it is not known yet whether they are there
	mostTurns = 32   // of which so many are dialed at a time, for dialTimeout at most
)

// try dials a server by hearsay, unless that goes on already or there are too many.
func (c *Cluster) try(t target) {
	c.mu.Lock()
	known := c.heard[t.place()]
	full := len(c.heard) >= mostHeard
	if !known && !full {
		c.heard[t.place()] = true
		t.heard = true
	}
	c.mu.Unlock()
	switch {
	case t.heard:
		c.solicit(t)
	case !known:
		c.cfg.Log.Warnf("Ignoring a server that another has told of: %d are waited for", mostHeard)
	}
}

// settleLocked is called when it is known whether t is there.
func (c *Cluster) settleLocked(t *target) {
	if t.heard {
		t.heard = false
		delete(c.heard, t.place())
	}
}

// takeTurn waits until a server may be dialed by hearsay. It reports false if the cluster
// was stopped.
func (c *Cluster) takeTurn() bool {
	select {
	case c.turns <- struct{}{}:
		return true
	case <-c.ctx.Done():
		return false
	}
}

func (c *Cluster) passTurn() { <-c.turns }

// configures reports whether a server is one that is dialed anyway.
func (s *Settings) configures(i *wire.RouteInfo, u *url.URL) bool {
	port := strconv.Itoa(i.Port)
	says, is := net.JoinHostPort(i.Host, port), net.JoinHostPort(u.Hostname(), port)
	for _, r := range s.Routes {
		if strings.EqualFold(r.Host, says) || strings.EqualFold(r.Host, is) {
			return true
		}
	}
	return false
}
