package route

import (
	"nats-server/internal/account"
	"nats-server/internal/interest"
	"nats-server/internal/subject"
	"nats-server/internal/wire"
)

// addInterest takes RS+ and LS+ (spec: cluster-routes 13.4).
func (s *Session) addInterest(in *wire.RemoteInterest) {
	log := s.mesh.cfg.Log
	a := s.accountOf(in.Account)
	switch {
	case a == nil:
		log.Errorf("%s - Unknown account %q for remote subject %q", s.conn, in.Account, in.Subject)
		return
	case !subject.ValidFilter(in.Subject):
		s.sender.Control(wire.AppendErr(nil, "Invalid Subscription"))
		log.Errorf("%s - Could not insert subscription: %q is not a valid subject", s.conn, in.Subject)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.rules.exports(in.Subject) {
		log.Debugf("%s - Can not export %q, ignoring remote subscription request", s.conn, in.Subject)
		return
	}
	subs := s.remotes[a]
	if subs == nil {
		subs = new(interest.Remotes)
		s.remotes[a] = subs
	}
	origin := s.originOf(in)
	if sub := subs.Find(in.Subject, in.Queue, origin); sub != nil {
		if len(in.Queue) > 0 && sub.Weight() != in.Weight {
			sub.SetWeight(in.Weight)
			a.Changed(sub)
		}
		return
	}
	sub := interest.NewRemote(&s.self, in.Subject, in.Queue, origin, in.Weight)
	subs.Add(sub)
	if !s.asleep[a.Name] {
		a.Subscribe(sub)
	}
	s.numSubs.Add(1)
}

// accountOf returns the account of that name, or nil. Where lines name none it is the one
// that the connection is for.
func (s *Session) accountOf(name []byte) *account.Account {
	if s.parser.Pinned {
		return s.mesh.cfg.Accounts.Lookup(s.account)
	}
	return s.mesh.cfg.Accounts.Find(name)
}

// dropInterest takes RS- and LS-.
func (s *Session) dropInterest(in *wire.RemoteInterest) {
	a := s.accountOf(in.Account)
	if a == nil {
		s.mesh.cfg.Log.Debugf("%s - Unknown account %q for subject %q", s.conn, in.Account, in.Subject)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	subs := s.remotes[a]
	if subs == nil {
		return
	}
	if sub := subs.Find(in.Subject, in.Queue, s.originOf(in)); sub != nil {
		s.dropLocked(a, subs, sub)
	}
}

// accountMoves is told that the other server has a connection of its own for an account
// from now on, after a reload: what it wanted in it over s is void. It waits for the answer
// (spec: cluster-routes 18.3).
func (s *Session) accountMoves(i *wire.RouteInfo) {
	if i.Account == "" {
		return // an answer, to nothing that was asked
	}
	a := s.mesh.cfg.Accounts.Lookup(i.Account)
	s.mu.Lock()
	if subs := s.remotes[a]; a != nil && subs != nil && !s.parser.Pinned {
		delete(s.remotes, a)
		s.numSubs.Add(-int64(subs.Len()))
		if !s.asleep[a.Name] {
			subs.Each(a.Unsubscribe)
		}
	}
	s.mu.Unlock()
	i.Account = ""
	s.sender.Control(i.Line())
}

func (s *Session) dropLocked(a *account.Account, subs *interest.Remotes, sub *interest.Sub) {
	subs.Remove(sub)
	if !s.asleep[a.Name] {
		a.Unsubscribe(sub)
	}
	s.numSubs.Add(-1)
}

// sleep tells whether what the other server wants in an account over s has no effect, as
// while it has a connection of its own for the account. Servers that begin or cease to
// have such connections do so one after the other, and what they say on two connections
// comes in any order: so it is kept, but nothing is sent twice.
func (s *Session) sleep(account string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asleep[account] == on {
		return
	}
	s.asleep[account] = on
	for a, subs := range s.remotes {
		switch {
		case a.Name != account:
		case on:
			subs.Each(a.Unsubscribe)
		default:
			subs.Each(a.Subscribe)
		}
	}
}

// originOf tells interest of leafnodes from that of clients, if the other server does so
// when it withdraws it, too. Else there is one count for both.
func (s *Session) originOf(in *wire.RemoteInterest) []byte {
	if !s.parser.Origins {
		return nil
	}
	return in.Origin
}
