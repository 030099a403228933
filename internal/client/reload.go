package client

import (
	"fmt"
	"runtime/debug"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/interest"
	"nats-server/internal/wire"
)

// Revalidate looks at every session anew with the directory in force: those that it
// does not let in are ended, the others get the permissions that they have now (spec:
// command-line 11, accounts-and-auth 1.12). Each secret is looked at once, however
// many sessions share it: with hashes that takes its time.
func (h *Hub) Revalidate() {
	set := h.settings.Load()
	dir := set.Auth
	verdicts := make(map[auth.Credentials]*auth.Identity)
	for _, s := range h.Sessions() {
		s.mu.Lock() // whoever is about to bind does so first, or notices dir
		creds, before := s.creds.Load(), s.bound.Load()
		s.mu.Unlock()
		switch {
		case s.conn.Closed():
			continue
		case creds == nil && !s.open, creds == nil && !dir.Required():
			// Still at the gate, which is that of the directory in force, or there is
			// none.
			continue
		case creds == nil:
			s.conn.End(authViolation(&noCredentials[0]))
			continue
		case dir.Vouches(before):
			s.revalidated(set, creds, before, before)
			continue
		case dir.Asks():
			s.revalidated(set, creds, before, s.ask(dir, creds))
			continue
		}
		key := *creds
		key.Place, key.Asked = "", nil
		id, known := verdicts[key]
		if !known {
			id = dir.Admit(key, never)
			verdicts[key] = id
		}
		s.revalidated(set, creds, before, id)
	}
}

// never is for a verdict that others wait for, too.
func never(bool) bool { return false }

// ask returns who the embedding program now says that the session is. It has no stack of
// the session's to fail on.
func (s *Session) ask(dir *auth.Directory, creds *auth.Credentials) (id *auth.Identity) {
	defer func() {
		if p := recover(); p != nil {
			s.hub.cfg.Stats.Panics.Add(1)
			s.hub.cfg.Log.Errorf("%s - BUG: the authenticator ended by a panic: %v\n%s", s.conn, p, debug.Stack())
		}
	}()
	c := *creds
	if c.Asked == nil { // nobody was asked so far
		c.Asked = s.question(creds)
	}
	return dir.Admit(c, s.gone)
}

// revalidated goes on with id, or ends the session if that is nil or not where the
// session is.
func (s *Session) revalidated(set *Settings, creds *auth.Credentials, before, id *auth.Identity) {
	switch {
	case id != nil:
		s.rebind(set, creds, id)
	case s.creds.Load() != creds:
		// Has come in anew, by the directory in force.
	case before.Listed && !set.Auth.Lists(before.Name):
		s.Close(conn.ClientClosed)
	default:
		s.conn.End(authViolation(creds))
	}
}

// rebind gives the session the permissions of id and ends the subscriptions that they
// do not allow, unless it has come in with other credentials meanwhile: that was by the
// directory in force. One who is somewhere else now has to come in there (spec:
// accounts-and-auth 1.12).
func (s *Session) rebind(set *Settings, creds *auth.Credentials, id *auth.Identity) {
	s.mu.Lock()
	if s.creds.Load() != creds {
		s.mu.Unlock()
		return
	}
	acct := s.Account()
	if _, exists := s.hub.account(set, id.Account); !exists || !belongs(id, acct) {
		s.mu.Unlock()
		s.Close(conn.ClientClosed)
		return
	}
	s.bound.Store(id)
	rights := rightsOf(id)
	if old := s.self.Rights.Load(); old == nil && rights == nil || old != nil && old.Equal(id.Permissions) {
		s.mu.Unlock()
		return
	}
	s.self.Rights.Store(rights)
	var refused []*interest.Sub
	s.sids.Each(func(sub *interest.Sub) {
		if !id.Permissions.MaySubscribe([]byte(sub.Filter()), []byte(sub.Group())) {
			refused = append(refused, sub)
			return
		}
		acct.Changed(sub) // publishers look again whether it may receive
	})
	s.mu.Unlock()
	for _, sub := range refused {
		s.evict(sub, acct, id)
	}
	acct.Announce()
	s.conn.Out.Flush(true)
}

// evict ends a subscription that is not allowed any more, and says so. It is not
// called by the reader, so nothing is staged for anybody.
func (s *Session) evict(sub *interest.Sub, acct *account.Account, id *auth.Identity) {
	if !s.remove(sub) {
		return
	}
	group := ""
	if g := sub.Group(); g != "" {
		acct.AwaitChoices()
		group = fmt.Sprintf(" using queue %q", g)
	}
	s.self.Queue.Locked(func() { sub.Ended = true })
	what := fmt.Sprintf("%q%s (sid %q)", sub.Filter(), group, sub.Sid())
	s.conn.Out.Append(wire.AppendErr(nil, "Permissions Violation for Subscription to "+what))
	s.hub.cfg.Log.Noticef("%s - Removed sub %s for User %q - not authorized", s.conn, what, id.Name)
}

// Shrink ends as many sessions, whichever, as are too many, and returns how many
// that were. Those that are ending anyway do not count.
func (h *Hub) Shrink() int {
	most, open := h.settings.Load().MaxConnections, 0
	var surplus []*Session
	h.mu.Lock()
	for _, s := range h.sessions {
		if s.conn.Closed() {
			continue
		}
		if open++; open > most {
			surplus = append(surplus, s.Session)
		}
	}
	h.mu.Unlock()
	for _, s := range surplus {
		s.conn.End(refusal(wire.ErrMaxConnections, conn.MaxConnectionsExceeded, wire.ErrMaxConnections))
	}
	return len(surplus)
}
