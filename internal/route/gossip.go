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

// gossipLocked tells all other servers of the new one at the end of s (spec:
// cluster-routes 8).
func (c *Cluster) gossipLocked(s *Session) {
	learnt := s.dialed != nil && !s.dialed.explicit
	if learnt && s.dialed.mode != gossipOverride || s.info.GossipMode == gossipDisabled {
		return
	}
	for id, to := range c.remotes {
		if id == s.remoteID {
			continue
		}
		i := *s.info
		i.Nonce = ""
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

// hear takes the word of another server that there is a third one.
func (c *Cluster) hear(i *wire.RouteInfo) {
	set := c.settings.Load()
	c.mu.Lock()
	_, connected := c.remotes[i.ServerID]
	c.mu.Unlock()
	u, err := url.Parse(i.IP)
	if connected || i.ServerID == "" || i.Account != "" || err != nil || u.Host == "" || set.configures(i, u) {
		return
	}
	c.solicit(target{url: withCredentials(u, i, set), mode: i.GossipMode})
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
