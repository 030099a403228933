package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// doorman is an Authenticator that does what a test says.
type doorman struct {
	decide func(context.Context, *server.Login) (*server.Grant, error)

	mu    sync.Mutex
	asked []server.Login
}

func (d *doorman) Authenticate(ctx context.Context, l *server.Login) (*server.Grant, error) {
	d.mu.Lock()
	d.asked = append(d.asked, *l)
	d.mu.Unlock()
	return d.decide(ctx, l)
}

func (d *doorman) logins() []server.Login {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]server.Login(nil), d.asked...)
}

// byName lets users into the account that their password names.
func byName(_ context.Context, l *server.Login) (*server.Grant, error) {
	switch l.User {
	case "":
		return nil, errors.New("who is it?")
	case "panic":
		panic("a fault of the embedding program")
	}
	g := &server.Grant{Account: l.Password, User: l.User}
	if l.User == "limited" {
		g.Permissions = &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{"ok"}}}
	}
	return g, nil
}

func customOptions(a server.Authenticator, accounts ...string) *server.Options {
	return &server.Options{
		Host: "127.0.0.1", Port: server.RandomPort, CustomAuth: a, Accounts: inAccounts(accounts...),
		Username: "single", Password: "p", // does not count
	}
}

func names(user, pass string) string { return member("user", user) + "," + member("pass", pass) }

func TestCustomAuth(t *testing.T) {
	d := &doorman{decide: byName}
	s := testkit.Start(t, customOptions(d))
	log := new(recorder)
	s.SetLogger(log, true, false)
	if text := testkit.Dial(t, s.Addr().String()).Info; !strings.Contains(text, `"auth_required":true`) || !strings.Contains(text, `"nonce"`) {
		t.Errorf("INFO is %s", text)
	}
	f := func(members, rest, want string) {
		t.Helper()
		r := testkit.Dial(t, s.Addr().String())
		r.Send(`CONNECT {"verbose":false,` + members + "}\r\n" + rest + "PING\r\n")
		r.ExpectBytes(want)
	}
	f(names("joe", ""), "", "PONG\r\n")
	f(names("joe", "$SYS"), "", "PONG\r\n")
	f(names("limited", "$G"), "PUB ok 0\r\n\r\nPUB no 0\r\n\r\n", notPublish("no")+"PONG\r\n")
	f(names("single", "p"), "", "-ERR 'Failed Account Registration'\r\n")
	f(`"auth_token":"t"`, "", violation)
	f(names("joe", "nowhere"), "", "-ERR 'Failed Account Registration'\r\n")
	for text, n := range map[string]int{
		"Refused by the authenticator: who is it?":                    1,
		`Problem registering with account "nowhere": account missing`: 1,
		`authentication error - Token "[REDACTED]"`:                   1,
	} {
		if !testkit.Within(patience, func() bool { return len(linesWith(log, text)) == n }) {
			t.Errorf("%q is logged %d times", text, len(linesWith(log, text)))
		}
	}

	// What it is asked: all that is known of the client.
	r := testkit.Dial(t, s.Addr().String())
	r.Send(`CONNECT {"user":"u","pass":"$G","auth_token":"t","nkey":"k","sig":"s","name":"n","lang":"go","version":"1"}` + "\r\nPING\r\n")
	r.ExpectBytes("+OK\r\nPONG\r\n")
	all := d.logins()
	got := all[len(all)-1]
	if !strings.Contains(r.Info, `"nonce":"`+got.Nonce+`"`) || got.Remote.String() != r.Conn.LocalAddr().String() {
		t.Errorf("is asked about %+v by %v", got, r.Conn.LocalAddr())
	}
	got.Nonce, got.Remote = "", nil
	if want := (server.Login{User: "u", Password: "$G", Token: "t", Nkey: "k", Signature: "s", Name: "n", Lang: "go", Version: "1"}); got != want {
		t.Errorf("is asked about %+v, want %+v", got, want)
	}

	// A second CONNECT asks again; a panic ends one connection alone.
	r.Send(`CONNECT {"verbose":false,` + names("panic", "") + "}\r\n")
	r.ExpectEOF()
	if n := s.NumPanics(); n != 1 {
		t.Errorf("%d panics", n)
	}
	f(names("joe", ""), "", "PONG\r\n")
}

// While the embedding program thinks, others are served, and it is told when the client
// has gone.
func TestCustomAuthTakesItsTime(t *testing.T) {
	came, answer, told := make(chan string, 10), make(chan struct{}), make(chan error, 10)
	d := &doorman{decide: func(ctx context.Context, l *server.Login) (*server.Grant, error) {
		came <- l.User
		switch l.User {
		case "slow":
			<-answer
		case "leaves":
			<-ctx.Done()
			told <- ctx.Err()
			return nil, ctx.Err()
		}
		return &server.Grant{User: l.User}, nil
	}}
	o := customOptions(d)
	o.AuthTimeout = time.Minute
	s := testkit.Start(t, o)
	send := func(user string) *testkit.Raw {
		r := testkit.Dial(t, s.Addr().String())
		r.Send(`CONNECT {"verbose":false,` + names(user, "") + "}\r\nPING\r\n")
		if got := receive(t, "the question", came); got != user {
			t.Errorf("asked about %q", got)
		}
		return r
	}
	var slow []*testkit.Raw
	for range 8 { // more than there are workers
		slow = append(slow, send("slow"))
	}
	quick := send("quick")
	quick.ExpectBytes("PONG\r\n")
	// Those who have come in may come in anew, and keep it thinking, too.
	for range 8 {
		r := send("quick")
		r.ExpectBytes("PONG\r\n")
		r.Send(`SUB foo 1` + "\r\n" + `PUB foo 1` + "\r\nx\r\n" + `CONNECT {"verbose":false,` + names("slow", "") + "}\r\nPUB foo 1\r\nx\r\nPING\r\n")
		r.ExpectBytes("MSG foo 1 1\r\nx\r\n")
		receive(t, "the question", came)
		slow = append(slow, r)
	}
	send("quick").ExpectBytes("PONG\r\n")
	close(answer)
	for _, r := range slow {
		r.ExpectBytes("PONG\r\n")
	}

	noErr(t, send("leaves").Close())
	if err := receive(t, "the end of the context", told); err != context.Canceled {
		t.Error(err)
	}
	send("leaves")
	s.Shutdown()
	receive(t, "the end of the context", told)
}

