package client_test

import (
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/client"
	"nats-server/internal/pipe"
	"nats-server/internal/testkit"
	"nats-server/internal/wire"
)

// renewed is a house whose settings change.
type renewed struct {
	*house
	set client.Settings
}

func newRenewed(t testing.TB, cfg auth.Config) *renewed {
	t.Helper()
	r := new(renewed)
	r.house = newHouse(t, func(_ *client.Config, s *client.Settings) {
		s.Auth = auth.New(cfg)
		r.set = *s
	})
	r.set.Info = greeting(t)
	r.Apply(r.set)
	return r
}

func greeting(t testing.TB) *wire.InfoTemplate {
	t.Helper()
	info := wire.ServerInfo{ServerID: "N", Proto: 1, Headers: true}
	template, err := info.Template()
	noErr(t, err)
	return template
}

// open connects a client that has read INFO.
func (r *renewed) open(t testing.TB) *testkit.Raw {
	t.Helper()
	ours, theirs := pipe.New(4 << 10)
	r.serve(ours)
	c := testkit.Attach(t, theirs)
	c.Greeting()
	return c
}

// guard makes the gate another one, as a server does.
func (r *renewed) guard(cfg auth.Config) {
	r.set.Auth = r.set.Auth.Next(cfg)
	r.Apply(r.set)
	r.Revalidate()
}

// occupy keeps all hashes of the house from being computed until the function that
// it returns is called.
func (r *renewed) occupy() (release func()) {
	held, free := make(chan struct{}), make(chan struct{})
	var done sync.WaitGroup
	dir := r.set.Auth
	done.Go(func() {
		dir.Admit(auth.Credentials{User: "u", Password: "nobody's"}, func(bool) bool {
			close(held)
			<-free
			return true
		})
	})
	<-held
	return func() {
		close(free)
		done.Wait()
	}
}

func hashed(t testing.TB, secret string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	noErr(t, err)
	return string(h)
}

const violation = "-ERR 'Authorization Violation'\r\n"

// One whose password is looked at while the gate is replaced does not get in by the
// old one: nobody would notice that later.
func TestGateReplacedDuringConnect(t *testing.T) {
	f := func(next auth.Config, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newRenewed(t, auth.Config{User: "u", Password: hashed(t, "p")})
			c := h.open(t)
			release := h.occupy()
			c.Send("CONNECT {\"verbose\":false,\"user\":\"u\",\"pass\":\"p\",\"auth_token\":\"t\"}\r\nPING\r\n")
			synctest.Wait() // now it waits for the hash
			h.guard(next)
			release()
			if err := c.TryExact(want); err != nil {
				t.Errorf("%+v: %v", next, err)
			}
			noErr(t, c.Close())
			h.ended(t)
		})
	}
	f(auth.Config{User: "u", Password: "P"}, violation)
	f(auth.Config{User: "u", Password: hashed(t, "P")}, violation)
	f(auth.Config{User: "v", Password: "p"}, violation)
	f(auth.Config{Token: "T"}, violation)
	f(auth.Config{Users: []auth.User{{Name: "w"}}}, violation)
	f(auth.Config{Users: []auth.User{{Name: "u", Password: "p"}}}, "PONG\r\n")
	f(auth.Config{Token: "t"}, "PONG\r\n")
	f(auth.Config{}, "PONG\r\n")
}

// The time for CONNECT is not what it takes until it is one's turn with a hash.
func TestWaitingForAHashIsNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newRenewed(t, auth.Config{User: "u", Password: hashed(t, "p")})
		late, c := h.open(t), h.open(t)
		release := h.occupy()
		c.Send("CONNECT {\"verbose\":false,\"user\":\"u\",\"pass\":\"p\"}\r\nPING\r\n")
		late.SetTimeout(time.Hour)
		late.ExpectBytes("-ERR 'Authentication Timeout'\r\n")
		synctest.Wait() // other timers of that moment have had their say
		release()
		c.ExpectBytes("PONG\r\n")
		noErr(t, errors.Join(late.Close(), c.Close()))
		h.ended(t)
	})
}

// A second CONNECT is judged like the first.
func TestGateReplacedDuringSecondConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newRenewed(t, auth.Config{Users: []auth.User{{Name: "u", Password: hashed(t, "p")}, {Name: "v", Password: "v"}}})
		c := h.open(t)
		c.Connect(`{"verbose":false,"user":"v","pass":"v"}`)
		release := h.occupy()
		c.Send("CONNECT {\"user\":\"u\",\"pass\":\"p\"}\r\nPING\r\n")
		synctest.Wait()
		h.guard(auth.Config{Users: []auth.User{{Name: "v", Password: "v"}}}) // v may stay, but wants to be u
		release()
		if got, err := c.TryClosed(); got != violation || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		h.ended(t)
	})
}

