package server_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// inAccounts are accounts with a user each, whose name is that of the account.
func inAccounts(names ...string) (accounts []*server.Account) {
	for _, name := range names {
		accounts = append(accounts, &server.Account{Name: name, Users: []*server.User{{Username: name, Password: "p"}}})
	}
	return accounts
}

// linesWith are the lines of the log that contain text.
func linesWith(r *recorder, text string) (found []string) {
	for _, line := range r.lines() {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

func userOf(account string) nats.Option { return nats.UserInfo(account, "p") }

// Two accounts with equal subjects do not see each other's messages, whatever the way in
// which they are sent.
func TestAccountsAreApart(t *testing.T) {
	s := testkit.Start(t, &server.Options{Accounts: inAccounts("A", "B", "C")})
	a, b, c := dial(t, s, userOf("A")), dial(t, s, userOf("B")), dial(t, s, userOf("C"))
	conns := map[string]*nats.Conn{"A": a, "B": b}
	got := make(map[string]*nats.Subscription)
	for name, nc := range conns {
		for _, filter := range []string{"foo", "*", ">"} {
			sub, err := nc.SubscribeSync(filter)
			noErr(t, err)
			got[name+" "+filter] = sub
		}
		for range 3 {
			_, err := nc.QueueSubscribe("work", "q", func(m *nats.Msg) { m.Respond([]byte("done in " + name)) })
			noErr(t, err)
		}
		flush(t, nc)
	}
	if n := s.NumSubscriptions(); n < 12 {
		t.Errorf("%d subscriptions", n)
	}
	for name, nc := range conns {
		noErr(t, nc.Publish("foo", []byte(name)))
		flush(t, nc)
	}
	for who, sub := range got {
		if m := next(t, sub); string(m.Data) != who[:1] {
			t.Errorf("%s got %q", who, m.Data)
		}
		if m, _, _ := sub.Pending(); m != 0 {
			t.Errorf("%s has %d more", who, m)
		}
	}
	for name, nc := range conns {
		for range 20 {
			m, err := nc.Request("work", nil, patience)
			noErr(t, err)
			if string(m.Data) != "done in "+name {
				t.Errorf("%s: %s", name, m.Data)
			}
		}
	}
	sub, err := a.SubscribeSync("only.a")
	noErr(t, err)
	flush(t, a)
	if _, err := c.Request("only.a", nil, patience); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a request into another account: %v", err)
	}
	flush(t, a)
	if m, _, _ := sub.Pending(); m != 0 {
		t.Errorf("%d requests have got through", m)
	}
}

// The tightest of the limits of server and account counts, and a reload changes them for
// those who are there.
func TestAccountLimits(t *testing.T) {
	limited := func(l server.AccountLimits) *server.Options {
		o := &server.Options{Host: "127.0.0.1", Port: server.RandomPort, MaxSubs: 4, MaxPayload: 100, Accounts: inAccounts("A", "B")}
		o.Accounts[0].Limits = l
		return o
	}
	s := testkit.Start(t, limited(server.AccountLimits{MaxConnections: 3, MaxSubscriptions: 10, MaxPayload: 1000}))
	enter := func(account string) *testkit.Raw {
		r := testkit.Dial(t, s.Addr().String())
		r.Connect(`{"verbose":false,` + as(account) + `}`)
		return r
	}
	const tooMany = "-ERR 'maximum subscriptions exceeded'\r\n"
	const full = "-ERR 'maximum account active connections exceeded'\r\n"
	one, two, other := enter("A"), enter("A"), enter("B")
	subs := func(r *testkit.Raw, first, n int, want string) {
		t.Helper()
		for i := range n {
			r.Send(fmt.Sprintf("SUB a.%d %d\r\n", first+i, first+i))
		}
		if got := r.Sync(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	subs(one, 0, 5, tooMany) // those of the server
	subs(two, 0, 2, "")
	subs(other, 0, 4, "")

	noErr(t, s.ReloadOptions(limited(server.AccountLimits{MaxConnections: 3, MaxSubscriptions: 3, MaxPayload: 10})))
	one.ExpectBytes(tooMany) // it has four
	one.ExpectEOF()
	subs(two, 2, 2, tooMany)
	two.Send("PUB x 10\r\n0123456789\r\n")
	two.Sync()
	two.Send("PUB x 11\r\n")
	two.ExpectBytes("-ERR 'Maximum Payload Violation'\r\n")
	two.ExpectEOF()
	other.Send("PUB x 11\r\n01234567890\r\n")
	if got := other.Sync(); got != "" {
		t.Errorf("another account: %q", got)
	}

	testkit.Eventually(t, patience, "the closed ones have left", func() bool { return s.NumClients() == 1 })
	three := []*testkit.Raw{enter("A"), enter("A"), enter("A")}
	late := testkit.Dial(t, s.Addr().String())
	late.Send("CONNECT {" + as("A") + "}\r\nPING\r\n")
	late.ExpectBytes(full)
	late.ExpectEOF()
	noErr(t, s.ReloadOptions(limited(server.AccountLimits{MaxConnections: 1})))
	for _, r := range three[1:] { // the newest
		r.ExpectBytes(full)
		r.ExpectEOF()
	}
	three[0].Sync()
	noErr(t, s.ReloadOptions(limited(server.AccountLimits{})))
	subs(three[0], 0, 4, "")
	enter("A")
}

// Whoever is moved to another account, or whose account goes, is closed without a word,
// and comes in where it belongs now.
func TestReloadMovesUsers(t *testing.T) {
	with := func(accounts ...*server.Account) *server.Options {
		return &server.Options{Host: "127.0.0.1", Port: server.RandomPort, Accounts: accounts, Debug: true}
	}
	users := func(name string, users ...string) *server.Account {
		a := &server.Account{Name: name}
		for _, u := range users {
			a.Users = append(a.Users, &server.User{Username: u, Password: "p"})
		}
		return a
	}
	s := testkit.Start(t, with(users("A", "moves", "stays"), users("B", "b"), users("C", "gone")))
	log := new(recorder)
	s.SetLogger(log, true, false)
	enter := func(user string) *testkit.Raw {
		r := testkit.Dial(t, s.Addr().String())
		r.Connect(`{"verbose":false,` + as(user) + `}`)
		r.Send("SUB foo 1\r\n")
		r.Sync()
		return r
	}
	moves, stays, b, gone := enter("moves"), enter("stays"), enter("b"), enter("gone")
	noErr(t, s.ReloadOptions(with(users("A", "stays"), users("B", "b", "moves"))))
	for name, r := range map[string]*testkit.Raw{"moves": moves, "gone": gone} {
		if before, err := r.TryClosed(); before != "" || err != nil {
			t.Errorf("%s is told %q, %v", name, before, err)
		}
	}
	moves = enter("moves")
	moves.Send("PUB foo 1\r\nx\r\n")
	moves.ExpectBytes("MSG foo 1 1\r\nx\r\n")
	b.ExpectBytes("MSG foo 1 1\r\nx\r\n")
	if got := stays.Sync(); got != "" {
		t.Errorf("one of another account gets %q", got)
	}
	testkit.Eventually(t, patience, "the subscriptions of those who went are gone", func() bool { return s.NumSubscriptions() == 3 })
	for text, n := range map[string]int{"connection closed: Client Closed": 2, "Reloaded: accounts": 1} {
		if got := len(linesWith(log, text)); got != n {
			t.Errorf("%q is logged %d times", text, got)
		}
	}

	// An account that comes back is the same one, and its users come in again.
	noErr(t, s.ReloadOptions(with(users("A", "stays"), users("B", "b", "moves"), users("C", "gone"))))
	enter("gone").Sync()

	o := with(users("A", "stays"))
	o.SystemAccount = "A"
	err := s.ReloadOptions(o)
	if err == nil || !strings.Contains(err.Error(), `config reload not supported for system_account: old="$SYS", new="A"`) {
		t.Errorf("another system account: %v", err)
	}
	b.Sync()
}

// While users move to and fro under traffic, no message gets from one account into the
// other.
func TestUsersMoveUnderTraffic(t *testing.T) {
	names := []string{"A", "B"}
	with := func(home int) *server.Options {
		o := &server.Options{Host: "127.0.0.1", Port: server.RandomPort, Accounts: inAccounts(names...)}
		o.Accounts[home].Users = append(o.Accounts[home].Users, &server.User{Username: "nomad", Password: "p"})
		return o
	}
	s := testkit.Start(t, with(0))
	var traffic, readers sync.WaitGroup
	over := make(chan struct{})
	var visits atomic.Int32
	for _, name := range names {
		nc := dial(t, s, userOf(name))
		for _, group := range []string{"", "q"} {
			_, err := nc.QueueSubscribe("foo", group, func(m *nats.Msg) {
				if from := string(m.Data); from != name && from != "nomad" {
					t.Errorf("%s gets a message of %s", name, from)
				}
			})
			noErr(t, err)
		}
		flush(t, nc)
		traffic.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					if err := errors.Join(nc.Publish("foo", []byte(name)), nc.FlushTimeout(patience)); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	// Nomads hear one of the two for as long as they are connected, and say something.
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				nc, err := nats.Connect(s.ClientURL(), nats.UserInfo("nomad", "p"), nats.NoReconnect())
				if err != nil {
					continue // moved in the middle of it
				}
				visits.Add(1)
				closed := make(chan struct{})
				nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
				var mu sync.Mutex
				heard := make(map[string]bool)
				nc.Subscribe("foo", func(m *nats.Msg) {
					mu.Lock()
					defer mu.Unlock()
					if heard[string(m.Data)] = true; heard["A"] && heard["B"] {
						t.Error("a connection has heard both accounts")
					}
				})
				nc.Publish("foo", []byte("nomad"))
				select {
				case <-closed:
				case <-over:
				}
				nc.Close()
			}
		})
	}
	for i := range 30 {
		before := visits.Load()
		noErr(t, s.ReloadOptions(with(1-i%2)))
		eventually(t, "those who were moved come again", func() bool { return visits.Load() >= before+4 })
	}
	close(over)
	traffic.Wait()
	readers.Wait()
	if n := s.NumPanics(); n != 0 || visits.Load() < 8 {
		t.Errorf("%d panics, %d visits", n, visits.Load())
	}
}

