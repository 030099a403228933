package route_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/testkit"
	"nats-server/internal/wire"
)

// pooled makes a world with three slots, and a connection for the system account.
func pooled(t testing.TB, sockets bool) *world {
	w := newWorld(t, sockets)
	w.set.PoolSize, w.set.Pinned = 3, []string{account.System}
	return w
}

const ofThree = `,"lnocu":true,"route_pool_size":3`

// slot is what the INFO of a connection to a pool has besides.
func slot(i int) string { return fmt.Sprintf(`%s,"route_pool_idx":%d`, ofThree, i) }

const forSystem = ofThree + `,"route_account":"$SYS"`

// acceptSilent takes a connection on which nothing but CONNECT is said at once.
func (f fake) acceptSilent() peer {
	f.t.Helper()
	nc, err := f.Accept()
	if err != nil {
		f.t.Fatal(err)
	}
	p := peer{testkit.Attach(f.t, nc)}
	if line, err := p.line(); !strings.HasPrefix(line, "CONNECT ") || err != nil {
		f.t.Fatalf("%q %v", line, err)
	}
	return p
}

// introduced has the fake server say INFO, and returns what it is answered.
func (f fake) introduced(p peer, more string) wire.RouteInfo {
	f.t.Helper()
	p.Send(infoOf("NPEER", "B", f.port(), more))
	i, _ := p.info(f.t)
	return i
}

// pings fails unless PING comes next. It is answered.
func (p peer) pings(t testing.TB) {
	t.Helper()
	if line, err := p.line(); line != "PING" || err != nil {
		t.Fatalf("got %q %v, want PING", line, err)
	}
	p.Send("PONG\r\n")
}

// A pool is dialed one connection after the other, and one for the system account beside
// (spec: cluster-routes 10.3, 21.2).
func TestPoolIsDialed(t *testing.T) {
	f := newFake(t)
	w := pooled(t, true)
	w.set.Routes = append(w.set.Routes, parse(t, "nats://"+f.Addr().String()))
	w.local("$G", "g", "q")
	w.local("APP", "a", "")
	w.local("$SYS", "s", "q")
	w.start()
	system, first := f.acceptSilent(), f.acceptSilent()
	si, fi := f.introduced(system, ofThree), f.introduced(first, ofThree)
	if si.Account == "" {
		system, first, si, fi = first, system, fi, si
	}
	if si.Account != "$SYS" || si.PoolSize != 3 || si.PoolIndex != 0 || fi.Account != "" || fi.PoolSize != 3 || fi.PoolIndex != 0 || !fi.LeafOriginDrop {
		t.Fatalf("%+v\n%+v", si, fi)
	}
	system.sees(t, "RS+ s q 1")
	first.pings(t)
	next := func(index int) peer {
		t.Helper()
		p := f.acceptSilent()
		if i := f.introduced(p, ofThree); i.PoolIndex != index || i.PoolSize != 3 || i.Account != "" {
			t.Fatalf("%+v, want slot %d", i, index)
		}
		return p
	}
	second := next(1)
	second.sees(t, "RS+ APP a")
	second.pings(t)
	third := next(2)
	third.sees(t, "RS+ $G g q 1")
	third.quiet(t)
	w.local("$G", "g2", "")
	w.local("APP", "a2", "q")
	w.local("$SYS", "s2", "")
	system.sees(t, "RS+ s2")
	second.sees(t, "RS+ APP a2 q 1")
	third.sees(t, "RS+ $G g2")
	first.quiet(t)
	if r := w.Routes(0); len(r) != 4 || w.Len() != 4 {
		t.Errorf("%d routes", w.Len())
	}
	w.logs(`Registering remote route "NPEER" for account "$SYS"`)

	// One is lost: nothing of its accounts goes elsewhere, and it comes back.
	second.Close()
	testkit.Eventually(t, patience, "the loss", func() bool { return w.Len() == 3 })
	w.local("APP", "a3", "")
	w.local("$G", "g3", "")
	third.sees(t, "RS+ $G g3")
	second = f.acceptSilent()
	if i := f.introduced(second, ofThree); i.PoolIndex != 1 {
		t.Errorf("%+v", i)
	}
	seen := map[string]bool{}
	for range 3 {
		line, _ := second.unpinged()
		seen[line] = true
	}
	if !seen["RS+ APP a"] || !seen["RS+ APP a2 q 1"] || !seen["RS+ APP a3"] {
		t.Errorf("%v", seen)
	}
	second.quiet(t)
	first.quiet(t)
	system.Close()
	system = f.acceptSilent()
	if i := f.introduced(system, ofThree); i.Account != "$SYS" {
		t.Errorf("%+v", i)
	}
	third.quiet(t)
}

