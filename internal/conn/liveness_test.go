package conn_test

import (
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"nats-server/internal/conn"
)

const ping = "PING\r\n"

// startPipe makes a connection over a pipe, for the bubble of a synctest.
func startPipe(t *testing.T, interval time.Duration) (*world, *session, net.Conn) {
	w, s := newWorld(t), new(session)
	w.cfg.PingInterval = interval
	far := w.bind(transports[0], s)
	return w, s, far
}

// hearsAfter fails the test unless want is the next to arrive, after d.
func hearsAfter(t *testing.T, far net.Conn, d time.Duration, want string) {
	t.Helper()
	silent(t, far, d-time.Nanosecond)
	time.Sleep(time.Nanosecond) // virtual
	synctest.Wait()
	hears(t, far, want)
}

// silent fails the test if anything arrives within d.
func silent(t *testing.T, far net.Conn, d time.Duration) {
	t.Helper()
	began := time.Now()
	far.SetReadDeadline(time.Now().Add(d))
	b := make([]byte, 100)
	if n, err := far.Read(b); !os.IsTimeout(err) {
		t.Fatalf("heard %q after %v (%v)", b[:n], time.Since(began), err)
	}
}

func TestSilentPeersArePingedAndGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, far := startPipe(t, time.Minute)
		s.StartPings()
		s.Start()
		hearsAfter(t, far, time.Minute, ping)
		hearsAfter(t, far, time.Minute, ping)
		hearsAfter(t, far, time.Minute, w.cfg.Stale.Line)
		equal(t, "heard", everything(t, far), "")
		equal(t, "reason", s.reason(t), conn.StaleConnection)
		equal(t, "stale", w.stats.Stale.Load(), 1)
		equal(t, "round trip", s.RTT(), 0)
	})
}

func TestPeersThatAnswerStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, far := startPipe(t, time.Minute)
		s.StartPings()
		s.Start()
		for range 3 {
			hearsAfter(t, far, time.Minute, ping)
			hearsAfter(t, far, time.Minute, ping)
			time.Sleep(7 * time.Millisecond) // virtual: the way there and back
			s.Pong()
			equal(t, "round trip", s.RTT(), 7*time.Millisecond)
			time.Sleep(time.Minute - 7*time.Millisecond) // in step again
			hears(t, far, ping)
			s.Pong()
		}
		equal(t, "closed", s.Closed(), false)
		equal(t, "stale", w.stats.Stale.Load(), 0)
	})
}

func TestTheFirstPingComesSoonAfterAuthentication(t *testing.T) {
	f := func(interval, soon time.Duration) {
		t.Helper()
		seen := make(map[time.Duration]bool)
		for range 30 {
			synctest.Test(t, func(t *testing.T) {
				_, s, far := startPipe(t, interval)
				s.StartPings()
				s.Start()
				began := time.Now()
				equal(t, "in time", s.Authenticated(), true)
				hears(t, far, ping)
				took := time.Since(began)
				if took < soon || took > soon+soon/5 {
					t.Errorf("interval %v: the first ping took %v", interval, took)
				}
				seen[took] = true
				hearsAfter(t, far, interval, ping)
			})
		}
		if len(seen) < 5 {
			t.Errorf("interval %v: %d different times in 30", interval, len(seen))
		}
	}
	f(2*time.Minute, 2*time.Second)
	f(2*time.Second, 2*time.Second)
	f(time.Second, time.Second)
	f(time.Millisecond, time.Millisecond)
}

func TestPeersThatAreHeardAreNotPinged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, far := startPipe(t, time.Minute)
		s.StartPings()
		s.Start()
		// Heard of, but its round trip is not known yet.
		s.Heard()
		hearsAfter(t, far, time.Minute, ping)
		s.Pong()
		const between = time.Second // the test acts between two looks of the server
		silent(t, far, between)
		for range 59 {
			s.Heard()
			silent(t, far, time.Minute)
		}
		// The round trip has become too old to rely on.
		s.Heard()
		hearsAfter(t, far, time.Minute-between, ping)
		s.Pong()
		silent(t, far, between)
		s.Heard()
		silent(t, far, time.Minute)
		// A pong is not what counts as being heard.
		s.Pong()
		hearsAfter(t, far, time.Minute-between, ping)
	})
}

