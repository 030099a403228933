package client

import (
	"maps"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/facts"
	"nats-server/internal/interest"
)

const (
	// redactedUser is who a client is whose only name is a secret (spec: monitoring 7.2).
	redactedUser = "[REDACTED]"

	// mostKept is how many subscriptions are kept of a session that has ended.
	mostKept = 256

	// atATime is for how many subscriptions a queue is locked in one go.
	atATime = 1000
)

// AuthRequired reports whether clients are told that they must present credentials.
func (h *Hub) AuthRequired() bool {
	set := h.settings.Load()
	return set != nil && set.Auth.Announced()
}

// Facts fills in what is known of the session now, with at most so many of its
// subscriptions. Any goroutine may call it.
func (s *Session) Facts(f *facts.Connection, subs int) {
	s.conn.Facts(f)
	if l := s.label.Load(); l != nil {
		f.Name, f.Lang, f.Version, f.User = l.name, l.lang, l.version, l.claims
	}
	switch id := s.bound.Load(); {
	case id == nil || id.Kind == auth.Anybody:
	case id.Kind == auth.ByToken:
		f.User = redactedUser
	default:
		f.User = id.Name
	}
	f.Account = s.Account().Name
	if t := s.tls.Load(); t != nil {
		f.TLS = &facts.TLS{Version: t.state.Version, CipherSuite: t.state.CipherSuite, Peer: t.state.PeerCertificates, First: t.first}
	}
	f.Subscriptions = s.numSubs()
	if subs > 0 && f.Subscriptions > 0 {
		f.Subs = s.subscriptions(subs)
	}
}

// NumSubscriptions returns how many subscriptions the session has.
func (s *Session) NumSubscriptions() int { return s.numSubs() }

// subscriptions returns at most so many of the session's subscriptions.
func (s *Session) subscriptions(most int) []facts.Subscription {
	var all []*interest.Sub
	s.mu.Lock()
	all = make([]*interest.Sub, 0, min(most, s.sids.Len()))
	s.sids.Each(func(sub *interest.Sub) {
		if len(all) < most {
			all = append(all, sub)
		}
	})
	s.mu.Unlock()
	list := make([]facts.Subscription, len(all))
	for from := 0; from < len(all); from += atATime {
		to := min(from+atATime, len(all))
		s.self.Queue.Locked(func() {
			for i, sub := range all[from:to] {
				list[from+i].Delivered, list[from+i].Max = sub.Delivered, sub.Max
			}
		})
	}
	for i, sub := range all {
		list[i].Subject, list[i].Queue, list[i].SID = sub.Filter(), sub.Group(), sub.Sid()
	}
	return list
}

// lastFacts is what is kept of a session that has ended, or is not let in.
func (s *Session) lastFacts() *facts.Connection {
	f := new(facts.Connection)
	most := mostKept
	if s.hub.cfg.Closed == nil {
		most = 0
	}
	s.Facts(f, most)
	f.Pending = 0
	f.Stop = time.Now()
	f.Reason = s.conn.Reason().String()
	return f
}

// totals are what all sessions have come to. They are guarded by the Hub's mutex, but for
// the traffic.
type totals struct {
	accepted uint64
	closed   map[string]uint64   // by reason
	accounts map[string]*members // by name; those that have had a session
}

// members are the sessions of one account.
type members struct {
	open          int
	slowConsumers int64
	traffic       conn.Tally
}

func newTotals() totals {
	return totals{closed: make(map[string]uint64), accounts: make(map[string]*members)}
}

// enter counts a session in its account.
func (t *totals) enter(s *Session) {
	m := t.members(s.Account())
	m.open++
	s.conn.CountIn(&m.traffic)
}

// leave counts a session that has ended for a reason.
func (t *totals) leave(s *Session) {
	r, m := s.conn.Reason(), t.members(s.Account())
	t.closed[r.String()]++
	m.open--
	if r == conn.SlowConsumerPending || r == conn.SlowConsumerDeadline {
		m.slowConsumers++
	}
}

func (t *totals) members(a *account.Account) *members {
	m := t.accounts[a.Name]
	if m == nil {
		m = new(members)
		t.accounts[a.Name] = m
	}
	return m
}

// moved notes that a session has left an account, for which what it has sent and
// received so far goes on to count.
func (h *Hub) moved(s *Session, before *account.Account) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.totals.members(before).open--
	h.totals.enter(s)
}

// refused notes a connection that never had a session.
func (h *Hub) refused(last *facts.Connection) {
	h.mu.Lock()
	h.totals.closed[last.Reason]++
	h.mu.Unlock()
	h.tellClosed(last)
}

func (h *Hub) tellClosed(last *facts.Connection) {
	if h.cfg.Closed != nil {
		h.cfg.Closed(last)
	}
}

// Totals are what all sessions have come to, those that have ended included.
func (h *Hub) Totals() facts.Totals {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := facts.Totals{
		Open: len(h.sessions), Accepted: h.totals.accepted,
		Closed: maps.Clone(h.totals.closed), Accounts: make(map[string]facts.AccountTotals, len(h.totals.accounts)),
	}
	for name, m := range h.totals.accounts {
		a := facts.AccountTotals{Open: m.open, Traffic: m.traffic.Traffic(), SlowConsumers: m.slowConsumers}
		t.Traffic.Add(a.Traffic)
		t.Accounts[name] = a
	}
	return t
}
