package route

import (
	"nats-server/internal/account"
	"nats-server/internal/wire"
)

// imports says what local interest other servers are told of (spec: cluster-routes 16).
type imports struct {
	now *Rules
	// before is set while a reload goes on: interest that others were told of under the
	// old rules is still withdrawn, should it go meanwhile.
	before  *Rules
	pending bool // a reload goes on
}

// tells reports whether n subscriptions of filter, or their end, are told.
func (i *imports) tells(filter string, n int) bool {
	return i.now.imports(filter) || n == 0 && i.pending && i.before.imports(filter)
}

// LocalInterest implements account.Watcher: it appends to the queues of the routes that
// carry the account, one to each server. It is called under the lock of an interest shard,
// so that what other servers hear is in order (spec: cluster-routes 13.5).
func (c *Cluster) LocalInterest(a *account.Account, filter, group string, n int) {
	v := c.links.Load()
	if len(v.spreads) == 0 || !c.imports.Load().tells(filter, n) {
		return
	}
	for _, to := range v.spreads {
		tellInterest(to.of(a), a, filter, group, n)
	}
	if left := v.left[a.Name]; left != nil && n == 0 {
		left.conn.Out.Append(wire.AppendInterest(nil, a.Name, filter, group, n))
	}
	c.unsent.Store(true)
}

func tellInterest(links []*Session, a *account.Account, filter, group string, n int) {
	var b [256]byte // longer lines are allocated
	line := b[:0]
	for i, s := range links {
		if i == 0 || s.link.Pinned != links[i-1].link.Pinned {
			line = wire.AppendInterest(b[:0], s.naming(a), filter, group, n)
		}
		s.conn.Out.Append(line)
	}
}

// Settle implements account.Watcher: it sends what was appended.
func (c *Cluster) Settle() {
	if c.unsent.Load() && c.unsent.Swap(false) {
		for _, to := range c.links.Load().spreads {
			for _, links := range to.slots {
				flush(links)
			}
			for _, links := range to.pinned {
				flush(links)
			}
		}
	}
}

func flush(links []*Session) {
	for _, s := range links {
		s.conn.Out.Flush(true)
	}
}

// pieceBytes is how much of a snapshot is appended at a time.
const pieceBytes = 64 << 10

// announceLocked tells the server of s of all local interest that goes over s (spec:
// cluster-routes 13.3).
// s is among the links already: a change is in this snapshot or follows it.
func (c *Cluster) announceLocked(s *Session) {
	add, flush := c.tellAll(s)
	c.eachCarried(s, add, flush)
	c.cfg.Log.Debugf("%s - Sent local subscriptions to route", s.conn)
}

// tellAll returns what eachCarried is to call to have the server of s told of everything.
func (c *Cluster) tellAll(s *Session) (add func(account, filter, group string, n int), flush func()) {
	rules := c.imports.Load().now
	p := &pieces{to: s}
	return func(account, filter, group string, n int) {
		if rules.imports(filter) {
			p.add(account, filter, group, n)
		}
	}, p.flush
}

// pieces gathers lines of interest for one route.
type pieces struct {
	to *Session
	b  []byte
}

func (p *pieces) add(account, filter, group string, n int) {
	if p.b = wire.AppendInterest(p.b, account, filter, group, n); len(p.b) >= pieceBytes {
		p.flush()
	}
}

func (p *pieces) flush() {
	if len(p.b) > 0 {
		p.to.conn.Out.Append(p.b)
		p.b = p.b[:0]
	}
}