// Where slots are, and who may not have one (spec: cluster-routes 10.3).
func TestPlaces(t *testing.T) {
	w := pooled(t, false).start()
	p := w.join("NPEER", slot(1))
	f := func(id, more, want, reason string) {
		t.Helper()
		q := w.dialIn()
		i, _ := q.info(t)
		if i.PoolSize != 3 || i.Account != "" || i.PoolIndex != 0 {
			t.Errorf("%+v", i)
		}
		q.Send(connectC1 + infoOf(id, "name-"+id, 1, more))
		q.closes(t, want)
		w.logs("Router connection closed: " + reason + " - Remote: name-" + id)
	}
	f("NPEER", slot(1), "", "Duplicate Route")
	f("NPEER", slot(3), "-ERR 'Invalid route pool index: 3 - pool size is 3'", "Protocol Violation")
	f("NPEER", slot(-1), "-ERR 'Invalid route pool index: -1 - pool size is 3'", "Protocol Violation")
	f("N1", `,"route_pool_idx":1`, "-ERR 'Invalid route pool index: 1 - pool size is 0'", "Protocol Violation")
	f("N2", `,"route_pool_size":-3,"route_pool_idx":-1`, "-ERR 'Invalid route pool index: -1 - pool size is -3'", "Protocol Violation")
	f("N3", `,"route_pool_size":2000000000`, "-ERR 'Mismatch route pool size: 3 vs 2000000000'", "Protocol Violation")
	f("N4", ofThree+`,"route_account":"NOBODY"`, `-ERR 'Unable to lookup account "NOBODY": account missing'`, "Missing Account")
	f("N5", ofThree+`,"route_account":"APP"`, `-ERR 'No route for account "APP"'`, "Protocol Violation")
	f("N6", `,"route_account":"$SYS"`, `-ERR 'Not possible to have a dedicated route for account "$SYS" between those servers'`, "Protocol Violation")
	f("NPEER", "", "", "Duplicate Route") // without a pool, all of a sudden
	system := w.join("NPEER", forSystem)
	f("NPEER", forSystem, "", "Duplicate Route")
	if n := w.Len(); n != 2 {
		t.Errorf("%d routes", n)
	}
	p.quiet(t)
	system.quiet(t)
	// What was taken is free when it is lost.
	p.Close()
	testkit.Eventually(t, patience, "the loss", func() bool { return w.Len() == 1 })
	w.join("NPEER", slot(1)).quiet(t)
}

// Pools of different sizes: there are as many slots as the larger one says. What this
// server wants it tells where the other one does, that what the one asks does not overtake
// the interest of the other in the answer (spec: cluster-routes 10.1).
func TestUnequalPools(t *testing.T) {
	for _, of := range []struct {
		theirs, slots int
		more          string
		app, global   int // connections of accounts
	}{
		{5, 5, "", 4, 3}, {1, 3, "", 0, 0}, {2, 3, "", 0, 0}, {3, 3, "", 1, 2},
		{5, 5, `,"route_pool_larger":true`, 4, 3}, {1, 3, `,"route_pool_larger":true`, 1, 2}, {3, 3, `,"route_pool_larger":true`, 1, 2},
	} {
		w := pooled(t, false).start()
		w.local("$G", "g", "")
		w.local("APP", "a", "")
		all := make([]peer, of.slots)
		for i := range all {
			all[i] = w.join("NPEER", fmt.Sprintf(`,"route_pool_size":%d,"route_pool_idx":%d`, of.theirs, i)+of.more)
		}
		w.local("$G", "later", "")
		for i, p := range all {
			var want []string
			if i == of.app {
				want = append(want, "RS+ APP a")
			}
			if i == of.global {
				want = append(want, "RS+ $G g", "RS+ $G later")
			}
			for range want {
				line, _ := p.unpinged()
				if !slices.Contains(want, line) {
					t.Fatalf("%+v: %q on connection %d, want %q", of, line, i, want)
				}
			}
		}
		// It may tell on any of them what it wants, and gets it there.
		all[0].Send("RS+ $G work q 1\r\n")
		all[of.slots-1].Send("RS+ APP work q 1\r\n")
		testkit.Eventually(t, patience, "interest", func() bool { return w.wanted() == 2 })
		other := w.join("NOTHER", "")
		other.Send("RMSG APP work | q 1\r\nx\r\nRMSG $G work | q 1\r\ny\r\n")
		all[of.slots-1].sees(t, "RMSG APP work | q 1", "x")
		all[0].sees(t, "RMSG $G work | q 1", "y")
		for _, p := range all {
			p.quiet(t)
		}
	}
}

