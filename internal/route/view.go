package route

import (
	"slices"

	"nats-server/internal/account"
)

// view is which connections carry the interest of which account (spec: cluster-routes
// 10.1). It is immutable.
type view struct {
	spreads []*spread // one for each size of pools that there is
	// left are the connections that carried accounts up to now: the end of interest that
	// was told there is told there, too. It is nil but for the moment of the change.
	left map[string]*Session
}

// spread is the connections to servers over which accounts are spread alike.
type spread struct {
	slots  [][]*Session          // one connection to each server, by the account's index
	pinned map[string][]*Session // of accounts that have connections of their own
}

// of returns the connections for an account.
func (v *spread) of(a *account.Account) []*Session {
	if own, ok := v.pinned[a.Name]; ok {
		return own
	}
	return v.slots[a.Hash%uint32(len(v.slots))]
}

// relinkLocked makes those that are registered known to subscribers. While the
// connection for an account is down, nothing of the account goes to that server.
func (c *Cluster) relinkLocked() {
	if c.closing {
		return
	}
	set := c.settings.Load()
	v := new(view)
	for _, m := range c.members {
		to := v.spreadOver(m.slotsUsed(set.PoolSize), set.Pinned)
		for i := range to.slots {
			if s := m.carrier(i); s != nil {
				to.slots[i] = append(to.slots[i], s)
			}
		}
		for name := range to.pinned {
			to.pinned[name] = append(to.pinned[name], c.carriersOf(m, name, len(to.slots))...)
		}
	}
	c.links.Store(v)
}

// spreadOver is the spread of v over so many slots, which may be a new one.
func (v *view) spreadOver(slots int, pinned []string) *spread {
	for _, to := range v.spreads {
		if len(to.slots) == slots {
			return to
		}
	}
	to := &spread{slots: make([][]*Session, slots), pinned: make(map[string][]*Session)}
	for _, name := range pinned {
		to.pinned[name] = nil
	}
	v.spreads = append(v.spreads, to)
	return to
}

// slotsUsed is over how many connections to m accounts are spread, where this server has a
// pool of size own. Both sides go by the same number: what one of them wants and what it
// gets would else take different connections, and a request could overtake the interest in
// its answer. The reference goes by its own size whatever the other side does, so this
// server does, too; where both can choose, the larger one decides.
func (m *member) slotsUsed(own int) int {
	switch {
	case m.noPool || m.poolSize == 0:
		return max(own, 1)
	case m.larger:
		return max(own, m.poolSize)
	}
	return m.poolSize
}

// carriersOf are the connections for an account that is to have its own, spread over so many
// slots else: two while it is not known whether the other server takes the new one.
func (c *Cluster) carriersOf(m *member, name string, slots int) (all []*Session) {
	if s := m.pinned[name]; s != nil {
		all = append(all, s)
	}
	var s *Session
	if m.noPool {
		s = m.carrier(0)
	} else if a := c.cfg.Accounts.Lookup(name); a != nil && m.moving[name] {
		s = m.carrier(int(a.Hash % uint32(slots)))
	}
	if s != nil {
		all = append(all, s)
	}
	return all
}

// moveLocked is called when it is known that the other server has taken s, which is for
// one account: what was told of the account over the pool until now is withdrawn there.
func (c *Cluster) moveLocked(s *Session) {
	m, a := s.member, c.cfg.Accounts.Lookup(s.account)
	m.eachPooled(func(o *Session) { o.sleep(s.account, true) })
	s.sleep(s.account, false)
	if a == nil || !m.moving[s.account] {
		return
	}
	delete(m.moving, s.account)
	c.relinkLocked()
	v := *c.links.Load()
	old := m.carrier(int(a.Hash % uint32(m.slotsUsed(c.settings.Load().PoolSize))))
	if old == nil {
		return
	}
	during := v
	during.left = map[string]*Session{a.Name: old}
	c.links.Store(&during)
	rules, p := c.imports.Load().now, pieces{to: old}
	a.EachLocal(func(filter, group string, _ int) {
		if rules.imports(filter) {
			p.add(a.Name, filter, group, 0)
		}
	}, p.flush)
	c.links.Store(&v)
	old.conn.Out.Flush(true)
}

// taken is told that the server of s, by its answer to a PING, has taken s.
func (c *Cluster) taken(s *Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.member != nil {
		c.moveLocked(s)
	}
}

// carrier is the connection for accounts with that index, nil if it is down.
func (m *member) carrier(index int) *Session {
	if m.noPool {
		index = 0
	}
	if index < len(m.slots) {
		return m.slots[index]
	}
	return nil
}

// eachCarried calls f, as account.EachLocal does, for the local interest that the server
// of s is told over s.
func (c *Cluster) eachCarried(s *Session, f func(account, filter, group string, n int), done func()) {
	v := c.links.Load()
	for _, a := range c.cfg.Accounts.All() {
		if v.carries(s, a) {
			name := s.naming(a)
			a.EachLocal(func(filter, group string, n int) { f(name, filter, group, n) }, done)
		}
	}
}

// carries reports whether s is among the connections for an account.
func (v *view) carries(s *Session, a *account.Account) bool {
	return slices.ContainsFunc(v.spreads, func(to *spread) bool { return slices.Contains(to.of(a), s) })
}

// naming is what lines on s call an account: nothing if s is for that alone.
func (s *Session) naming(a *account.Account) string {
	if s.link.Pinned {
		return ""
	}
	return a.Name
}
