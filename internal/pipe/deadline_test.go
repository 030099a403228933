package pipe

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func soon() time.Time { return time.Now().Add(time.Minute) }

// call is a read or a write of one byte and the deadline that governs it.
type call struct {
	name  string
	do    func(net.Conn) error
	limit func(net.Conn, time.Time) error
}

// calls block on an end that bothFull has prepared.
var calls = []call{
	{"read", func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err }, net.Conn.SetReadDeadline},
	{"write", func(c net.Conn) error { _, err := c.Write([]byte("x")); return err }, net.Conn.SetWriteDeadline},
	{"read, common deadline", func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err }, net.Conn.SetDeadline},
	{"write, common deadline", func(c net.Conn) error { _, err := c.Write([]byte("x")); return err }, net.Conn.SetDeadline},
}

// eachCall runs f in virtual time for every call, on an end where it blocks.
func eachCall(t *testing.T, f func(*testing.T, call, net.Conn)) {
	for _, k := range calls {
		t.Run(k.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := New(1)
				mustWrite(t, a, "x")
				defer b.Close()
				f(t, k, a)
			})
		})
	}
}

func checkTimeout(t *testing.T, err error) {
	t.Helper()
	var ne net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("got %v, want a deadline error", err)
	}
}

func checkElapsed(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("took %v, want %v", got, want)
	}
}

func TestDeadlineEndsBlockedCall(t *testing.T) {
	eachCall(t, func(t *testing.T, k call, c net.Conn) {
		start := time.Now()
		k.limit(c, start.Add(time.Hour))
		checkTimeout(t, k.do(c))
		checkElapsed(t, start, time.Hour)
		checkTimeout(t, k.do(c)) // and every one after it, at once
		checkElapsed(t, start, time.Hour)

		k.limit(c, time.Now().Add(time.Second)) // until it is moved
		checkTimeout(t, k.do(c))
		checkElapsed(t, start, time.Hour+time.Second)
	})
}

func TestDeadlineInThePast(t *testing.T) {
	eachCall(t, func(t *testing.T, k call, c net.Conn) {
		for _, at := range []time.Time{time.Now(), time.Now().Add(-time.Hour), time.Unix(1, 0)} {
			start := time.Now()
			k.limit(c, at)
			checkTimeout(t, k.do(c))
			checkElapsed(t, start, 0)
		}
	})
}

// TestDeadlineBeatsReadiness: like a socket, an end past its deadline does
// nothing even if it could.
func TestDeadlineBeatsReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := New(10)
		mustWrite(t, b, "data")
		a.SetDeadline(time.Now())
		readFails(t, a, os.ErrDeadlineExceeded)
		writeFails(t, a, os.ErrDeadlineExceeded)
		b.Close()
		a.SetDeadline(time.Time{})
		mustRead(t, a, "data")
		a.SetDeadline(time.Now())
		readFails(t, a, os.ErrDeadlineExceeded)
	})
}

// TestDeadlineMovedWhileBlocked moves it 10 s after the call began.
func TestDeadlineMovedWhileBlocked(t *testing.T) {
	f := func(first, second, want time.Duration) {
		t.Helper()
		eachCall(t, func(t *testing.T, k call, c net.Conn) {
			start := time.Now()
			set := func(d time.Duration) {
				if d == 0 {
					k.limit(c, time.Time{})
				} else {
					k.limit(c, start.Add(d))
				}
			}
			set(first)
			time.AfterFunc(10*time.Second, func() { set(second) })
			checkTimeout(t, k.do(c))
			checkElapsed(t, start, want)
		})
	}
	const s = time.Second
	f(0, 30*s, 30*s)    // set
	f(60*s, 30*s, 30*s) // earlier
	f(30*s, 60*s, 60*s) // later
	f(60*s, 5*s, 10*s)  // into the past
	f(20*s, 20*s, 20*s) // not at all
}

func TestDeadlineRemovedWhileBlocked(t *testing.T) {
	eachCall(t, func(t *testing.T, k call, c net.Conn) {
		k.limit(c, time.Now().Add(time.Minute))
		time.AfterFunc(time.Second, func() { k.limit(c, time.Time{}) })
		time.AfterFunc(time.Hour, func() { c.Close() })
		start := time.Now()
		if err := k.do(c); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want closed", err)
		}
		checkElapsed(t, start, time.Hour)
	})
}

func TestDeadlineWithoutMonotonicReading(t *testing.T) {
	eachCall(t, func(t *testing.T, k call, c net.Conn) {
		start := time.Now()
		k.limit(c, start.Add(time.Minute).Round(0))
		checkTimeout(t, k.do(c))
		checkElapsed(t, start, time.Minute)
	})
}

func TestDeadlinesAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := New(10)
		a.SetReadDeadline(time.Now())
		mustWrite(t, a, "out")
		mustRead(t, b, "out") // and each end has its own
		a.SetDeadline(time.Time{})
		a.SetWriteDeadline(time.Now())
		mustWrite(t, b, "in")
		mustRead(t, a, "in")
	})
}

func TestDeadlineKeepsWhatWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := New(4)
		a.SetWriteDeadline(soon())
		n, err := a.Write([]byte("123456"))
		checkTimeout(t, err)
		if n != 4 {
			t.Errorf("wrote %d, want 4", n)
		}
		a.Close()
		mustRead(t, b, "1234")
		readFails(t, b, io.EOF)
	})
}

// TestDeadlineOfQueuedWriters: writers that wait for another one obey it, too.
func TestDeadlineOfQueuedWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := New(1)
		start := time.Now()
		a.SetWriteDeadline(start.Add(time.Minute))
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_, err := a.Write([]byte("long"))
				checkTimeout(t, err)
			})
		}
		wg.Wait()
		checkElapsed(t, start, time.Minute)
	})
}

// TestEverythingAtOnce is for the race detector: all methods of both ends from
// many goroutines, with deadlines shorter than the work.
func TestEverythingAtOnce(t *testing.T) {
	a, b := New(64)
	var users sync.WaitGroup
	for i := range 8 {
		for _, c := range []net.Conn{a, b} {
			users.Go(func() {
				p := make([]byte, 100)
				for n := range 100 {
					c.SetDeadline(time.Now().Add(time.Duration(n*i) * time.Microsecond))
					c.Read(p)
					c.SetReadDeadline(time.Now().Add(time.Millisecond))
					c.Write(p)
					c.LocalAddr()
				}
			})
		}
	}
	users.Wait()
}
