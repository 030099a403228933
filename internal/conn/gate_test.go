package conn_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"io"
	"net"

	"nats-server/internal/conn"
)

// gatedQueue is a queue of 2 MB above its high-water mark of 1.5 MB, with a writer
// that is stuck with a peer that does not read. It is for the bubble of a synctest.
func gatedQueue(t *testing.T) (*session, net.Conn) {
	w, s := newWorld(t), new(session)
	w.cfg.MaxPending = 2_000_000
	w.cfg.WriteDeadline = 1000 * time.Hour
	far := w.connect(transports[0], s)
	st, tap := s.stage(), new(conn.Tap)
	for i := range 20 {
		add(st, tap, strings.Repeat("x", 100_000))
		o := s.Out.Commit(st)
		if above := s.Out.Pending() > 1_500_000; o.Gated != above {
			t.Fatalf("gated is %v after %d commits", o.Gated, i+1)
		}
		s.Out.Flush(false)
	}
	synctest.Wait()
	return s, far
}

// drain reads from far until fewer than pending bytes are pending.
func drain(t *testing.T, s *session, far net.Conn, pending int64) {
	t.Helper()
	for s.Out.Pending() >= pending {
		_, err := io.CopyN(io.Discard, far, 10_000)
		noErr(t, err)
		synctest.Wait()
	}
}

// wait calls Wait and reports how long it took, by the clock of the bubble.
func wait(s *session, d time.Duration) (waited bool, took time.Duration) {
	began := time.Now()
	waited = s.Out.Wait(d)
	return waited, time.Since(began)
}

func TestNobodyWaitsForAQueueThatIsNotBehind(t *testing.T) {
	w, s := newWorld(t), new(session)
	w.connect(transports[0], s)
	equal(t, "waited", s.Out.Wait(time.Hour), false)
}

func TestNobodyWaitsForAQueueThatDoesNotMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := gatedQueue(t)
		for range 3 {
			waited, took := wait(s, time.Hour)
			equal(t, "waited", waited, false)
			equal(t, "took", took, 0)
		}
	})
}

func TestWaitingForAQueueThatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, far := gatedQueue(t)
		wait(s, time.Hour)
		drain(t, s, far, s.Out.Pending())
		if s.Out.Pending() < 1_500_000 {
			t.Fatalf("%d bytes are left", s.Out.Pending())
		}
		// Only so long.
		waited, took := wait(s, 2*time.Millisecond)
		equal(t, "waited", waited, true)
		equal(t, "took", took, 2*time.Millisecond)
		// It has not moved for a while.
		time.Sleep(time.Second) // virtual
		waited, took = wait(s, 2*time.Millisecond)
		equal(t, "waited", waited, false)
		equal(t, "took", took, 0)
	})
}

func TestTheGateOpensBelowTheMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, far := gatedQueue(t)
		drain(t, s, far, s.Out.Pending())
		done := make(chan time.Duration, 1)
		go func() {
			_, took := wait(s, time.Hour)
			done <- took
		}()
		for s.Out.Pending() >= 1_500_000 {
			synctest.Wait()
			if len(done) > 0 {
				t.Fatalf("open at %d bytes", s.Out.Pending())
			}
			time.Sleep(time.Second) // virtual
			drain(t, s, far, s.Out.Pending())
		}
		synctest.Wait()
		if len(done) == 0 {
			t.Fatalf("closed at %d bytes", s.Out.Pending())
		}
		if took := <-done; took == 0 || took == time.Hour {
			t.Errorf("took %v", took)
		}
		equal(t, "waits again", s.Out.Wait(time.Hour), false)
		st := s.stage()
		add(st, new(conn.Tap), "x")
		equal(t, "gated", s.Out.Commit(st).Gated, false)
	})
}

func TestTheGateOpensWhenTheConnectionCloses(t *testing.T) {
	for _, r := range []conn.Reason{conn.ServerShutdown, conn.SlowConsumerPending, conn.WriteError} {
		synctest.Test(t, func(t *testing.T) {
			s, far := gatedQueue(t)
			drain(t, s, far, s.Out.Pending())
			done := make(chan time.Duration, 1)
			go func() {
				_, took := wait(s, time.Hour)
				done <- took
			}()
			synctest.Wait()
			s.Close(r)
			equal(t, "took", <-done, 0)
			equal(t, "waits again", s.Out.Wait(time.Hour), false)
		})
	}
}
