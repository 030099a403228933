package server

import (
	"crypto/tls"
	"crypto/x509"

	"nats-server/internal/auth"
	"nats-server/internal/client"
	"nats-server/internal/tlsconf"
)

// TLSConfig says how clients connect securely, for Options.TLS.
type TLSConfig = tlsconf.Config

// security is what the options say about TLS, with the files read; nil without.
func (s *Server) security(o *Options) (*client.TLS, error) {
	c := o.TLS
	if c == nil {
		return nil, nil
	}
	files, err := tlsconf.NewServer(c, &s.log)
	if err != nil {
		return nil, err
	}
	t := &client.TLS{
		Config:   files.TLS(),
		Timeout:  c.Timeout,
		Optional: o.AllowNonTLS,
		First:    c.HandshakeFirst,
		Wait:     c.HandshakeWait,
		Accept:   s.rate.Allow,
		Turns:    s.turns,
	}
	if len(c.PinnedCerts) > 0 {
		t.Verify = func(state *tls.ConnectionState) error { return files.Pinned(state, s.log.Debugf) }
	}
	return t, nil
}

// useCertificates lets reports and HTTPS know those for clients.
func (s *Server) useCertificates(t *client.TLS) {
	if t == nil {
		s.certificates.Store(nil)
		return
	}
	s.certificates.Store(t.Config)
}

// newRate returns the rate limit of TLS connections, which lives as long as the server.
func (s *Server) newRate() *tlsconf.Rate {
	return tlsconf.NewRate(func(rejected int) {
		s.log.Warnf("Rejected %d connections due to TLS rate limiting", rejected)
	})
}

// limitRate puts the rate limit of the options into force.
func (s *Server) limitRate(o *Options) {
	limit := 0
	if o.TLS != nil {
		limit = o.TLS.RateLimit
	}
	s.rate.SetLimit(limit)
}

// mapCertificate prepares to find users by the certificates of clients.
func (s *Server) mapCertificate(users []string) auth.CertificateMap {
	names := tlsconf.NewNames(users)
	return func(cert *x509.Certificate, usable func(string) bool) (string, bool) {
		return tlsconf.MapUser(cert, names, usable, s.log.Debugf)
	}
}

// announceTLS logs how clients are to connect (spec: command-line 9).
func (s *Server) announceTLS(o *Options) {
	switch {
	case o.TLS == nil:
		return
	case o.AllowNonTLS:
		s.log.Noticef("TLS available for client connections")
	default:
		s.log.Noticef("TLS required for client connections")
	}
	if o.TLS.HandshakeFirst && o.TLS.HandshakeWait == 0 {
		s.log.Warnf("Clients that are not using \"TLS Handshake First\" option will fail to connect")
	}
}
