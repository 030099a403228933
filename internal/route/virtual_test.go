package route_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nats-server/internal/testkit"
)

// A server is pinged about a second after the connection was made, then always, and is
// stale when it leaves two unanswered (spec: cluster-routes 12.1).
func TestPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, false)
		w.set.Conn.PingInterval = 20 * time.Second
		w.start()
		began := time.Now()
		p := w.dialIn()
		p.SetTimeout(time.Hour)
		p.info(t)
		p.Send(connectC1 + infoOf("NPEER", "B", 9000, ""))
		line := func() (string, time.Duration) {
			l, _ := p.line()
			return l, time.Since(began)
		}
		f := func(want string, from, to time.Duration) {
			t.Helper()
			if l, at := line(); l != want || at < from || at > to {
				t.Errorf("got %q at %v, want %q from %v to %v", l, at, want, from, to)
			}
		}
		f("PING", time.Second, 1200*time.Millisecond)
		time.Sleep(time.Second)
		p.Send("PONG\r\nRS+ $G a\r\n")
		f("PING", 21*time.Second, 22*time.Second) // though it has been heard of
		if r := w.Routes(0); r[0].RTT < time.Second || r[0].RTT > 1100*time.Millisecond || r[0].LastActivity.Before(began.Add(time.Second)) {
			t.Errorf("%+v", r)
		}
		f("PING", 41*time.Second, 42*time.Second)
		f("-ERR 'Stale Connection'", 61*time.Second, 62*time.Second)
		if _, err := p.TryClosed(); err != nil {
			t.Error(err)
		}
	})
}

// Who has to authenticate has so long for it (spec: cluster-routes 4.5).
func TestAuthenticationTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, false)
		w.set.User, w.set.Auth, w.set.AuthTimeout = "u", directory("u", "p"), time.Second
		w.start()
		began := time.Now()
		silent := w.dialIn()
		silent.info(t)
		silent.closes(t, "-ERR 'Authentication Timeout'")
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// behind is a world with a server to which a megabyte, far more than MaxPending, is on
// its way: what it sends comes back.
func behind(t *testing.T, patient bool) (*world, peer) {
	w := newWorld(t, false)
	w.set.Conn.WriteDeadline, w.set.Conn.MaxPending = 2*time.Second, 64<<10
	w.set.Conn.PingInterval, w.set.Conn.Patient = time.Hour, patient
	w.logger.SetLevels(true, false)
	w.start()
	p := w.dialIn()
	p.info(t)
	p.Send(connectC1 + infoOf("NPEER", "B", 9000, "") + "RS+ $G back q 1\r\n")
	testkit.Eventually(t, patience, "the route", func() bool { return w.wanted() == 1 })
	go func() {
		payload := strings.Repeat("x", 32<<10)
		for range 32 {
			p.TrySend([]byte("RMSG $G back | q 32768\r\n" + payload + "\r\n"))
		}
	}()
	return w, p
}

// A server is cut off at the write deadline if that is asked for, but not for how much it
// is behind.
func TestImpatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := behind(t, false)
		time.Sleep(1900 * time.Millisecond)
		synctest.Wait()
		if r := w.Routes(0); len(r) != 1 || r[0].Pending < 512<<10 {
			t.Errorf("before the deadline: %+v", r)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if w.Len() != 0 || !w.log.has("Router connection closed: Slow Consumer (Write Deadline) - Remote: B") {
			t.Errorf("after it: %d routes", w.Len())
		}
		p.Close()
	})
}

// A server that reads slowly is not cut off for being behind, one that has stopped is
// (spec: cluster-routes 12.2).
func TestSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := behind(t, true)
		b := make([]byte, 16<<10)
		p.Conn.SetReadDeadline(time.Time{})
		for range 8 { // slowly: some in every period
			time.Sleep(1500 * time.Millisecond)
			synctest.Wait()
			if _, err := p.Conn.Read(b); err != nil {
				t.Fatal(err)
			}
		}
		if w.Len() != 1 || !w.log.has("INF pipe - rid:1 - Slow Consumer Detected: WriteDeadline of 2s exceeded with") {
			t.Errorf("%d routes, or nothing in the log", w.Len())
		}
		time.Sleep(10 * time.Second)
		if w.Len() != 0 || !w.log.has("Router connection closed: Slow Consumer (Write Deadline) - Remote: B") {
			t.Errorf("%d routes, though the server takes nothing", w.Len())
		}
		p.Close()
	})
}
