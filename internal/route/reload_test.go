package route_test

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/testkit"
)

// A reload of the number of slots has those come anew, at once; other connections stay
// (spec: cluster-routes 18.3).
func TestReloadOfPools(t *testing.T) {
	f := newFake(t)
	w := pooled(t, true)
	w.set.Pinned, w.set.PoolSize = []string{"APP"}, 1
	w.set.Routes = append(w.set.Routes, parse(t, "nats://"+f.Addr().String()))
	w.start()
	w.local("APP", "a", "")
	w.local("$G", "g", "")
	seen := map[string]peer{}
	for range 2 {
		q := f.acceptSilent()
		seen[f.introduced(q, `,"route_pool_size":1`).Account] = q
	}
	seen["APP"].sees(t, "RS+ a")
	seen[""].sees(t, "RS+ $G g")
	old, accepted, plain := w.join("NOTHER", `,"route_pool_size":1`), w.join("NOTHER", `,"route_pool_size":1,"route_account":"APP"`), w.join("NOLD", "")
	accepted.sees(t, "RS+ a")
	plain.sees(t, "RS+ $G g", "RS+ APP a")
	next := w.set
	next.PoolSize = 2
	began := time.Now()
	w.Reload(next)
	seen[""].closes(t, "")
	old.TryClosed()
	w.logs("Router connection closed: Route Removed")
	first := f.acceptSilent()
	if i := f.introduced(first, `,"route_pool_size":2`); i.PoolSize != 2 || i.PoolIndex != 0 || i.Account != "" {
		t.Errorf("%+v", i)
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("comes back after %v", d)
	}
	first.sees(t, "RS+ $G g")
	first.quiet(t)
	first.Send("PONG\r\n")
	second := f.acceptSilent()
	if i := f.introduced(second, `,"route_pool_size":2`); i.PoolIndex != 1 || i.PoolSize != 2 {
		t.Errorf("%+v", i)
	}
	w.local("APP", "b", "")
	for _, p := range []peer{seen["APP"], accepted} {
		p.info(t) // of other servers
		p.sees(t, "RS+ b")
	}
	plain.sees(t, "RS+ APP b")
}

// A reload that brings a pool dials every connection once.
func TestReloadToAPool(t *testing.T) {
	f := newFake(t)
	w := newWorld(t, true)
	w.set.PoolSize = -1
	w.set.Routes = append(w.set.Routes, parse(t, "nats://"+f.Addr().String()))
	w.start()
	p, _, _ := f.accept()
	p.Send(infoOf("NPEER", "B", f.port(), ofThree))
	p.quiet(t)
	next := w.set
	next.PoolSize, next.Pinned = 3, []string{account.System}
	w.Reload(next)
	p.closes(t, "")
	seen := map[string]bool{}
	for range 2 { // before the PING is answered there are no more
		seen[f.introduced(f.acceptSilent(), ofThree).Account] = true
	}
	if !seen[""] || !seen["$SYS"] {
		t.Errorf("%v", seen)
	}
	f.Listener.(*net.TCPListener).SetDeadline(time.Now().Add(300 * time.Millisecond))
	if nc, err := f.Accept(); err == nil {
		nc.Close()
		t.Error("one is dialed twice")
	}
}

// An account gets a connection of its own by a reload, and loses it by another (spec:
// cluster-routes 18.3). It has the use of the pool whenever there is none.
func TestReloadOfAccounts(t *testing.T) {
	told := func(p peer, verb string, want ...string) {
		t.Helper()
		left := len(want)
		for left > 0 {
			line, err := p.line()
			switch what, ok := strings.CutPrefix(line, verb); {
			case ok && slices.Contains(want, what):
				left--
			case line == "PING", strings.HasPrefix(line, "INFO "):
			default:
				t.Fatalf("got %q %v, want %s of %q", line, err, verb, want)
			}
		}
	}
	f := newFake(t)
	w := pooled(t, true)
	w.set.Pinned, w.set.PoolSize = nil, 1
	w.set.Routes = append(w.set.Routes, parse(t, "nats://"+f.Addr().String()))
	w.start()
	w.local("APP", "a", "")
	w.local("APP", "work", "q")
	w.local("$G", "g", "")
	p := f.acceptSilent()
	f.introduced(p, `,"route_pool_size":1`)
	told(p, "RS+ ", "$G g", "APP a", "APP work q 1")
	p.Send("RS+ APP theirs q 1\r\n")
	p.quiet(t)

	next := w.set
	next.Pinned = []string{"APP"}
	w.Reload(next)
	own := f.acceptSilent()
	f.introduced(own, `,"route_pool_size":1`)
	own.Send("-ERR 'No route for account \"APP\"'\r\n") // yet
	w.logs("Router connection closed: Parse Error")
	other := w.join("NOTHER", "")
	p.info(t)
	told(other, "RS+ ", "$G g", "APP a", "APP work q 1")
	other.Send("RMSG APP theirs | q 1\r\nx\r\n")
	p.sees(t, "RMSG APP theirs | q 1", "x")
	w.local("APP", "b", "")
	p.sees(t, "RS+ APP b")
	other.sees(t, "RS+ APP b")

	own = f.acceptSilent()
	f.introduced(own, `,"route_pool_size":1`)
	told(own, "RS+ ", "a", "b", "work q 1")
	other.Send("RMSG APP theirs | q 1\r\nx\r\n")
	p.sees(t, "RMSG APP theirs | q 1", "x") // as long as it may still be refused
	own.pings(t)
	told(p, "RS- ", "APP a", "APP b", "APP work q")
	p.quiet(t)
	own.Send("RS+ theirs q 1\r\n") // as over p before, where it is void
	own.quiet(t)
	other.Send("RMSG APP theirs | q 1\r\nx\r\n")
	own.sees(t, "RMSG theirs | q 1", "x")
	p.quiet(t)
	p.Send("RS+ APP early q 1\r\n") // which counts when there is no other connection
	p.quiet(t)
	other.Send("RMSG APP early | q 1\r\nx\r\n")
	other.quiet(t)
	p.quiet(t)

	next.Pinned = nil
	w.Reload(next)
	own.closes(t, "")
	told(p, "RS+ ", "APP a", "APP b", "APP work q 1")
	testkit.Eventually(t, patience, "the end", func() bool { return w.Len() == 2 })
	other.quiet(t)
	other.Send("RMSG APP early | q 1\r\nx\r\n")
	p.sees(t, "RMSG APP early | q 1", "x")
	p.quiet(t)
}
