package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"
	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// violation is what a client gets that is not let in, before the connection ends.
const violation = "-ERR 'Authorization Violation'\r\n"

// tries sends CONNECT with the members given and reports whether they are accepted.
// What comes has to be exactly what belongs to one of the two outcomes.
func tries(t testing.TB, r *testkit.Raw, members string) (accepted bool) {
	t.Helper()
	if members != "" {
		members = "," + members
	}
	r.Send(`CONNECT {"verbose":false` + members + "}\r\nPING\r\n")
	line, err := r.TryLine()
	noErr(t, err)
	switch line {
	case "PONG\r\n":
		return true
	case violation:
		r.ExpectEOF()
	default:
		t.Errorf("for CONNECT with %s got %q", members, line)
	}
	return false
}

// member is one member of CONNECT.
func member(name, text string) string {
	b, _ := json.Marshal(text) // a string always encodes
	return `"` + name + `":` + string(b)
}

// info are the fields of an INFO line that concern authentication.
type info struct {
	AuthRequired *bool   `json:"auth_required"`
	Nonce        *string `json:"nonce"`
	ConnectInfo  bool    `json:"connect_info"`
}

func readInfo(t testing.TB, line string) (i info) {
	t.Helper()
	noErr(t, json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &i))
	return i
}

// key is an nkey of a test.
type key struct {
	nkeys.KeyPair
	public string
}

func newKey(t testing.TB) key {
	t.Helper()
	pair, err := nkeys.CreateUser()
	noErr(t, err)
	public, err := pair.PublicKey()
	noErr(t, err)
	return key{pair, public}
}

// sign is the part of CONNECT that proves to be k on the connection that was greeted
// with the INFO given.
func (k key) sign(t testing.TB, info string) string {
	t.Helper()
	nonce := readInfo(t, info).Nonce
	if nonce == nil {
		t.Fatalf("no nonce in %s", info)
	}
	sig, err := k.Sign([]byte(*nonce))
	noErr(t, err)
	return member("nkey", k.public) + "," + member("sig", base64.RawURLEncoding.EncodeToString(sig))
}

func TestInfoOfAuthentication(t *testing.T) {
	nkey := newKey(t).public
	f := func(config string, required, challenged bool) {
		t.Helper()
		s, _ := configured(t, config)
		i := readInfo(t, testkit.Dial(t, s.Addr().String()).Info)
		if got := i.AuthRequired != nil; got != required || got && !*i.AuthRequired {
			t.Errorf("%s: auth_required %v, want %v", config, got, required)
		}
		if got := i.Nonce != nil; got != challenged {
			t.Errorf("%s: a nonce %v, want %v", config, got, challenged)
		}
	}
	f("", false, false)
	f("authorization {}", false, false)
	f("authorization {users: []}", false, false)
	f("authorization {default_permissions: {publish: x}}", false, false)
	f("authorization {user: u, pass: p}", true, false)
	f("authorization {token: t}", true, false)
	f("authorization {users: [{user: u}]}", true, false)
	f("authorization {users: [{nkey: "+nkey+"}]}", true, true)
	f("authorization {users: [{user: u}, {nkey: "+nkey+"}]}", true, true)
	f("authorization {users: [{user: u}]}\nno_auth_user: u", false, false)
	f("authorization {users: [{user: u}, {nkey: "+nkey+"}]}\nno_auth_user: u", false, true)
	f("authorization {users: [{user: u}, {nkey: "+nkey+"}]}\nno_auth_user: "+nkey, false, true)
}

// INFO after the greeting says that credentials are needed also where some user stands
// for clients without, and has no nonce (spec: client-protocol 2).
func TestLaterInfoOfAuthentication(t *testing.T) {
	f := func(config string) {
		t.Helper()
		s, _ := configured(t, config)
		r := testkit.Dial(t, s.Addr().String())
		r.Send(`CONNECT {"verbose":false,"protocol":1,` + as("u") + "}\r\nPING\r\n")
		r.ExpectLine("PONG")
		line, err := r.TryLine()
		noErr(t, err)
		i := readInfo(t, line)
		if !i.ConnectInfo || i.AuthRequired == nil || !*i.AuthRequired {
			t.Errorf("%s: no auth_required in %s", config, line)
		}
		if i.Nonce != nil {
			t.Errorf("%s: a nonce in %s", config, line)
		}
	}
	nkey := newKey(t).public
	f("authorization {users: [{user: u, pass: p}]}")
	f("authorization {users: [{user: u, pass: p}, {nkey: " + nkey + "}]}")
	f("authorization {users: [{user: u, pass: p}]}\nno_auth_user: u")
	f("authorization {users: [{user: u, pass: p}, {nkey: " + nkey + "}]}\nno_auth_user: u")
}

func TestNonces(t *testing.T) {
	s, _ := configured(t, "authorization {users: [{nkey: "+newKey(t).public+"}]}")
	seen := map[string]bool{}
	for range 50 {
		r := testkit.Dial(t, s.Addr().String())
		nonce := *readInfo(t, r.Info).Nonce
		if seen[nonce] || !regexp.MustCompile(`^[A-Za-z0-9_-]{15}$`).MatchString(nonce) {
			t.Errorf("nonce %q", nonce)
		}
		seen[nonce] = true
		noErr(t, r.Close())
	}
}

