package server_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nats-server/internal/testkit"
	"nats-server/server"
)

var (
	long       = flag.Duration("long", 1500*time.Millisecond, "how long each part of TestMatrix takes")
	matrixSeed = flag.Uint64("matrix.seed", 0, "play the one world of TestMatrix with that seed")
)

// matrixEvents are what has to happen for TestMatrix to mean something.
var matrixEvents = []string{
	"published", "answered", "no publish", "subscribed", "no subscribe", "plain", "chosen", "filtered", "status", "evicted",
	"elsewhere", "moved",
}

// TestMatrix has random connections with random permissions do random things, and
// compares everything that each of them gets with matrixModel: connections over TCP
// and within the process; publishing with and without reply, answering, subscribing as
// one or as a member of a group, coming in as another user, reloads; rules that allow,
// deny, overlap and name queues; answers with a maximum and a time; users of two accounts,
// in which everything goes on with the same subjects, and who move from one to the other.
//
// It takes 3 seconds. For longer:
//
//	go test ./server -run TestMatrix -long 5m -timeout 0
//
// A failure prints the seed of its world, which is played again by
//
//	go test ./server -run TestMatrix -matrix.seed N
func TestMatrix(t *testing.T) {
	for _, virtual := range []bool{false, true} {
		t.Run(fmt.Sprintf("virtual=%v", virtual), func(t *testing.T) {
			seeds := rand.Uint64N(1 << 48)
			tally := map[string]int{}
			happened := func(what string) bool { return tally[what] > 0 }
			all := func() bool {
				return !slices.ContainsFunc(matrixEvents, func(what string) bool { return !happened(what) })
			}
			// Rare events may take more worlds than fit in the time on a slow machine.
			end, latest := time.Now().Add(*long), time.Now().Add(*long+patience)
			for ; !t.Failed() && (time.Now().Before(end) || !all() && time.Now().Before(latest)); seeds++ {
				if *matrixSeed != 0 {
					seeds, end, latest = *matrixSeed, time.Time{}, time.Time{}
				}
				play(t, seeds, virtual, tally)
			}
			for _, what := range matrixEvents {
				if !happened(what) && *matrixSeed == 0 {
					t.Errorf("%q has never happened", what)
				}
			}
			t.Logf("%v", tally)
		})
	}
}

// play runs one world, in virtual time if time is to pass in it.
func play(t *testing.T, seed uint64, virtual bool, tally map[string]int) {
	if virtual {
		synctest.Test(t, func(t *testing.T) { newMatrix(t, seed, true, tally).play() })
	} else {
		newMatrix(t, seed, false, tally).play()
	}
}

// matrix is a server, its connections, and what they should be.
type matrix struct {
	*rand.Rand
	t       *testing.T
	seed    uint64
	virtual bool // time passes, and all connections are within the process
	tally   map[string]int
	s       *server.Server
	opts    server.Options
	model   matrixModel
	peers   []*testkit.Raw
	sids    int
	log     []string // of what was done
}

func newMatrix(t *testing.T, seed uint64, virtual bool, tally map[string]int) *matrix {
	m := &matrix{Rand: rand.New(rand.NewPCG(seed, 0)), t: t, seed: seed, virtual: virtual, tally: tally}
	m.opts = server.Options{Host: "127.0.0.1", Port: server.RandomPort, DontListen: virtual, PingInterval: 1000 * time.Hour}
	for range matrixUsers {
		m.model.users = append(m.model.users, m.permissions())
		m.model.abroad = append(m.model.abroad, m.IntN(2) == 0)
	}
	m.setUsers()
	s, err := server.NewServer(&m.opts)
	noErr(t, err)
	noErr(t, s.Start())
	m.s = s
	for range 4 {
		m.join()
	}
	return m
}

const matrixUsers = 4

// setUsers makes the options what the model says.
func (m *matrix) setUsers() {
	other := &server.Account{Name: "B"}
	m.opts.Users, m.opts.Accounts = nil, []*server.Account{other}
	for i, p := range m.model.users {
		u := &server.User{Username: fmt.Sprint("u", i), Password: "p", Permissions: &p}
		if m.model.abroad[i] {
			other.Users = append(other.Users, u)
		} else {
			m.opts.Users = append(m.opts.Users, u)
		}
	}
}

// join adds a connection.
func (m *matrix) join() {
	m.peers, m.model.peers = append(m.peers, nil), append(m.model.peers, nil)
	m.enter(len(m.peers) - 1)
}

