package client

import (
	"bytes"
	"strconv"

	"nats-server/internal/subject"
	"nats-server/internal/wire"
)

// Subjects that servers keep for themselves. Both the start of a subject and that
// of a reply are looked at (spec: client-protocol 6).
var (
	reservedSubjects = [][]byte{[]byte("_GR_."), []byte("$NRG.")}
	reservedReplies  = [][]byte{[]byte("_R_."), []byte("_GR_."), []byte("$JS.ACK.")}
)

// publish carries out PUB and HPUB, in the order of spec: client-protocol 6.
func (s *Session) publish(m *wire.Msg) {
	s.received.msgs++
	s.received.bytes += int64(len(m.Body))
	s.announced(m)
	s.warned = false
	if reserved(m.Subject, reservedSubjects) {
		s.violate(m.Subject)
		return
	}
	route, allowed := s.sender.Find(m)
	if !allowed {
		s.violate(m.Subject)
		return
	}
	if m.Reply != nil && reserved(m.Reply, reservedReplies) {
		s.hub.cfg.Log.Errorf("%s - Publish Violation - Reply %s", s.conn, strconv.Quote(string(m.Reply)))
		s.complain(wire.ReplyViolation(m.Reply))
		return
	}
	s.confirm()
	if !s.sender.Deliver(route, m) && m.Reply != nil && s.opts.NoResponders {
		s.sender.NoResponders(m.Subject, m.Reply)
	}
}

// violate tells the client that it may not publish to subj.
func (s *Session) violate(subj []byte) {
	s.hub.cfg.Log.Errorf("%s - Publish Violation - Subject %s", s.conn, strconv.Quote(string(subj)))
	s.complain(wire.PublishViolation(subj))
}

// announced checks the subject of a message, of which the payload may be still to
// come, for a pedantic client.
func (s *Session) announced(m *wire.Msg) {
	if s.opts.Pedantic && !s.warned && !subject.Literal(m.Subject) {
		s.warned = true
		s.complain(wire.ErrInvalidPublish)
	}
}

// reserved reports whether subj begins with one of the prefixes, which all begin
// with '_' or '$'.
func reserved(subj []byte, prefixes [][]byte) bool {
	if subj[0] != '_' && subj[0] != '$' {
		return false
	}
	for _, p := range prefixes {
		if bytes.HasPrefix(subj, p) {
			return true
		}
	}
	return false
}
