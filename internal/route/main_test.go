package route_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/interest"
	"nats-server/internal/listen"
	"nats-server/internal/logs"
	"nats-server/internal/pipe"
	"nats-server/internal/route"
	"nats-server/internal/testkit"
	"nats-server/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience = 10 * time.Second
	ownID    = "NOWN"
)

// lines keeps what is logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(level, format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, level+" "+fmt.Sprintf(format, v...))
}

func (l *lines) Noticef(format string, v ...any) { l.add("INF", format, v...) }
func (l *lines) Warnf(format string, v ...any)   { l.add("WRN", format, v...) }
func (l *lines) Errorf(format string, v ...any)  { l.add("ERR", format, v...) }
func (l *lines) Fatalf(format string, v ...any)  { l.add("FTL", format, v...) }
func (l *lines) Debugf(format string, v ...any)  { l.add("DBG", format, v...) }
func (l *lines) Tracef(format string, v ...any)  { l.add("TRC", format, v...) }

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

// world is one server's part of a cluster, with its accounts and a listener.
type world struct {
	*route.Cluster
	t        testing.TB
	accounts *account.Registry
	set      route.Settings
	listener *listen.Listener // nil without sockets
	logger   *logs.Log
	log      lines
	stats    conn.Stats
	track    sync.WaitGroup

	mu    sync.Mutex
	ids   uint64
	told  []string // name and URLs as clients are told
	known bool
}

// newWorld makes one. With sockets it listens and its poller watches what it dials;
// start must follow.
func newWorld(t testing.TB, sockets bool) *world {
	w := &world{t: t, accounts: account.NewRegistry()}
	w.accounts.Set([]string{account.System, "APP"})
	log := new(logs.Log)
	log.Set(&w.log, true, true)
	w.logger = log
	w.Cluster = route.New(route.Config{
		ServerID: ownID, Version: "3.0.0", Accounts: w.accounts, Log: log, Stats: &w.stats, Track: &w.track,
		NextID: w.nextID, Tell: w.tell,
	})
	w.accounts.Watch(w.Cluster)
	w.set = route.Settings{
		ServerName: "A", Name: "C1", Host: "127.0.0.1", Port: 7000, ClientURLs: []string{"127.0.0.1:7001"},
		ErrorEvery: 3600, RetryEvery: 1, AuthTimeout: patience, MaxPayload: 1 << 20, ControlLine: 64 << 10,
		Conn: conn.Limits{
			MaxPending: 64 << 20, WriteDeadline: patience, PingInterval: 30 * time.Second, MaxPingsOut: 2, Unbounded: true, Patient: true,
		},
	}
	var poller *conn.Poller
	if sockets {
		var err error
		if poller, err = conn.NewPoller(); err != nil {
			t.Fatal(err)
		}
		w.UsePoller(poller)
		if w.listener, err = listen.Bind(context.Background(), "127.0.0.1:0", poller, log); err != nil {
			t.Fatal(err)
		}
		w.set.Port = w.listener.Addr().Port
	}
	t.Cleanup(func() {
		if w.listener != nil {
			w.listener.Close()
		}
		w.Stop()
		w.track.Wait()
		if poller != nil {
			poller.Close()
		}
		if n := w.accounts.NumSubscriptions(); n != 0 && !t.Failed() {
			t.Errorf("%d subscriptions are left", n)
		}
		if n := w.stats.Panics.Load(); n > 0 {
			t.Errorf("%d panics", n)
		}
	})
	return w
}

func (w *world) nextID() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	return w.ids
}

func (w *world) tell(name string, known bool, urls []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known, w.told = known, append([]string{name}, urls...)
}

func (w *world) clientsKnow() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprint(w.known, w.told)
}

func (w *world) start() *world {
	w.Apply(w.set)
	if w.listener != nil {
		if err := w.listener.Serve(func(a listen.Accepted) { w.Accept(a) }); err != nil {
			w.t.Fatal(err)
		}
	}
	w.Start()
	return w
}

func (w *world) logs(text string) {
	w.t.Helper()
	testkit.Eventually(w.t, patience, "log line "+text, func() bool { return w.log.has(text) })
}