// Where the hash of a secret is the same as before, none is computed for those who
// are in.
func TestRevalidateComputesNoHashAgain(t *testing.T) {
	f := func(cfg, next auth.Config, connect string) {
		t.Helper()
		h := newRenewed(t, cfg)
		var clients [50]*testkit.Raw
		for i := range clients {
			clients[i] = h.open(t)
			clients[i].Connect(connect)
		}
		release := h.occupy()
		over := make(chan struct{})
		go func() {
			h.guard(next)
			close(over)
		}()
		select {
		case <-over:
		case <-time.After(patience):
			t.Error("a hash is computed")
		}
		release()
		for _, c := range clients {
			if before := c.Sync(); before != "" {
				t.Errorf("got %q", before)
			}
			noErr(t, c.Close())
		}
		h.ended(t)
	}
	a, b := hashed(t, "p"), hashed(t, "p")
	f(auth.Config{Users: []auth.User{{Name: "u", Password: a}}}, auth.Config{Users: []auth.User{{Name: "u", Password: a}, {Name: "v", Password: b}}}, `{"verbose":false,"user":"u","pass":"p"}`)
	f(auth.Config{Users: []auth.User{{Name: "u", Password: a}, {Name: "v", Password: b}}}, auth.Config{User: "u", Password: a}, `{"verbose":false,"user":"u","pass":"p"}`)
	f(auth.Config{Token: a}, auth.Config{Token: a, User: "u"}, `{"verbose":false,"auth_token":"p"}`)
}

// Clients that are about to go make room: nobody else is closed for them.
func TestShrinkDoesNotCountThoseWhoGo(t *testing.T) {
	h := newRenewed(t, auth.Config{Users: []auth.User{{Name: "stays", Password: ""}, {Name: "goes", Password: ""}}})
	const each = 3
	var stay [each]*testkit.Raw
	leave := make(chan struct{})
	for i := range stay {
		stay[i] = h.open(t)
		stay[i].Connect(`{"verbose":false,"user":"stays"}`)
		ours, theirs := pipe.New(4 << 10)
		h.serve(clinging{ours, leave})
		c := testkit.Attach(t, theirs)
		c.Greeting()
		c.Connect(`{"verbose":false,"user":"goes"}`)
	}
	h.guard(auth.Config{Users: []auth.User{{Name: "stays", Password: ""}}})
	if n := h.Len(); n != 2*each {
		t.Fatalf("%d sessions: they do not cling", n)
	}
	h.set.MaxConnections = each
	h.Apply(h.set)
	if n := h.Shrink(); n != 0 {
		t.Errorf("%d were too many", n)
	}
	for _, c := range stay {
		if before := c.Sync(); before != "" {
			t.Errorf("got %q", before)
		}
	}
	h.set.MaxConnections = 1
	h.Apply(h.set)
	if n := h.Shrink(); n != each-1 {
		t.Errorf("%d were too many", n)
	}
	if n := h.Shrink(); n != 0 {
		t.Errorf("then %d more", n)
	}
	close(leave)
	testkit.Eventually(t, patience, "one is left", func() bool { return h.Len() == 1 })
	for _, c := range stay {
		_ = c.Close()
	}
	h.ended(t)
}

// clinging is a connection whose reader does not notice the end before leave is
// closed.
type clinging struct {
	net.Conn
	leave <-chan struct{}
}

func (c clinging) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		<-c.leave
	}
	return n, err
}

// One who comes while the settings change is one of those who were there before, or
// of those who came after.
func TestSettingsChangeDuringAccept(t *testing.T) {
	f := func(before auth.Config, change func(*client.Settings), sent, want string) {
		t.Helper()
		h := newRenewed(t, before)
		ours, theirs := pipe.New(4 << 10)
		c := testkit.Attach(t, theirs)
		h.serve(looked{ours, new(sync.Once), func() {
			change(&h.set)
			h.Apply(h.set)
			h.Revalidate()
			h.Shrink()
		}})
		c.Greeting()
		c.Send(sent)
		if err := c.TryExact(want); err != nil {
			t.Error(err)
		}
		noErr(t, c.Close())
		h.ended(t)
	}
	gate := func(cfg auth.Config) func(*client.Settings) {
		return func(s *client.Settings) { s.Auth = s.Auth.Next(cfg) }
	}
	f(auth.Config{}, gate(auth.Config{Token: "t"}), "PING\r\n", violation)
	f(auth.Config{}, gate(auth.Config{Token: "t"}), "CONNECT {\"verbose\":false,\"auth_token\":\"t\"}\r\nPING\r\n", "PONG\r\n")
	f(auth.Config{Token: "t"}, gate(auth.Config{}), "CONNECT {\"verbose\":false}\r\nPING\r\n", "PONG\r\n")
	f(auth.Config{}, func(s *client.Settings) { s.MaxConnections = 0 }, "", "-ERR 'maximum connections exceeded'\r\n")
	f(auth.Config{}, func(s *client.Settings) { s.MaxPayload = 1 }, "PUB x 2\r\n", "-ERR 'Maximum Payload Violation'\r\n")
}

// looked is a connection that runs f when it is asked for the peer's address, which
// is when its session has been made and is not known yet.
type looked struct {
	net.Conn
	once *sync.Once
	f    func()
}

