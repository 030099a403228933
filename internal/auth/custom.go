package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"reflect"
	"time"

	"nats-server/internal/perms"
)

// Authenticator decides for the embedding program who may connect, instead of the users,
// the single user, and the token of the options.
type Authenticator interface {
	// Authenticate returns who a client is, or the reason why it may not connect, which
	// is logged at debug level and not told to the client. It may take its time, and be
	// called for several clients at once. ctx ends when the client does not wait any
	// more; neither Shutdown nor the client's goroutine ends before the call returns. A
	// panic closes the connection of that client.
	//
	// It is called for each CONNECT, and for every client of a server that goes on with
	// another Authenticator (see Server.ReloadOptions).
	Authenticate(ctx context.Context, l *Login) (*Grant, error)
}

// Login is what a client presents in CONNECT, and how it is connected. It must not be
// changed, and may be kept.
type Login struct {
	User, Password, Token string
	Nkey, Signature       string // of Nonce by the key, in base64; VerifyNkey looks at it
	Nonce                 string // what this client was given to sign

	Name, Lang, Version string // of the client program

	Remote net.Addr             // of the client; that of a pipe for an in-process connection
	TLS    *tls.ConnectionState // nil without TLS
}

// VerifyNkey reports whether the client has shown that it has the seed of Nkey.
func (l *Login) VerifyNkey() bool {
	return l.Nkey != "" && SignatureFault(&Credentials{Nkey: l.Nkey, Signature: l.Signature, Nonce: l.Nonce}) == ""
}

// Grant is who a client is.
type Grant struct {
	Account     string        // one of the server's; "" = the global one, $G
	User        string        // its name in log lines; "" = nobody in particular
	Permissions *perms.Config // nil = may do everything
}

// custom is an Authenticator in force.
type custom struct{ Authenticator }

// same reports whether two are known to be the same Authenticator.
func (c *custom) same(d *custom) bool {
	if c == nil || d == nil {
		return false
	}
	v, w := reflect.ValueOf(c.Authenticator), reflect.ValueOf(d.Authenticator)
	return v.Comparable() && w.Comparable() && c.Authenticator == d.Authenticator
}

// Vouches reports whether an identity is the word of the Authenticator in force, and
// need not be asked for again.
func (d *Directory) Vouches(id *Identity) bool { return id.by != nil && id.by == d.custom }

// Question is what an Authenticator is asked, and who is told why it refuses.
type Question struct {
	Login
	Refused func(error)
}

// lookEvery is how often it is looked whether the client still waits.
const lookEvery = 100 * time.Millisecond

// ask returns who the Authenticator says that the peer is, or nil.
func (a *custom) ask(q *Question, gone func(waited bool) bool) *Identity {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer watch(gone, cancel)()
	id, err := a.identity(a.Authenticate(ctx, &q.Login))
	if err != nil {
		q.Refused(err)
		return nil
	}
	return id
}

// watch calls cancel when the peer is gone, unless stop is called before.
func watch(gone func(waited bool) bool, cancel func()) (stop func()) {
	over := make(chan struct{})
	go func() {
		t := time.NewTicker(lookEvery)
		defer t.Stop()
		for {
			select {
			case <-over:
				return
			case <-t.C:
			}
			if gone(true) {
				cancel()
				return
			}
		}
	}()
	return func() { close(over) }
}

func (a *custom) identity(g *Grant, err error) (*Identity, error) {
	switch {
	case err != nil:
		return nil, err
	case g == nil:
		return nil, errors.New("the Authenticator returned neither a Grant nor an error")
	}
	id := &Identity{Kind: ByName, Name: g.User, Account: g.Account, by: a}
	if g.User == "" {
		id.Kind = Anybody
	}
	if g.Permissions != nil {
		if id.Permissions, err = g.Permissions.Compile(); err != nil {
			return nil, fmt.Errorf("invalid permissions for user %q: %w", g.User, err)
		}
	}
	return id, nil
}
