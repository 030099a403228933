package server_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/testkit"
	"nats-server/server"
)

func TestAuthentication(t *testing.T) {
	hashed, err := bcrypt.GenerateFromPassword([]byte("s3cr3t"), bcrypt.MinCost)
	noErr(t, err)
	hash := string(hashed)
	f := func(name string, o server.Options, want bool, opts ...nats.Option) {
		t.Helper()
		s := testkit.Start(t, &o)
		nc, err := nats.Connect(s.ClientURL(), append(opts, nats.Timeout(patience))...)
		switch {
		case want && err != nil:
			t.Errorf("%s: %v", name, err)
		case want:
			flush(t, nc)
			nc.Close()
		case err == nil:
			nc.Close()
			t.Errorf("%s: is let in", name)
		case !errors.Is(err, nats.ErrAuthorization):
			t.Errorf("%s: %v", name, err)
		}
		eventually(t, "the client is gone", func() bool { return s.NumClients() == 0 })
	}
	user := server.Options{Username: "u", Password: "s3cr3t"}
	f("right password", user, true, nats.UserInfo("u", "s3cr3t"))
	f("wrong password", user, false, nats.UserInfo("u", "s3cr3T"))
	f("longer password", user, false, nats.UserInfo("u", "s3cr3tt"))
	f("no password", user, false, nats.UserInfo("u", ""))
	f("wrong user", user, false, nats.UserInfo("v", "s3cr3t"))
	f("nothing", user, false)
	f("password as token", user, false, nats.Token("s3cr3t"))

	token := server.Options{Authorization: "s3cr3t"}
	f("right token", token, true, nats.Token("s3cr3t"))
	f("wrong token", token, false, nats.Token("s3cr3"))
	f("no token", token, false)
	f("token as password", token, false, nats.UserInfo("s3cr3t", "s3cr3t"))

	f("hashed password", server.Options{Username: "u", Password: hash}, true, nats.UserInfo("u", "s3cr3t"))
	f("hash as password", server.Options{Username: "u", Password: hash}, false, nats.UserInfo("u", hash))
	f("hashed token", server.Options{Authorization: hash}, true, nats.Token("s3cr3t"))
	f("wrong token for the hash", server.Options{Authorization: hash}, false, nats.Token("x"))

	f("credentials where none are needed", server.Options{}, true, nats.UserInfo("u", "x"))
}

// A server that asks for credentials says so, and waits only for a while.
func TestAuthenticationTimeout(t *testing.T) {
	s := testkit.Start(t, &server.Options{Username: "u", Password: "p", AuthTimeout: 50 * time.Millisecond})
	r := testkit.Dial(t, s.Addr().String())
	if !strings.Contains(r.Info, `"auth_required":true`) {
		t.Errorf("INFO is %s", r.Info)
	}
	r.Send("CONN")
	r.ExpectLine("-ERR 'Authentication Timeout'")
	r.ExpectEOF()
}

// One who does not pass the gate has no effect, in whatever order things come.
func TestNothingBeforeAuthentication(t *testing.T) {
	s := testkit.Start(t, &server.Options{Authorization: "t"})
	in := testkit.Dial(t, s.Addr().String())
	in.Connect(`{"verbose":false,"auth_token":"t"}`)
	in.Send("SUB > 1\r\n")
	in.Sync()
	f := func(sent string) {
		t.Helper()
		r := testkit.Dial(t, s.Addr().String())
		r.Send(sent)
		r.ExpectLine("-ERR 'Authorization Violation'")
		r.ExpectEOF()
	}
	f("PUB x 2\r\nhi\r\n")
	f("SUB x 1\r\n")
	f("PING\r\n")
	f("\r\n")
	f("CONNECT {}\r\nPUB x 2\r\nhi\r\n")
	f("CONNECT {\"auth_token\":\"T\"}\r\nPUB x 2\r\nhi\r\n")
	if before := in.Sync(); before != "" {
		t.Errorf("somebody got through: %q", before)
	}
	numSubs(t, s, 1)
}
