package route_test

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"nats-server/internal/testkit"
)

// closes fails unless the server sends want, which may be "", and closes.
func (p peer) closes(t testing.TB, want string) {
	t.Helper()
	before, err := p.TryClosed()
	if i := strings.Index(before, "-ERR"); i > 0 {
		before = before[i:]
	} else if strings.HasPrefix(before, "INFO") || strings.HasPrefix(before, "PING") {
		before = ""
	}
	if err != nil || strings.TrimRight(before, "\r\n") != want {
		t.Errorf("got %q %v, want %q", before, err, want)
	}
}

// The acceptor says INFO at once, and does not say it again (spec: cluster-routes 4.1).
func TestAcceptorIsFirst(t *testing.T) {
	w := newWorld(t, true).start()
	p := w.dialIn()
	i, line := p.info(t)
	if i.ServerID != ownID || i.ServerName != "A" || i.Proto != 2 || i.Cluster != "C1" || !i.Headers || !i.LeafOrigin || !i.LeafOriginDrop ||
		len(i.Nonce) != 15 || i.Host != "127.0.0.1" || i.Port != w.set.Port || len(i.ConnectURLs) != 1 || !strings.HasSuffix(line, "} ") {
		t.Errorf("%s", line)
	}
	for _, field := range []string{"compression", "route_pool_size", "auth_required", "tls_required", "ip", "gossip_mode", "import"} {
		if strings.Contains(line, `"`+field+`"`) {
			t.Errorf("INFO has %s: %s", field, line)
		}
	}
	p.Send(connectC1)
	p.quiet(t)
	p.Send(infoOf("NPEER", "B", 9000, "") + "RS+ $G foo\r\nRS+ APP work q 2\r\n") // all in one segment
	testkit.Eventually(t, patience, "interest", func() bool { return w.wanted() == 2 })
	p.quiet(t)
	w.logs("rid:1 - Route connection created")
	p.Close()
	w.logs("rid:1 - Router connection closed: Client Closed - Remote: B")
}

