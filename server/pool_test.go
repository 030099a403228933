package server_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// Accounts of which each has another place in a pool of three, and one that can be given a
// connection of its own.
var poolAccounts = []string{"WEB", "APP", "ZED", "OWN"}

func accountsOf(names []string) (accounts []*server.Account) {
	for _, name := range names {
		accounts = append(accounts, &server.Account{Name: name, Users: []*server.User{{Username: name, Password: "p"}}})
	}
	return accounts
}

// routed waits until two servers have so many connections.
func routed(t testing.TB, a, b *server.Server, n int) {
	t.Helper()
	testkit.Eventually(t, patience, fmt.Sprintf("%d routes", n), func() bool { return a.NumRoutes() == n && b.NumRoutes() == n })
}

// In each account, and both ways: order per publisher, each message once to a queue group,
// requests, headers, and messages larger than what is compressed at a time.
func traffic(t *testing.T, a, b *server.Server, accounts []string) {
	t.Helper()
	const count = 1000
	var all sync.WaitGroup
	for _, account := range accounts {
		for _, way := range [][2]*server.Server{{a, b}, {b, a}} {
			from, to := dial(t, way[0], nats.UserInfo(account, "p")), dial(t, way[1], nats.UserInfo(account, "p"))
			all.Go(func() {
				subj := nats.NewInbox()
				plain, err := to.SubscribeSync(subj)
				noErr(t, err)
				var members []*nats.Subscription
				for _, nc := range []*nats.Conn{to, from, to} {
					s, err := nc.QueueSubscribeSync(subj, "q")
					noErr(t, err)
					members = append(members, s)
				}
				_, err = to.Subscribe("echo."+subj, func(m *nats.Msg) { m.RespondMsg(&nats.Msg{Data: m.Data, Header: m.Header}) })
				noErr(t, err)
				flush(t, to)
				flush(t, from)
				testkit.Eventually(t, patience, "interest", func() bool {
					_, err := from.Request("echo."+subj, nil, time.Second)
					return err == nil
				})
				for i := range count {
					size := i % 100
					if i == count/2 {
						size = 700_000
					}
					noErr(t, from.Publish(subj, fmt.Appendf(nil, "%d%s", i, strings.Repeat("x", size))))
				}
				m := nats.NewMsg("echo." + subj)
				m.Data = []byte(strings.Repeat("0123456789", 50_000))
				m.Header.Set("A", account)
				answer, err := from.RequestMsg(m, patience)
				if err != nil || string(answer.Data) != string(m.Data) || answer.Header.Get("A") != account {
					t.Errorf("%s: %v", account, err)
				}
				for i := range count {
					m, err := plain.NextMsg(patience)
					if err != nil {
						t.Errorf("%s: message %d: %v", account, i, err)
						return
					}
					if got := strings.TrimRight(string(m.Data), "x"); got != fmt.Sprint(i) {
						t.Errorf("%s: got %s, want %d", account, got, i)
						return
					}
				}
				testkit.Eventually(t, patience, "the group gets all", func() bool {
					got := 0
					for _, s := range members {
						n, _, err := s.Pending()
						noErr(t, err)
						got += n
					}
					return got == count
				})
			})
		}
	}
	all.Wait()
}

// Pools of connections, connections for an account, and compression, in several
// combinations of two servers.
func TestPools(t *testing.T) {
	ca := newAuthority(t)
	f := func(name string, routes int, a, b server.ClusterOptions) {
		t.Run(name, func(t *testing.T) {
			a.Name, b.Name = "C1", "C1"
			first := clustered(t, a, server.Options{ServerName: "A", Accounts: accountsOf(poolAccounts)})
			b.Routes = []string{"nats://" + first.ClusterAddr().String()}
			second := clustered(t, b, server.Options{ServerName: "B", Accounts: accountsOf(poolAccounts)})
			routed(t, first, second, routes)
			traffic(t, first, second, poolAccounts)
			if n, m := first.NumRoutes(), second.NumRoutes(); n != routes || m != routes {
				t.Errorf("%d and %d routes", n, m)
			}
		})
	}
	type c = server.ClusterOptions
	fast, auto := server.Compression{Mode: "s2_fast"}, server.Compression{Mode: "s2_auto"}
	f("default", 4, c{}, c{})
	f("no pool", 1, c{PoolSize: -1, Compression: fast}, c{PoolSize: -1})
	f("one has no pool", 1, c{PoolSize: -1}, c{})
	f("unequal", 6, c{PoolSize: 5}, c{PoolSize: 2, Compression: server.Compression{Mode: "best"}})
	f("own connection", 5, c{Accounts: []string{"OWN"}, Compression: auto}, c{Accounts: []string{"OWN"}})
	f("TLS", 4, c{TLS: routeTLS(t, ca, nil), Compression: server.Compression{Mode: "better"}}, c{TLS: routeTLS(t, ca, nil), Compression: fast})
}