// enter makes a connection that of a peer.
func (m *matrix) enter(peer int) {
	var r *testkit.Raw
	if m.virtual || m.IntN(2) == 0 {
		nc, err := m.s.InProcessConn()
		noErr(m.t, err)
		r = testkit.Attach(m.t, nc)
		r.Greeting()
	} else {
		r = testkit.Dial(m.t, m.s.Addr().String())
	}
	m.peers[peer] = r
	m.connect(peer)
}

func (m *matrix) play() {
	defer m.s.Shutdown()
	for range 120 {
		peer := m.IntN(len(m.peers))
		switch n := m.IntN(100); {
		case n < 30:
			m.publish(peer, m.subject(), "")
		case n < 45:
			m.publish(peer, m.subject(), m.reply())
		case n < 60:
			m.publish(peer, m.answer(peer), "")
		case n < 85:
			m.subscribe(peer)
		case n < 89:
			m.unsubscribe(peer)
		case n < 92:
			m.connect(peer)
		case n < 95:
			m.reload()
		case n < 96:
			m.move()
		case m.virtual:
			d := time.Duration(1+m.IntN(4)) * time.Second
			m.log = append(m.log, d.String())
			time.Sleep(d)
		}
		if m.t.Failed() {
			return
		}
	}
}

func (m *matrix) publish(peer int, subject, reply string) {
	if strings.Trim(subject, ".") == "" {
		return // is another mistake
	}
	args := subject
	if reply != "" {
		args += " " + reply
	}
	now := time.Now()
	o := m.model.publish(peer, subject, reply, now)
	got := m.do(peer, fmt.Sprintf("PUB %s 0\r\n\r\n", args), o.errors)
	if m.t.Failed() {
		return
	}
	m.count("no publish", len(o.errors))
	m.count("published", 1-len(o.errors))
	if len(o.errors) == 0 && !m.model.mayPublish(m.model.peers[peer].user, subject) {
		m.count("answered", 1)
	}
	m.count("filtered", m.filtered(subject))
	m.count("elsewhere", m.elsewhere(peer, subject))
	// What has come must be what was to come, message by message.
	take := func(what string, from []arrival, text func(sid string) string) {
		for _, a := range from {
			if i := slices.Index(got[a.peer], text(a.sid)); i >= 0 {
				got[a.peer] = slices.Delete(got[a.peer], i, i+1)
				if what != "status" {
					m.model.noted(a.peer, reply, now)
				}
				m.count(what, 1)
				return
			}
		}
		m.fail("nothing of %s has come for %v, but %q", what, from, got)
	}
	msg := func(sid string) string {
		return fmt.Sprintf("MSG %s 0\r\n\r\n", strings.TrimSuffix(subject+" "+sid+" "+reply, " "))
	}
	for _, a := range o.plain {
		take("plain", []arrival{a}, msg)
	}
	for _, members := range o.groups {
		take("chosen", members, msg)
	}
	if len(o.status) > 0 {
		take("status", o.status, func(sid string) string {
			n := 32 + len(subject)
			return fmt.Sprintf("HMSG %s %s %d %d\r\nNATS/1.0 503\r\nNats-Subject: %s\r\n\r\n\r\n", reply, sid, n, n, subject)
		})
	}
	m.nothing(got)
}

// filtered is how many subscriptions a deny entry keeps a message from.
func (m *matrix) filtered(subject string) (n int) {
	for _, p := range m.model.peers {
		for _, s := range p.subs {
			if modelMatches(s.filter, subject) && m.model.denied(p.user, subject, s.group) {
				n++
			}
		}
	}
	return n
}

// elsewhere is how many subscriptions do not get a message since they are in the other
// account.
func (m *matrix) elsewhere(peer int, subject string) (n int) {
	for _, p := range m.model.peers {
		for _, s := range p.subs {
			if modelMatches(s.filter, subject) && m.model.apart(p, m.model.peers[peer]) {
				n++
			}
		}
	}
	return n
}

func (m *matrix) subscribe(peer int) {
	m.sids++
	sid, filter, group := fmt.Sprint(m.sids), m.filter(), m.group()
	o := m.model.subscribe(peer, sid, filter, group)
	m.count("no subscribe", len(o.errors))
	m.count("subscribed", 1-len(o.errors))
	m.nothing(m.do(peer, fmt.Sprintf("SUB %s %s %s\r\n", filter, group, sid), o.errors))
}

