package server_test

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// gate is who may come in.
type gate func(*server.Options)

// anybody opens the gate.
func anybody(o *server.Options) { o.Username, o.Password, o.Authorization, o.Users = "", "", "", nil }

func single(name, password string) gate {
	return func(o *server.Options) { anybody(o); o.Username, o.Password = name, password }
}

func token(text string) gate {
	return func(o *server.Options) { anybody(o); o.Authorization = text }
}

// list is users by name and password, in turn.
func list(users ...string) gate {
	return func(o *server.Options) {
		anybody(o)
		o.Users = []*server.User{}
		for i := 0; i < len(users); i += 2 {
			o.Users = append(o.Users, &server.User{Username: users[i], Password: users[i+1]})
		}
	}
}

func hash(t testing.TB, secret string, cost int) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(secret), cost)
	noErr(t, err)
	return string(h)
}

// inside connects a client within the process.
func (c *changing) inside() *testkit.Raw {
	c.t.Helper()
	nc, err := c.InProcessConn()
	noErr(c.t, err)
	r := testkit.Attach(c.t, nc)
	r.Greeting()
	return r
}

// A client stays and notices nothing if the new gate would let it in; otherwise it
// is told, and closed.
func TestReloadCredentials(t *testing.T) {
	const (
		silent = "" // says nothing at all
		none   = `{"verbose":false}`
		u      = `{"verbose":false,"user":"u","pass":"p"}`
		v      = `{"verbose":false,"user":"v","pass":"p"}`
		uWrong = `{"verbose":false,"user":"u","pass":"P"}`
		tok    = `{"verbose":false,"auth_token":"t"}`
		both   = `{"verbose":false,"user":"u","pass":"p","auth_token":"t"}`
	)
	hashed, again := hash(t, "p", bcrypt.MinCost), hash(t, "p", bcrypt.MinCost)
	users := list("u", "p", "v", "p")
	all := []struct {
		name, connect string
		before, after gate
		stays         bool // else it is told why, unless it was one of a list and is not any more
	}{
		{"required", silent, anybody, single("u", "p"), false},
		{"required", none, anybody, single("u", "p"), false},
		{"required", u, anybody, single("u", "p"), true},
		{"required", uWrong, anybody, single("u", "p"), false},
		{"required", u, anybody, single("u", hashed), true},
		{"required", uWrong, anybody, single("u", hashed), false},
		{"required", none, anybody, token("t"), false},
		{"required", tok, anybody, token("t"), true},
		{"required", silent, anybody, users, false},
		{"required", v, anybody, users, true},
		{"an empty list", u, users, list(), true}, // is none
		{"not required", u, single("u", "p"), anybody, true},
		{"not required", tok, token("t"), anybody, true},
		{"not required", v, users, anybody, true},
		{"password changed", u, single("u", "p"), single("u", "P"), false},
		{"name changed", u, single("u", "p"), single("v", "p"), false},
		{"password hashed", u, single("u", "p"), single("u", hashed), true},
		{"hash replaced", u, single("u", hashed), single("u", again), true},
		{"password in clear", u, single("u", hashed), single("u", "p"), true},
		{"hash changed", u, single("u", hashed), single("u", hash(t, "P", bcrypt.MinCost)), false},
		{"token changed", tok, token("t"), token("T"), false},
		{"token hashed", tok, token("t"), token(hash(t, "t", bcrypt.MinCost)), true},
		{"user added", u, users, list("u", "p", "v", "p", "w", "p"), true},
		{"user removed", u, users, list("u", "p"), true},
		{"user removed", v, users, list("u", "p"), false},
		{"user changed", v, users, list("u", "p", "v", "P"), false},
		{"user changed", u, users, list("u", "p", "v", "P"), true},
		{"other order", u, users, list("v", "p", "u", "p"), true},
		{"user to users", u, single("u", "p"), users, true},
		{"users to user", u, users, single("u", "p"), true},
		{"users to user", v, users, single("u", "p"), false},
		{"user to token", u, single("u", "p"), token("t"), false},
		{"user to token", both, single("u", "p"), token("t"), true},
		{"token to user", tok, token("t"), single("u", "p"), false},
		{"token to user", both, token("t"), single("u", "p"), true},
		{"users to token", both, users, token("t"), true},
		{"token to users", both, token("t"), users, true},
	}
	for _, c := range all {
		for kind, connect := range map[string]func(*changing) *testkit.Raw{"TCP": (*changing).dial, "in process": (*changing).inside} {
			t.Run(c.name+"/"+c.connect+"/"+kind, func(t *testing.T) {
				var o server.Options
				c.before(&o)
				s := startChanging(t, o)
				r := connect(s)
				if c.connect != silent {
					r.Connect(c.connect)
				}
				r.Send("SUB own 1\r\n")
				r.Sync()
				s.reload(c.after)
				switch {
				case c.name == "user removed" && !c.stays, c.name == "users to user" && !c.stays:
					refusedAs(t, r, "") // without a word, as it is not in any list any more
				case !c.stays:
					refusedAs(t, r, violation)
				default:
					answer(t, r, pub("own", "x"), "MSG own 1 1\r\nx", false)
				}
				fresh := connect(s)
				if c.connect != silent {
					fresh.Send("CONNECT " + c.connect + "\r\n")
				}
				if c.stays {
					answer(t, fresh, "", "", false)
				} else {
					fresh.Send("PING\r\n")
					refusedAs(t, fresh, violation)
				}
				line := "authentication error"
				if c.connect == u || c.connect == uWrong {
					line += ` - User "u"`
				}
				// The client knows before the operator does.
				if told := s.log.has(line) || !c.stays && testkit.Within(patience, func() bool { return s.log.has(line) }); told == c.stays {
					t.Errorf("log: %q", s.log.lines())
				}
			})
		}
	}
}

