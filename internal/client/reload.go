package client

import (
	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/wire"
)

// Revalidate ends the sessions that the directory in force would not let in (spec:
// command-line 11). Each secret is looked at once, however many sessions share it:
// with hashes that takes its time.
func (h *Hub) Revalidate() {
	dir := h.settings.Load().Auth
	if !dir.Required() {
		return
	}
	verdicts := make(map[auth.Credentials]bool)
	for _, s := range h.Sessions() {
		creds := s.creds.Load()
		switch {
		case s.conn.Closed():
			continue
		case creds == nil && !s.open:
			continue // still at the gate, which is that of the directory in force
		case creds == nil:
			creds = &noCredentials
		}
		good, known := verdicts[*creds]
		if !known {
			good = dir.Admit(*creds, never)
			verdicts[*creds] = good
		}
		if !good {
			s.conn.End(authViolation(creds.User))
		}
	}
}

// never is for a verdict that others wait for, too.
func never() bool { return false }

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
