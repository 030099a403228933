package conn_test

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nats-server/internal/conn"
)

func TestPendingLimit(t *testing.T) {
	const limit = 10_000
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		w.cfg.MaxPending = limit
		far := w.connect(tr, s)
		st, tap := s.stage(), new(conn.Tap)
		add(st, tap, strings.Repeat("a", limit))
		if o := s.Out.Commit(st); o.Failed {
			t.Errorf("exactly the limit: %+v", o)
		}
		add(st, tap, "b")
		o := s.Out.Commit(st)
		if !o.Failed {
			t.Fatalf("beyond the limit: %+v", o)
		}
		s.Out.Overflow()
		equal(t, "reason", s.reason(t), conn.SlowConsumerPending)
		equal(t, "heard", everything(t, far), "")
		equal(t, "slow consumers", w.stats.SlowConsumers.Load(), 1)
		equalAll(t, "warnings", w.log.with("WRN", ""),
			[]string{"WRN " + s.String() + " - Slow Consumer Detected: MaxPending of 10000 Exceeded"})
		equal(t, "pending", s.Out.Pending(), 0)

		// Whoever is late loses messages, but nobody counts them.
		before := s.Traffic()
		add(st, tap, "c\n")
		o = s.Out.Commit(st)
		if o.Failed || o.Flush || o.Gated || len(o.Lost) != 1 || o.Lost[0].Msgs != 1 {
			t.Errorf("after the end: %+v", o)
		}
		s.Out.Append([]byte("d"))
		after := s.Traffic()
		equal(t, "messages sent", after, before)
		equal(t, "slow consumers", w.stats.SlowConsumers.Load(), 1)
	})
}

// A peer that does not read is cut off while a writer is stuck with it. It sees the
// beginning of what was sent, and no reason.
func TestPendingLimitOfAStuckPeer(t *testing.T) {
	const piece = 50_000
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		w.cfg.MaxPending = 1 << 20
		w.cfg.WriteDeadline = time.Hour // not the one to end this
		far := w.connect(tr, s)
		st, tap := s.stage(), new(conn.Tap)
		var sent strings.Builder
		for i := 0; ; i++ {
			if i > 10_000 {
				t.Fatal("the kernel takes everything")
			}
			text := strings.Repeat(fmt.Sprintf("%09d\n", i), piece/10)
			sent.WriteString(text)
			add(st, tap, text)
			o := s.Out.Commit(st)
			if o.Failed {
				break
			}
			s.Out.Flush(true)
		}
		s.Out.Overflow()
		equal(t, "reason", s.reason(t), conn.SlowConsumerPending)
		equal(t, "slow consumers", w.stats.SlowConsumers.Load(), 1)
		w.over() // the peer still does not read
		equal(t, "pending", s.Out.Pending(), 0)
		if heard := everything(t, far); !strings.HasPrefix(sent.String(), heard) || len(heard) > sent.Len()-piece {
			t.Errorf("heard %d bytes of %d, ending in %.40q", len(heard), sent.Len(), heard[max(0, len(heard)-40):])
		}
	})
}

func TestAppendKeepsTheLimit(t *testing.T) {
	w, s := newWorld(t), new(session)
	w.cfg.MaxPending = 10
	w.connect(transports[0], s)
	s.Out.Append([]byte("0123456789"))
	equal(t, "closed", s.Closed(), false)
	s.Out.Append([]byte("x"))
	equal(t, "reason", s.reason(t), conn.SlowConsumerPending)
	equal(t, "slow consumers", w.stats.SlowConsumers.Load(), 1)
}

func TestNoPendingLimit(t *testing.T) {
	w, s := newWorld(t), new(session)
	w.cfg.MaxPending = 0
	w.connect(transports[0], s)
	st := s.stage()
	for range 300 {
		add(st, new(conn.Tap), strings.Repeat("x", 100_000))
		if o := s.Out.Commit(st); o.Failed || o.Gated {
			t.Fatalf("%+v at %d bytes", o, s.Out.Pending())
		}
	}
}

// Between the commit that goes beyond the limit and the call of Overflow a writer,
// and with it the reader, may come to its end. That must not change the reason.
func TestAnOverflowIsNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(t), new(session)
		w.cfg.MaxPending = 10_000
		far := w.connect(transports[0], s)
		st, tap := s.stage(), new(conn.Tap)
		add(st, tap, strings.Repeat("a", 9_000))
		s.Out.Commit(st)
		s.Out.Flush(false)
		synctest.Wait() // the writer is stuck
		add(st, tap, strings.Repeat("b", 2_000))
		if o := s.Out.Commit(st); !o.Failed {
			t.Fatalf("%+v", o)
		}
		go io.Copy(io.Discard, far)
		synctest.Wait() // the writer has written everything
		s.Out.Overflow()
		equal(t, "reason", s.reason(t), conn.SlowConsumerPending)
		equal(t, "slow consumers", w.stats.SlowConsumers.Load(), 1)
	})
}

