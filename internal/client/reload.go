package client

import (
	"fmt"

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
	dir := h.settings.Load().Auth
	verdicts := make(map[auth.Credentials]*auth.Identity)
	for _, s := range h.Sessions() {
		s.mu.Lock() // whoever is about to bind does so first, or notices dir
		creds := s.creds.Load()
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
		}
		id, known := verdicts[*creds]
		if !known {
			id = dir.Admit(*creds, never)
			verdicts[*creds] = id
		}
		s.revalidated(dir, creds, id)
	}
}

// never is for a verdict that others wait for, too.
func never() bool { return false }

// revalidated goes on with id, or ends the session if that is nil.
func (s *Session) revalidated(dir *auth.Directory, creds *auth.Credentials, id *auth.Identity) {
	before := s.bound.Load()
	switch {
	case id != nil:
		s.rebind(creds, id)
	case s.creds.Load() != creds:
		// Has come in anew, by the directory in force.
	case before.Listed && !dir.Lists(before.Name):
		s.Close(conn.ClientClosed)
	default:
		s.conn.End(authViolation(creds))
	}
}

// rebind gives the session the permissions of id and ends the subscriptions that they
// do not allow, unless it has come in with other credentials meanwhile: that was by the
// directory in force.
func (s *Session) rebind(creds *auth.Credentials, id *auth.Identity) {
	s.mu.Lock()
	if s.creds.Load() != creds {
		s.mu.Unlock()
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
		s.hub.cfg.Account.Changed(sub) // publishers look again whether it may receive
	})
	s.mu.Unlock()
	for _, sub := range refused {
		s.evict(sub, id)
	}
	s.hub.cfg.Account.Announce()
	s.conn.Out.Flush(true)
}

// evict ends a subscription that is not allowed any more, and says so. It is not
// called by the reader, so nothing is staged for anybody.
func (s *Session) evict(sub *interest.Sub, id *auth.Identity) {
	if !s.remove(sub) {
		return
	}
	group := ""
	if g := sub.Group(); g != "" {
		s.hub.cfg.Account.AwaitChoices()
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
			surplus = append(surplus, s)
		}
	}
	h.mu.Unlock()
	for _, s := range surplus {
		s.conn.End(refusal(wire.ErrMaxConnections, conn.MaxConnectionsExceeded, wire.ErrMaxConnections))
	}
	return len(surplus)
}