// Every way to begin in a server with accounts leads where it should, and INFO says so
// (spec: accounts-and-auth 3.3, 10 E10).
func TestWhoIsWhere(t *testing.T) {
	f := func(o server.Options, members, want string) {
		t.Helper()
		s := testkit.Start(t, &o)
		defer s.Shutdown()
		r := testkit.Dial(t, s.Addr().String())
		r.Send(`CONNECT {"verbose":false,"protocol":1` + members + "}\r\nPING\r\n")
		got := "refused"
		if line, err := r.TryLine(); err == nil && line == "PONG\r\n" {
			got = r.Expect(`INFO .*"remote_account":"([^"]*)".*`)[1]
		}
		if got != want {
			t.Errorf("%+v %s: %s, want %s", o, members, got, want)
		}
	}
	user := func(name string) string { return "," + as(name) }
	both := server.Options{Accounts: inAccounts("A", "B"), Users: []*server.User{{Username: "g", Password: "p"}}}
	f(both, user("A"), "A")
	f(both, user("B"), "B")
	f(both, user("g"), "$G")
	f(both, user("x"), "refused")
	f(both, "", "refused")
	silent := both
	silent.NoAuthUser = "B"
	f(silent, "", "B")
	f(silent, user("x"), "refused")
	system := server.Options{Accounts: inAccounts("$SYS")}
	f(system, "", "$G")
	f(system, user("$SYS"), "$SYS")
	f(system, user("x"), "refused")
	named := server.Options{Accounts: inAccounts("S"), SystemAccount: "S", NoSystemAccount: true}
	f(named, "", "$G")
	f(named, user("S"), "S")
	guarded := system
	guarded.Users = []*server.User{}
	f(guarded, "", "refused")
	f(guarded, user("$SYS"), "$SYS")
	f(server.Options{Accounts: inAccounts("$SYS", "A")}, "", "refused")
	f(server.Options{Accounts: []*server.Account{{Name: "A"}}}, "", "$G")
}

