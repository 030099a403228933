package client

import (
	"nats-server/internal/conn"
	"nats-server/internal/wire"
)

// Revalidate ends the sessions that the directory in force would not let in (spec:
// command-line 11).
func (h *Hub) Revalidate() {
	dir := h.settings.Load().Auth
	if !dir.Required() {
		return
	}
	for _, s := range h.Sessions() {
		creds := s.creds.Load()
		switch {
		case creds == nil && !s.open:
			// Still at the gate, which is that of the directory in force.
		case creds == nil:
			s.conn.End(authViolation(""))
		case !dir.Admit(*creds, s.conn.Closed):
			s.conn.End(authViolation(creds.User))
		}
	}
}

// Shrink ends as many sessions, whichever, as are too many, and returns how many
// that were.
func (h *Hub) Shrink() int {
	most := h.settings.Load().MaxConnections
	var surplus []*Session
	h.mu.Lock()
	for _, s := range h.sessions {
		if len(h.sessions)-len(surplus) <= most {
			break
		}
		surplus = append(surplus, s)
	}
	h.mu.Unlock()
	for _, s := range surplus {
		s.conn.End(refusal(wire.ErrMaxConnections, conn.MaxConnectionsExceeded, wire.ErrMaxConnections))
	}
	return len(surplus)
}
