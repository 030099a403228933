package server_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/server"
)

// Of attempts to connect to another server the first is an error in the log, then one in
// so many.
func TestConnectErrorReports(t *testing.T) {
	o := server.Options{ConnectErrorReports: 3}
	o.Cluster = server.ClusterOptions{Name: "C1", Host: "127.0.0.1", Port: server.RandomPort,
		Routes: []string{"nats://127.0.0.1:" + strconv.Itoa(freePort(t))}, PoolSize: -1}
	_, log := startLogged(t, o, true)
	const failed = "Error trying to connect to route (attempt "
	eventually(t, "three attempts", func() bool { return log.has(failed + "3)") })
	for _, want := range []string{"ERR " + failed + "1)", "DBG " + failed + "2)", "ERR " + failed + "3)"} {
		if !log.has(want) {
			t.Errorf("no %q in %q", want, log.lines())
		}
	}
}

// stream is numbers that are published at one server and received at another.
type stream struct {
	account string
	stop    chan struct{}
	ended   sync.WaitGroup
	pub     *nats.Conn
	sent    int

	mu  sync.Mutex
	got map[string]int
	all int
}

// newStream begins one, about a number in each millisecond, when the first has arrived.
func newStream(t *testing.T, account string, a, b *server.Server) *stream {
	t.Helper()
	s := &stream{account: account, stop: make(chan struct{}), got: make(map[string]int), pub: dial(t, a, nats.UserInfo(account, "p"))}
	to, subj := dial(t, b, nats.UserInfo(account, "p")), nats.NewInbox()
	_, err := to.Subscribe(subj, func(m *nats.Msg) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.all++; string(m.Data) != "first" {
			s.got[string(m.Data)]++
		}
	})
	noErr(t, err)
	flush(t, to)
	eventually(t, "the first in "+account, func() bool {
		s.pub.Publish(subj, []byte("first"))
		return s.received() > 0
	})
	s.ended.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-tick.C:
				s.pub.Publish(subj, []byte(strconv.Itoa(s.sent)))
				s.sent++
			}
		}
	})
	return s
}

func (s *stream) received() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// goesOn waits until more is received.
func (s *stream) goesOn(t *testing.T) {
	t.Helper()
	before := s.received()
	eventually(t, "more in "+s.account, func() bool { return s.received() > before+10 })
}

// lost ends the stream, and returns how many did not arrive and how many did more than
// once.
func (s *stream) lost(t *testing.T) (missing, twice int) {
	t.Helper()
	close(s.stop)
	s.ended.Wait()
	flush(t, s.pub)
	last := strconv.Itoa(s.sent - 1)
	eventually(t, "the last in "+s.account, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.got[last] > 0
	})
	missing = s.sent
	for _, n := range s.got {
		missing--
		if n > 1 {
			twice++
		}
	}
	return missing, twice
}

// Accounts get connections of their own, and lose them, by reloads of one server after the
// other: the others do not notice, and an account that gets one hardly does.
func TestReloadOfPinnedAccounts(t *testing.T) {
	first := server.Options{ServerName: "A", Accounts: accountsOf(poolAccounts)}
	c := server.ClusterOptions{Name: "C1"}
	a := clustered(t, c, first)
	second := server.Options{ServerName: "B", Accounts: accountsOf(poolAccounts)}
	c.Routes = []string{"nats://" + a.ClusterAddr().String()}
	b := clustered(t, c, second)
	routed(t, a, b, 4)
	reload := func(s *server.Server, o server.Options, accounts ...string) {
		t.Helper()
		o.Host, o.Port = "127.0.0.1", server.RandomPort
		o.Cluster = server.ClusterOptions{Name: "C1", Host: "127.0.0.1", Port: server.RandomPort, Accounts: accounts}
		if s == b {
			o.Cluster.Routes = c.Routes
		}
		noErr(t, s.ReloadOptions(&o))
	}
	var all []*stream
	for _, account := range poolAccounts {
		all = append(all, newStream(t, account, a, b), newStream(t, account, b, a))
	}
	settle := func() {
		t.Helper()
		for _, s := range all {
			s.goesOn(t)
		}
	}
	reload(b, second, "OWN") // which is refused by a
	settle()
	if n := a.NumRoutes(); n != 4 {
		t.Errorf("%d routes", n)
	}
	reload(a, first, "OWN")
	routed(t, a, b, 5)
	settle()
	for _, s := range all {
		missing, twice := s.lost(t)
		if s.account != "OWN" && missing+twice > 0 || missing+twice > 20 {
			t.Errorf("%s: %d of %d are missing, %d came twice", s.account, missing, s.sent, twice)
		}
	}
	reload(b, second)
	reload(a, first)
	routed(t, a, b, 4)
	for _, account := range poolAccounts {
		s := newStream(t, account, a, b)
		s.goesOn(t)
		if missing, twice := s.lost(t); missing > 0 || twice > 0 {
			t.Errorf("%s: %d are missing, %d came twice", account, missing, twice)
		}
	}
}
