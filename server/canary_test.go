package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// canaries are secrets, each with a part of it that must not be seen anywhere.
type canaries struct {
	password, token, hashed, hash, seed string
	key                                 key
	parts                               map[string]string
}

func newCanaries(t testing.TB) *canaries {
	t.Helper()
	c := &canaries{password: `can"ary-password-7391`, token: `can\ary-token-7392`, hashed: "canary-hashed-7393"}
	hash, err := bcrypt.GenerateFromPassword([]byte(c.hashed), bcrypt.MinCost)
	noErr(t, err)
	c.hash = string(hash)
	c.key = newKey(t)
	seed, err := c.key.Seed()
	noErr(t, err)
	c.seed = string(seed)
	c.parts = map[string]string{
		"password": "ary-password-7391", "token": "ary-token-7392", "hashed password": "hashed-7393",
		"hash": c.hash[len(c.hash)-20:], "seed": c.seed[10:40],
	}
	return c
}

// unseen checks that something said shows none of them.
func (c *canaries) unseen(t testing.TB, where, text string) {
	t.Helper()
	for what, part := range c.parts {
		if strings.Contains(text, part) {
			t.Errorf("%s shows the %s: %q", where, what, text)
		}
	}
}

// say connects, sends something, and checks what comes until the end.
func (c *canaries) say(t testing.TB, s *server.Server, text func(info string) string) {
	t.Helper()
	r := testkit.Dial(t, s.Addr().String())
	sent := text(r.Info)
	r.Send(sent)
	_ = r.HalfClose() // fails where the server was faster
	got, err := r.TryClosed()
	noErr(t, err)
	c.unseen(t, "INFO", r.Info)
	c.unseen(t, fmt.Sprintf("the answer to %q", sent), got)
}

// Whatever happens, neither the log nor clients are shown a secret, be it one that is
// configured or one that a client has sent in the right place.
func TestCanaries(t *testing.T) {
	c := newCanaries(t)
	limited := &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{"ok"}}, Subscribe: &server.SubjectPermission{Allow: []string{"ok", "gone"}}}
	list := []*server.User{
		{Username: "plain", Password: c.password, Permissions: limited},
		{Username: "hash", Password: c.hash},
		{Nkey: c.key.public, Permissions: limited},
	}
	options := []server.Options{
		{Users: list},
		{Users: list, NoAuthUser: "plain"},
		{Users: list, NoAuthUser: c.key.public},
		{Username: "plain", Password: c.password},
		{Username: "hash", Password: c.hash},
		{Authorization: c.token},
		{Authorization: c.hash},
		{Accounts: []*server.Account{{Name: "A", Users: list}, {Name: "B"}}},
		{Accounts: []*server.Account{{Name: "A", Users: list[1:]}}, Users: list[:1], NoAuthUser: c.key.public},
		{Accounts: []*server.Account{{Name: "$SYS", Users: list}}},
		{},
	}
	log := new(recorder)
	start := func(o server.Options) *server.Server {
		o.Host, o.Port, o.Debug, o.Trace = "127.0.0.1", server.RandomPort, true, true
		s, err := server.NewServer(&o)
		noErr(t, err)
		s.SetLogger(log, true, true)
		noErr(t, s.Start())
		t.Cleanup(s.Shutdown)
		return s
	}
	const after = "PING\r\nPUB no 1\r\nx\r\nSUB no 1\r\nSUB no q 2\r\nPUB ok _R_.x 1\r\nx\r\nnonsense\r\n"
	secrets := []string{c.password, c.token, c.hashed, c.hash, c.seed, c.password + "x", "x" + c.seed}
	for i, o := range options {
		s := start(o)
		reload := func(o server.Options) {
			o.Host, o.Port, o.Debug, o.Trace = "127.0.0.1", server.RandomPort, true, true
			if err := s.ReloadOptions(&o); err != nil {
				c.unseen(t, "an error of ReloadOptions", err.Error())
			}
		}
		for _, members := range []string{
			member("auth_token", c.token), member("auth_token", c.hashed),
			member("user", "plain") + "," + member("pass", c.password), member("user", "hash") + "," + member("pass", c.hashed),
		} {
			c.say(t, s, func(string) string {
				return `CONNECT {"verbose":true,"protocol":1,` + members + "}\r\n" + after
			})
		}
		c.say(t, s, func(info string) string {
			if !strings.Contains(info, "nonce") {
				return after
			}
			return `CONNECT {` + c.key.sign(t, info) + "}\r\n" + after
		})
		for _, secret := range secrets {
			for _, name := range []string{"pass", "auth_token", "nkey", "sig", "jwt", "PASS", "Nkey"} {
				for _, user := range []string{"", "plain", "hash", "other"} {
					text := "CONNECT {" + member("user", user) + "," + member(name, secret) + "}\r\n" + after
					c.say(t, s, func(string) string { return text })
				}
			}
		}
		// Those who stay while secrets change, and those who do not.
		stays := testkit.Dial(t, s.Addr().String())
		stays.Send("CONNECT {" + member("user", "plain") + "," + member("pass", c.password) + "," + member("auth_token", c.token) + "}\r\nSUB gone 1\r\n")
		for _, next := range append(options[i:], options...) {
			reload(next)
		}
		reload(server.Options{Users: list, NoAuthUser: "nobody"})
		reload(server.Options{Users: append(list, &server.User{Username: "bad", Password: c.password, Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: []string{"a..b"}}}})})
		_ = stays.HalfClose()
		got, err := stays.TryClosed()
		noErr(t, err)
		c.unseen(t, "what one is told who was there", got)
		s.Shutdown()
	}
	for _, line := range log.lines() {
		c.unseen(t, "the log", line)
	}
	for _, level := range []string{"TRC ", "DBG ", "ERR ", "Reloaded", "Publish Violation", "authentication error", `"[REDACTED]"`} {
		if !log.has(level) {
			t.Errorf("the log has no line with %q", level)
		}
	}
}

