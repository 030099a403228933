package route_test

import (
	"net"
	"strings"
	"testing"

	"nats-server/internal/perms"
	"nats-server/internal/route"
	"nats-server/internal/testkit"
)

// fake is a listener of servers that are dialed.
type fake struct {
	net.Listener
	t testing.TB
}

func newFake(t testing.TB) fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return fake{l, t}
}

func (f fake) port() int { return f.Addr().(*net.TCPAddr).Port }

// accept takes a connection and what is said on it at once: CONNECT and INFO.
func (f fake) accept() (p peer, connect, info string) {
	f.t.Helper()
	nc, err := f.Accept()
	if err != nil {
		f.t.Fatal(err)
	}
	p = peer{testkit.Attach(f.t, nc)}
	if connect, err = p.line(); err != nil {
		f.t.Fatal(err)
	}
	_, info = p.info(f.t)
	return p, connect, info
}

// A new server is made known to all others, but not to itself (spec: cluster-routes 8).
func TestGossip(t *testing.T) {
	w := newWorld(t, false).start()
	first := w.join("NFIRST", "")
	p := w.dialIn()
	p.info(t)
	p.Send(connectC1 + infoOf("NSECOND", "B", 9001, `,"nonce":"abc","ip":"nats-route://10.0.0.1:9001/","connect_urls":["h:1"]`))
	i, line := first.info(t)
	if i.ServerID != "NSECOND" || i.Nonce != "" || i.IP != "nats-route://10.0.0.1:9001/" || i.GossipMode != 1 || strings.HasSuffix(line, " ") {
		t.Errorf("%s", line)
	}
	p.quiet(t)
	third := w.join("NTHIRD", `,"gossip_mode":1`)
	third.quiet(t)
	if !w.log.has("Registering remote route") {
		t.Error("registration is not in the log")
	}
	first.quiet(t)
}

// What is heard of other servers is dialed, once, and given up as configured.
func TestImplicitRoutes(t *testing.T) {
	w := newWorld(t, true)
	w.set.User, w.set.Password, w.set.Auth = "u", "p", directory("u", "p")
	w.start()
	f := newFake(t)
	first := w.dialIn()
	first.info(t)
	first.Send(strings.Replace(connectC1, `"name"`, `"user":"u","pass":"p","name"`, 1) + infoOf("NFIRST", "B", 9000, ""))
	heard := infoOf("NSECOND", "C", f.port(), `,"auth_required":true,"gossip_mode":2,"ip":"nats-route://`+f.Addr().String()+`/"`)
	first.Send(heard + heard)
	second, connect, info := f.accept()
	if !strings.Contains(connect, `"user":"u","pass":"p"`) || !strings.Contains(info, `"gossip_mode":2`) {
		t.Errorf("%s\n%s", connect, info)
	}
	second.Send(infoOf("NSECOND", "C", f.port(), ""))
	if i, line := first.info(t); i.ServerID != "NSECOND" || i.GossipMode != 0 { // since the mode was 2
		t.Errorf("%s", line)
	}
	if r := w.Routes(0); len(r) != 2 || r[1].Configured || !r[1].Solicited || r[1].RemoteName != "C" {
		t.Errorf("%+v", r)
	}
	first.Send(heard) // is connected already
	first.quiet(t)
	f.Close()
	second.Close()
	w.logs("Error trying to connect to route (attempt 1)")
	first.quiet(t)
	if w.log.has("(attempt 2)") {
		t.Error("is not given up")
	}
}

// Of two connections to a server the first is kept (spec: cluster-routes 5.2). If the
// other server keeps the second, the first is dialed anew, whoever has dialed it.
func TestDuplicates(t *testing.T) {
	f := newFake(t)
	w := newWorld(t, true).start()
	first := w.dialIn()
	first.info(t)
	first.Send(connectC1 + infoOf("NPEER", "B", f.port(), ""))
	testkit.Eventually(t, patience, "the route", func() bool { return w.Len() == 1 })
	second := w.dialIn()
	second.info(t)
	second.Send(connectC1 + infoOf("NPEER", "B", f.port(), ""))
	second.closes(t, "")
	w.logs(`Detected duplicate remote route "NPEER"`)
	first.quiet(t)
	first.Close()
	again, _, _ := f.accept()
	again.Send(infoOf("NPEER", "B", f.port(), ""))
	testkit.Eventually(t, patience, "the route", func() bool { return w.Len() == 1 })
}