// Several servers with pools of different sizes are told each in its place.
func TestPoolsOfDifferentServers(t *testing.T) {
	w := pooled(t, false).start()
	w.local("APP", "a", "")
	all := map[string]peer{}
	for _, size := range []int{1, 3, 5} {
		for i := range max(size, 3) {
			all[fmt.Sprint(size, i)] = w.join(fmt.Sprint("NPEER", size), fmt.Sprintf(`,"route_pool_size":%d,"route_pool_idx":%d`, size, i))
		}
	}
	single := w.join("NSINGLE", "")
	own := []peer{all["1 0"], all["3 1"], all["5 4"], single}
	for _, p := range own {
		p.sees(t, "RS+ APP a")
	}
	w.local("APP", "b", "")
	for _, p := range own {
		p.sees(t, "RS+ APP b")
	}
	for _, p := range append(own, slices.Collect(maps.Values(all))...) {
		p.quiet(t)
	}
}

// A server that says another size than before has other settings now: what there is of it
// is about to end, and what comes is to come again.
func TestPoolChangesItsSize(t *testing.T) {
	w := pooled(t, false).start()
	w.local("APP", "a", "")
	old := w.join("NPEER", slot(1))
	old.sees(t, "RS+ APP a")
	p := w.dialIn()
	p.info(t)
	p.Send(connectC1 + infoOf("NPEER", "name-NPEER", 9009, `,"route_pool_size":5,"route_pool_idx":1`))
	p.closes(t, "")
	old.Close()
	testkit.Eventually(t, patience, "the end", func() bool { return w.Len() == 0 })
	w.join("NPEER", `,"route_pool_size":5,"route_pool_idx":4`).sees(t, "RS+ APP a")
}

// With a pool of its own, a server with one that this one lacks gets a single connection.
func TestPoolIsSwitchedOff(t *testing.T) {
	w := newWorld(t, false)
	w.set.PoolSize = -1
	w.start()
	w.local("$SYS", "s", "")
	w.local("$G", "g", "")
	p := w.dialIn()
	if i, line := p.info(t); strings.Contains(line, "pool") {
		t.Errorf("%+v", i)
	}
	p.Send(connectC1 + infoOf("NPEER", "B", 1, ofThree))
	seen := map[string]bool{}
	for range 2 {
		line, _ := p.unpinged()
		seen[line] = true
	}
	if !seen["RS+ $SYS s"] || !seen["RS+ $G g"] {
		t.Errorf("%v", seen)
	}
	q := w.dialIn()
	q.info(t)
	q.Send(connectC1 + infoOf("NPEER", "B", 1, slot(1)))
	q.closes(t, "-ERR 'Invalid route pool index: 1 - pool size is 3'")
	p.quiet(t)
}

// On a connection for one account lines do not name it (spec: cluster-routes 10.1).
func TestPinnedAccount(t *testing.T) {
	w := pooled(t, false).start()
	p, slot0 := w.join("NPEER", forSystem), w.join("NPEER", slot(0))
	old := w.join("NOLD", "")
	undo := w.local("$SYS", "s", "")
	p.sees(t, "RS+ s")
	old.sees(t, "RS+ $SYS s")
	undo()
	p.sees(t, "RS- s")
	old.sees(t, "RS- $SYS s")
	p.Send("RS+ mine q 1\r\nLS+ LC leaf\r\nLS+ LC leaf q 2\r\n")
	testkit.Eventually(t, patience, "interest", func() bool { return w.wanted() == 3 })
	old.Send("RMSG $SYS mine | q 1\r\nx\r\nRMSG $SYS mine + r q 1\r\ny\r\n")
	p.sees(t, "RMSG mine | q 1", "x", "RMSG mine + r q 1", "y")
	old.Send("RS+ $SYS back q 1\r\n")
	old.quiet(t)
	p.Send("RMSG back | q 1\r\nz\r\nRS- mine q\r\nLS- LC leaf\r\nLS- LC leaf q\r\n")
	old.sees(t, "RMSG $SYS back | q 1", "z")
	testkit.Eventually(t, patience, "loss of interest", func() bool { return w.wanted() == 1 })
	slot0.quiet(t)
	if r := w.Routes(0); r[0].Pinned != "$SYS" || r[1].Pinned != "" {
		t.Errorf("%+v", r)
	}
}