// What the acceptor refuses, and how (spec: cluster-routes 4.3, 4.4, 12.4).
func TestRefusals(t *testing.T) {
	f := func(in, want, reason, log string) {
		t.Helper()
		w := newWorld(t, false).start()
		p := w.dialIn()
		p.info(t)
		p.Send(in)
		p.closes(t, want)
		w.logs("Router connection closed: " + reason)
		if log != "" {
			w.logs(log)
		}
	}
	const violation = "-ERR 'Authorization Violation'"
	first := connectC1 + infoOf("NPEER", "B", 1, "")
	f("INFO {}\r\n", violation, "Authentication Failure", "authentication error")
	f("RS+ $G foo\r\n", violation, "Authentication Failure", "")
	f("PING\r\n", violation, "Authentication Failure", "")
	f("CONNECT {\r\n", "", "Protocol Violation", "CONNECT: ")
	f(`CONNECT {"name":1}`+"\r\n", "", "Protocol Violation", "CONNECT: ")
	f(`CONNECT {"lang":"go","cluster":"C1"}`+"\r\n", "-ERR 'attempted to connect to route port'", "Incorrect Port", "")
	f(`CONNECT {"gateway":"G","cluster":"C1"}`+"\r\n", `-ERR 'Rejecting connection from gateway "G" on the Route port'`, "Wrong Gateway", "")
	f(`CONNECT {"name":"NPEER","cluster":"C2"}`+"\r\n", `-ERR 'Rejecting connection, cluster name "C2" does not match "C1"'`,
		"Cluster Name Conflict", "cluster name from remote server conflicts")
	f(`CONNECT {"name":"NPEER"}`+"\r\n", `-ERR 'Rejecting connection, cluster name "" does not match "C1"'`, "Cluster Name Conflict", "")
	f(connectC1+"INFO {\r\n", "", "Protocol Violation", "INFO: ")
	f(connectC1+"INFO {}\r\n", "", "Protocol Violation", "INFO without a server_id")
	f(connectC1+`INFO {"server_id":"NPEER","cluster":"C2"}`+"\r\n", "", "Cluster Name Conflict", "")
	f(connectC1+infoOf(ownID, "B", 1, ""), "", "Duplicate Route", "")
	f(connectC1+infoOf("NPEER", "A", 1, ""), "", "Duplicate Server Name", `ERR pipe - rid:1 - Remote server has a duplicate name: "A"`)
	f(connectC1+infoOf("NPEER", "B", 1, `,"route_pool_size":3,"route_account":"$SYS"`),
		`-ERR 'Not possible to have a dedicated route for account "$SYS" between those servers'`, "Protocol Violation", "")
	f(connectC1+"RS+ $G foo\r\n", "", "Protocol Violation", "before INFO")
	f(connectC1+"-ERR 'No'\r\n", "", "Parse Error", "Route Error 'No'")

	f(first+"FOO\r\n", "-ERR 'Unknown Protocol Operation'", "Protocol Violation", "Router parser ERROR")
	f(first+"MSG foo 1 0\r\n\r\n", "-ERR 'Unknown Protocol Operation'", "Protocol Violation", "")
	f(first+"RMSG $G foo 2\r\nabcd\r\n", "-ERR 'Unknown Protocol Operation'", "Protocol Violation", "")
	f(first+"RS+ $G\r\n", "", "Protocol Violation", "processRemoteSub Parse Error")
	f(first+"RS+ $G a q\r\n", "", "Protocol Violation", "processRemoteSub Parse Error")
	f(first+"RS- $G a q 1\r\n", "", "Protocol Violation", "processRemoteUnsub parse error")
	f(first+"UNSUB 1\r\n", "", "Protocol Violation", "processRemoteUnsub parse error")
	f(first+"PUB foo\r\n", "", "Protocol Violation", "processPub Parse Error")
	f(first+"PUB foo 1\r\nxyz\r\n", "-ERR 'Unknown Protocol Operation'", "Protocol Violation", "Router parser ERROR")
	f("PUB foo 1\r\nx\r\n", violation, "Authentication Failure", "")
	// The payload is not waited for.
	f("PUB foo 1000000\r\n", violation, "Authentication Failure", "")
	f("RMSG $G foo 1000000\r\nx", violation, "Authentication Failure", "")
	f(first+"RMSG $G foo x\r\n", "", "Protocol Violation", "Bad or Missing Size")
	f(first+"RMSG $G foo x y 1\r\n", "", "Protocol Violation", "Bad or Missing Reply Indicator")
	f(first+"HMSG $G foo 3 2\r\n", "", "Protocol Violation", "Header Size larger then TotalSize")
	f(first+"RS+ $G "+strings.Repeat("x", 70<<10)+"\r\n", "-ERR 'maximum control line exceeded'", "Maximum Control Line Exceeded", "")
	f(first+infoOf(ownID, "B", 1, ""), "", "Duplicate Route", "")
	f(first+`INFO {"server_id":"NTHIRD","cluster":"C2"}`+"\r\n", "", "Cluster Name Conflict", "")
}

// What an established route survives (spec: cluster-routes 12.4).
func TestWhatIsSurvived(t *testing.T) {
	w := newWorld(t, false).start()
	p := w.join("NPEER", "")
	f := func(in, log string, wanted int) {
		t.Helper()
		p.Send(in)
		p.quiet(t)
		if log != "" {
			w.logs(log)
		}
		if got := w.wanted(); got != wanted {
			t.Errorf("%q: %d remote subscriptions, want %d", in, got, wanted)
		}
	}
	p.Send("RS+ $G a..b\r\n")
	p.sees(t, "-ERR 'Invalid Subscription'")
	w.logs("Could not insert subscription")
	f("RS+ NOBODY foo\r\n", `ERR pipe - rid:1 - Unknown account "NOBODY" for remote subject "foo"`, 0)
	f("RS- NOBODY foo\r\n", "DBG", 0)
	f("RS- $G foo\r\n", "", 0)
	f("RMSG NOBODY foo 1\r\nx\r\n", `DBG pipe - rid:1 - Unknown account "NOBODY" for routed message on subject: "foo"`, 0)
	f("RS+ $G foo\r\nrs+  $G\tfoo \r\n", "", 1)
	f("RS+ $G foo q 1\r\nRS+ $G foo q 2\r\nRS+ $G foo q 0\r\nRS+ $G foo q x\r\n", "", 2)
	f("RS- $G foo q\r\nRS- $G foo\r\n", "", 0)
	f("LS+ LC $G foo\r\nLS+ LC $G foo q 1\r\n", "", 2)
	f("LS- $G foo\r\nLS-  $G foo q\r\n", "", 0)
	f("+OK\r\nA+ foo\r\nA- foo\r\nRMSG $G nobody 1\r\nx\r\n", "", 0)
	f(connectC1, "", 0)
}