// Names (spec: cluster-routes 6, 21.8).
func TestClusterNames(t *testing.T) {
	dynamic := func() *world {
		w := newWorld(t, false)
		w.set.Name = ""
		return w.start()
	}
	connect := func(name, more string) string {
		return `CONNECT {"name":"NPEER","cluster":"` + name + `"` + more + "}\r\n"
	}
	f := func(in, want string, isDynamic, open bool) {
		t.Helper()
		w := dynamic()
		if name, dynamic := w.Name(); len(name) != 22 || !dynamic {
			t.Errorf("the name is %q", name)
		}
		other := w.dialIn()
		other.info(t)
		p := w.dialIn()
		p.info(t)
		p.Send(in)
		if open {
			p.quiet(t)
			other.closes(t, "") // comes back under the new name
		} else if _, err := p.TryClosed(); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		name, dyn := w.Name()
		if want == "" && in != connect("", "") {
			want = name
		}
		if name != want || dyn != isDynamic {
			t.Errorf("%s: %q %v", in, name, dyn)
		}
	}
	f(connect("C9", ""), "C9", false, true)
	f(connect("zzz", `,"cluster_dynamic":true`), "zzz", true, true)
	f(connect("!", `,"cluster_dynamic":true`), "", true, false)
	f(connect("", ""), "", false, true)
}

// A name that is learnt by INFO stays one that gives way.
func TestClusterNameByInfo(t *testing.T) {
	f := newFake(t)
	w := newWorld(t, true)
	w.set.Name = ""
	w.set.Routes = append(w.set.Routes, parse(t, "nats://"+f.Addr().String()))
	w.start()
	p, _, _ := f.accept()
	p.Send(infoOf("NPEER", "B", 9000, ""))
	testkit.Eventually(t, patience, "the route", func() bool { return w.Len() == 1 })
	if name, dynamic := w.Name(); name != "C1" || !dynamic {
		t.Errorf("%q %v", name, dynamic)
	}
	w.logs("INF Cluster name updated to C1")
}