// A server without a pool, such as a 2.9, is told why there is no connection for the system
// account, once (spec: cluster-routes 10.2, 21.3), and again when it comes back, since it
// may be another version then.
func TestServerWithoutPoolIsDialed(t *testing.T) {
	f := newFake(t)
	w := pooled(t, true)
	w.set.Routes = append(w.set.Routes, parse(t, "nats://"+f.Addr().String()))
	w.start()
	w.local("$SYS", "s", "")
	const notPossible = `-ERR 'Not possible to have a dedicated route for account "$SYS" between those servers'`
	both := func() (p peer) {
		t.Helper()
		refused := 0
		for range 2 {
			q := f.acceptSilent()
			q.Send(infoOf("NPEER", "B", f.port(), ""))
			switch line, err := q.unpinged(); {
			case line == notPossible:
				refused++
			case strings.HasPrefix(line, "INFO ") && strings.Contains(line, `"route_pool_size":3`):
				p = q
			default:
				t.Fatalf("%q %v", line, err)
			}
		}
		if refused != 1 {
			t.Fatalf("%d were refused", refused)
		}
		p.sees(t, "RS+ $SYS s")
		p.quiet(t)
		return p
	}
	p := both()
	w.logs("Router connection closed: Protocol Violation - Remote: B")
	p.Close()
	p = both()
	// A second connection is one too many, and nothing comes of it.
	q := w.dialIn()
	q.info(t)
	q.Send(connectC1 + infoOf("NPEER", "B", f.port(), ""))
	q.closes(t, "")
	p.quiet(t)
	if n := w.Len(); n != 1 {
		t.Errorf("%d routes", n)
	}
}

// What a server that is dialed must not say, and what is one too many.
func TestDialedPlaces(t *testing.T) {
	f := newFake(t)
	w := pooled(t, true)
	w.set.Pinned = nil
	w.set.Routes = append(w.set.Routes, parse(t, "nats://"+f.Addr().String()))
	w.start()
	p := f.acceptSilent()
	p.Send(infoOf("NPEER", "B", f.port(), slot(1)))
	p.closes(t, "-ERR 'Route pool index should not be set but is set to 1'")
	for i := range 3 {
		w.join("NPEER", slot(i))
	}
	p = f.acceptSilent() // since it was lost
	p.Send(infoOf("NPEER", "B", f.port(), ofThree))
	p.closes(t, "")
	w.logs(`Route pool size reached, closing extra connection to "NPEER"`)
	// Whatever is lost now is dialed, though it was accepted.
	if n := w.Len(); n != 3 {
		t.Errorf("%d routes", n)
	}
}

// A server is made known when the first connection of its pool comes, and connections for
// an account each (spec: cluster-routes 8, 21.9).
func TestGossipOfPools(t *testing.T) {
	w := pooled(t, false).start()
	first, old := w.join("NFIRST", slot(0)), w.join("NOLD", "")
	first.info(t)
	w.join("NNEW", slot(2)+`,"compression":"off"`)
	i, line := first.info(t)
	if i.ServerID != "NNEW" || i.PoolSize != 3 || i.PoolIndex != 0 || i.GossipMode != 1 || i.Account != "" || strings.HasSuffix(line, " ") {
		t.Errorf("%s", line)
	}
	old.info(t)
	p := w.join("NNEW", slot(0))
	system := w.join("NFIRST", forSystem)
	if i, line := p.info(t); i.ServerID != "NFIRST" || i.Account != "$SYS" {
		t.Errorf("%s", line)
	}
	w.join("NNEW", forSystem)
	if i, line := system.info(t); i.ServerID != "NNEW" || i.Account != "$SYS" || i.GossipMode != 1 {
		t.Errorf("%s", line)
	}
	first.quiet(t)
	old.quiet(t)
}

