package server_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// guests is a configuration in which p stands for clients without credentials.
const guests = `authorization { users = [
	{user: p, password: p, permissions: { publish: "p.>", subscribe: ["p.>", foo] }}
	{user: b, password: p, permissions: { publish: "b.>", subscribe: {allow: ">", deny: [foo, "p.no"]} }}
] }
no_auth_user: p
`

func TestNoAuthUser(t *testing.T) {
	s, _ := configured(t, guests)
	f := func(members, sent, want string) {
		t.Helper()
		r := testkit.Dial(t, s.Addr().String())
		if got := tries(t, r, members); got != (want != violation) {
			t.Errorf("CONNECT with %s: let in %v", members, got)
		} else if got {
			says(t, r, members, sent, want)
		}
	}
	const both = "PUB p.x 0\r\n\r\nPUB b.x 0\r\n\r\n"
	f("", both, notPublish("b.x"))
	f(`"name":"x","user":"","pass":"","auth_token":""`, both, notPublish("b.x"))
	f(`"nkey":"UBPP6TXOMCGWGAM5TNQA6WXDYBOEOO4CGLKNQULKOJ2774ZCT4DUEZ5V"`, both, notPublish("b.x"))
	f(`"jwt":"x"`, both, notPublish("b.x"))
	f(as("p"), both, notPublish("b.x"))
	f(as("b"), both, notPublish("p.x"))
	// Wrong credentials are wrong.
	f(`"user":"b","pass":"x"`, "", violation)
	f(`"user":"x","pass":"p"`, "", violation)
	f(`"user":"p"`, "", violation)
	f(`"pass":"p"`, "", violation)
	f(`"auth_token":"p"`, "", violation)
}

// A client that does not say CONNECT is the user from its first byte on, with the
// defaults of CONNECT.
func TestNoAuthUserWithoutConnect(t *testing.T) {
	f := func(send, want string) {
		t.Helper()
		s, _ := configured(t, guests)
		r := testkit.Dial(t, s.Addr().String())
		says(t, r, "silent", send, want)
	}
	f("SUB foo 1\r\nPUB p.x 2\r\nhi\r\nPUB foo 1\r\n1\r\n", "+OK\r\n+OK\r\n"+notPublish("foo"))
	f("", "")
	f("PUB p.x 0\r\n\r\n", "+OK\r\n")
	f("SUB b.x 1\r\nSUB b.x q 2\r\n", notSubscribe("b.x", "")+notSubscribe("b.x", "q"))
	f("PUB p.* 0\r\n\r\n", "-ERR 'Invalid Publish Subject'\r\n+OK\r\n")
	f("UNSUB 1\r\n", "+OK\r\n")
	f("SUB p.x 1\r\nPUB p.x 0\r\n\r\n", "+OK\r\n+OK\r\nMSG p.x 1 0\r\n\r\n")
}

// What is wrong with the first command of such a client is told as to any other.
func TestNoAuthUserAndBrokenCommands(t *testing.T) {
	s, _ := configured(t, guests)
	r := testkit.Dial(t, s.Addr().String())
	r.Send("FOO\r\n")
	r.ExpectBytes("-ERR 'Unknown Protocol Operation'\r\n")
	r.ExpectEOF()
}

// Who may not be used without credentials, does not come in that way.
func TestNoAuthUserThatIsNot(t *testing.T) {
	k := newKey(t)
	f := func(config string, withConnect bool) {
		t.Helper()
		s, _ := configured(t, config)
		for _, early := range []string{"PING\r\n", "SUB foo 1\r\n", "PUB p.x 0\r\n\r\n", "\r\n"} {
			r := testkit.Dial(t, s.Addr().String())
			r.Send(early)
			r.ExpectBytes(violation)
			r.ExpectEOF()
		}
		if got := tries(t, testkit.Dial(t, s.Addr().String()), ""); got != withConnect {
			t.Errorf("%s: CONNECT without credentials: %v", config, got)
		}
	}
	f("authorization {users: [{user: p, pass: p}]}", false)
	f("authorization {users: [{user: p, pass: p, clients: IN_PROCESS}]}\nno_auth_user: p", false)
	// An nkey stands for those who say CONNECT.
	f("authorization {users: [{nkey: "+k.public+"}]}\nno_auth_user: "+k.public, true)
	f("authorization {users: [{nkey: "+k.public+"}, {user: p, pass: p}]}\nno_auth_user: "+k.public, true)
	f("authorization {users: [{nkey: "+k.public+", clients: IN_PROCESS}]}\nno_auth_user: "+k.public, false)
}

