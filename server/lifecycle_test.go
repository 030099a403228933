package server_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

func newServer(t testing.TB, o server.Options) *server.Server {
	t.Helper()
	s, err := server.NewServer(&o)
	noErr(t, err)
	t.Cleanup(s.Shutdown)
	return s
}

// local is the smallest set of options for tests: any free port of the loopback.
var local = server.Options{Host: "127.0.0.1", Port: server.RandomPort}

func TestStartsOnce(t *testing.T) {
	s := newServer(t, local)
	noErr(t, s.Start())
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), "only once") {
		t.Errorf("second Start: %v", err)
	}
	dial(t, s) // the first one is not disturbed
	s.Shutdown()
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), "only once") {
		t.Errorf("Start after Shutdown: %v", err)
	}
}

func TestOptionsAreCopied(t *testing.T) {
	o := local
	o.MaxPayload = 77
	s, err := server.NewServer(&o)
	noErr(t, err)
	t.Cleanup(s.Shutdown)
	o.MaxPayload = 78
	noErr(t, s.Start())
	if got := dial(t, s).MaxPayload(); got != 77 {
		t.Errorf("max_payload is %d", got)
	}
}

func TestWrongOptions(t *testing.T) {
	s, err := server.NewServer(&server.Options{MaxPayload: 1001, MaxPending: 1000})
	if want := "max_payload (1001) cannot be higher than max_pending (1000)"; s != nil || err == nil || err.Error() != want {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestPortInUse(t *testing.T) {
	first := testkit.Start(t, nil)
	port := first.Addr().(*net.TCPAddr).Port
	s := newServer(t, server.Options{Host: "127.0.0.1", Port: port})
	err := s.Start()
	want := fmt.Sprintf(`Error listening on port: 127.0.0.1:%d, "listen tcp 127.0.0.1:%d: bind: `, port, port)
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), `"`) {
		t.Fatalf("got %v, want %s…", err, want)
	}
	if s.ReadyForConnections(0) || s.Addr() != nil {
		t.Errorf("the server that does not listen is ready at %v", s.Addr())
	}
	dial(t, first) // who has the port is not disturbed
}

func TestReadyForConnections(t *testing.T) {
	s := newServer(t, local)
	if s.ReadyForConnections(0) {
		t.Error("ready before Start")
	}
	waiting := make(chan bool)
	go func() { waiting <- s.ReadyForConnections(patience) }()
	noErr(t, s.Start())
	if !receive(t, "ready", waiting) {
		t.Error("not ready after Start")
	}
	s.Shutdown()
	if s.ReadyForConnections(0) {
		t.Error("ready for connections after Shutdown, which refuses them")
	}
}

func TestClientURL(t *testing.T) {
	f := func(o server.Options, host string) {
		t.Helper()
		s := newServer(t, o)
		if s.ClientURL() != "" || s.Addr() != nil {
			t.Errorf("before Start: %q, %v", s.ClientURL(), s.Addr())
		}
		noErr(t, s.Start())
		if host == "" {
			if s.ClientURL() != "" || s.Addr() != nil {
				t.Errorf("without listener: %q, %v", s.ClientURL(), s.Addr())
			}
			return
		}
		want := fmt.Sprintf("nats://%s:%d", host, s.Addr().(*net.TCPAddr).Port)
		if got := s.ClientURL(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		dial(t, s)
		s.Shutdown()
	}
	f(local, "127.0.0.1")
	f(server.Options{DontListen: true}, "")
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		f(server.Options{Host: "::1", Port: server.RandomPort}, "[::1]")
	}
}

func TestNames(t *testing.T) {
	a, b := newServer(t, local), newServer(t, local)
	if len(a.ID()) != 56 || a.ID()[0] != 'N' || a.ID() == b.ID() {
		t.Errorf("ids are %s and %s", a.ID(), b.ID())
	}
	if a.Name() != a.ID() {
		t.Errorf("name is %s, id is %s", a.Name(), a.ID())
	}
	o := local
	o.ServerName = "N1"
	s := newServer(t, o)
	noErr(t, s.Start())
	nc := dial(t, s)
	if s.Name() != "N1" || nc.ConnectedServerName() != "N1" || nc.ConnectedServerId() != s.ID() || nc.ConnectedServerVersion() != server.Version {
		t.Errorf("a client sees %s, %s, %s", nc.ConnectedServerName(), nc.ConnectedServerId(), nc.ConnectedServerVersion())
	}
}

func TestInProcessConnNeedsARunningServer(t *testing.T) {
	s := newServer(t, local)
	if nc, err := s.InProcessConn(); err == nil || nc != nil {
		t.Errorf("before Start: %v, %v", nc, err)
	}
	noErr(t, s.Start())
	s.Shutdown()
	if nc, err := s.InProcessConn(); err == nil || nc != nil {
		t.Errorf("after Shutdown: %v, %v", nc, err)
	}
}