// A configuration that is wrong is not quoted where a secret may be meant.
func TestCanariesInConfigurations(t *testing.T) {
	c := newCanaries(t)
	f := func(config string) {
		t.Helper()
		for _, secret := range []string{c.password, c.token, c.hash, c.seed} {
			path := filepath.Join(t.TempDir(), "nats.conf")
			text := strings.ReplaceAll(config, "SECRET", `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret)+`"`)
			noErr(t, os.WriteFile(path, []byte(text), 0o600))
			o, warnings, err := server.ProcessConfigFile(path)
			if err == nil {
				_, err = server.NewServer(o)
			}
			if err == nil {
				t.Errorf("%s is no mistake", text)
				continue
			}
			c.unseen(t, config, err.Error()+"\n"+strings.Join(warnings, "\n"))
		}
	}
	f("authorization: SECRET")
	f("authorization {pasword: SECRET}")
	f("authorization {password: [SECRET]}")
	f("authorization {password: {x: SECRET}}")
	f("authorization {token: [SECRET]}")
	f("authorization {user: a, pass: SECRET, token: SECRET}")
	f("authorization {token: SECRET, users: [{user: a}]}")
	f("authorization {users: SECRET}")
	f("authorization {users: [SECRET]}")
	f("authorization {users: {user: a, pass: SECRET}}")
	f("authorization {users: [{pass: SECRET}]}")
	f("authorization {users: [{user: a, pass: [SECRET]}]}")
	f("authorization {users: [{user: a, pass: SECRET}, {user: a, pass: SECRET}]}")
	f("authorization {users: [{user: a, password: SECRET, permissions: {publish: 5}}]}")
	f("authorization {users: [{user: a, pasword: SECRET}]}")
	f("authorization {users: [{nkey: SECRET}]}")
	f("authorization {users: [{nkey: UBPP6TXOMCGWGAM5TNQA6WXDYBOEOO4CGLKNQULKOJ2774ZCT4DUEZ5V, pass: SECRET}]}")
	f("authorization {users: [{user: a, pass: SECRET}]}\nno_auth_user: b")
	f("authorization {users: [{user: a, pass: SECRET\n}]")
	f("accounts: SECRET")
	f("accounts {A: SECRET}")
	f("accounts {A {users: SECRET}}")
	f("accounts {A {users: [{user: a, pass: SECRET}, {user: a, pass: SECRET}]}}")
	f("accounts {A {users: [{user: a, pass: SECRET, nkey: x}]}}")
	f("accounts {A {users: [{user: a, pass: SECRET}], limits: SECRET}}")
	f("accounts {A {users: [{user: a, pass: SECRET}]}}\nauthorization {user: b, pass: SECRET}")
	f("accounts {A {users: [{user: a, pass: SECRET}]}}\nno_auth_user: b")
	f("accounts {A {password: SECRET}}")
}
