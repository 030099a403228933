package tlsconf

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrNotPinned is the error of a handshake with a peer that is not among the pinned
// certificates.
var ErrNotPinned = errors.New("certificate not pinned")

// recheck is the time between two looks at the files.
const recheck = time.Second

// Logger gets what happens with the files after NewServer has returned, and what is
// questionable about their contents. Lines name files and never quote keys.
type Logger interface {
	Noticef(format string, v ...any)
	Warnf(format string, v ...any)
	Errorf(format string, v ...any)
}

// Server is the live TLS configuration of a listener. All methods are safe for
// concurrent use.
type Server struct {
	settings *tls.Config // everything but the contents of files
	pins     map[[sha256.Size]byte]bool
	insecure bool // for Client
	log      Logger
	now      func() time.Time
	handout  *tls.Config
	current  atomic.Pointer[tls.Config] // settings, with the contents of files

	looking sync.Mutex // held by the one handshake that looks at the files
	looked  time.Time
	pairs   []*material[*tls.Certificate]
	ca      *material[*x509.CertPool] // nil if there is no file
}

// NewServer checks a configuration and reads its files. Errors are for the operator:
// they name the file, and what to do if that is known.
func NewServer(c *Config, log Logger) (*Server, error) { return newServer(c, log, time.Now) }

func newServer(c *Config, log Logger, now func() time.Time) (*Server, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	s := &Server{settings: c.settings(), pins: make(map[[sha256.Size]byte]bool), insecure: c.Insecure, log: log, now: now, looked: now()}
	for _, text := range c.PinnedCerts {
		if sum, err := pin(text); err == nil {
			s.pins[sum] = true
		}
	}
	for _, p := range c.pairs() {
		m := &material[*tls.Certificate]{files: []string{p.CertFile, p.KeyFile}, parse: p.parse}
		if _, err := m.refresh(s.looked); err != nil {
			return nil, fmt.Errorf("error parsing X509 certificate/key pair: %w", err)
		}
		s.warnOfExpiry(m)
		s.pairs = append(s.pairs, m)
	}
	if c.CAFile != "" {
		s.ca = &material[*x509.CertPool]{files: []string{c.CAFile}, parse: s.parseCA(c.CAFile)}
		if _, err := s.ca.refresh(s.looked); err != nil {
			return nil, err
		}
	}
	s.publish()
	s.handout = s.settings.Clone()
	s.handout.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.latest(), nil }
	return s, nil
}

// settings returns what a configuration that has been checked says without its files.
func (c *Config) settings() *tls.Config {
	t := new(tls.Config)
	t.MinVersion, _ = version(c.MinVersion)
	if c.ClientCerts() {
		t.ClientAuth = tls.RequireAndVerifyClientCert
	}
	for _, name := range c.CipherSuites {
		if suite, err := cipher(name); err == nil {
			t.CipherSuites = append(t.CipherSuites, suite.ID)
		}
	}
	for _, name := range c.CurvePreferences {
		if id, err := curve(name); err == nil {
			t.CurvePreferences = append(t.CurvePreferences, id)
		}
	}
	return t
}

// TLS returns the configuration for handshakes, always the same: it has the keys of
// the session tickets, and finds out about the files at every handshake. It must not
// be changed.
func (s *Server) TLS() *tls.Config { return s.handout }

// Pinned returns ErrNotPinned if certificates are pinned and the peer has shown none
// of them; debug is told which. It is to be called after the handshake, on either
// side of it (spec: accounts-and-auth.md 1.8).
func (s *Server) Pinned(cs *tls.ConnectionState, debug func(format string, v ...any)) error {
	if len(s.pins) == 0 {
		return nil
	}
	if len(cs.PeerCertificates) == 0 {
		debug("Failed pinned cert test as client did not provide a certificate")
		return ErrNotPinned
	}
	sum := sha256.Sum256(cs.PeerCertificates[0].RawSubjectPublicKeyInfo)
	if !s.pins[sum] {
		debug("Failed pinned cert test for key id: %s", hex.EncodeToString(sum[:]))
		return ErrNotPinned
	}
	return nil
}

// latest returns the configuration for one handshake. While one handshake looks at
// the files others go on with what is there, so a slow disk delays no more than one.
func (s *Server) latest() *tls.Config {
	if s.looking.TryLock() {
		defer s.looking.Unlock()
		if now := s.now(); now.Sub(s.looked) >= recheck {
			s.looked = now
			s.refresh(now)
		}
	}
	return s.current.Load()
}

// refresh takes over what has changed in the files and can be used.
func (s *Server) refresh(now time.Time) {
	changed := false
	for _, p := range s.pairs {
		switch replaced, err := p.refresh(now); {
		case err != nil:
			s.log.Errorf("New connections still get the earlier certificate of %s: %v", p.files[0], err)
		case replaced:
			changed = true
			s.log.Noticef("New connections get the changed certificate of %s, which expires on %s", p.files[0], date(p.value.Leaf.NotAfter))
			s.warnOfExpiry(p)
		}
	}
	if s.ca != nil {
		switch replaced, err := s.ca.refresh(now); {
		case err != nil:
			s.log.Errorf("New connections are still verified with the earlier authorities of %s: %v", s.ca.files[0], err)
		case replaced:
			changed = true
			s.log.Noticef("New connections are verified with the changed authorities of %s", s.ca.files[0])
		}
	}
	if changed {
		s.publish()
	}
}

// publish makes the contents of the files be used.
func (s *Server) publish() {
	t := s.settings.Clone()
	for _, p := range s.pairs {
		t.Certificates = append(t.Certificates, *p.value)
	}
	if s.ca != nil {
		t.ClientCAs = s.ca.value
	}
	s.current.Store(t)
}

// warnOfExpiry warns of a certificate that peers refuse, or soon will: in the last
// tenth of its time, which is a month at most.
func (s *Server) warnOfExpiry(m *material[*tls.Certificate]) {
	leaf, now := m.value.Leaf, s.now()
	soon := min(leaf.NotAfter.Sub(leaf.NotBefore)/10, 30*24*time.Hour)
	switch left := leaf.NotAfter.Sub(now); {
	case left < 0:
		s.log.Warnf("Certificate %s has expired on %s, peers will refuse it", m.files[0], date(leaf.NotAfter))
	case now.Before(leaf.NotBefore):
		s.log.Warnf("Certificate %s is not valid before %s, peers will refuse it; is the clock right?", m.files[0], date(leaf.NotBefore))
	case left < soon:
		s.log.Warnf("Certificate %s expires on %s", m.files[0], date(leaf.NotAfter))
	}
}

func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }
