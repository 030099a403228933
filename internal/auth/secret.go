package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"
)

// secret is a configured secret. The one who knows it is not made to wait for a hash
// twice: when everybody reconnects that must not take a tenth of a second for each.
// Guesses still do.
type secret struct {
	text   string
	hashed bool
	proven atomic.Pointer[[sha256.Size]byte] // keyed digest of what matches the hash
}

func newSecret(text string) *secret { return &secret{text: text, hashed: isHash(text)} }

func (s *secret) inherit(old *secret) {
	if s != nil && old != nil && s.text == old.text {
		s.proven.Store(old.proven.Load())
	}
}

// matches compares a configured secret with a given one.
func (d *Directory) matches(s *secret, given, place string, gone func(waited bool) bool) bool {
	if !s.hashed {
		return same(s.text, given)
	}
	mac := hmac.New(sha256.New, d.salt)
	mac.Write([]byte(given))
	digest := [sha256.Size]byte(mac.Sum(nil))
	if p := s.proven.Load(); p != nil && hmac.Equal(p[:], digest[:]) {
		return true
	}
	waited := d.turns.take(place)
	defer d.turns.pass()
	if gone(waited) {
		return false
	}
	if bcrypt.CompareHashAndPassword([]byte(s.text), []byte(given)) != nil {
		return false
	}
	if s != d.nobody { // whose time must always be that of a hash
		s.proven.Store(&digest)
	}
	return true
}

func (s *secret) plain() bool { return s.text != "" && !s.hashed }

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
