package route

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"nats-server/internal/wire"
)

// traceIn logs a command that was received (spec: cluster-routes 21, end).
func (s *Session) traceIn(verb wire.Verb, b []byte) {
	log := s.mesh.cfg.Log
	line := bytes.TrimRight(b[:bytes.IndexByte(b, '\n')+1], "\r\n")
	switch verb {
	case wire.RMsg:
		log.Tracef("%s - <<- [%s]", s.conn, line)
		log.Tracef("%s - <<- MSG_PAYLOAD: [%q]", s.conn, s.traced(s.parser.Msg.Body, s.parser.Msg.Header))
	case wire.Connect:
		log.Tracef("%s - <<- [CONNECT %s]", s.conn, redacted(s.parser.Arg))
	case wire.Broken, wire.Info:
	default:
		log.Tracef("%s - <<- [%s]", s.conn, line)
	}
}

// redacted is the argument of a CONNECT as a log may show it.
func redacted(arg []byte) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(arg, &fields) != nil {
		return "(" + strconv.Itoa(len(arg)) + " bytes that are not a JSON object)"
	}
	for name := range fields {
		if strings.EqualFold(name, "pass") {
			fields[name] = json.RawMessage(`"[REDACTED]"`)
		}
	}
	b, _ := json.Marshal(fields) // it was JSON before
	return string(b)
}

// TraceOut implements conn.Session: it logs whole lines that are being queued.
func (s *Session) TraceOut(b []byte) {
	log := s.mesh.cfg.Log
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			return
		}
		line := bytes.TrimRight(b[:end], "\r")
		b = b[end+1:]
		verb, _, _ := bytes.Cut(line, []byte(" "))
		switch string(verb) {
		case "INFO":
		case "CONNECT":
			log.Tracef("%s - ->> [CONNECT %s]", s.conn, redacted(line[len(verb):]))
		case "RMSG", "HMSG", "LMSG":
			f := bytes.Fields(line)
			size, _ := strconv.Atoi(string(f[len(f)-1]))
			header := 0
			if verb[0] != 'R' {
				header, _ = strconv.Atoi(string(f[len(f)-2]))
			}
			log.Tracef("%s - ->> [%s]", s.conn, line)
			log.Tracef("%s - ->> MSG_PAYLOAD: [%q]", s.conn, s.traced(b[:size], header))
			b = b[size+len("\r\n"):]
		default:
			log.Tracef("%s - ->> [%s]", s.conn, bytes.TrimPrefix(line, []byte("+")))
		}
	}
}

// traced is as much of a message as traces show.
func (s *Session) traced(body []byte, header int) []byte {
	set := s.mesh.settings.Load()
	if set.TraceHeaders {
		body = body[:header]
	}
	if most := set.MaxTraced; most > 0 && len(body) > most {
		return append(bytes.Clone(body[:most]), "..."...)
	}
	return body
}
