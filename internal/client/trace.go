package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"nats-server/internal/wire"
)

// secrets are the fields of CONNECT that no log may show, in lower case.
var secrets = map[string]bool{"pass": true, "auth_token": true, "jwt": true, "sig": true, "nkey": true}

// redacted is the argument of a CONNECT as a log may show it. What can not be
// decoded is not shown, since there is no telling what in it is a secret.
func redacted(arg []byte) string {
	var fields map[string]any
	if json.Unmarshal(arg, &fields) != nil {
		return fmt.Sprintf("(%d bytes that are not a JSON object)", len(arg))
	}
	for name, value := range fields {
		_, nested := value.(map[string]any)
		_, list := value.([]any)
		if secrets[strings.ToLower(name)] || nested || list { // no client sends those
			fields[name] = "[REDACTED]"
		}
	}
	b, _ := json.Marshal(fields) // it was JSON before
	return string(b)
}

// isTraced reports whether what the client says, and is told, is logged.
func (s *Session) isTraced() bool {
	return s.hub.cfg.Log.TraceOn() && s.Account() != s.hub.settings.Load().Untraced
}

// traceIn logs a command that was received.
func (s *Session) traceIn(verb wire.Verb, b []byte) {
	log := s.hub.cfg.Log
	switch verb {
	case wire.Pub:
		line := b[:bytes.IndexByte(b, '\n')]
		log.Tracef("%s - <<- [%s]", s.conn, bytes.TrimRight(line, "\r"))
		log.Tracef("%s - <<- MSG_PAYLOAD: [%q]", s.conn, s.traced(&s.parser.Msg))
	case wire.Connect:
		log.Tracef("%s - <<- [CONNECT %s]", s.conn, redacted(s.parser.Arg))
	case wire.Broken, wire.Info:
	default:
		log.Tracef("%s - <<- [%s]", s.conn, bytes.TrimRight(b, "\r\n"))
	}
}

// TraceOut implements conn.Session: it logs whole lines that are being queued.
func (s *Session) TraceOut(b []byte) {
	if !s.isTraced() {
		return
	}
	log := s.hub.cfg.Log
	for len(b) > 0 {
		if b[0] == 'M' || b[0] == 'H' {
			m, _, n := wire.ReadDelivery(b)
			line := b[:bytes.IndexByte(b, '\r')]
			log.Tracef("%s - ->> [%s]", s.conn, line)
			log.Tracef("%s - ->> MSG_PAYLOAD: [%q]", s.conn, s.traced(&m))
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

// traced is as much of a message as traces show.
func (s *Session) traced(m *wire.Msg) []byte {
	set, body := s.hub.settings.Load(), m.Body
	if set.TraceHeaders {
		body = body[:m.Header]
	}
	if most := set.MaxTraced; most > 0 && len(body) > most {
		return append(bytes.Clone(body[:most]), "..."...)
	}
	return body
}
