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
	if mute {
		c.solicitAll(t)
	} else {
		c.solicit(t)
	}
}

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