func TestNkeys(t *testing.T) {
	k, other, stranger := newKey(t), newKey(t), newKey(t)
	s, log := configured(t, "authorization {users: [{nkey: "+k.public+"}, {nkey: "+other.public+"}, {user: u, pass: p}]}")
	old := testkit.Dial(t, s.Addr().String())
	used := k.sign(t, old.Info)
	if !tries(t, old, used) {
		t.Fatal("a signature is refused")
	}
	f := func(what string, want bool, members func(nonce string) string) {
		t.Helper()
		r := testkit.Dial(t, s.Addr().String())
		if got := tries(t, r, members(*readInfo(t, r.Info).Nonce)); got != want {
			t.Errorf("%s: let in %v", what, got)
		}
	}
	signed := func(by key, what []byte, encode *base64.Encoding) string {
		sig, err := by.Sign(what)
		noErr(t, err)
		return member("sig", encode.EncodeToString(sig))
	}
	nkey := member("nkey", k.public) + ","
	f("as clients do", true, func(n string) string { return nkey + signed(k, []byte(n), base64.RawURLEncoding) })
	f("standard base64", true, func(n string) string { return nkey + signed(k, []byte(n), base64.StdEncoding) })
	f("the other one", true, func(n string) string {
		return member("nkey", other.public) + "," + signed(other, []byte(n), base64.RawURLEncoding)
	})
	f("besides a wrong user and password", true, func(n string) string {
		return `"user":"x","pass":"x",` + nkey + signed(k, []byte(n), base64.RawURLEncoding)
	})
	f("besides a token", true, func(n string) string {
		return `"auth_token":"x",` + nkey + signed(k, []byte(n), base64.RawURLEncoding)
	})
	f("replayed", false, func(string) string { return used })
	f("of another nonce", false, func(string) string { return nkey + signed(k, []byte("5vj6io187Lfz7JU"), base64.RawURLEncoding) })
	f("of nothing", false, func(string) string { return nkey + signed(k, nil, base64.RawURLEncoding) })
	f("of the decoded nonce", false, func(n string) string {
		raw, err := base64.RawURLEncoding.DecodeString(n)
		noErr(t, err)
		return nkey + signed(k, raw, base64.RawURLEncoding)
	})
	f("by another key", false, func(n string) string { return nkey + signed(other, []byte(n), base64.RawURLEncoding) })
	f("by an unknown key", false, func(n string) string {
		return member("nkey", stranger.public) + "," + signed(stranger, []byte(n), base64.RawURLEncoding)
	})
	f("no base64", false, func(string) string { return nkey + member("sig", "!") })
	f("too short", false, func(n string) string { return nkey + member("sig", "AAAA") })
	f("an empty signature", false, func(string) string { return nkey + member("sig", "") })
	f("no signature", false, func(string) string { return strings.TrimSuffix(nkey, ",") })
	f("a signature alone", false, func(n string) string { return signed(k, []byte(n), base64.RawURLEncoding) })
	f("in lower case", false, func(n string) string {
		return member("nkey", strings.ToLower(k.public)) + "," + signed(k, []byte(n), base64.RawURLEncoding)
	})
	f("as a user name", false, func(n string) string {
		return member("user", k.public) + "," + signed(k, []byte(n), base64.RawURLEncoding)
	})
	f("a bad one besides user and password", false, func(string) string { return as("u") + "," + nkey + `"sig":"x"` })
	f("an unknown one besides user and password", false, func(string) string { return as("u") + "," + member("nkey", stranger.public) })
	f("user and password alone", true, func(string) string { return as("u") })

	for _, nkey := range []string{k.public, stranger.public} {
		logged(t, log, fmt.Sprintf(" - authentication error - Nkey %q", nkey))
	}
}

// Why a signature is not taken is told to the operator alone.
func TestNkeyFailuresAreLogged(t *testing.T) {
	k, other := newKey(t), newKey(t)
	f := func(members func(info string) string, want string) {
		t.Helper()
		s, log := configured(t, "authorization {users: [{nkey: "+k.public+"}]}")
		r := testkit.Dial(t, s.Addr().String())
		if tries(t, r, members(r.Info)) {
			t.Errorf("%s: is let in", want)
		}
		logged(t, log, fmt.Sprintf("DBG %s - cid:1 - %s", r.Conn.LocalAddr(), want))
		logged(t, log, fmt.Sprintf("ERR %s - cid:1 - authentication error - Nkey %q", r.Conn.LocalAddr(), k.public))
	}
	f(func(string) string { return member("nkey", k.public) }, "Signature missing")
	f(func(string) string { return member("nkey", k.public) + `,"sig":"!"` }, "Signature not valid base64")
	f(func(info string) string {
		return strings.Replace(other.sign(t, info), other.public, k.public, 1)
	}, "Signature not verified")
}

