package server_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// phases says what is known about the options in force: allowed or forbidden while no
// reload is under way, else anything. What is done in act falls into one phase from
// beginning to end.
type phases struct {
	mu    sync.RWMutex
	now   phase
	acted atomic.Int64 // in this phase
}

type phase string

const (
	anything  phase = "anything"
	allowed   phase = "allowed"
	forbidden phase = "forbidden"
)

// only is n in a phase, and 0 in the others.
func (p phase) only(in phase, n int) int {
	if p == in {
		return n
	}
	return 0
}

func (p *phases) set(now phase) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
	p.acted.Store(0)
}

func (p *phases) act(f func(now phase)) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	f(p.now)
	p.acted.Add(1)
}

// reply is what comes to a client up to a PONG.
type reply struct {
	publish, subscribe int // violations
	evicted            int // subscriptions ended by a reload
	msgs               []string
}

// replies sends text and reads what comes.
func (p *peer) replies(text string) (r reply) {
	p.t.Helper()
	p.send(text + "PING\r\n")
	for {
		switch f := p.read(); {
		case f.verb == "PONG":
			return r
		case f.payload != nil:
			r.msgs = append(r.msgs, string(f.payload))
		case strings.HasPrefix(f.line, "-ERR 'Permissions Violation for Publish to "):
			r.publish++
		case strings.Contains(f.line, " (sid "):
			r.evicted++
		case strings.HasPrefix(f.line, "-ERR 'Permissions Violation for Subscription to "):
			r.subscribe++
		default:
			p.fail("got %s %q", f.verb, f.line)
		}
	}
}

// dialer connects over TCP and within the process in turn.
type dialer struct {
	t testing.TB
	s *server.Server
	n atomic.Int64
}

func (d *dialer) dial() (nc net.Conn) {
	var err error
	if d.n.Add(1)%2 == 0 {
		nc, err = d.s.InProcessConn()
	} else {
		nc, err = net.Dial("tcp", d.s.Addr().String())
	}
	if err != nil {
		d.t.Error(err)
		d.t.FailNow()
	}
	return nc
}

