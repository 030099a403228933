package server_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// node is a server of a cluster: ours or the reference.
type node struct {
	name   string
	client string // host:port
	route  string
}

func (m node) dial(t testing.TB, opts ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect("nats://"+m.client, append([]nats.Option{nats.Timeout(patience)}, opts...)...)
	noErr(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// starter starts a node whose route listener has the port, or any if that is 0.
type starter func(t testing.TB, name string, port int, routes ...string) node

func startOurs(t testing.TB, name string, port int, routes ...string) node {
	t.Helper()
	s := clustered(t, server.ClusterOptions{Name: "C1", Port: port, Routes: routes}, server.Options{ServerName: name})
	return node{name, s.Addr().String(), s.ClusterAddr().String()}
}

// clustered starts a server with these options, on free ports if c has none.
func clustered(t testing.TB, c server.ClusterOptions, o server.Options) *server.Server {
	t.Helper()
	if c.Port == 0 {
		c.Port = server.RandomPort
	}
	c.Host = "127.0.0.1"
	o.Cluster = c
	return testkit.Start(t, &o)
}

func startReference(t testing.TB, name string, port int, routes ...string) node {
	t.Helper()
	if port == 0 {
		port = freePort(t)
	}
	route := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	addr := testkit.StartReference(t, "-n", name, "--cluster_name", "C1", "--cluster", "nats://"+route, "--routes", strings.Join(routes, ","))
	return node{name, addr, route}
}

// freePort returns a port that is not among those that outgoing connections are given.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(10000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// reaches waits until what is published at one node arrives at another, and then
// checks requests, in that direction.
func reaches(t testing.TB, from, to node) {
	t.Helper()
	pub, sub := from.dial(t), to.dial(t)
	subj := nats.NewInbox()
	s, err := sub.SubscribeSync(subj)
	noErr(t, err)
	flush(t, sub)
	testkit.Eventually(t, patience, from.name+" reaches "+to.name, func() bool {
		noErr(t, pub.Publish(subj, []byte("x")))
		flush(t, pub)
		_, err := s.NextMsg(20 * time.Millisecond)
		return err == nil
	})
	_, err = sub.QueueSubscribe("echo."+subj, "q", func(m *nats.Msg) { m.Respond(m.Data) })
	noErr(t, err)
	flush(t, sub)
	testkit.Eventually(t, patience, "a request to "+to.name, func() bool {
		m, err := pub.Request("echo."+subj, []byte("hello"), patience)
		return err == nil && string(m.Data) == "hello"
	})
}

// mesh waits until every node reaches every other.
func meshed(t testing.TB, members ...node) {
	t.Helper()
	for _, a := range members {
		for _, b := range members {
			if a != b {
				reaches(t, a, b)
			}
		}
	}
}

var kinds = []struct {
	name  string
	start starter
}{{"ours", startOurs}, {"reference", startReference}}

// Two servers find each other, whoever dials, and if both do.
func TestTwoServers(t *testing.T) {
	for _, first := range kinds {
		for _, second := range kinds {
			if first.name == "reference" && second.name == "reference" {
				continue
			}
			t.Run(first.name+" is dialed by "+second.name, func(t *testing.T) {
				a := first.start(t, "A", 0)
				b := second.start(t, "B", 0, "nats://"+a.route)
				meshed(t, a, b)
			})
			t.Run(first.name+" and "+second.name+" dial each other", func(t *testing.T) {
				pa, pb := freePort(t), freePort(t)
				a := first.start(t, "A", pa, fmt.Sprintf("nats://127.0.0.1:%d", pb))
				b := second.start(t, "B", pb, fmt.Sprintf("nats://127.0.0.1:%d", pa))
				meshed(t, a, b)
			})
		}
	}
}

// Three servers become a mesh though two of them only know the first, and if all have
// the same command line.
func TestThreeServersWithOneSeed(t *testing.T) {
	for mask := range 1 << 3 {
		if mask == 7 {
			continue // all the reference
		}
		start := func(i int) starter { return kinds[mask>>i&1].start }
		t.Run(fmt.Sprintf("%03b", mask), func(t *testing.T) {
			port := freePort(t)
			seed := fmt.Sprintf("nats://127.0.0.1:%d", port)
			a := start(0)(t, "A", port, seed) // to itself, as with the same command line
			b := start(1)(t, "B", 0, seed)
			c := start(2)(t, "C", 0, seed)
			meshed(t, a, b, c)
		})
	}
}

// A message larger than a server accepts from clients passes between servers.
func TestLargePayloadOverRoutes(t *testing.T) {
	a := clustered(t, server.ClusterOptions{Name: "C1"}, server.Options{MaxPayload: 4 << 20})
	b := clustered(t, server.ClusterOptions{Name: "C1", Routes: []string{"nats://" + a.ClusterAddr().String()}}, server.Options{})
	pub, sub := dial(t, a), dial(t, b)
	s, err := sub.SubscribeSync("big")
	noErr(t, err)
	flush(t, sub)
	payload := bytes.Repeat([]byte("x"), 2<<20)
	awaitInterest(t, pub, "big")
	m := nats.NewMsg("big")
	m.Data = payload
	m.Header.Set("A", "b")
	noErr(t, pub.PublishMsg(m))
	for {
		if got := next(t, s); len(got.Data) > 0 {
			if !bytes.Equal(got.Data, payload) || got.Header.Get("A") != "b" {
				t.Errorf("got %d bytes, %v", len(got.Data), got.Header)
			}
			break
		}
	}
}

// refused reports whether the server says that nobody, anywhere, wants subj: it answers a
// request by "no responders" then.
func refused(t testing.TB, nc *nats.Conn, subj string) bool {
	t.Helper()
	inbox := nats.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	noErr(t, err)
	noErr(t, nc.PublishRequest(subj, inbox, nil))
	flush(t, nc) // behind the refusal, if there is one
	n, _, err := sub.Pending()
	noErr(t, err)
	if n > 0 {
		_, err = sub.NextMsg(patience) // an answer, or a refusal
	}
	noErr(t, sub.Unsubscribe())
	return err == nats.ErrNoResponders
}

// awaitInterest waits until somebody, somewhere, wants subj.
func awaitInterest(t testing.TB, nc *nats.Conn, subj string) {
	t.Helper()
	testkit.Eventually(t, patience, "interest in "+subj, func() bool { return !refused(t, nc, subj) })
}

// When a server goes its interest goes, and its URLs leave those that clients know; when
// it comes back so do they.
func TestServerGoesAndComesBack(t *testing.T) {
	a := clustered(t, server.ClusterOptions{Name: "C1"}, server.Options{ServerName: "A"})
	cluster := server.ClusterOptions{Name: "C1", Routes: []string{"nats://" + a.ClusterAddr().String()}}
	start := func(port int) *server.Server {
		c := cluster
		c.Port = port
		return clustered(t, c, server.Options{ServerName: "B"})
	}
	b := start(0)
	port := b.ClusterAddr().(*net.TCPAddr).Port
	nc := dial(t, a)
	for range 3 {
		sub := dial(t, b, nats.NoReconnect())
		_, err := sub.Subscribe("svc", func(m *nats.Msg) { m.Respond(nil) })
		noErr(t, err)
		flush(t, sub)
		awaitInterest(t, nc, "svc")
		want := b.Addr().String()
		testkit.Eventually(t, patience, "B's URL", func() bool { return strings.Contains(strings.Join(nc.DiscoveredServers(), " "), want) })
		b.Shutdown()
		// What was asked until A knows is asked in vain.
		testkit.Eventually(t, patience, "B's end", func() bool { return a.NumRoutes() == 0 && refused(t, nc, "svc") })
		b = start(port)
	}
}

// A queue group over two servers: each message goes to one member, and members count the
// same wherever they are, also when some come and go (spec: cluster-routes 13.2, 15.1).
func TestGroupOverServers(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			a := startOurs(t, "A", 0)
			b := k.start(t, "B", 0, "nats://"+a.route)
			meshed(t, a, b)
			pub, remote := a.dial(t), b.dial(t)
			var here, there atomic.Int64
			count := func(nc *nats.Conn, n *atomic.Int64) *nats.Subscription {
				s, err := nc.QueueSubscribe("work", "q", func(*nats.Msg) { n.Add(1) })
				noErr(t, err)
				flush(t, nc)
				return s
			}
			local := a.dial(t)
			count(local, &here)
			f := func(least, most int64) {
				t.Helper()
				const n = 2000
				// A may not know yet what has changed at B: then it is tried again.
				testkit.Eventually(t, patience, "the share of B", func() bool {
					here.Store(0)
					there.Store(0)
					for range n {
						noErr(t, pub.Publish("work", nil))
					}
					flush(t, pub)
					testkit.Eventually(t, patience, "each message once", func() bool { return here.Load()+there.Load() >= n })
					flush(t, remote)
					flush(t, local)
					if sum := here.Load() + there.Load(); sum != n {
						t.Errorf("%d deliveries of %d messages", sum, n)
					}
					return there.Load() >= least && there.Load() <= most
				})
			}
			f(0, 0)
			var subs []*nats.Subscription
			for range 3 {
				subs = append(subs, count(remote, &there))
			}
			f(1350, 1650)
			noErr(t, subs[0].Unsubscribe())
			noErr(t, subs[1].Unsubscribe())
			flush(t, remote)
			f(850, 1150)
			noErr(t, subs[2].Unsubscribe())
			flush(t, remote)
			f(0, 0)
		})
	}
}
