package route

import (
	"net/url"
	"reflect"
	"slices"

	"nats-server/internal/conn"
	"nats-server/internal/dial"
)

// Reload goes on with other settings (spec: cluster-routes 18.2): first for routes to
// come, then for those that there are. It must not be called by several goroutines at a
// time.
func (c *Cluster) Reload(set Settings) {
	c.mu.Lock()
	old := c.settings.Load()
	c.store(&set)
	c.mu.Unlock()
	if set.Name != old.Name && set.Name != "" {
		c.rename(set.Name)
	}
	if !reflect.DeepEqual(old.Import, set.Import) || !reflect.DeepEqual(old.Export, set.Export) {
		c.repermit(old, &set)
	}
	if set.User != old.User || set.Password != old.Password || set.TLS != nil {
		c.revalidate(&set)
	}
	if !reflect.DeepEqual(old.Compression, set.Compression) {
		c.recompress(old, &set)
	}
	if set.PoolSize != old.PoolSize || !slices.Equal(set.Pinned, old.Pinned) {
		c.repool(old, &set)
	}
	c.reroute(old, &set)
	c.tell()
}

// anew ends all connections, of which those that are dialed come back.
func (c *Cluster) anew(r conn.Reason) {
	c.mu.Lock()
	all := c.allLocked()
	c.mu.Unlock()
	for _, s := range all {
		s.conn.Close(r)
	}
}

// repool goes on with another pool, or other accounts that have connections of their own:
// everything comes anew.
func (c *Cluster) repool(old, set *Settings) {
	c.anew(conn.RouteRemoved)
	for _, account := range set.Pinned {
		if slices.Contains(old.Pinned, account) {
			continue
		}
		for _, u := range set.Routes {
			if old.dials(u) { // else it is dialed in any case
				c.reconnect(target{url: u, explicit: true, account: account})
			}
		}
	}
}

func (c *Cluster) rename(to string) {
	c.mu.Lock()
	changed := c.name.Load().text != to
	c.name.Store(&name{text: to})
	c.mu.Unlock()
	if changed {
		c.cfg.Log.Noticef("Cluster name updated to %s", to)
	}
}

// revalidate ends the routes of servers that have dialed this one with credentials that
// are not right any more.
func (c *Cluster) revalidate(set *Settings) {
	c.mu.Lock()
	var doubted []*Session
	for _, s := range c.sessions {
		if s.dialed == nil && s.info != nil {
			doubted = append(doubted, s)
		}
	}
	c.mu.Unlock()
	for _, s := range doubted { // whose credentials do not change any more
		if set.admits(&s.creds, s.cert, s.gone) {
			continue
		}
		c.mu.Lock()
		s.noReconnect = true
		c.mu.Unlock()
		s.conn.End(unauthorized(s.creds.User))
	}
}

// reroute ends the routes to servers that are not configured any more, and dials those
// that are now.
func (c *Cluster) reroute(old, set *Settings) {
	for _, u := range old.Routes {
		if !set.dials(u) {
			c.remove(u)
		}
	}
	for _, u := range set.Routes {
		if !old.dials(u) {
			c.solicitAll(target{url: u, explicit: true})
		}
	}
}

func (c *Cluster) remove(u *url.URL) {
	c.mu.Lock()
	var gone []*Session
	for _, s := range c.sessions {
		if s.url != nil && s.url.String() == u.String() {
			s.noReconnect = true
			gone = append(gone, s)
		}
	}
	c.mu.Unlock()
	for _, s := range gone {
		s.conn.Close(conn.RouteRemoved)
	}
	c.cfg.Log.Noticef("Removed route %s", dial.Redacted(u))
}