// An nkey means nothing where there are none.
func TestNkeyWithoutNkeyUsers(t *testing.T) {
	f := func(config, members string, want bool) {
		t.Helper()
		s, _ := configured(t, config)
		if got := tries(t, testkit.Dial(t, s.Addr().String()), members+","+member("nkey", newKey(t).public)); got != want {
			t.Errorf("%s: %s is let in: %v", config, members, got)
		}
	}
	f("authorization {users: [{user: u, pass: p}]}", as("u"), true)
	f("authorization {users: [{user: u, pass: p}]}", as("v"), false)
	f("authorization {user: u, pass: p}", as("u"), true)
	f("authorization {token: p}", `"auth_token":"p"`, true)
	f("", as("u"), true)
}

func TestConnectionTypes(t *testing.T) {
	f := func(entry string, standard, inProcess bool) {
		t.Helper()
		k := newKey(t)
		s, _ := configured(t, "authorization {users: [{user: u, pass: p"+entry+"}, {nkey: "+k.public+entry+"}]}")
		check := func(kind string, want bool, dial func() *testkit.Raw) {
			t.Helper()
			r := dial()
			if got := tries(t, r, as("u")); got != want {
				t.Errorf("%s: a user over %s: %v", entry, kind, got)
			}
			r = dial()
			if got := tries(t, r, k.sign(t, r.Info)); got != want {
				t.Errorf("%s: an nkey over %s: %v", entry, kind, got)
			}
			if r = dial(); tries(t, r, `"user":"u","pass":"x"`) {
				t.Errorf("%s: over %s any password will do", entry, kind)
			}
		}
		check("TCP", standard, func() *testkit.Raw { return testkit.Dial(t, s.Addr().String()) })
		check("memory", inProcess, func() *testkit.Raw {
			nc, err := s.InProcessConn()
			noErr(t, err)
			r := testkit.Attach(t, nc)
			r.Greeting()
			return r
		})
	}
	f("", true, true)
	f(", allowed_connection_types: []", true, true)
	f(", allowed_connection_types: STANDARD", true, false)
	f(", allowed_connection_types: [standard]", true, false)
	f(", connection_types: In_Process", false, true)
	f(", clients: [IN_PROCESS, STANDARD]", true, true)
	f(", clients: [WEBSOCKET, LEAFNODE, LEAFNODE_WS, MQTT, MQTT_WS]", false, false)
}

// A user without a password has the empty one, and no other.
func TestUserWithoutPassword(t *testing.T) {
	s, log := configured(t, "authorization {users: [{user: u}]}")
	f := func(members string, want bool) {
		t.Helper()
		if got := tries(t, testkit.Dial(t, s.Addr().String()), members); got != want {
			t.Errorf("%s: %v", members, got)
		}
	}
	f(`"user":"u"`, true)
	f(`"user":"u","pass":""`, true)
	f(`"user":"u","pass":"u"`, false)
	f(`"user":"u","pass":" "`, false)
	f(`"user":"U"`, false)
	f(`"user":""`, false)
	if log.has("Plaintext passwords") {
		t.Errorf("no password is taken for a readable one: %q", log.lines())
	}
}

// Who comes first (spec: accounts-and-auth 1.2).
func TestOrderOfDecisions(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("p"), bcrypt.MinCost)
	noErr(t, err)
	user := &server.User{Username: "u", Password: "p"}
	f := func(what string, o server.Options, members string, want bool) {
		t.Helper()
		s := testkit.Start(t, &o)
		if got := tries(t, testkit.Dial(t, s.Addr().String()), members); got != want {
			t.Errorf("%s with %s: %v", what, members, got)
		}
	}
	for _, o := range []server.Options{
		{Users: []*server.User{user}},
		{Users: []*server.User{{Username: "u", Password: string(hash)}}},
	} {
		f("users", o, as("u"), true)
		f("users", o, as("u")+`,"auth_token":"x","jwt":"x"`, true)
		f("users", o, `"user":"u","pass":"P"`, false)
		f("users", o, as("v"), false)
		f("users", o, `"pass":"p"`, false)
		f("users", o, `"auth_token":"p"`, false)
		f("users", o, "", false)
	}
	// A name decides; without one the token does.
	o := server.Options{Users: []*server.User{user}, Authorization: "t"}
	f("users and a token", o, as("u"), true)
	f("users and a token", o, as("v")+`,"auth_token":"t"`, false)
	f("users and a token", o, `"auth_token":"t"`, true)
	f("users and a token", o, `"auth_token":"x"`, false)
	// The token decides, whatever else is there.
	o = server.Options{Username: "u", Password: "p", Authorization: "t"}
	f("a user and a token", o, as("u"), false)
	f("a user and a token", o, as("v")+`,"auth_token":"t"`, true)
	// Fields of former times are a violation, even where nothing is asked for.
	for _, o := range []server.Options{{}, {Users: []*server.User{user}}, {Username: "u", Password: "p"}} {
		f("account", o, as("u")+`,"account":""`, true)
		f("account", o, as("u")+`,"account":"$G"`, false)
		f("new_account", o, as("u")+`,"new_account":false`, true)
		f("new_account", o, as("u")+`,"new_account":true`, false)
	}
}
