package route

import (
	"net/url"
	"reflect"
	"slices"

	"nats-server/internal/account"
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

// repool goes on with another pool, or other accounts that have connections of their own
// (spec: cluster-routes 18.3). Another number of slots has those come anew; everything
// does if there was no pool or is none any more.
func (c *Cluster) repool(old, set *Settings) {
	if set.PoolSize != old.PoolSize {
		c.resize((old.PoolSize < 1) != (set.PoolSize < 1))
	}
	c.unpin(without(old.Pinned, set.Pinned))
	c.pin(without(set.Pinned, old.Pinned), old, set)
}

// without returns what is in a and not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// resize ends the connections that have a slot in a pool, or all.
func (c *Cluster) resize(all bool) {
	c.mu.Lock()
	var gone []*Session
	for _, s := range c.sessions {
		if all || s.member == nil || s.account == "" && !s.member.noPool {
			gone = append(gone, s)
		}
	}
	c.mu.Unlock()
	for _, s := range gone {
		s.conn.Close(conn.RouteRemoved)
	}
}

// unpin has accounts use the pool again.
func (c *Cluster) unpin(accounts []string) {
	if len(accounts) == 0 {
		return
	}
	c.mu.Lock()
	var gone []*Session
	for _, m := range c.members {
		for _, name := range accounts {
			delete(m.moving, name)
			if s := m.pinned[name]; s != nil {
				s.noReconnect = true
				gone = append(gone, s)
			}
		}
	}
	c.relinkLocked()
	c.mu.Unlock()
	for _, s := range gone {
		s.conn.Close(conn.RouteRemoved)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.links.Load()
	for _, name := range accounts {
		a := c.cfg.Accounts.Lookup(name)
		if a == nil {
			continue
		}
		for _, to := range v.spreads {
			c.tellLocked(to.of(a), a)
		}
	}
}

// tellLocked tells the servers of pooled connections, which carry an account again, of the
// interest in it.
func (c *Cluster) tellLocked(links []*Session, a *account.Account) {
	for _, s := range links {
		if s.member.noPool {
			continue // which has carried it all the time
		}
		add, flush := c.tellAll(s)
		a.EachLocal(func(filter, group string, n int) { add(a.Name, filter, group, n) }, flush)
		s.conn.Out.Flush(false)
	}
}

// pin has accounts get connections of their own. Until there is one to a server they use
// the pool, so that it does not matter how long it takes the other server to be told of
// them.
func (c *Cluster) pin(accounts []string, old, set *Settings) {
	c.mu.Lock()
	for _, m := range c.members {
		for _, name := range accounts {
			m.moving[name] = true
		}
	}
	c.relinkLocked()
	c.mu.Unlock()
	begin := c.solicit
	if old.PoolSize < 1 {
		begin = c.reconnect // when what there was has ended
	}
	for _, name := range accounts {
		for _, u := range set.Routes {
			if old.dials(u) { // else it is dialed in any case
				begin(target{url: u, explicit: true, account: name, soon: true})
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