func (l looked) RemoteAddr() net.Addr {
	l.once.Do(l.f)
	return l.Conn.RemoteAddr()
}

// Clients come, go and are sent away from everywhere at once.
func TestSettingsChangeUnderLoad(t *testing.T) {
	h := newRenewed(t, auth.Config{})
	gates := []auth.Config{{}, {Token: "t"}, {User: "u", Password: "p"}, {Users: []auth.User{}}}
	var clients, all sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			for round := range 2000 {
				ours, theirs := pipe.New(4 << 10)
				h.serve(ours)
				for _, text := range []string{"CONNECT {\"verbose\":false,\"auth_token\":\"t\"}\r\nSUB x 1\r\n", "PUB x 1\r\nx\r\n", "PING\r\n"} {
					_, _ = theirs.Write([]byte(text)) // fails when the client has been sent away
				}
				if round%2 == 0 {
					_, _ = theirs.Read(make([]byte, 4<<10))
				}
				noError(t, theirs.Close())
			}
		})
	}
	over := make(chan struct{})
	all.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-over:
				return
			default:
			}
			h.set.MaxConnections = i % 5
			h.set.MaxPayload = i % 3
			h.guard(gates[i%len(gates)])
			h.Shrink()
		}
	})
	clients.Wait()
	close(over)
	all.Wait()
	h.ended(t)
	if n := h.stats.Panics.Load(); n != 0 {
		t.Errorf("%d panics", n)
	}
}

// noError is noErr for any goroutine.
func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// One whose password is looked at while it is moved comes in where it belongs now, and
// not at all if there is no room or no such account.
func TestMovedDuringConnect(t *testing.T) {
	f := func(next, account string, room int, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			user := auth.User{Name: "u", Password: hashed(t, "p"), Account: "A"}
			h := newRenewed(t, auth.Config{Users: []auth.User{user}})
			a, b := accountOf("A", 1), accountOf("B", room)
			h.set.Accounts = map[string]client.Account{"A": a, "B": b}
			h.Apply(h.set)
			c := h.open(t)
			release := h.occupy()
			c.Send("CONNECT {\"verbose\":false,\"protocol\":1,\"user\":\"u\",\"pass\":\"p\"}\r\nSUB foo 1\r\nPING\r\n")
			synctest.Wait() // now it waits for the hash
			user.Account = next
			h.guard(auth.Config{Users: []auth.User{user}})
			release()
			if err := c.TryExact(want); err != nil {
				t.Errorf("to %s: %v", next, err)
			}
			synctest.Wait() // for the end of one who is refused
			in := map[string]int{"A": a.NumConnections(), "B": b.NumConnections(), "": 0}
			in["$G"] = h.cfg.Global.NumConnections()
			if in[account] != 1 && account != "" || in["A"]+in["B"]+in["$G"] != min(len(account), 1) {
				t.Errorf("to %s: %v", next, in)
			}
			noErr(t, c.Close())
			h.ended(t)
			if n := a.NumConnections() + b.NumConnections() + a.NumSubscriptions() + b.NumSubscriptions() + h.cfg.Global.NumConnections(); n != 0 {
				t.Errorf("to %s: something is left", next)
			}
		})
	}
	f("A", "A", 1, "PONG\r\n")
	f("B", "B", 1, "PONG\r\n")
	f("", "$G", 1, "PONG\r\n")
	f("$G", "$G", 1, "PONG\r\n")
	f("B", "", -1, "-ERR 'maximum account active connections exceeded'\r\n")
	f("C", "", 1, "-ERR 'Failed Account Registration'\r\n")
}

func accountOf(name string, room int) client.Account {
	return client.Account{Account: account.New(name), MaxConnections: room}
}

// What a client that needed no CONNECT has subscribed to does not follow it into an
// account that it comes in to later.
func TestNothingFollowsIntoAnAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newRenewed(t, auth.Config{})
		a := accountOf("A", 0)
		h.set.Accounts = map[string]client.Account{"A": a}
		h.Apply(h.set)
		c := h.open(t)
		c.Send("SUB foo 1\r\n")
		if got := c.Sync(); got != "+OK\r\n" {
			t.Errorf("%q", got)
		}
		// Between the settings and the look at all sessions it comes in.
		h.set.Auth = h.set.Auth.Next(auth.Config{Users: []auth.User{{Name: "u", Account: "A"}}})
		h.Apply(h.set)
		c.Send("CONNECT {\"verbose\":false,\"user\":\"u\"}\r\nPUB foo 1\r\nx\r\n")
		if got := c.Sync(); got != "" {
			t.Errorf("%q", got)
		}
		h.Revalidate()
		c.Sync()
		if g := h.cfg.Global; a.NumConnections() != 1 || g.NumConnections() != 0 || a.NumSubscriptions()+g.NumSubscriptions() != 0 {
			t.Errorf("%d and %d connections, %d and %d subscriptions", a.NumConnections(), g.NumConnections(), a.NumSubscriptions(), g.NumSubscriptions())
		}
		noErr(t, c.Close())
		h.ended(t)
	})
}