func rules(t testing.TB, allow, deny []string) *route.Rules {
	t.Helper()
	r, err := route.NewRules(&perms.Rules{Allow: allow, Deny: deny})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Permissions, and what a reload of them does (spec: cluster-routes 16, 21.12).
func TestPermissions(t *testing.T) {
	w := newWorld(t, false)
	w.set.Import = rules(t, []string{"imp.>", "_INBOX.>"}, []string{"imp.no"})
	w.set.Export = rules(t, []string{"exp.>"}, []string{"exp.no"})
	w.start()
	for _, filter := range []string{"imp.a", "imp.no", "other", "*", ">", "$MQTT.x"} {
		w.local("$G", filter, "")
	}
	p := w.join("NPEER", "")
	seen := map[string]bool{}
	for range 2 {
		line, _ := p.unpinged()
		seen[line] = true
	}
	if !seen["RS+ $G imp.a"] || !seen["RS+ $G $MQTT.x"] {
		t.Errorf("told %v", seen)
	}
	w.local("$G", "imp.*", "q")
	w.local("$G", "imp.no", "q")
	p.sees(t, "RS+ $G imp.* q 1")
	p.Send("RS+ $G exp.a\r\nRS+ $G exp.* q 1\r\nRS+ $G exp.no\r\nRS+ $G other\r\nRS+ $G >\r\n")
	p.quiet(t)
	if n := w.wanted(); n != 2 {
		t.Errorf("%d remote subscriptions", n)
	}
	w.logs(`Can not export "exp.no", ignoring remote subscription request`)

	next := w.set
	next.Import = rules(t, []string{"other", "imp.no"}, nil)
	next.Export = rules(t, []string{"exp.a"}, nil)
	w.Reload(next)
	i, line := p.info(t)
	if i.Nonce != "" || len(i.Import.Allow) != 2 || i.Import.Deny != nil {
		t.Errorf("%s", line)
	}
	got := map[string]bool{}
	var order string
	for range 5 {
		line, _ := p.unpinged()
		got[line] = true
		order += line[2:3]
	}
	for _, want := range []string{"RS+ $G other", "RS+ $G imp.no", "RS+ $G imp.no q 1", "RS- $G imp.a", "RS- $G imp.* q"} {
		if !got[want] {
			t.Errorf("not told %q: %v", want, got)
		}
	}
	if order != "+++--" {
		t.Errorf("order %s", order)
	}
	p.quiet(t)
	if n := w.wanted(); n != 1 {
		t.Errorf("%d remote subscriptions", n)
	}

	// The other server accepts more than before.
	p.Send(infoOf("NPEER", "B", 1, `,"export":{"allow":["other"]}`))
	p.quiet(t) // it had accepted everything
	p.Send(infoOf("NPEER", "B", 1, `,"export":{"allow":["imp.>"]}`))
	for range 2 {
		line, _ := p.unpinged()
		delete(got, line)
	}
	if got["RS+ $G imp.no"] || got["RS+ $G imp.no q 1"] {
		t.Errorf("not told again: %v", got)
	}
	p.quiet(t)
}

// A reload of routes and credentials (spec: cluster-routes 18.2).
func TestReload(t *testing.T) {
	f, g := newFake(t), newFake(t)
	w := newWorld(t, true)
	w.set.Routes = append(w.set.Routes, parse(t, "nats://x:y@"+f.Addr().String()))
	w.start()
	p, _, _ := f.accept()
	p.Send(infoOf("NPEER", "B", f.port(), ""))
	accepted := w.join("NACCEPTED", "")
	next := w.set
	next.Routes = nil
	w.Reload(next)
	p.closes(t, "")
	w.logs("Router connection closed: Route Removed - Remote: B")
	w.logs("INF Removed route nats://x:[REDACTED]@")
	next.Routes = append(next.Routes, parse(t, "nats://"+g.Addr().String()))
	w.Reload(next)
	q, _, _ := g.accept()
	q.Send(infoOf("NSECOND", "C", g.port(), ""))
	testkit.Eventually(t, patience, "the route", func() bool { return w.Len() == 2 })
	next.User, next.Password, next.Auth = "u", "p", directory("u", "p")
	w.Reload(next)
	accepted.closes(t, "-ERR 'Authorization Violation'")
	q.quiet(t)
	next.Name = "C2"
	w.Reload(next)
	if name, _ := w.Name(); name != "C2" {
		t.Errorf("the name is %q", name)
	}
	q.quiet(t)
}

// The connection that is kept of two is dialed anew for ever if one of them was
// configured, and so to the configured URL.
func TestConfiguredDuplicate(t *testing.T) {
	f := newFake(t)
	w := newWorld(t, true)
	w.set.Routes = append(w.set.Routes, parse(t, "nats://"+f.Addr().String()))
	w.start()
	dialed, _, _ := f.accept() // says nothing yet
	first := w.dialIn()
	first.info(t)
	first.Send(connectC1 + infoOf("NPEER", "B", 1, "")) // the port is not where it listens
	testkit.Eventually(t, patience, "the route", func() bool { return w.Len() == 1 })
	dialed.Send(infoOf("NPEER", "B", 1, ""))
	dialed.closes(t, "")
	if r := w.Routes(0); len(r) != 1 || !r[0].Configured {
		t.Errorf("%+v", r)
	}
	first.Close()
	again, _, _ := f.accept()
	again.Send(infoOf("NPEER", "B", 1, ""))
	testkit.Eventually(t, patience, "the route", func() bool { return w.Len() == 1 })
}