func TestNoAuthNkey(t *testing.T) {
	k := newKey(t)
	s, _ := configured(t, "authorization {users: [{nkey: "+k.public+", permissions: {publish: ok}}, {user: u, pass: p}]}\nno_auth_user: "+k.public)
	f := func(members string, want bool) {
		t.Helper()
		r := testkit.Dial(t, s.Addr().String())
		if got := tries(t, r, members); got != want {
			t.Errorf("%s: let in %v", members, got)
		} else if got && !strings.Contains(members, "user") {
			says(t, r, members, "PUB ok 0\r\n\r\nPUB no 0\r\n\r\n", notPublish("no"))
		}
	}
	f("", true)
	f(as("u"), true)
	f(`"user":"u"`, false)
	f(`"pass":"p"`, false)
	f(`"auth_token":"p"`, false)
	f(member("nkey", k.public), false) // whoever names it has to sign
	f(member("nkey", k.public)+`,"sig":""`, false)
	f(member("nkey", newKey(t).public), false)
}

// A subscription that the next user may not have does not outlive a client's coming
// in without credentials.
func TestConnectAfterNoAuthUser(t *testing.T) {
	s, _ := configured(t, guests)
	r, p := testkit.Dial(t, s.Addr().String()), login(t, s, as("p"))
	says(t, r, "silent", "SUB foo 1\r\nSUB p.> 2\r\n", "+OK\r\n+OK\r\n")
	send := strings.Repeat(pub("p.no", ""), 3) // until it is remembered where it goes
	says(t, p, "before", send, "")
	says(t, r, "before", "", strings.Repeat("MSG p.no 2 0\r\n\r\n", 3))
	r.Send(`CONNECT {"verbose":false,` + as("b") + "}\r\n")
	says(t, r, "PUB after", "PUB p.x 0\r\n\r\nPUB foo 0\r\n\r\n", notPublish("p.x")+notPublish("foo"))
	says(t, p, "after", send, "")
	says(t, r, "MSG after", "", "")
}

