package route

import (
	"slices"
	"strings"

	"nats-server/internal/interest"
	"nats-server/internal/perms"
	"nats-server/internal/wire"
)

// Rules are the permissions of one direction. They are immutable; nil allows everything.
type Rules struct {
	told  wire.Rules         // as others are told
	rules *perms.Permissions // for both directions
	deny  *perms.Permissions // without what is allowed
}

// NewRules returns the rules with these entries, nil for none.
func NewRules(r *perms.Rules) (*Rules, error) {
	if r == nil || r.Allow == nil && r.Deny == nil {
		return nil, nil
	}
	all := perms.Config{Publish: r, Subscribe: r}
	rules, err := all.Compile()
	if err != nil {
		return nil, err
	}
	denied := perms.Config{Publish: &perms.Rules{Deny: r.Deny}}
	deny, err := denied.Compile()
	return &Rules{wire.Rules{Allow: r.Allow, Deny: r.Deny}, rules, deny}, err
}

// ofPeer are the rules that another server has announced.
func ofPeer(r *wire.Rules) (*Rules, error) {
	if r == nil {
		return nil, nil
	}
	return NewRules(&perms.Rules{Allow: r.Allow, Deny: r.Deny})
}

// imports reports whether interest in filter, which stands for itself even if it has
// wildcards, is told.
func (r *Rules) imports(filter string) bool {
	switch {
	case r == nil:
		return true
	case strings.HasPrefix(filter, "$MQTT."):
		return r.deny.MayPublish([]byte(filter))
	}
	return r.rules.MayPublish([]byte(filter))
}

// exports reports whether interest in filter is accepted.
func (r *Rules) exports(filter []byte) bool { return r == nil || r.rules.MaySubscribe(filter, nil) }

// exportRights is what other servers may ask for, as the rights of their routes.
func (s *Settings) exportRights() *interest.Rights {
	if s.Export == nil {
		return nil
	}
	return &interest.Rights{Permissions: s.Export.rules}
}

// repermit goes on with other permissions (spec: cluster-routes 16.3): other servers are
// told, then what is imported now and was not, then what was and is not.
func (c *Cluster) repermit(old, set *Settings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.imports.Store(&imports{now: set.Import, before: old.Import, pending: true})
	for _, s := range c.registeredLocked() {
		s.restrict(set)
		s.conn.Out.Append(c.infoLine(set, infoFor{}))
		c.diffLocked(s, old.Import, set.Import, 1)
		c.diffLocked(s, set.Import, old.Import, 0)
		s.conn.Out.Flush(false)
	}
	c.imports.Store(&imports{now: set.Import})
}

// diffLocked tells the server of s of local interest that b lets it know and a does not:
// as it is, or with a most of 0, that there is none.
func (c *Cluster) diffLocked(s *Session, a, b *Rules, most int) {
	p := pieces{to: s}
	c.eachCarried(s, func(account, filter, group string, n int) {
		if !a.imports(filter) && b.imports(filter) {
			p.add(account, filter, group, n*most)
		}
	}, p.flush)
}

// restrict drops what the other server may not ask for any more.
func (s *Session) restrict(set *Settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = set.Export
	s.self.Rights.Store(set.exportRights())
	for a, subs := range s.remotes {
		var gone []*interest.Sub
		subs.Each(func(sub *interest.Sub) {
			if set.Export.exports([]byte(sub.Filter())) {
				a.Changed(sub)
			} else {
				gone = append(gone, sub)
			}
		})
		for _, sub := range gone {
			s.dropLocked(a, subs, sub)
		}
	}
}

// laterInfo takes an INFO on an established route (spec: cluster-routes 4.4, end).
func (c *Cluster) laterInfo(s *Session, i *wire.RouteInfo) {
	switch {
	case i.AccountRequest != "":
		s.accountMoves(i)
	case i.Gateway != "":
		c.cfg.Log.Errorf("Received information about gateway %q from %s, but gateway is not configured", i.Gateway, s.conn)
	case i.ServerID != s.remoteID:
		c.hear(s, i)
	case i.LameDuck:
		c.leaves(s)
	default:
		c.widened(s, i)
	}
}

// widened tells the other server again of what it accepts now and did not before.
func (c *Cluster) widened(s *Session, i *wire.RouteInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sameRules(s.export, i.Export) {
		return
	}
	old, err := ofPeer(s.export)
	next, err2 := ofPeer(i.Export)
	if err != nil || err2 != nil {
		return
	}
	s.export = i.Export
	rules := c.imports.Load().now
	p := pieces{to: s}
	c.eachCarried(s, func(account, filter, group string, n int) {
		if rules.imports(filter) && next.exports([]byte(filter)) && !old.exports([]byte(filter)) {
			p.add(account, filter, group, n)
		}
	}, p.flush)
	s.conn.Out.Flush(false)
}

func sameRules(a, b *wire.Rules) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Allow, b.Allow) && slices.Equal(a.Deny, b.Deny)
}