// The account is in log lines, and what goes on in the system account is traced only if
// that is asked for.
func TestAccountsInLogs(t *testing.T) {
	f := func(user string, verbose, want bool) {
		t.Helper()
		s := testkit.Start(t, &server.Options{Accounts: inAccounts("$SYS", "A"), Debug: true, Trace: true, TraceVerbose: verbose})
		log := new(recorder)
		s.SetLogger(log, true, true)
		r := testkit.Dial(t, s.Addr().String())
		r.Connect(`{"verbose":false,` + as(user) + `}`)
		r.Send("SUB traced 1\r\nPUB traced 1\r\nx\r\n")
		r.Sync()
		noErr(t, r.Close())
		s.Shutdown()
		for _, line := range []string{"<<- [SUB traced 1]", "<<- [PUB traced 1]", "->> [MSG traced 1 1]"} {
			if got := linesWith(log, line); (len(got) > 0) != want || want && !strings.Contains(got[0], `"`+user+"/user:"+user+`"`) {
				t.Errorf("%s, verbose %v: %q is logged as %q", user, verbose, line, got)
			}
		}
		if len(linesWith(log, `"`+user+"/user:"+user+`" - Client connection closed`)) == 0 {
			t.Errorf("the end is logged as %q", linesWith(log, "closed"))
		}
	}
	f("A", false, true)
	f("$SYS", false, false)
	f("$SYS", true, true)
}

// Every INFO that a client gets once it is in has the payload limit of its account, since
// each replaces the one before.
func TestInfoOfAnAccount(t *testing.T) {
	o := &server.Options{Accounts: inAccounts("A"), MaxPayload: 100, LameDuckDuration: time.Minute}
	o.Accounts[0].Limits.MaxPayload = 10
	s := testkit.Start(t, o)
	r := testkit.Dial(t, s.Addr().String())
	r.Connect(`{"verbose":false,"protocol":1,` + as("A") + `}`)
	if !strings.Contains(r.Info, `"max_payload":100,`) {
		t.Errorf("before: %s", r.Info)
	}
	r.Expect(`INFO .*"max_payload":10,.*"connect_info":true.*`)
	go s.LameDuckShutdown()
	r.Expect(`INFO .*"max_payload":10,.*"ldm":true.*`)
}