func TestUnansweredPingsAddUpThoughThePeerIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, far := startPipe(t, time.Minute)
		w.cfg.MaxPingsOut = 1
		s.StartPings()
		s.Start()
		s.Heard()
		hearsAfter(t, far, time.Minute, ping)
		s.Heard()
		hearsAfter(t, far, time.Minute, w.cfg.Stale.Line)
		equal(t, "reason", s.reason(t), conn.StaleConnection)
	})
}

func TestPeersMustAuthenticateInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, far := startPipe(t, time.Minute)
		s.Await(3 * time.Second)
		s.Start()
		hearsAfter(t, far, 3*time.Second, w.cfg.Late.Line)
		equal(t, "heard", everything(t, far), "")
		equal(t, "reason", s.reason(t), conn.AuthenticationTimeout)
		equal(t, "in time", s.Authenticated(), false)
		equalAll(t, "error lines", w.log.with("ERR", ""), nil)
		equalAll(t, "lines", w.log.with("DBG", " - authentication timeout"), []string{"DBG " + s.String() + " - authentication timeout"})
		equal(t, "stale", w.stats.Stale.Load(), 0)
	})
}

func TestAuthenticationInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, far := startPipe(t, time.Minute)
		s.Await(3 * time.Second)
		s.Start()
		silent(t, far, 3*time.Second-1)
		equal(t, "in time", s.Authenticated(), true)
		silent(t, far, 2*time.Second-1)
		hears(t, far, ping)
		s.Pong()
		hearsAfter(t, far, time.Minute, ping)
		equal(t, "closed", s.Closed(), false)
		equalAll(t, "error lines", w.log.with("ERR", ""), nil)
	})
}

// Who has introduced itself in time is not late, however long it takes to look at it, and
// is not pinged before it has come in.
func TestIntroductionInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, far := startPipe(t, time.Minute)
		s.Await(3 * time.Second)
		s.Start()
		silent(t, far, 3*time.Second-1)
		equal(t, "in time", s.Introduced(), true)
		silent(t, far, time.Hour)
		equal(t, "again", s.Introduced(), true)
		equal(t, "in time", s.Authenticated(), true)
		silent(t, far, 2*time.Second-1)
		hears(t, far, ping)
	})
}

func TestIntroductionTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, far := startPipe(t, time.Minute)
		s.Await(3 * time.Second)
		s.Start()
		hearsAfter(t, far, 3*time.Second, w.cfg.Late.Line)
		equal(t, "in time", s.Introduced(), false)
		equal(t, "in time", s.Authenticated(), false)
	})
}

func TestClosedConnectionsAreNotInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, _ := startPipe(t, time.Minute)
		s.Await(time.Hour)
		s.Start()
		s.Close(conn.ServerShutdown)
		equal(t, "in time", s.Authenticated(), false)
	})
}

func TestNoPingsAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, far := startPipe(t, time.Minute)
		s.StartPings()
		s.Start()
		go io.Copy(io.Discard, far)
		s.Close(conn.ServerShutdown)
		equal(t, "reason", s.reason(t), conn.ServerShutdown)
		time.Sleep(time.Hour) // virtual
		equal(t, "stale", w.stats.Stale.Load(), 0)
		equal(t, "pending", s.Out.Pending(), 0)
	})
}

// Nothing remembers a connection that has ended, though its next ping were far away.
func TestEndedConnectionsAreForgotten(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		var c weak.Pointer[conn.Conn]
		t.Run("conn", func(t *testing.T) {
			w, s := newWorld(t), new(session)
			far := w.bind(tr, s)
			c = weak.Make(s.Conn)
			s.StartPings()
			s.Start()
			s.say("x")
			hears(t, far, "x")
			far.Close()
			s.reason(t)
		})
		eventually(t, "the connection is forgotten", func() bool {
			runtime.GC()
			return c.Value() == nil
		})
	})
}

// A ping joins what is queued already; it does not hurry ahead.
func TestPingsKeepTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, far := startPipe(t, time.Minute)
		s.StartPings()
		s.Start()
		text := strings.Repeat("x", 50_000)
		s.Out.Append([]byte(text))
		time.Sleep(time.Minute) // virtual
		hears(t, far, text+ping)
	})
}