// Clients publish, subscribe, receive and connect while permissions come and go. When
// a reload that forbids something has returned it does not happen any more, and all
// that is allowed does.
func TestReloadWhileEverybodyActs(t *testing.T) {
	s := testkit.Start(t, nil)
	d := &dialer{t: t, s: s}
	adm := &server.User{Username: "adm", Password: "p"}
	open := []*server.Permissions{nil, {}, {Publish: &server.SubjectPermission{Allow: []string{">"}, Deny: []string{"never"}}}}
	shut := []*server.Permissions{
		{Publish: &server.SubjectPermission{Deny: []string{"x"}}, Subscribe: &server.SubjectPermission{Deny: []string{"y", "z.1"}}},
		{Publish: &server.SubjectPermission{Allow: []string{"y"}}, Subscribe: &server.SubjectPermission{Allow: []string{"z.*"}, Deny: []string{"z.1"}}},
	}
	round := 0
	reload := func(forms []*server.Permissions) {
		p := forms[round%len(forms)]
		noErr(t, s.ReloadOptions(&server.Options{Host: "127.0.0.1", Port: server.RandomPort,
			Users: []*server.User{adm, {Username: "u", Password: "p", Permissions: p}}}))
	}
	reload(open)

	var (
		ph        = &phases{now: allowed}
		stop      atomic.Bool
		all       sync.WaitGroup
		n         atomic.Int64 // of messages
		published atomic.Int64 // to x while that was allowed
		sent      atomic.Int64 // to z.1 likewise
	)
	connect := func(user string) string { return `{"verbose":false,"pedantic":false,` + as(user) + `}` }
	client := func(user string) *peer { return attach(t, d.dial(), connect(user)) }
	loop := func(step func(now phase)) {
		all.Go(func() {
			for !stop.Load() && !t.Failed() {
				ph.act(step)
			}
		})
	}
	check := func(p *peer, what string, got, want int, now phase) {
		if now != anything && got != want {
			p.fail("%s: %d while it is %s, want %d", what, got, now, want)
		}
	}

	// Publishers to x, and the one who sees what gets through.
	seer := client("adm")
	seer.send("SUB x 1\r\n")
	seer.sync()
	const batch = 20
	for range 3 {
		p := client("u")
		loop(func(now phase) {
			r := p.replies(strings.Repeat(pub("x", string(now)), batch))
			check(p, "refused messages", r.publish, now.only(forbidden, batch), now)
			published.Add(int64(now.only(allowed, batch)))
		})
	}
	// Subscribers to y, which they publish to as well.
	for i := range 3 {
		p := client("u")
		sub := []string{"SUB y 1\r\n", "SUB y q 1\r\nSUB y 2\r\n", "SUB y 1\r\nUNSUB 1 5\r\n"}[i]
		loop(func(now phase) {
			own := fmt.Sprint(now, " ", n.Add(1))
			r := p.replies(sub + pub("y", own) + "UNSUB 1\r\nUNSUB 2\r\n")
			check(p, "refused subscriptions", r.subscribe, now.only(forbidden, strings.Count(sub, "SUB y ")), now)
			for _, m := range r.msgs {
				if strings.HasPrefix(m, string(forbidden)) || now == forbidden {
					p.fail("got %q while it is %s", m, now)
				}
			}
			if now == allowed && !strings.Contains(strings.Join(r.msgs, "\n"), own) && i == 0 { // others may get it, or use up the five
				p.fail("%q did not arrive, but %q", own, r.msgs)
			}
		})
	}
	// Those who come and go.
	loop(func(now phase) {
		nc := d.dial()
		p := attach(t, nc, "")
		r := p.replies("CONNECT " + connect("u") + "\r\n" + pub("x", string(now)) + "SUB y 1\r\n" + pub("y", string(now)) + "UNSUB 1\r\n")
		check(p, "refused messages", r.publish, now.only(forbidden, 1), now)
		check(p, "refused subscriptions", r.subscribe, now.only(forbidden, 1), now)
		published.Add(int64(now.only(allowed, 1)))
		nc.Close()
	})
	// Those who receive by a wildcard what is denied at times, and what is not.
	var receivers []*peer
	for _, sub := range []string{"SUB z.* 1\r\n", "SUB z.* q 1\r\n"} {
		p := client("u")
		p.send(sub)
		p.sync()
		receivers = append(receivers, p)
	}
	sender := client("adm")
	loop(func(now phase) {
		sender.replies(strings.Repeat(pub("z.1", string(now)), batch) + pub("z.2", "always"))
		sent.Add(int64(now.only(allowed, batch)))
	})

	asker := attach(t, d.dial(), `{"verbose":false,"headers":true,"no_responders":true,`+as("adm")+`}`)
	asker.send("SUB rep 9\r\n")
	// What the readers see, each in its own goroutine until the end.
	var got [3]atomic.Int64 // allowed messages
	var readers sync.WaitGroup
	for i, p := range []*peer{seer, receivers[0], receivers[1]} {
		readers.Go(func() {
			for {
				switch f := p.read(); {
				case f.verb == "PONG":
					return
				case f.payload == nil:
					p.fail("got %s %q", f.verb, f.line)
				case string(f.payload) == string(forbidden):
					p.fail("got what was published to %s while that was forbidden", f.subject)
				case string(f.payload) == string(allowed):
					got[i].Add(1)
				}
			}
		})
	}

	const acts = 30
	enough := func() bool { return ph.acted.Load() >= acts || t.Failed() }
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && !t.Failed(); round++ {
		ph.set(anything)
		reload(shut)
		// Nobody is subscribed any more, from the very end of the reload on.
		asker.send("PUB y rep 0\r\n\r\nPING\r\n")
		if f := asker.read(); f.verb != "HMSG" || !strings.HasPrefix(string(f.payload), "NATS/1.0 503") {
			t.Errorf("somebody is subscribed: %s %q", f.verb, f.line)
			break
		}
		asker.until("PONG", nil)
		ph.set(forbidden)
		eventually(t, "clients act while it is forbidden", enough)
		ph.set(anything)
		for range round % 3 { // without giving anybody the time to notice
			reload(open)
			reload(shut)
		}
		reload(open)
		ph.set(allowed)
		eventually(t, "clients act while it is allowed", enough)
	}
	stop.Store(true)
	all.Wait()
	for _, p := range []*peer{seer, receivers[0], receivers[1]} {
		p.send("PING\r\n")
	}
	readers.Wait()
	for i, want := range []int64{published.Load(), sent.Load(), sent.Load()} {
		if n := got[i].Load(); n != want && !t.Failed() {
			t.Errorf("reader %d got %d of %d messages", i, n, want)
		}
	}
	t.Logf("%d rounds, %d messages to x, %d to z.1, %d connections", round, published.Load(), sent.Load(), d.n.Load())
}

