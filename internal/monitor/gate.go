package monitor

import (
	"net/http"
	"strings"

	"nats-server/internal/auth"
)

// Gate lets in who knows a password or a token. It compares in constant time, computes
// one bcrypt hash at a time, and none twice for the same right secret.
type Gate struct{ directory *auth.Directory }

// challenge makes browsers ask. Where there is a token, it is the password.
const challenge = `Basic realm="nats-server monitoring", charset="UTF-8"`

// NewGate returns a gate for a user with a password or, if that is not "", for a token.
// Secrets may be bcrypt hashes. Without any secret the gate is nil, and open. If before
// is not nil, the gate goes on with what that one remembers.
func NewGate(user, password, token string, before *Gate) *Gate {
	cfg := auth.Config{User: user, Password: password, Token: token}
	switch {
	case user == "" && password == "" && token == "":
		return nil
	case before != nil:
		return &Gate{before.directory.Next(cfg)}
	}
	return &Gate{auth.New(cfg)}
}

// admits reports whether the request has the right secret, or answers it.
func (g *Gate) admits(w http.ResponseWriter, r *http.Request) bool {
	if g == nil {
		return true
	}
	var c auth.Credentials
	if user, password, ok := r.BasicAuth(); ok {
		c.User, c.Password, c.Token = user, password, password
	} else if kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(kind, "Bearer") {
		c.Token = token
	}
	gone := func(bool) bool { return r.Context().Err() != nil }
	if (c.Password != "" || c.Token != "") && g.directory.Admit(c, gone) != nil {
		return true
	}
	w.Header().Set("WWW-Authenticate", challenge)
	http.Error(w, "401 unauthorized", http.StatusUnauthorized)
	return false
}
