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
	s.active = true
	if s.opts.Pedantic && !subject.Literal(m.Subject) {
		s.complain(wire.ErrInvalidPublish)
	}
	if reserved(m.Subject, reservedSubjects) {
		s.hub.cfg.Log.Errorf("%s - Publish Violation - Subject %s", s.conn, strconv.Quote(string(m.Subject)))
		s.complain(wire.PublishViolation(m.Subject))
		return
	}
	if m.Reply != nil && reserved(m.Reply, reservedReplies) {
		s.hub.cfg.Log.Errorf("%s - Publish Violation - Reply %s", s.conn, strconv.Quote(string(m.Reply)))
		s.complain(wire.ReplyViolation(m.Reply))
		return
	}
	s.confirm()
	if !s.sender.Publish(m) && m.Reply != nil && s.opts.NoResponders {
		s.sender.NoResponders(m.Subject, m.Reply)
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
