package client

import (
	"bytes"
	"regexp"

	"nats-server/internal/wire"
)

// secrets finds the values in a CONNECT that no log may show.
var secrets = regexp.MustCompile(`(?i)("(?:pass|auth_token|jwt|sig|nkey)"\s*:\s*)"(?:[^"\\]|\\.)*"?`)

// traceIn logs a command that was received.
func (s *Session) traceIn(verb wire.Verb, b []byte) {
	log := s.hub.cfg.Log
	switch verb {
	case wire.Pub:
		line, body := b[:bytes.IndexByte(b, '\n')], s.parser.Msg.Body
		log.Tracef("%s - <<- [%s]", s.conn, bytes.TrimRight(line, "\r"))
		log.Tracef("%s - <<- MSG_PAYLOAD: [%q]", s.conn, s.traced(body))
	case wire.Connect:
		log.Tracef("%s - <<- [%s]", s.conn, secrets.ReplaceAll(bytes.TrimRight(b, "\r\n"), []byte(`${1}"[REDACTED]"`)))
	case wire.Broken, wire.Info:
	default:
		log.Tracef("%s - <<- [%s]", s.conn, bytes.TrimRight(b, "\r\n"))
	}
}

// TraceOut implements conn.Session: it logs whole lines that are being queued.
func (s *Session) TraceOut(b []byte) {
	log := s.hub.cfg.Log
	for len(b) > 0 {
		if b[0] == 'M' || b[0] == 'H' {
			m, _, n := wire.ReadDelivery(b)
			line := b[:bytes.IndexByte(b, '\r')]
			log.Tracef("%s - ->> [%s]", s.conn, line)
			log.Tracef("%s - ->> MSG_PAYLOAD: [%q]", s.conn, s.traced(m.Body))
			b = b[n:]
			continue
		}
		end := bytes.IndexByte(b, '\n')
		if line := bytes.TrimRight(b[:end], "\r"); !bytes.HasPrefix(line, []byte("INFO ")) {
			log.Tracef("%s - ->> [%s]", s.conn, bytes.TrimPrefix(line, []byte("+")))
		}
		b = b[end+1:]
	}
}

// traced is as much of a payload as traces show.
func (s *Session) traced(body []byte) []byte {
	if most := s.hub.cfg.MaxTraced; most > 0 && len(body) > most {
		return append(bytes.Clone(body[:most]), "..."...)
	}
	return body
}
