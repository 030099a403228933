package route

import (
	"crypto/x509"
	"strconv"

	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/wire"
)

// guarded tells whether those who dial have to show who they are.
func (s *Settings) guarded() bool { return s.User != "" }

// authenticate lets the one who dialed in, or returns why not (spec: cluster-routes
// 4.5).
func (s *Session) authenticate(o *wire.RouteConnect) *conn.Verdict {
	set := s.mesh.settings.Load()
	creds := auth.Credentials{User: o.User, Password: o.Pass, Type: auth.Standard}
	s.mesh.mu.Lock()
	s.creds = creds
	s.mesh.mu.Unlock()
	if !set.admits(&creds, s.cert, s.gone) {
		return unauthorized(o.User)
	}
	if s.timed && !s.conn.Authenticated() {
		return &conn.Verdict{Reason: conn.AuthenticationTimeout}
	}
	s.conn.ReadApart(false)
	return nil
}

// admits reports whether a server with these credentials may come in.
func (s *Settings) admits(creds *auth.Credentials, cert *secured, gone func(bool) bool) bool {
	if s.TLS != nil && s.TLS.Admits != nil {
		return cert != nil && s.TLS.Admits(cert.peer)
	}
	return !s.guarded() || s.Auth.Admit(*creds, gone) != nil
}

// gone reports whether nobody waits for the verdict any more.
func (s *Session) gone(bool) bool { return s.conn.Closed() }

// secured is what is known of a peer after the TLS handshake.
type secured struct{ peer *x509.Certificate }

// violation is the verdict on whoever does not begin with CONNECT.
func (s *Session) violation() *conn.Verdict { return unauthorized("") }

func unauthorized(user string) *conn.Verdict {
	log := "authentication error"
	if user != "" {
		log += " - User " + strconv.Quote(user)
	}
	return refusal(wire.ErrAuthorization, conn.AuthenticationViolation, log)
}