func TestDontListen(t *testing.T) {
	s := newServer(t, server.Options{DontListen: true})
	noErr(t, s.Start())
	if !s.ReadyForConnections(0) {
		t.Error("not ready")
	}
	a, err := nats.Connect("", nats.InProcessServer(s))
	noErr(t, err)
	defer a.Close()
	b, err := nats.Connect("", nats.InProcessServer(s))
	noErr(t, err)
	defer b.Close()
	sub, err := a.SubscribeSync("x")
	noErr(t, err)
	flush(t, a)
	noErr(t, b.Publish("x", []byte("hi")))
	if m := next(t, sub); string(m.Data) != "hi" {
		t.Errorf("got %q", m.Data)
	}
	if n := s.NumClients(); n != 2 {
		t.Errorf("%d clients", n)
	}
}

func TestShutdownAnyTimeAnyNumberOfTimes(t *testing.T) {
	f := func(name string, prepare func(*server.Server)) {
		t.Helper()
		s := newServer(t, local)
		prepare(s)
		waited := make(chan struct{})
		go func() {
			s.WaitForShutdown()
			close(waited)
		}()
		var all sync.WaitGroup
		for range 8 {
			all.Go(s.Shutdown)
		}
		all.Wait()
		s.Shutdown()
		select {
		case <-waited:
		case <-time.After(patience):
			t.Errorf("%s: WaitForShutdown waits on", name)
		}
		s.LameDuckShutdown() // nothing is left to end
		if n := s.NumClients(); n != 0 {
			t.Errorf("%s: %d clients after Shutdown", name, n)
		}
	}
	f("before Start", func(*server.Server) {})
	f("idle", func(s *server.Server) { noErr(t, s.Start()) })
	f("with clients", func(s *server.Server) {
		noErr(t, s.Start())
		for range 5 {
			dial(t, s, nats.NoReconnect())
		}
	})
}

// A Shutdown leaves no connection half way in: whoever dials meanwhile is served
// or closed, and nothing of it outlives the call. The race detector has its say.
func TestShutdownWhileClientsArrive(t *testing.T) {
	for range 20 {
		s := newServer(t, local)
		noErr(t, s.Start())
		addr := s.Addr().String()
		var all sync.WaitGroup
		begun := make(chan struct{}, 100)
		for range 4 {
			all.Go(func() {
				for {
					c, err := net.Dial("tcp", addr)
					if err != nil {
						return // the listener is closed
					}
					begun <- struct{}{}
					_ = c.SetDeadline(time.Now().Add(patience))
					if n, err := c.Read(make([]byte, 1)); n == 0 && strings.Contains(err.Error(), "timeout") {
						t.Error("accepted, and then neither served nor closed")
					}
					c.Close()
				}
			})
			all.Go(func() {
				for {
					c, err := s.InProcessConn()
					if err != nil {
						return
					}
					c.Close()
				}
			})
		}
		for range 10 {
			<-begun
		}
		drained := make(chan struct{})
		go func() {
			for range begun {
			}
			close(drained)
		}()
		s.Shutdown()
		all.Wait()
		close(begun)
		<-drained
	}
}

func TestClientsOfAStoppedServer(t *testing.T) {
	s := testkit.Start(t, nil)
	r := testkit.Dial(t, s.Addr().String())
	r.Connect(`{"verbose":false}`)
	r.Send("SUB x 1\r\nPUB x 2\r\nhi\r\nPING\r\n")
	r.ExpectBytes("MSG x 1 2\r\nhi\r\nPONG\r\n")
	idle := testkit.Dial(t, s.Addr().String())
	s.Shutdown()
	r.ExpectEOF() // without -ERR, which would keep clients from reconnecting
	idle.ExpectEOF()
	if _, err := net.DialTimeout("tcp", s.Addr().String(), patience); err == nil {
		t.Error("a stopped server accepts")
	}
}

func TestSeveralServersInOneProcess(t *testing.T) {
	const n = 3
	var subs [n]*nats.Subscription
	var conns [n]*nats.Conn
	for i := range n {
		conns[i] = dial(t, testkit.Start(t, nil))
		var err error
		subs[i], err = conns[i].SubscribeSync(">")
		noErr(t, err)
	}
	for i := range n {
		noErr(t, conns[i].Publish("x", []byte{byte('0' + i)}))
		flush(t, conns[i])
	}
	for i := range n {
		if m := next(t, subs[i]); string(m.Data) != string(rune('0'+i)) {
			t.Errorf("server %d delivers %q", i, m.Data)
		}
		flush(t, conns[i])
		if pending, _, _ := subs[i].Pending(); pending != 0 {
			t.Errorf("server %d delivers messages of another", i)
		}
	}
}