// What is heard of a server with a pool (spec: cluster-routes 8).
func TestImplicitPools(t *testing.T) {
	w := pooled(t, true).start()
	f := newFake(t)
	at := `,"gossip_mode":1,"ip":"nats-route://` + f.Addr().String() + `/"`
	p := w.join("NFIRST", slot(0))
	p.Send(infoOf("NPEER", "B", f.port(), forSystem+at) + infoOf("NPEER", "B", f.port(), ofThree+`,"route_account":"APP"`+at))
	system := f.acceptSilent()
	if i := f.introduced(system, ofThree); i.Account != "$SYS" || i.GossipMode != 1 {
		t.Errorf("%+v", i)
	}
	p.Send(infoOf("NPEER", "B", f.port(), forSystem+at) + infoOf("NPEER", "B", f.port(), ofThree+at))
	q := f.acceptSilent()
	if i := f.introduced(q, ofThree); i.Account != "" || i.PoolIndex != 0 || i.GossipMode != 1 {
		t.Errorf("%+v", i)
	}
	// A server that knows nothing of accounts tells of a third one.
	old, g := w.join("NOLD", ""), newFake(t)
	old.Send(infoOf("NTHIRD", "C", g.port(), `,"ip":"nats-route://`+g.Addr().String()+`/"`))
	accounts := map[string]bool{}
	for range 2 {
		q := g.acceptSilent()
		q.Send(infoOf("NTHIRD", "C", g.port(), ofThree))
		i, _ := q.info(t)
		accounts[i.Account] = true
	}
	if !accounts[""] || !accounts["$SYS"] {
		t.Errorf("%v", accounts)
	}
}

// Another server gives an account a connection of its own (spec: cluster-routes 18.3,
// 21.11): what it wanted in it is void.
func TestAccountMoves(t *testing.T) {
	w := pooled(t, false).start()
	p := w.join("NPEER", slot(1))
	p.Send("RS+ APP a\r\nRS+ APP b q 2\r\nRS+ BIZ c\r\nRS+ $G d\r\n")
	p.quiet(t)
	p.Send(`INFO {"server_id":"","server_name":"","version":"","proto":0,"go":"","host":"","port":0,"headers":false,"max_payload":0,` +
		`"route_pool_size":3,"route_account":"APP","route_acc_add_reqid":"xyz"} ` + "\r\n")
	if i, line := p.info(t); i.AccountRequest != "xyz" || i.Account != "" || i.PoolSize != 3 || i.ServerID != "" {
		t.Errorf("%s", line)
	}
	if n := w.wanted(); n != 1 {
		t.Errorf("%d remote subscriptions", n)
	}
	p.Send(`INFO {"route_pool_size":3,"route_account":"NOBODY","route_acc_add_reqid":"z"} ` + "\r\n" + `INFO {"route_acc_add_reqid":"z"}` + "\r\n")
	p.info(t)
	p.quiet(t)
}

// A connection for an account that is refused is not dialed in a hurry, though the server
// was learnt of (spec: cluster-routes 10.3).
func TestRefusedAccount(t *testing.T) {
	w := pooled(t, true).start()
	f := newFake(t)
	p := w.join("NFIRST", slot(0))
	p.Send(infoOf("NPEER", "B", f.port(), forSystem+`,"ip":"nats-route://`+f.Addr().String()+`/"`))
	q := f.acceptSilent()
	f.introduced(q, ofThree)
	began := time.Now()
	q.Send("-ERR 'No route for account \"$SYS\"'\r\n")
	f.acceptSilent()
	if d := time.Since(began); d < time.Second {
		t.Errorf("is dialed again after %v", d)
	}
}

// URLs of clients are forgotten with the last connection to a server only.
func TestURLsOfPools(t *testing.T) {
	w := pooled(t, false).start()
	urls := `,"connect_urls":["h:1"]`
	a, b := w.join("NPEER", forSystem+urls), w.join("NPEER", slot(0)+`,"connect_urls":["h:2"]`)
	a.Close()
	testkit.Eventually(t, patience, "the loss", func() bool { return w.Len() == 1 })
	if got := w.clientsKnow(); got != "true [C1 h:1]" {
		t.Errorf("clients know %s", got)
	}
	b.Close()
	testkit.Eventually(t, patience, "the loss", func() bool { return w.clientsKnow() == "true [C1]" })
}

// Servers that are about to go say so once to each other server.
func TestLameDuckWithPools(t *testing.T) {
	w := pooled(t, false).start()
	a, b, system := w.join("NPEER", slot(1)), w.join("NPEER", slot(2)), w.join("NPEER", forSystem)
	w.AnnounceLameDuck()
	if i, line := a.info(t); !i.LameDuck || i.PoolSize != 3 || i.PoolIndex != 0 {
		t.Errorf("%s", line)
	}
	for _, p := range []peer{b, system} {
		p.Send("PING\r\n")
		if line, err := p.unpinged(); line != "PONG" || err != nil {
			t.Errorf("%q %v", line, err)
		}
	}
}