// Both dial each other: what comes of it is one pool.
func TestPoolsOfServersThatDialEachOther(t *testing.T) {
	pa, pb := freePort(t), freePort(t)
	start := func(own, other int, name string) *server.Server {
		return clustered(t, server.ClusterOptions{Name: "C1", Port: own, Routes: []string{fmt.Sprintf("nats://127.0.0.1:%d", other)}},
			server.Options{ServerName: name, Accounts: accountsOf(poolAccounts)})
	}
	a, b := start(pa, pb, "A"), start(pb, pa, "B")
	const settle = 3 * patience // each attempt takes a second
	testkit.Eventually(t, settle, "one pool", func() bool { return a.NumRoutes() == 4 && b.NumRoutes() == 4 })
	answered(t, a, b)
}

// answered waits, in each account, until a request at one server is answered at the other.
func answered(t testing.TB, a, b *server.Server) {
	t.Helper()
	for _, account := range poolAccounts {
		from, to := dial(t, a, nats.UserInfo(account, "p")), dial(t, b, nats.UserInfo(account, "p"))
		_, err := to.Subscribe("svc", func(m *nats.Msg) { m.Respond(nil) })
		noErr(t, err)
		flush(t, to)
		testkit.Eventually(t, patience, "an answer in the account "+account, func() bool {
			_, err := from.Request("svc", nil, time.Second)
			return err == nil
		})
		from.Close()
		to.Close()
	}
}

// wires stands between two servers, and can cut single connections.
type wires struct {
	net.Listener
	mu    sync.Mutex
	open  []net.Conn
	ended sync.WaitGroup
}

func newWires(t testing.TB, target string) *wires {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	noErr(t, err)
	w := &wires{Listener: l}
	w.ended.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				near.Close()
				continue
			}
			w.mu.Lock()
			w.open = append(w.open, near)
			w.mu.Unlock()
			join := func(a, b net.Conn) {
				io.Copy(a, b)
				a.Close()
				b.Close()
			}
			w.ended.Go(func() { join(near, far) })
			w.ended.Go(func() { join(far, near) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		for i := range w.open {
			w.cut(i)
		}
		w.ended.Wait()
	})
	return w
}

// cut ends the connection that was opened at that place.
func (w *wires) cut(i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[i].Close()
}

// One connection of a pool is lost: other accounts do not notice, and it comes back.
func TestLossOfOneConnection(t *testing.T) {
	a := clustered(t, server.ClusterOptions{Name: "C1"}, server.Options{ServerName: "A", Accounts: accountsOf(poolAccounts)})
	w := newWires(t, a.ClusterAddr().String())
	b := clustered(t, server.ClusterOptions{Name: "C1", Routes: []string{"nats://" + w.Addr().String()}},
		server.Options{ServerName: "B", Accounts: accountsOf(poolAccounts)})
	routed(t, a, b, 4)
	var from []*nats.Conn
	for _, account := range poolAccounts {
		from = append(from, dial(t, a, nats.UserInfo(account, "p")))
		to := dial(t, b, nats.UserInfo(account, "p"))
		_, err := to.Subscribe("svc", func(m *nats.Msg) { m.Respond(nil) })
		noErr(t, err)
		flush(t, to)
	}
	working := func() (n int) {
		for _, nc := range from {
			if _, err := nc.Request("svc", nil, patience); err == nil {
				n++
			}
		}
		return n
	}
	testkit.Eventually(t, patience, "all accounts", func() bool { return working() == len(from) })
	for i := range 4 {
		w.cut(i)
		testkit.Eventually(t, patience, "the loss", func() bool { return a.NumRoutes() < 4 && b.NumRoutes() < 4 })
		if n := working(); n < len(from)-2 { // at most two of them share a place
			t.Errorf("only %d of %d accounts go on", n, len(from))
		}
		routed(t, a, b, 4)
		testkit.Eventually(t, patience, "all accounts again", func() bool { return working() == len(from) })
	}
}

// Pools and compression change while servers run: routes come anew, and accounts go on.
func TestReloadOfPoolsAndCompression(t *testing.T) {
	a := clustered(t, server.ClusterOptions{Name: "C1"}, server.Options{ServerName: "A", Accounts: accountsOf(poolAccounts)})
	options := server.Options{ServerName: "B", Host: "127.0.0.1", Port: server.RandomPort, Accounts: accountsOf(poolAccounts),
		Cluster: server.ClusterOptions{Name: "C1", Host: "127.0.0.1", Port: server.RandomPort, Routes: []string{"nats://" + a.ClusterAddr().String()}}}
	b := testkit.Start(t, &options)
	routed(t, a, b, 4)
	f := func(routes int, change func(*server.ClusterOptions)) {
		t.Helper()
		next := options
		change(&next.Cluster)
		noErr(t, b.ReloadOptions(&next))
		routed(t, a, b, routes)
		answered(t, a, b)
		answered(t, b, a)
	}
	f(6, func(c *server.ClusterOptions) { c.PoolSize = 5 })
	f(1, func(c *server.ClusterOptions) { c.PoolSize = -1 })
	f(4, func(c *server.ClusterOptions) {})
	f(4, func(c *server.ClusterOptions) { c.Compression.Mode = "s2_fast" })
	f(4, func(c *server.ClusterOptions) { c.Compression.Mode = "s2_best" })
	f(4, func(c *server.ClusterOptions) { c.Compression.Mode = "off" })
}