func TestNoAuthUserMustExist(t *testing.T) {
	f := func(o server.Options, want string) {
		t.Helper()
		o.NoAuthUser = "foo"
		if _, err := server.NewServer(&o); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	f(server.Options{}, `no_auth_user: "foo" present, but users/nkeys are not defined`)
	f(server.Options{Username: "foo"}, `no_auth_user: "foo" present, but users/nkeys are not defined`)
	f(server.Options{Users: []*server.User{{Username: "Foo"}}}, `no_auth_user: "foo" not present as user or nkey in authorization block or account configuration`)
}

// Whoever has to authenticate, or might, has so long for it.
func TestIdleClientsTimeOut(t *testing.T) {
	f := func(config, send string, after time.Duration) {
		t.Helper()
		o := parsed(t, config)
		o.DontListen, o.PingInterval = true, time.Hour
		synctest.Test(t, func(t *testing.T) {
			s, err := server.NewServer(&o)
			noErr(t, err)
			noErr(t, s.Start())
			defer s.Shutdown()
			nc, err := s.InProcessConn()
			noErr(t, err)
			r := testkit.Attach(t, nc)
			r.SetTimeout(time.Minute)
			r.Greeting()
			r.Send(send)
			begun := time.Now()
			r.ExpectBytes("-ERR 'Authentication Timeout'\r\n")
			r.ExpectEOF()
			if took := time.Since(begun); took != after {
				t.Errorf("%s: closed after %v, want %v", config, took, after)
			}
		})
	}
	f("authorization {user: u, pass: p}", "", 2*time.Second)
	f("authorization {user: u, pass: p}", "CONNECT {\"user\"", 2*time.Second)
	f("authorization {timeout: 0.5, token: t}", "C", 500*time.Millisecond)
	f("authorization {timeout: \"3s\", users: [{user: u}]}", "", 3*time.Second)
	f("authorization {users: [{nkey: UBPP6TXOMCGWGAM5TNQA6WXDYBOEOO4CGLKNQULKOJ2774ZCT4DUEZ5V}]}", "", 2*time.Second)
	f(guests, "", 2*time.Second)
}

// Every CONNECT starts from nothing, and may be someone else's.
func TestConnectAsAnother(t *testing.T) {
	k := newKey(t)
	s, _ := configured(t, fmt.Sprintf(`authorization { users = [
		{user: a, password: p, permissions: { publish: "a.>", subscribe: "a.>", allow_responses: true }}
		{user: b, password: p, permissions: { publish: "b.>", subscribe: "b.>" }}
		{nkey: %s, permissions: { publish: "k.>", subscribe: "k.>" }}
	] }`, k.public))
	r, b := testkit.Dial(t, s.Addr().String()), login(t, s, as("b"))
	connect := func(members string) string { return `CONNECT {"verbose":false,` + members + "}\r\n" }
	all := "PUB a.x 0\r\n\r\nPUB b.x 0\r\n\r\nPUB k.x 0\r\n\r\nSUB a.1 a\r\nSUB b.1 b\r\nSUB k.1 k\r\n"
	onlyA := notPublish("b.x") + notPublish("k.x") + notSubscribe("b.1", "") + notSubscribe("k.1", "")
	onlyB := notPublish("a.x") + notPublish("k.x") + notSubscribe("a.1", "") + notSubscribe("k.1", "")
	onlyK := notPublish("a.x") + notPublish("b.x") + notSubscribe("a.1", "") + notSubscribe("b.1", "")
	// All in one go: what follows a CONNECT is judged by it.
	says(t, r, "a, b, a", connect(as("a"))+all+connect(as("b"))+all+connect(as("a"))+all, onlyA+onlyB+onlyA)
	numSubs(t, s, 1)
	says(t, r, "twice the same", connect(as("a")), "")
	numSubs(t, s, 0)
	// What could be answered before can not be answered any more.
	says(t, r, "a", "SUB a.> 1\r\nPUB a.r rep.1 0\r\n\r\nPUB a.r rep.2 0\r\n\r\nPUB rep.1 0\r\n\r\n",
		"MSG a.r 1 rep.1 0\r\n\r\nMSG a.r 1 rep.2 0\r\n\r\n")
	says(t, r, "a anew", connect(as("a"))+"PUB rep.2 0\r\n\r\n", notPublish("rep.2"))
	// Fields that are left out stay.
	says(t, r, "the same", connect(`"name":"x"`)+all, onlyA)
	says(t, r, "an nkey", connect(k.sign(t, r.Info))+all, onlyK)
	says(t, r, "still the nkey", connect(as("b"))+all, onlyK)
	says(t, r, "no nkey", connect(`"nkey":""`)+all, onlyB)
	says(t, b, "others", pub("b.1", ""), "")
	says(t, r, "b", "", "MSG b.1 b 0\r\n\r\n")
	// Failing ends the connection, and what follows has no effect.
	says(t, b, "others", "SUB b.> 1\r\n", "")
	r.Send(pub("b.2", "") + connect(`"pass":"x"`) + pub("b.3", "") + "PING\r\n")
	r.ExpectBytes(violation)
	r.ExpectEOF()
	says(t, b, "others", "", "MSG b.2 1 0\r\n\r\n")
	numSubs(t, s, 1)
}

// How failures and those who came in are logged (spec: accounts-and-auth 1.11).
func TestAuthenticationLog(t *testing.T) {
	k := newKey(t)
	f := func(config, send string, want ...string) {
		t.Helper()
		s, log := configured(t, config)
		r := testkit.Dial(t, s.Addr().String())
		if before, after, found := strings.Cut(send, "SIGNED"); found {
			send = before + k.sign(t, r.Info) + after
		}
		r.Send(send)
		noErr(t, r.HalfClose())
		_, err := r.TryClosed()
		noErr(t, err)
		eventually(t, "the client is gone", func() bool { return s.NumClients() == 0 })
		for _, line := range want {
			logged(t, log, strings.NewReplacer("<ID>", r.Conn.LocalAddr().String()+" - cid:1", "<KEY>", k.public).Replace(line))
		}
	}
	users := `authorization {users: [{user: u, pass: p}, {nkey: ` + k.public + `}]}`
	const closed = "DBG <ID> - Client connection closed: Authentication Failure"
	f(users, "PING\r\n", "ERR <ID> - authentication error", closed)
	f(users, "CONNECT {}\r\n", "ERR <ID> - authentication error", closed)
	f(users, `CONNECT {"user":"derek","pass":"bad"}`+"\r\n", `ERR <ID> - authentication error - User "derek"`, closed)
	f(users, `CONNECT {"user":"u","auth_token":"t","nkey":"nokey"}`+"\r\n", `ERR <ID> - authentication error - User "u"`, closed)
	f(`authorization {token: t}`, `CONNECT {"auth_token":"x"}`+"\r\n", `ERR <ID> - authentication error - Token "[REDACTED]"`, closed)
	f(`authorization {user: a, pass: p}`, `CONNECT {"user":"a\"\n","auth_token":"x","lang":"py","version":"0","name":"me"}`+"\r\n",
		`ERR <ID> - "v0:py:me" - authentication error - User "a\"\n"`)
	// Those who are in are named.
	f(users, `CONNECT {"user":"u","pass":"p"}`+"\r\n", `DBG <ID> - "$G/user:u" - Client connection closed: Client Closed`)
	f(users, `CONNECT {"lang":"py",SIGNED}`+"\r\n", `DBG <ID> - "py" - "$G/nkey:<KEY>" - Client connection closed: Client Closed`)
	f(`authorization {token: t}`, `CONNECT {"auth_token":"t"}`+"\r\n", `DBG <ID> - "$G/token" - Client connection closed: Client Closed`)
	f(guests, "PUB p.x 0\r\n\r\nPUB b.x 0\r\n\r\n", `ERR <ID> - "$G/user:p" - Publish Violation - Subject "b.x"`)
}
