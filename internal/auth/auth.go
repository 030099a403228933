// Package auth decides whether a peer may come in. The one gate is
// Directory.Admit; whatever a connection does before it has passed is refused by
// its session.
package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"
)

// Credentials are what a peer presents.
type Credentials struct {
	User, Password, Token string
}

// Config says who may come in. Passwords and Token may be bcrypt hashes. Token, User
// and Users are alternatives; where several are given, the first of them decides.
type Config struct {
	Token          string
	User, Password string
	Users          map[string]string // password by name
}

// Directory answers for the credentials of a server. It is immutable but for what it
// remembers, and safe for concurrent use.
type Directory struct {
	required bool
	token    *secret            // nil if there is none
	users    map[string]*secret // by name
	nobody   *secret            // of an unknown user: time does not tell which names exist
	bcrypt   chan struct{}      // bounds how many hashes are computed at a time
	salt     []byte             // of secret.proven, unknown outside this process
}

// secret is a configured secret. The one who knows it is not made to wait for a hash
// twice: when everybody reconnects that must not take a tenth of a second for each.
// Guesses still do.
type secret struct {
	text   string
	hashed bool
	proven atomic.Pointer[[sha256.Size]byte] // keyed digest of what matches the hash
}

func newSecret(text string) *secret { return &secret{text: text, hashed: isHash(text)} }

// New returns the directory for cfg.
func New(cfg Config) *Directory {
	salt := make([]byte, sha256.Size)
	rand.Read(salt)
	return build(cfg, salt, make(chan struct{}, 1))
}

// Next returns the directory for another cfg that replaces this one and goes on with
// what this one remembers.
func (d *Directory) Next(cfg Config) *Directory {
	next := build(cfg, d.salt, d.bcrypt)
	next.token.inherit(d.token)
	for name, s := range next.users {
		s.inherit(d.users[name])
	}
	return next
}

func (s *secret) inherit(old *secret) {
	if s != nil && old != nil && s.text == old.text {
		s.proven.Store(old.proven.Load())
	}
}

func build(cfg Config, salt []byte, bcrypt chan struct{}) *Directory {
	d := &Directory{bcrypt: bcrypt, salt: salt, users: make(map[string]*secret, len(cfg.Users)+1)}
	if cfg.Token != "" {
		d.token = newSecret(cfg.Token)
	}
	for name, password := range cfg.Users {
		d.users[name] = newSecret(password)
	}
	if cfg.User != "" || cfg.Password != "" {
		d.users[cfg.User] = newSecret(cfg.Password)
	}
	d.nobody = newSecret("")
	for _, s := range d.users {
		if s.hashed {
			d.nobody = newSecret(s.text)
			break
		}
	}
	d.required = d.token != nil || cfg.Users != nil || len(d.users) > 0
	return d
}

// Required reports whether a peer has to present credentials at all.
func (d *Directory) Required() bool { return d.required }

// Admit reports whether the credentials let a peer in. Where a token is configured it
// decides, else user and password (spec: client-protocol 15). With hashes it takes its
// time; gone tells that the peer does not wait any more.
func (d *Directory) Admit(c Credentials, gone func() bool) bool {
	switch {
	case !d.required:
		return true
	case d.token != nil:
		return d.matches(d.token, c.Token, gone)
	}
	s, known := d.users[c.User]
	if !known {
		s = d.nobody
	}
	return d.matches(s, c.Password, gone) && known
}

// matches compares a configured secret with a given one.
func (d *Directory) matches(s *secret, given string, gone func() bool) bool {
	if !s.hashed {
		return same(s.text, given)
	}
	mac := hmac.New(sha256.New, d.salt)
	mac.Write([]byte(given))
	digest := [sha256.Size]byte(mac.Sum(nil))
	if p := s.proven.Load(); p != nil && hmac.Equal(p[:], digest[:]) {
		return true
	}
	d.bcrypt <- struct{}{}
	defer func() { <-d.bcrypt }()
	if gone() {
		return false
	}
	if bcrypt.CompareHashAndPassword([]byte(s.text), []byte(given)) != nil {
		return false
	}
	s.proven.Store(&digest)
	return true
}

// PlainPassword reports whether a configured password is readable by whoever can read
// the configuration.
func (d *Directory) PlainPassword() bool {
	for _, s := range d.users {
		if s.text != "" && !s.hashed {
			return true
		}
	}
	return false
}

// isHash reports whether a configured secret is a bcrypt hash: $2a$11$…
func isHash(s string) bool {
	return len(s) > 6 && s[0] == '$' && s[1] == '2' && strings.IndexByte("abxy", s[2]) >= 0 &&
		s[3] == '$' && isDigit(s[4]) && isDigit(s[5]) && s[6] == '$'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// same compares without telling by its time where, or at which length, the two
// differ.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