var deadlineLine = regexp.MustCompile(`^WRN \S+ - cid:7 - Slow Consumer Detected: WriteDeadline of \S+ exceeded with \d+ chunks of \d+ total bytes\.$`)

func (w *world) deadlineExceeded(s *session) {
	w.t.Helper()
	equal(w.t, "reason", s.reason(w.t), conn.SlowConsumerDeadline)
	w.over()
	equal(w.t, "slow consumers", w.stats.SlowConsumers.Load(), 1)
	equal(w.t, "pending", s.Out.Pending(), 0)
	if found := w.log.with("WRN", ""); len(found) != 1 || !deadlineLine.MatchString(found[0]) {
		w.t.Errorf("warnings %q", found)
	}
}

func TestWriteDeadline(t *testing.T) {
	overTCP(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		w.cfg.WriteDeadline = 50 * time.Millisecond
		far := w.connect(tr, s)
		began := time.Now()
		s.Out.Append(make([]byte, 32<<20))
		s.Out.Append([]byte("more"))
		s.Out.Flush(true)
		w.deadlineExceeded(s)
		if took := time.Since(began); took < w.cfg.WriteDeadline {
			t.Errorf("took %v", took)
		}
		if n := len(everything(t, far)); n >= 32<<20 {
			t.Errorf("heard %d bytes", n)
		}
	})
}

func TestWriteDeadlineIsKeptToTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(t), new(session)
		w.cfg.WriteDeadline = 3 * time.Second
		w.connect(transports[0], s)
		began := time.Now()
		s.say(strings.Repeat("x", 100_000))
		w.deadlineExceeded(s)
		equal(t, "took", time.Since(began), 3*time.Second)
	})
}

// Each batch has the whole time, and a pause between two counts for nothing.
func TestWriteDeadlineIsForOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(t), new(session)
		w.cfg.WriteDeadline = 3 * time.Second
		far := w.connect(transports[0], s)
		for range 5 {
			go s.say(strings.Repeat("x", 10_000))
			synctest.Wait()
			time.Sleep(2 * time.Second) // virtual
			hears(t, far, strings.Repeat("x", 10_000))
			time.Sleep(time.Minute)
		}
		equal(t, "closed", s.Closed(), false)
		w.cfg.Log.Set(nil, false, false)
	})
}

// A write fails while the reader is busy and does not see the end itself.
func TestWriteErrors(t *testing.T) {
	overTCP(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		entered, leave := make(chan bool, 1), make(chan bool)
		s.consume = func(b []byte) (int, int, error) {
			entered <- true
			<-leave
			return len(b), 0, nil
		}
		far := w.bind(tr, s).(*net.TCPConn)
		s.ReadApart(true)
		s.Start()
		_, err := far.Write([]byte("x"))
		noErr(t, err)
		<-entered
		noErr(t, far.SetLinger(0))
		far.Close()
		eventually(t, "a write fails", func() bool {
			s.say("x")
			return s.Closed()
		})
		close(leave)
		equal(t, "reason", s.reason(t), conn.WriteError)
	})
}

// heap returns the bytes in use, with nothing in the pools.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What is held for a peer that does not read is in proportion to what is pending,
// whatever the sizes in which it came.
func TestMemoryOfAStuckPeer(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	const pending = 8 << 20
	for _, size := range []int{1, 10, 100, 300, 513, 1000, 2100, 4096, 4097, 6000, 16_000, 16_385, 40_000, 70_000} {
		w, s := newWorld(t), new(session)
		w.cfg.MaxPending = 0
		w.connect(transports[0], s)
		s.say(strings.Repeat("x", 100_000)) // a writer is stuck from now on
		st, tap, text := s.stage(), new(conn.Tap), strings.Repeat("x", size)
		before := heap()
		for n := 0; n < pending; n += size {
			add(st, tap, text)
			s.Out.Commit(st)
		}
		held := heap() - before
		t.Logf("%5d bytes at a time: %.2f bytes held per byte", size, float64(held)/pending)
		if held > 22*pending/10 {
			t.Errorf("%d bytes at a time: %.1f bytes held per byte", size, float64(held)/pending)
		}
		s.Close(conn.SlowConsumerPending)
		w.over()
		if left := heap() - before; left > pending/8 {
			t.Errorf("%d bytes at a time: %d bytes held after the end", size, left)
		}
	}
}