// A client that becomes another user during a reload has the permissions of the one
// that it is.
func TestReloadWhileUsersSwitch(t *testing.T) {
	options := func(round int) *server.Options {
		only := func(subject string) *server.Permissions {
			return &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{subject, fmt.Sprint("round.", round)}}}
		}
		return &server.Options{Host: "127.0.0.1", Port: server.RandomPort, Users: []*server.User{
			{Username: "a", Password: "p", Permissions: only("a")}, {Username: "b", Password: "p", Permissions: only("b")},
		}}
	}
	s := testkit.Start(t, options(0))
	d := &dialer{t: t, s: s}
	var stop atomic.Bool
	var all sync.WaitGroup
	for range 4 {
		p := attach(t, d.dial(), "")
		all.Go(func() {
			for !stop.Load() && !t.Failed() {
				for _, user := range []string{"a", "b"} {
					p.send(`CONNECT {"verbose":false,` + as(user) + "}\r\n")
					for range 3 {
						if r := p.replies(pub(user, "")); r.publish > 0 {
							p.fail("%s is taken for another user", user)
						}
					}
				}
			}
		})
	}
	round := 0
	for end := time.Now().Add(time.Second); time.Now().Before(end) && !t.Failed(); {
		round++
		noErr(t, s.ReloadOptions(options(round)))
	}
	stop.Store(true)
	all.Wait()
	t.Logf("%d reloads", round)
}

// Nobody slips in without credentials while a reload begins to ask for them.
func TestReloadWhileAnybodyConnects(t *testing.T) {
	s := testkit.Start(t, nil)
	d := &dialer{t: t, s: s}
	o := func(users ...*server.User) *server.Options {
		return &server.Options{Host: "127.0.0.1", Port: server.RandomPort, Users: users}
	}
	came := make(chan net.Conn, 50) // not checked yet
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for {
				nc := d.dial()
				select {
				case came <- nc:
				case <-stop:
					nc.Close()
					return
				}
			}
		})
	}
	rounds, checked := 0, 0
	for end := time.Now().Add(time.Second); time.Now().Before(end) && !t.Failed(); rounds++ {
		noErr(t, s.ReloadOptions(o()))
		noErr(t, s.ReloadOptions(o(&server.User{Username: "u", Password: "p"})))
		for range len(came) {
			nc := <-came
			checked++
			r := testkit.Attach(t, nc)
			r.Send("PING\r\n")
			r.Greeting()
			if got, err := r.TryClosed(); got != violation || err != nil {
				t.Errorf("one who has said nothing gets %q, %v", got, err)
			}
			nc.Close()
		}
	}
	close(stop)
	all.Wait()
	for range len(came) {
		(<-came).Close()
	}
	t.Logf("%d rounds, %d connections", rounds, checked)
}

// Permissions that were in force only for a while, in the middle of what a client
// sends, leave nothing behind.
func TestReloadLeavesNothingBehind(t *testing.T) {
	user := func(p *server.Permissions) *server.Options {
		return &server.Options{Host: "127.0.0.1", Port: server.RandomPort, Users: []*server.User{
			{Username: "u", Password: "p", Permissions: p}, {Username: "adm", Password: "p"},
		}}
	}
	shut := user(&server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"x"}}})
	s := testkit.Start(t, user(nil))
	d := &dialer{t: t, s: s}
	p, changing := attach(t, d.dial(), `{"verbose":false,`+as("u")+`}`), attach(t, d.dial(), `{"verbose":false,`+as("adm")+`}`)
	flood := strings.Repeat(pub("x", ""), 100_000)
	for end, round := time.Now().Add(time.Second), 0; time.Now().Before(end); round++ {
		var all sync.WaitGroup
		all.Go(func() { p.replies(flood) })
		noErr(t, s.ReloadOptions(shut))
		changing.replies("SUB x 1\r\nUNSUB 1\r\n") // so that it is looked up anew where x goes
		noErr(t, s.ReloadOptions(user(nil)))
		all.Wait()
		if r := p.replies(strings.Repeat(pub("x", ""), 3)); r.publish != 0 {
			t.Fatalf("round %d: %d of 3 messages are refused that may be published", round, r.publish)
		}
	}
}