// refusedAs checks the last words of the server to a client.
func refusedAs(t testing.TB, r *testkit.Raw, want string) {
	t.Helper()
	if got, err := r.TryClosed(); got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// One who has read INFO and says CONNECT after the reload is judged by what is in
// force then. One for whom there was no gate when it came does not wait behind one.
func TestReloadBeforeConnect(t *testing.T) {
	f := func(before, after gate, connect, want string) {
		t.Helper()
		var o server.Options
		before(&o)
		s := startChanging(t, o)
		r := s.dial()
		half := s.dial()
		half.Send("CONN")
		s.reload(after)
		r.Send("CONNECT " + connect + "\r\nPING\r\n")
		half.Send("ECT " + connect + "\r\nPING\r\n")
		for _, c := range []*testkit.Raw{r, half} {
			if want == "" {
				c.ExpectLine("PONG")
			} else {
				refusedAs(t, c, want)
			}
		}
	}
	const old, new = `{"verbose":false,"user":"u","pass":"p"}`, `{"verbose":false,"auth_token":"t"}`
	f(single("u", "p"), token("t"), old, violation)
	f(single("u", "p"), token("t"), new, "")
	f(single("u", "p"), single("u", "P"), old, violation)
	f(token("t"), list("u", "p"), old, "")
	f(token("t"), anybody, `{"verbose":false}`, "")
	f(anybody, token("t"), new, violation)
}

// The options are copied, so a change to what the caller keeps is a change.
func TestReloadUsersInPlace(t *testing.T) {
	var o server.Options
	list("u", "p")(&o)
	s := startChanging(t, o)
	r := s.dial()
	r.Connect(`{"verbose":false,"user":"u","pass":"p"}`)
	for _, password := range []string{"P", "p"} {
		lines := s.reload(func(o *server.Options) { o.Users[0].Password = password })
		if len(lines) == 0 || lines[len(lines)-1] != "INF Reloaded: authorization users" {
			t.Errorf("logged %q", lines)
		}
	}
	refusedAs(t, r, violation)
}

// A client may come in, be sent away and come back, as the gate changes.
func TestReloadBackAndForth(t *testing.T) {
	s := startChanging(t, server.Options{})
	stays := s.client()
	keeper := s.dial()
	keeper.Connect(`{"verbose":false,"user":"u","pass":"p","auth_token":"t"}`)
	for i := range 20 {
		for _, g := range []gate{single("u", "p"), token("t"), list("u", "p", fmt.Sprint(i), "x"), anybody} {
			s.reload(g)
			answer(t, keeper, "", "", false)
		}
		if i == 0 {
			refusedAs(t, stays, violation)
		}
		eventually(t, "only one is left", func() bool { return s.NumClients() == 1 })
		answer(t, s.client(), "", "", false)
	}
}

// Hashes are not computed for those who have been let in by them already, and at
// most once for all who share a secret.
func TestReloadManyWithOneHash(t *testing.T) {
	const clients, cost = 1000, 8
	h := hash(t, "p", cost)
	began := time.Now()
	noErr(t, bcrypt.CompareHashAndPassword([]byte(h), []byte("p")))
	each := time.Since(began)

	var o server.Options
	list("u", h)(&o)
	s := startChanging(t, o)
	conns := make([]net.Conn, clients)
	for i := range conns {
		r := s.inside()
		r.Connect(`{"verbose":false,"user":"u","pass":"p"}`)
		conns[i] = r.Conn
	}
	f := func(name string, g gate, left int) {
		t.Helper()
		began := time.Now()
		s.reload(g)
		took := time.Since(began)
		t.Logf("%s: %v for %d clients; a hash takes %v", name, took, clients, each)
		if most := 10*each + time.Second; took > most {
			t.Errorf("%s: it took %v, a hash takes %v", name, took, each)
		}
		eventually(t, "those who may not stay have gone", func() bool { return s.NumClients() == left })
	}
	f("another user", list("u", h, "v", h), clients)
	f("another hash", list("u", hash(t, "p", cost)), clients)
	f("another password", list("u", hash(t, "P", cost)), 0)
}

// However a CONNECT and a reload meet: when ReloadOptions has returned, nobody has
// any effect who has the old secret only, and those with the new one are in or get
// in.
func TestReloadWhileClientsConnect(t *testing.T) {
	s := startChanging(t, server.Options{Users: []*server.User{{Username: "w", Password: "w"}}})
	seer := join(t, s.Server, `{"verbose":false,"user":"w","pass":"w"}`)
	seer.send("SUB > 1\r\n")
	seer.sync()
	const each = 4
	secret := "0"
	for round := range 150 {
		old := secret
		secret = fmt.Sprint(round + 1)
		s.reload(list("w", "w", "u", old))
		begin, reloaded := make(chan struct{}), make(chan struct{})
		var all sync.WaitGroup
		connect := func(r *testkit.Raw, password string, judge func(got string, err error)) {
			all.Go(func() {
				<-begin
				noError(t, r.TrySend(fmt.Appendf(nil, "CONNECT {\"verbose\":false,\"user\":\"u\",\"pass\":%q}\r\n", password)))
				<-reloaded
				_ = r.TrySend([]byte("PUB x 0\r\n\r\nPING\r\n")) // fails for those who have been refused
				judge(r.TryLine())
				_ = r.Close()
			})
		}
		for range each {
			connect(s.inside(), old, func(got string, err error) {
				if got != violation || err != nil {
					t.Errorf("with the old secret: %q, %v", got, err)
				}
			})
			connect(s.inside(), "never", func(got string, err error) {
				if got != violation || err != nil {
					t.Errorf("with a wrong secret: %q, %v", got, err)
				}
			})
		}
		published := make(chan string, each)
		for range each {
			connect(s.inside(), secret, func(got string, err error) {
				published <- got
				if got != "PONG\r\n" && got != violation || err != nil {
					t.Errorf("with the new secret: %q, %v", got, err)
				}
			})
		}
		close(begin)
		s.reload(list("w", "w", "u", secret))
		close(reloaded)
		all.Wait()
		want, got := 0, 0
		for range each {
			if <-published == "PONG\r\n" {
				want++
			}
		}
		seer.syncing(func(frame) { got++ })
		if got != want {
			t.Fatalf("round %d: %d messages were published, want %d", round, got, want)
		}
	}
	eventually(t, "only the witness is left", func() bool { return s.NumClients() == 1 })
}

// noError is noErr for any goroutine.
func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