// local subscribes as a client would. It is undone at the end of the test.
func (w *world) local(acct, filter, group string) (undo func()) {
	a := w.accounts.Lookup(acct)
	s := interest.NewSub(new(interest.Subscriber), []byte(filter), []byte(group), nil)
	a.Subscribe(s)
	a.Announce()
	undo = sync.OnceFunc(func() {
		a.Unsubscribe(s)
		a.Announce()
	})
	w.t.Cleanup(undo)
	return undo
}

// wanted is how much remote interest there is.
func (w *world) wanted() (n int) {
	for _, r := range w.Routes(0) {
		n += r.Subscriptions
	}
	return n
}

// inMemory is an accepted connection without a socket.
type inMemory struct{ nc net.Conn }

func (c inMemory) Endpoint() conn.Endpoint { return conn.Stream(c.nc) }
func (c inMemory) Conn() (net.Conn, error) { return c.nc, nil }

// peer is a fake server at the other end of a connection.
type peer struct{ *testkit.Raw }

// dialIn connects a fake server.
func (w *world) dialIn() peer {
	if w.listener != nil {
		return peer{testkit.DialSilent(w.t, w.listener.Addr().String())}
	}
	ours, theirs := pipe.New(64 << 10)
	w.Accept(inMemory{ours})
	return peer{testkit.Attach(w.t, theirs)}
}

// info reads an INFO line, which must be next, but for PING.
func (p peer) info(t testing.TB) (i wire.RouteInfo, line string) {
	t.Helper()
	line, err := p.unpinged()
	arg, ok := strings.CutPrefix(line, "INFO ")
	if err != nil || !ok {
		t.Fatalf("no INFO, but %q %v", line, err)
	}
	if err := json.Unmarshal([]byte(arg), &i); err != nil {
		t.Fatal(err)
	}
	return i, line
}

const connectC1 = `CONNECT {"echo":true,"headers":true,"name":"NPEER","cluster":"C1","lnoc":true}` + "\r\n"

// infoOf is the INFO of a fake server with more fields, such as `,"ldm":true`.
func infoOf(id, name string, port int, more string) string {
	return fmt.Sprintf(`INFO {"server_id":%q,"server_name":%q,"version":"2.9.10","proto":2,"go":"go1.19","host":"127.0.0.1","port":%d,`+
		`"headers":true,"max_payload":1048576,"cluster":"C1","lnoc":true%s} `+"\r\n", id, name, port, more)
}

// join makes a fake server with that id a member.
func (w *world) join(id, more string) peer {
	w.t.Helper()
	own := func() (n int) { // others may be about to go
		for _, r := range w.Routes(0) {
			if r.RemoteID == id {
				n++
			}
		}
		return n
	}
	before := own()
	p := w.dialIn()
	p.info(w.t)
	p.Send(connectC1 + infoOf(id, "name-"+id, 9000+w.Len(), more))
	testkit.Eventually(w.t, patience, id+" to be registered", func() bool { return own() > before })
	return p
}

// sees fails unless the peer gets these lines next, but for PING and, where it is not
// asked for, INFO.
func (p peer) sees(t testing.TB, want ...string) {
	t.Helper()
	for _, w := range want {
		for {
			line, err := p.unpinged()
			if strings.HasPrefix(line, "INFO ") && !strings.HasPrefix(w, "INFO ") {
				continue
			}
			if line != w || err != nil {
				t.Fatalf("got %q %v, want %q", line, err, w)
			}
			break
		}
	}
}

// quiet fails unless nothing but PING is sent before the answer to a PING.
func (p peer) quiet(t testing.TB) {
	t.Helper()
	p.Send("PING\r\n")
	p.sees(t, "PONG")
}

// directory lets in u with p.
func directory(user, pass string) *auth.Directory {
	return auth.New(auth.Config{User: user, Password: pass})
}

func parse(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// line reads one, without its end.
func (p peer) line() (string, error) {
	line, err := p.TryLine()
	return strings.TrimSuffix(line, "\r\n"), err
}

// unpinged reads the next line that is not PING, which comes when it is time for it.
func (p peer) unpinged() (string, error) {
	for {
		if line, err := p.line(); line != "PING" || err != nil {
			return line, err
		}
	}
}
