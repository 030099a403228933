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

// Config says who may come in. Password and Token may be bcrypt hashes.
type Config struct {
	User, Password, Token string
}

// Directory answers for the credentials of a server. It is safe for concurrent
// use.
type Directory struct {
	cfg    Config
	bcrypt chan struct{} // bounds how many hashes are computed at a time
	salt   []byte        // of proven, unknown outside this process
	proven atomic.Pointer[[sha256.Size]byte]
}

// New returns the directory for cfg.
func New(cfg Config) *Directory {
	salt := make([]byte, sha256.Size)
	rand.Read(salt)
	return &Directory{cfg: cfg, bcrypt: make(chan struct{}, 1), salt: salt}
}

// Required reports whether a peer has to present credentials at all.
func (d *Directory) Required() bool { return d.cfg != Config{} }

// Admit reports whether the credentials let a peer in. Where a token is
// configured it decides, else user and password (spec: client-protocol 15). With
// hashes it takes its time; gone tells that the peer does not wait any more.
func (d *Directory) Admit(c Credentials, gone func() bool) bool {
	switch {
	case !d.Required():
		return true
	case d.cfg.Token != "":
		return d.secret(d.cfg.Token, c.Token, gone)
	}
	// Both are compared in any case, so that time does not tell which was wrong.
	user, password := same(d.cfg.User, c.User), d.secret(d.cfg.Password, c.Password, gone)
	return user && password
}

// secret compares a configured secret, possibly a bcrypt hash, with a given one.
func (d *Directory) secret(configured, given string, gone func() bool) bool {
	if !isHash(configured) {
		return same(configured, given)
	}
	// The one secret there is has been proven before when everybody reconnects:
	// that must not take a tenth of a second for each. Guesses still do.
	mac := hmac.New(sha256.New, d.salt)
	mac.Write([]byte(given))
	digest := [sha256.Size]byte(mac.Sum(nil))
	if p := d.proven.Load(); p != nil && hmac.Equal(p[:], digest[:]) {
		return true
	}
	d.bcrypt <- struct{}{}
	defer func() { <-d.bcrypt }()
	if gone() {
		return false
	}
	if bcrypt.CompareHashAndPassword([]byte(configured), []byte(given)) != nil {
		return false
	}
	d.proven.Store(&digest)
	return true
}

// PlainPassword reports whether the configured password is readable by whoever can
// read the configuration.
func (d *Directory) PlainPassword() bool {
	return d.cfg.Password != "" && !isHash(d.cfg.Password)
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
