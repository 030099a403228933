package client

import (
	"strconv"

	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/wire"
)

// connect carries out CONNECT (spec: client-protocol 3).
func (s *Session) connect(arg []byte) error {
	s.sender.Commit()
	if s.connected {
		s.dropAll()
	}
	o := &s.opts
	if err := o.Decode(arg); err != nil {
		return &conn.Verdict{Reason: conn.ProtocolViolation, Log: "CONNECT: " + err.Error()}
	}
	s.describe()
	if o.Account != "" || o.NewAccount || !s.admit() {
		return s.violation()
	}
	if !s.connected && !s.conn.Authenticated() {
		return errTooLate
	}
	s.admitted, s.connected = true, true
	s.conn.ReadApart(false)
	if o.Protocol < 0 || o.Protocol > 1 {
		return refusal(wire.ErrClientProtocol, conn.BadClientProtocolVersion, wire.ErrClientProtocol+" "+strconv.Itoa(o.Protocol))
	}
	headers := o.Headers && !s.settings.NoHeaders
	if o.NoResponders && !headers {
		return refusal(wire.ErrNoRespNoHeaders, conn.NoRespondersRequiresHeaders, wire.ErrNoRespNoHeaders)
	}
	s.parser.Limits.Headers = headers
	s.parser.Begin() // the next line is judged by the new limits
	if s.self.NoHeaders.Swap(!headers) == headers {
		s.changed()
	}
	s.sender.SetEcho(o.Echo)
	s.confirm()
	return nil
}

// noCredentials are those of everybody who presents none.
var noCredentials auth.Credentials

// admit reports whether the client may come in. A reload either sees the credentials
// that are stored here, or is seen by the second look at the settings: nobody slips
// in by a directory that is not in force any more.
func (s *Session) admit() bool {
	creds := &noCredentials
	if o := &s.opts; o.User != "" || o.Pass != "" || o.Token != "" {
		creds = &auth.Credentials{User: o.User, Password: o.Pass, Token: o.Token}
	}
	for {
		dir := s.hub.settings.Load().Auth
		if !dir.Admit(*creds, s.conn.Closed) {
			return false
		}
		s.creds.Store(creds)
		if s.hub.settings.Load().Auth == dir {
			return true
		}
	}
}

// errTooLate ends a reader whose connection is being closed by its timer.
var errTooLate = &conn.Verdict{Reason: conn.AuthenticationTimeout}

// violation is the verdict on those who do not pass the gate.
func (s *Session) violation() error { return authViolation(s.opts.User) }

func authViolation(user string) *conn.Verdict {
	log := "authentication error"
	if user != "" {
		log += " - User " + strconv.Quote(user)
	}
	return refusal(wire.ErrAuthorization, conn.AuthenticationViolation, log)
}

// describe prepares what log lines say about the client.
func (s *Session) describe() {
	o := &s.opts
	if o.Version == "" && o.Lang == "" && o.Name == "" {
		return
	}
	label := ` - "`
	if o.Version != "" {
		label += "v" + o.Version
	}
	for _, part := range []string{o.Lang, o.Name} {
		if part == "" {
			continue
		}
		if label != ` - "` {
			label += ":"
		}
		label += part
	}
	label += `"`
	s.label.Store(&label)
}

// Label implements conn.Session.
func (s *Session) Label() string {
	if l := s.label.Load(); l != nil {
		return *l
	}
	return ""
}
