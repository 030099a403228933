package server_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nats-server/server"
)

// A client that has been connected all the time is cut off by the limit in force.
func TestReloadMaxPending(t *testing.T) {
	limit := func(n int64) func(*server.Options) { return func(o *server.Options) { o.MaxPending = n } }
	s := startChanging(t, server.Options{MaxPayload: kilobyte, MaxPending: 1 << 20})
	publisher := join(t, s.Server, quiet)
	load := func(kilobytes int) {
		publisher.send(kilo("x", kilobytes))
		publisher.sync()
	}
	slow := s.piped("SUB x 1\r\n")
	load(500)
	s.reload(limit(2 << 20))
	load(1000)
	if n := s.NumSlowConsumers(); n != 0 {
		t.Fatalf("cut off with less than max_pending: %q", s.log.lines())
	}
	s.reload(limit(256 << 10))
	load(1)
	if n := s.NumSlowConsumers(); n != 1 || !s.log.has("Slow Consumer Detected: MaxPending of 262144 Exceeded") {
		t.Errorf("%d slow consumers: %q", n, s.log.lines())
	}
	onlyMessages(t, slow)
}

func TestReloadWriteDeadline(t *testing.T) {
	s := startChanging(t, server.Options{WriteDeadline: time.Hour})
	inProcess, overTCP := s.piped("SUB x 1\r\n"), stuck(t, s.Server, "SUB y 1\r\n")
	s.reload(func(o *server.Options) { o.WriteDeadline = 50 * time.Millisecond })
	publisher := join(t, s.Server, quiet)
	f := func(p *peer, subject string, kilobytes int, slow int64) {
		t.Helper()
		for range kilobytes / 100 {
			publisher.send(kilo(subject, 100))
			publisher.sync()
		}
		eventually(t, "the slow consumer is cut off", func() bool { return s.NumSlowConsumers() == slow })
		onlyMessages(t, p)
	}
	f(inProcess, "x", 500, 1)
	f(overTCP, "y", 16000, 2)
	if !s.log.has("WriteDeadline of 50ms exceeded") {
		t.Errorf("log: %q", s.log.lines())
	}
}

func TestReloadNoFastProducerStall(t *testing.T) {
	drop := func(b bool) func(*server.Options) { return func(o *server.Options) { o.NoFastProducerStall = b } }
	s := startChanging(t, server.Options{MaxPayload: kilobyte, MaxPending: 1 << 20})
	publisher := join(t, s.Server, quiet)
	load := func() {
		publisher.send(kilo("x", 2000))
		publisher.sync()
	}
	slow := s.piped("SUB x 1\r\n")
	s.reload(drop(true))
	load()
	got := 0
	slow.syncing(func(frame) { got++ })
	if n := s.NumSlowConsumers(); n != 0 || got == 0 || got >= 2000 {
		t.Errorf("%d of 2000 messages arrived, %d slow consumers", got, n)
	}
	s.reload(drop(false))
	load()
	if n := s.NumSlowConsumers(); n != 1 {
		t.Errorf("%d slow consumers: %q", n, s.log.lines())
	}
	onlyMessages(t, slow)
}

// virtual runs f with a server in virtual time. change makes it go on with other
// options.
func virtual(t *testing.T, o server.Options, f func(t *testing.T, s *server.Server, change func(func(*server.Options)))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.DontListen = true
		s, err := server.NewServer(&o)
		noErr(t, err)
		noErr(t, s.Start())
		defer s.Shutdown()
		f(t, s, func(change func(*server.Options)) {
			t.Helper()
			change(&o)
			noErr(t, s.ReloadOptions(&o))
		})
	})
}

// clock tells when a client of a virtual server hears something.
type clock struct {
	net.Conn
	t     testing.TB
	in    *bufio.Reader
	begin time.Time
}

func newClock(t testing.TB, s *server.Server) *clock {
	t.Helper()
	nc, err := s.InProcessConn()
	noErr(t, err)
	t.Cleanup(func() { nc.Close() })
	c := &clock{nc, t, bufio.NewReader(nc), time.Now()}
	c.hears("INFO", 0)
	return c
}

// hears checks what comes next, or that the connection ends if that is "", and how
// long after the client has come that is.
func (c *clock) hears(want string, at time.Duration) {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if want == "" && err != io.EOF || want != "" && err != nil || !strings.HasPrefix(line, want) {
		c.t.Errorf("got %q, %v, want %q", line, err, want)
	}
	if got := time.Since(c.begin); got != at {
		c.t.Errorf("%q came after %v, want %v", line, got, at)
	}
}

// A timer that runs keeps its time; the next one has the new one.
func TestReloadPings(t *testing.T) {
	virtual(t, server.Options{PingInterval: time.Minute}, func(t *testing.T, s *server.Server, change func(func(*server.Options))) {
		c := newClock(t, s)
		c.hears("PING", time.Minute)
		time.Sleep(30 * time.Second)
		change(func(o *server.Options) { o.PingInterval = 10 * time.Second })
		late := newClock(t, s)
		late.hears("PING", 10*time.Second)
		late.Close()
		c.hears("PING", 2*time.Minute)
		change(func(o *server.Options) { o.MaxPingsOut = 4 })
		c.hears("PING", 2*time.Minute+10*time.Second)
		c.hears("PING", 2*time.Minute+20*time.Second)
		c.hears("-ERR 'Stale Connection'", 2*time.Minute+30*time.Second)
		c.hears("", 2*time.Minute+30*time.Second)

		change(func(o *server.Options) { o.MaxPingsOut = 5 })
		c = newClock(t, s)
		for i := range 3 {
			c.hears("PING", time.Duration(i+1)*10*time.Second)
		}
		change(func(o *server.Options) { o.MaxPingsOut = 1 })
		c.hears("-ERR 'Stale Connection'", 40*time.Second)
	})
}

// The time for CONNECT is that of when the client came.
func TestReloadAuthTimeout(t *testing.T) {
	const late = "-ERR 'Authentication Timeout'"
	virtual(t, server.Options{Authorization: "t", AuthTimeout: 3 * time.Second}, func(t *testing.T, s *server.Server, change func(func(*server.Options))) {
		first := newClock(t, s)
		change(func(o *server.Options) { o.AuthTimeout = 5 * time.Second })
		second := newClock(t, s)
		first.hears(late, 3*time.Second)
		second.hears(late, 5*time.Second)
		// Whoever waits at the gate does not get more time by another gate.
		third := newClock(t, s)
		change(func(o *server.Options) { o.Authorization, o.AuthTimeout = "other", time.Second })
		third.hears(late, 5*time.Second)
		newClock(t, s).hears(late, time.Second)
	})
}

func TestReloadLameDuck(t *testing.T) {
	o := server.Options{LameDuckDuration: time.Minute, LameDuckGracePeriod: 20 * time.Second, PingInterval: time.Hour}
	virtual(t, o, func(t *testing.T, s *server.Server, change func(func(*server.Options))) {
		var clients [3]*clock
		for i := range clients {
			clients[i] = newClock(t, s)
		}
		change(func(o *server.Options) {
			o.LameDuckDuration, o.LameDuckGracePeriod = 30*time.Second, 30*time.Second-30*time.Millisecond
		})
		begin := time.Now()
		s.LameDuckShutdown()
		// A share of 10 ms for each client.
		if took := time.Since(begin); took < 30*time.Second-20*time.Millisecond || took > 30*time.Second {
			t.Errorf("it took %v", took)
		}
		for _, c := range clients {
			if _, err := c.in.ReadString('\n'); err != io.EOF {
				t.Error(err)
			}
		}
	})
}