func (m *matrix) unsubscribe(peer int) {
	if subs := m.model.peers[peer].subs; len(subs) > 0 {
		sid := subs[m.IntN(len(subs))].sid
		m.nothing(m.do(peer, "UNSUB "+sid+"\r\n", m.model.unsubscribe(peer, sid).errors))
	}
}

func (m *matrix) connect(peer int) {
	user, echo, status := m.IntN(matrixUsers), m.IntN(4) > 0, m.IntN(2) == 0
	text := fmt.Sprintf(`CONNECT {"verbose":false,"pedantic":false,"headers":true,"echo":%v,"no_responders":%v,%s}`, echo, status, as(fmt.Sprint("u", user)))
	m.nothing(m.do(peer, text+"\r\n", m.model.connect(peer, user, echo, status).errors))
}

func (m *matrix) reload() {
	user := m.IntN(matrixUsers)
	p := m.model.users[user]
	if m.IntN(4) > 0 {
		p = m.permissions()
	}
	want := m.model.reload(user, p)
	m.setUsers()
	m.log = append(m.log, fmt.Sprintf("u%d gets %s", user, shown(p)))
	noErr(m.t, m.s.ReloadOptions(&m.opts))
	got := m.do(0, "", nil)
	for i := range got {
		slices.Sort(got[i])
		if !slices.Equal(got[i], want[i]) {
			m.fail("after the reload peer %d gets %q, want %q", i, got[i], want[i])
		}
		m.count("evicted", len(want[i]))
	}
}

// move makes a user one of the other account: its connections end, and others come.
func (m *matrix) move() {
	user := m.IntN(matrixUsers)
	m.model.abroad[user] = !m.model.abroad[user]
	m.setUsers()
	m.log = append(m.log, fmt.Sprintf("u%d moves", user))
	noErr(m.t, m.s.ReloadOptions(&m.opts))
	var moved []int
	for i, p := range m.model.peers {
		if p.user != user {
			continue
		}
		if before, err := m.peers[i].TryClosed(); err != nil || len(pieces(before)) > 0 {
			m.fail("peer %d of u%d gets %q, %v", i, user, before, err)
		}
		moved = append(moved, i)
	}
	for _, i := range moved {
		m.model.peers[i] = nil
	}
	for _, i := range moved {
		m.enter(i)
		m.count("moved", 1)
	}
	if !m.t.Failed() {
		m.nothing(m.do(0, "", nil))
	}
}

func (m *matrix) count(what string, n int) { m.tally[what] += n }

// do has a peer send something, and returns what comes to each peer, but for the
// errors that it has to be told.
func (m *matrix) do(peer int, text string, errors []string) (got [][]string) {
	m.log = append(m.log, fmt.Sprintf("%d (u%d): %q", peer, m.model.peers[peer].user, text))
	m.peers[peer].Send(text)
	got = make([][]string, len(m.peers))
	got[peer] = pieces(m.peers[peer].Sync())
	for i, r := range m.peers {
		if i != peer && m.model.peers[i] != nil {
			got[i] = pieces(r.Sync())
		}
	}
	told := func(line string) bool { return strings.HasPrefix(line, "-ERR") }
	if text != "" {
		if mine := slices.DeleteFunc(slices.Clone(got[peer]), func(l string) bool { return !told(l) }); !slices.Equal(mine, errors) {
			m.fail("is told %q, want %q", mine, errors)
		}
		got[peer] = slices.DeleteFunc(got[peer], told)
	}
	return got
}

// nothing checks that all has been accounted for.
func (m *matrix) nothing(got [][]string) {
	for i, more := range got {
		if len(more) > 0 && !m.t.Failed() {
			m.fail("peer %d gets %q, which nobody expects", i, more)
		}
	}
}

// pieces are the lines, or whole messages, of what a server says; PINGs are left out.
func pieces(text string) (all []string) {
	for len(text) > 0 {
		n := strings.Index(text, "\r\n") + 2
		if strings.HasPrefix(text, "MSG ") {
			n += 2 // an empty payload
		} else if strings.HasPrefix(text, "HMSG ") {
			n += strings.Index(text[n:], "\r\n\r\n") + 6
		}
		if text[:n] != "PING\r\n" {
			all = append(all, text[:n])
		}
		text = text[n:]
	}
	return all
}

func (m *matrix) fail(format string, v ...any) {
	m.t.Helper()
	m.t.Errorf(format, v...)
	for i := range m.model.users {
		m.t.Logf("u%d: %s", i, shown(m.model.users[i]))
	}
	m.t.Logf("seed %d, virtual time %v, after\n%s", m.seed, m.virtual, strings.Join(m.log, "\n"))
}