// The time for CONNECT is not what the embedding program needs to think.
func TestCustomAuthMakesNobodyLate(t *testing.T) {
	d := &doorman{decide: func(context.Context, *server.Login) (*server.Grant, error) {
		time.Sleep(time.Minute) // virtual
		return &server.Grant{}, nil
	}}
	virtual(t, server.Options{CustomAuth: d, AuthTimeout: time.Second}, func(t *testing.T, s *server.Server, _ func(func(*server.Options))) {
		thought, silent := newClock(t, s), newClock(t, s)
		_, err := io.WriteString(thought, "CONNECT {\"verbose\":false}\r\nPING\r\n")
		noErr(t, err)
		silent.hears("-ERR 'Authentication Timeout'", time.Second)
		thought.hears("PONG", time.Minute)
	})
}

// A reload keeps the Authenticator, and its word, unless there is another one.
func TestReloadWithCustomAuth(t *testing.T) {
	first := &doorman{decide: byName}
	s := testkit.Start(t, customOptions(first, "A", "B"))
	enter := func(user, account string) *testkit.Raw {
		r := testkit.Dial(t, s.Addr().String())
		r.Connect(`{"verbose":false,` + names(user, account) + `}`)
		r.Send("SUB foo 1\r\n")
		r.Sync()
		return r
	}
	a, b := enter("a", "A"), enter("b", "B")
	asked := len(first.logins())

	noErr(t, s.ReloadOptions(customOptions(nil, "A"))) // B goes
	a.Sync()
	if before, err := b.TryClosed(); before != "" || err != nil {
		t.Errorf("of an account that is gone: %q, %v", before, err)
	}
	noErr(t, s.ReloadOptions(customOptions(first, "A", "B"))) // the same one
	a.Sync()
	if n := len(first.logins()); n != asked {
		t.Errorf("asked %d times again", n-asked)
	}

	b, g := enter("b", "B"), enter("g", "$G")
	other, fails := enter("other", "A"), enter("fails", "A")
	second := &doorman{decide: func(_ context.Context, l *server.Login) (*server.Grant, error) {
		switch l.User {
		case "a":
			return &server.Grant{Account: "A", User: "a", Permissions: &server.Permissions{
				Subscribe: &server.SubjectPermission{Deny: []string{"foo"}}}}, nil
		case "b":
			return &server.Grant{Account: "A", User: "b"}, nil
		case "g":
			return nil, errors.New("not any more")
		case "fails":
			panic("a fault of the embedding program")
		}
		return &server.Grant{Account: "A"}, nil
	}}
	noErr(t, s.ReloadOptions(customOptions(second, "A", "B")))
	a.ExpectBytes("-ERR 'Permissions Violation for Subscription to \"foo\" (sid \"1\")'\r\n")
	a.Sync()
	other.Sync()
	for name, r := range map[string]struct {
		*testkit.Raw
		want string
	}{"moved": {b, ""}, "refused": {g, violation}, "failed": {fails, violation}} {
		if before, err := r.TryClosed(); before != r.want || err != nil {
			t.Errorf("%s: %q, %v", name, before, err)
		}
	}
	if n := s.NumPanics(); n != 1 {
		t.Errorf("%d panics", n)
	}
}

// In-process connections have no remote address that says where they are from.
func TestCustomAuthWithinTheProcess(t *testing.T) {
	d := &doorman{decide: func(_ context.Context, l *server.Login) (*server.Grant, error) {
		if _, tcp := l.Remote.(*net.TCPAddr); tcp || l.TLS != nil {
			return nil, errors.New("not from here")
		}
		return &server.Grant{}, nil
	}}
	s := testkit.Start(t, customOptions(d))
	nc, err := s.InProcessConn()
	noErr(t, err)
	r := testkit.Attach(t, nc)
	r.Greeting()
	r.Connect(`{"verbose":false}`)
	r.Sync()
}

// With TLS it sees what the handshake has shown, certificates that were asked for included.
func TestCustomAuthSeesTheHandshake(t *testing.T) {
	d := &doorman{decide: func(_ context.Context, l *server.Login) (*server.Grant, error) {
		if l.TLS == nil || len(l.TLS.PeerCertificates) == 0 {
			return nil, errors.New("no certificate")
		}
		return &server.Grant{Account: "A", User: l.TLS.PeerCertificates[0].EmailAddresses[0]}, nil
	}}
	ca := newAuthority(t)
	s, log := secureServer(t, ca, func(o *server.Options) {
		o.CustomAuth, o.Accounts, o.TLS.Verify = d, inAccounts("A"), true
	})
	raw, _ := greeted(t, s)
	nc := tls.Client(raw, ca.over(ca.client(t, "joe@example.com")))
	echoes(t, nc, "")
	s.Shutdown()
	if len(linesWith(log, `"A/user:joe@example.com"`)) == 0 {
		t.Errorf("the log does not name the client: %q", log.lines())
	}
}
