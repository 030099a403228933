package client

import (
	"slices"
	"strconv"
	"strings"

	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/interest"
	"nats-server/internal/perms"
	"nats-server/internal/wire"
)

// connect carries out CONNECT (spec: client-protocol 3).
func (s *Session) connect(arg []byte) error {
	s.sender.Commit()
	if s.connected || s.bound.Load() != nil { // it may be somebody else from now on
		s.dropAll()
	}
	o := &s.opts
	if err := o.Decode(arg); err != nil {
		return &conn.Verdict{Reason: conn.ProtocolViolation, Log: "CONNECT: " + err.Error()}
	}
	s.describe()
	if !s.conn.Introduced() {
		return errTooLate
	}
	if o.Account != "" || o.NewAccount {
		return s.violation()
	}
	if err := s.admit(); err != nil {
		return err
	}
	if !s.connected && !s.conn.Authenticated() {
		return errTooLate
	}
	s.connected, s.used = true, true
	s.comeIn()
	if o.Protocol < 0 || o.Protocol > 1 {
		return refusal(wire.ErrClientProtocol, conn.BadClientProtocolVersion, wire.ErrClientProtocol+" "+strconv.Itoa(o.Protocol))
	}
	headers := o.Headers && s.headers
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

// comeIn lets a client that is bound to who it is go on with that.
func (s *Session) comeIn() {
	s.admitted = true
	s.describe()
	s.noticeRights()
	s.parser.Begin() // the next line is judged by the limits of its account
	s.conn.ReadApart(false)
}

// noCredentials are those of everybody who presents none.
var noCredentials = [...]auth.Credentials{{Type: auth.Standard}, {Type: auth.InProcess}}

// credentials are what the client has presented. The embedding program is told more of it
// if it is asked.
func (s *Session) credentials(asks bool) *auth.Credentials {
	o, kind, over := &s.opts, 0, s.tls.Load()
	if s.ip == "" {
		kind = 1
	}
	if o.User == "" && o.Pass == "" && o.Token == "" && o.Nkey == "" && over.certificate() == nil && !asks {
		return &noCredentials[kind]
	}
	c := &auth.Credentials{
		User: o.User, Password: o.Pass, Token: o.Token,
		Nkey: o.Nkey, Signature: o.Sig, Nonce: s.nonce, Type: noCredentials[kind].Type,
		Certificate: over.certificate(), Place: s.place(),
	}
	if asks {
		c.Asked = s.question(c)
		c.Asked.Name, c.Asked.Lang, c.Asked.Version = o.Name, o.Lang, o.Version
	}
	return c
}

// question is what the embedding program is asked about the client.
func (s *Session) question(c *auth.Credentials) *auth.Question {
	q := &auth.Question{
		Login: auth.Login{
			User: c.User, Password: c.Password, Token: c.Token,
			Nkey: c.Nkey, Signature: c.Signature, Nonce: c.Nonce,
			Remote: s.conn.RemoteAddr(),
		},
		Refused: func(err error) { s.hub.cfg.Log.Debugf("%s - Refused by the authenticator: %v", s.conn, err) },
	}
	if over := s.tls.Load(); over != nil {
		q.TLS = &over.state
	}
	return q
}

// admit lets the client in and binds it to who it is, or returns the verdict on it. It
// goes on until it has done so by the directory in force.
func (s *Session) admit() error {
	for {
		dir := s.hub.settings.Load().Auth
		creds := s.credentials(dir.Asks())
		id := dir.Admit(*creds, s.gone)
		if id == nil {
			if fault := auth.SignatureFault(creds); fault != "" {
				s.hub.cfg.Log.Debugf("%s - %s", s.conn, fault)
			}
			return authViolation(creds)
		}
		if bound, err := s.bind(dir, creds, id); bound {
			return err
		}
	}
}

// gone reports whether the client does not wait for a verdict any more. Who has waited
// for long, and has no more to say, is taken for gone.
func (s *Session) gone(waited bool) bool { return s.conn.Closed() || waited && s.conn.HungUp() }

// bind gives the session its identity, unless dir is not in force any more. A reload
// either finds the credentials that are stored here, or is noticed here: nobody keeps
// what a former directory gave.
func (s *Session) bind(dir *auth.Directory, creds *auth.Credentials, id *auth.Identity) (bound bool, err error) {
	before := s.Account()
	if !belongs(id, before) {
		s.dropAll() // those of a client that needed no CONNECT so far
	}
	s.mu.Lock()
	set := s.hub.settings.Load()
	if set.Auth != dir {
		s.mu.Unlock()
		return false, nil
	}
	if err = s.enterAccount(set, id); err == nil {
		s.creds.Store(creds)
		s.bound.Store(id)
		s.self.Rights.Store(rightsOf(id))
	}
	s.mu.Unlock()
	if now := s.Account(); now != before {
		s.sender.Commit()
		s.sender.SetAccount(now)
		s.hub.moved(s, before)
	}
	s.adopt(set)
	return true, err
}

// rightsOf are the rights of a new connection of id.
func rightsOf(id *auth.Identity) *interest.Rights {
	p := id.Permissions
	if p == nil {
		return nil
	}
	r := &interest.Rights{Permissions: p}
	if p.Responds() {
		r.Replies = perms.NewReplies(p)
	}
	return r
}

// rights is what the client may do.
func (s *Session) rights() *perms.Permissions {
	if r := s.self.Rights.Load(); r != nil {
		return r.Permissions
	}
	return nil
}

// comeInSilently lets a client that does not introduce itself be the user that stands
// for such clients, if there is one.
func (s *Session) comeInSilently() error {
	if !s.settings.Auth.Silent() {
		return s.violation()
	}
	if err := s.admit(); err != nil {
		return err
	}
	if !s.conn.Authenticated() {
		return errTooLate
	}
	s.comeIn()
	return nil
}

// errTooLate ends a reader whose connection is being closed by its timer.
var errTooLate = &conn.Verdict{Reason: conn.AuthenticationTimeout}

// violation is the verdict on those who do not pass the gate.
func (s *Session) violation() error { return authViolation(s.credentials(false)) }

func authViolation(c *auth.Credentials) *conn.Verdict {
	log := "authentication error"
	switch {
	case auth.IsNkey(c.Nkey): // what else stands there may be a secret
		log += " - Nkey " + strconv.Quote(c.Nkey)
	case c.User != "":
		log += " - User " + strconv.Quote(c.User)
	case c.Token != "":
		log += ` - Token "[REDACTED]"`
	}
	return refusal(wire.ErrAuthorization, conn.AuthenticationViolation, log)
}

// describe prepares what log lines say about the client (spec: accounts-and-auth 1.11).
func (s *Session) describe() {
	o := &s.opts
	about := slices.DeleteFunc([]string{o.Version, o.Lang, o.Name}, func(part string) bool { return part == "" })
	if o.Version != "" {
		about[0] = "v" + about[0]
	}
	l := label{client: strings.Join(about, ":"), name: o.Name, lang: o.Lang, version: o.Version, claims: s.claims()}
	if id := s.bound.Load(); id != nil && id.Kind != auth.Anybody {
		l.user = s.Account().Name + "/" + id.String()
	}
	s.label.Store(&l)
}

// label is what log lines, and reports, say about a client beyond its address and id.
type label struct {
	client, user        string // as log lines have it
	name, lang, version string
	claims              string // who it says to be
}

// claims is who the client says to be, fit to be shown.
func (s *Session) claims() string {
	o := &s.opts
	switch {
	case auth.IsNkey(o.Nkey): // what else stands there may be a secret
		return o.Nkey
	case o.User != "":
		return o.User
	case o.Token != "":
		return redactedUser
	}
	return ""
}

// Label implements conn.Session.
func (s *Session) Label() (client, user string) {
	if l := s.label.Load(); l != nil {
		return l.client, l.user
	}
	return "", ""
}
