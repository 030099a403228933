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

// ownTraffic is the part of t, which is that of the session, for its present account.
func (s *Session) ownTraffic(t facts.Traffic) facts.Traffic {
	if f := s.former.Load(); f != nil {
		t.Sub(*f)
	}
	return t
}

// moved notes that a session has left an account, for which what it has sent and
// received so far goes on to count.
func (h *Hub) moved(s *Session, before *account.Account) {
	all := s.conn.Traffic()
	part := s.ownTraffic(all)
	if part == (facts.Traffic{}) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.past.account(before.Name).Traffic.Add(part)
	s.former.Store(&all)
}

// past is what sessions that have ended have come to. It is guarded by the Hub's mutex.
type past struct {
	accepted uint64
	closed   map[string]uint64 // by reason
	total    facts.Traffic
	accounts map[string]*facts.AccountTotals
}

func newPast() past {
	return past{closed: make(map[string]uint64), accounts: make(map[string]*facts.AccountTotals)}
}

// add counts a session that has ended for a reason.
func (p *past) add(s *Session, last *facts.Connection) {
	p.closed[last.Reason]++
	p.total.Add(last.Traffic)
	a := p.account(last.Account)
	a.Traffic.Add(s.ownTraffic(last.Traffic))
	if r := s.conn.Reason(); r == conn.SlowConsumerPending || r == conn.SlowConsumerDeadline {
		a.SlowConsumers++
	}
}

func (p *past) account(name string) *facts.AccountTotals {
	a := p.accounts[name]
	if a == nil {
		a = new(facts.AccountTotals)
		p.accounts[name] = a
	}
	return a
}

// refused notes a connection that never had a session.
func (h *Hub) refused(last *facts.Connection) {
	h.mu.Lock()
	h.past.closed[last.Reason]++
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
	t := facts.Totals{
		Open: len(h.sessions), Accepted: h.past.accepted, Traffic: h.past.total,
		Closed: maps.Clone(h.past.closed), Accounts: make(map[string]facts.AccountTotals, len(h.past.accounts)),
	}
	for name, a := range h.past.accounts {
		t.Accounts[name] = *a
	}
	room, _ := h.copies.Get().(*[]listed)
	if room == nil {
		room = new([]listed)
	}
	*room = append((*room)[:0], h.sessions...)
	h.mu.Unlock()
	defer func() {
		clear(*room)
		h.copies.Put(room)
	}()
	live := make(map[*account.Account]*facts.AccountTotals)
	var last *account.Account
	var in *facts.AccountTotals
	for _, s := range *room {
		if acct := s.Account(); acct != last { // neighbours are mostly of one account
			if last, in = acct, live[acct]; in == nil {
				in = new(facts.AccountTotals)
				live[acct] = in
			}
		}
		in.Open++
		traffic := s.conn.Traffic()
		t.Traffic.Add(traffic)
		in.Traffic.Add(s.ownTraffic(traffic))
	}
	for acct, a := range live {
		sum := t.Accounts[acct.Name]
		sum.Open += a.Open
		sum.Traffic.Add(a.Traffic)
		t.Accounts[acct.Name] = sum
	}
	return t
}