// What clients say means nothing from another server, and nothing comes of it (spec:
// cluster-routes 1).
func TestVerbsOfClients(t *testing.T) {
	w := newWorld(t, false).start()
	other := w.join("NOTHER", "")
	other.Send("RS+ $G foo\r\nRS+ $G foo q 1\r\n")
	other.quiet(t)
	p := w.join("NPEER", "")
	other.info(t)
	f := func(in, log string) {
		t.Helper()
		p.Send(in)
		p.quiet(t)
		other.quiet(t)
		w.logs(log)
		if got := w.wanted(); got != 2 {
			t.Errorf("%q: %d remote subscriptions", in, got)
		}
	}
	f("SUB foo 1\r\nSUB $G foo q\r\nsub a..b\r\n", "<<- [sub a..b]")
	f("PUB foo 1\r\nx\r\nPUB $G foo 1\r\nx\r\nHPUB foo r 0 1\r\nx\r\n", "<<- [HPUB foo r 0 1]")
	f("PUB foo "+strconv.Itoa(2<<20)+"\r\n"+strings.Repeat("x", 2<<20)+"\r\n", "<<- [PUB foo 2097152]")
	f("UNSUB $G foo\r\n", "<<- [UNSUB $G foo]") // of this connection, which wants nothing
}

// A peer that wants it is told of each line (spec: cluster-routes 4.3).
func TestVerbosePeer(t *testing.T) {
	w := newWorld(t, false).start()
	p := w.dialIn()
	p.info(t)
	p.Send(strings.Replace(connectC1, `"echo"`, `"verbose":true,"echo"`, 1) + infoOf("NPEER", "B", 1, "") + "RS+ $G a\r\nRMSG $G b 0\r\n\r\nRS- $G a\r\nPING\r\n")
	p.sees(t, "+OK", "+OK", "+OK", "PONG")
}

// Credentials (spec: cluster-routes 4.5).
func TestCredentials(t *testing.T) {
	w := newWorld(t, false)
	w.set.User, w.set.Password, w.set.Auth = "u", "s3cret", directory("u", "s3cret")
	w.start()
	f := func(creds, want string) {
		t.Helper()
		p := w.dialIn()
		if i, _ := p.info(t); !i.AuthRequired {
			t.Error("INFO does not ask for credentials")
		}
		p.Send(`CONNECT {` + creds + `"name":"NPEER","cluster":"C1"}` + "\r\n")
		if want == "" {
			p.quiet(t)
		} else {
			p.closes(t, want)
		}
	}
	f(`"user":"u","pass":"s3cret",`, "")
	f(`"user":"u","pass":"wrong",`, "-ERR 'Authorization Violation'")
	w.logs(`authentication error - User "u"`)
	f("", "-ERR 'Authorization Violation'")
	if w.log.has("s3cret") || w.log.has("wrong") {
		t.Error("a password is in the log")
	}
	w.logs(`"pass":"[REDACTED]"`)
}

// The one who dials says CONNECT and INFO at once (spec: cluster-routes 4.1, 21.3).
func TestDialer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := newWorld(t, true)
	w.set.Routes = append(w.set.Routes, parse(t, "nats://u:s3cret@"+l.Addr().String()))
	w.start()
	accept := func() peer {
		t.Helper()
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		p := peer{testkit.Attach(t, nc)}
		line, err := p.line()
		if want := `CONNECT {"echo":true,"verbose":false,"pedantic":false,"user":"u","pass":"s3cret","tls_required":false,"headers":true,"name":"NOWN","cluster":"C1","lnoc":true}`; line != want || err != nil {
			t.Fatalf("%q %v", line, err)
		}
		if i, _ := p.info(t); i.ServerID != ownID {
			t.Errorf("%+v", i)
		}
		return p
	}
	undo := w.local("$G", "foo", "q")
	p := accept() // silent: nothing is announced
	p.Send(infoOf("NPEER", "B", 9000, ""))
	p.sees(t, "RS+ $G foo q 1")
	undo()
	p.sees(t, "RS- $G foo q")
	p.Close()
	w.logs(`Attempting reconnect for solicited route "nats://u:[REDACTED]@`)

	p = accept()
	p.Send("-ERR 'Authorization Violation'\r\n")
	w.logs("Route Error 'Authorization Violation'")
	p = accept()
	p.Send(infoOf(ownID, "A", 9000, "")) // it is itself
	p.closes(t, "")
	w.logs("Detected route to self, ignoring")
	if w.log.has("s3cret") {
		t.Error("a password is in the log")
	}
}
