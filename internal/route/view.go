package route

import (
	"slices"

	"nats-server/internal/account"
)

// view is which connections carry the interest of which account (spec: cluster-routes
// 10.1). It is immutable, and has a carrier for each size of pools.
type view []*carrier

// carrier is the view of servers among whose connections accounts are spread alike.
type carrier struct {
	slots  [][]*Session          // one connection to each server, by the account's index
	pinned map[string][]*Session // of accounts that have connections of their own
}

// of returns the connections for an account.
func (v *carrier) of(a *account.Account) []*Session {
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
	var all view
	for _, m := range c.members {
		v := all.spreading(m.spread(set.PoolSize))
		if v == nil {
			v = newCarrier(m.spread(set.PoolSize), set.Pinned)
			all = append(all, v)
		}
		for i := range v.slots {
			if s := m.slot(i); s != nil {
				v.slots[i] = append(v.slots[i], s)
			}
		}
		for name := range v.pinned {
			s := m.pinned[name]
			if m.noPool {
				s = m.slot(0)
			}
			if s != nil {
				v.pinned[name] = append(v.pinned[name], s)
			}
		}
	}
	c.links.Store(&all)
}

// spreading is the carrier of pools of that size, nil if there is none.
func (v view) spreading(size int) *carrier {
	for _, c := range v {
		if len(c.slots) == size {
			return c
		}
	}
	return nil
}

func newCarrier(size int, pinned []string) *carrier {
	v := &carrier{slots: make([][]*Session, size), pinned: make(map[string][]*Session)}
	for _, name := range pinned {
		v.pinned[name] = nil
	}
	return v
}

// spread is the size of the pool by which accounts are spread over the connections to m,
// that of this server being own. Both sides go by the same one: what one of them wants and
// what it gets would else take different connections, and a request could overtake the
// interest in its answer. The reference goes by its own size whatever the other side does,
// so this one does the same; where both can choose, the larger one decides.
func (m *member) spread(own int) int {
	switch {
	case m.noPool || m.poolSize == 0:
		return max(own, 1)
	case m.larger:
		return max(own, m.poolSize)
	}
	return m.poolSize
}

// slot is the connection for accounts with that index, nil if it is down.
func (m *member) slot(index int) *Session {
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
	v := *c.links.Load()
	for _, a := range c.cfg.Accounts.All() {
		if v.carries(s, a) {
			name := s.naming(a)
			a.EachLocal(func(filter, group string, n int) { f(name, filter, group, n) }, done)
		}
	}
}

// carries reports whether the interest in an account is told over s.
func (v view) carries(s *Session, a *account.Account) bool {
	return slices.ContainsFunc(v, func(c *carrier) bool { return slices.Contains(c.of(a), s) })
}

// naming is what lines on s call an account: nothing if s is for that alone.
func (s *Session) naming(a *account.Account) string {
	if s.link.Pinned {
		return ""
	}
	return a.Name
}
