package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	inboxPrefix = "_INBOX.k3mSnVqPy2Zt8Wb1RcD5xE" // 22 characters after the dot
	hexDigits   = "0123456789abcdef"
)

// putToken writes eight digits at b, different for every count and without an
// order that a server could profit from.
func putToken(b []byte, count uint32) {
	v := count * 2654435761 // odd: a permutation of all values
	for i := range 8 {
		b[i] = hexDigits[v&15]
		v >>= 4
	}
}

// runChurn measures subscribing to an inbox and giving it up again, while
// another connection has 10,000 inboxes.
func runChurn(e *env) (measurement, error) {
	p, err := e.startServer()
	if err != nil {
		return measurement{}, err
	}
	other, err := e.client(p.port, sockOptions{})
	if err != nil {
		return measurement{}, err
	}
	var standing []subscription
	for i := range 10_000 {
		subject := fmt.Sprintf("_INBOX.%022d.*", i*7919)
		standing = append(standing, subscription{0, subject, fmt.Sprint(i + 1)})
	}
	if err := subscribeAll([]*sock{other}, standing); err != nil {
		return measurement{}, err
	}
	s, err := e.client(p.port, wideOptions)
	if err != nil {
		return measurement{}, err
	}
	c := newChurn()
	if err := c.loop(e, s, e.length/6); err != nil {
		return measurement{}, err
	}
	return e.measureOps(func() (int64, error) {
		already := c.pairs
		err := c.loop(e, s, e.length)
		return c.pairs - already, err
	})
}

// measureOps measures CPU and wall time per operation of f, which returns how
// many operations it has done.
func (e *env) measureOps(f func() (int64, error)) (measurement, error) {
	before, err := e.quietCPU()
	if err != nil {
		return measurement{}, err
	}
	start := time.Now()
	n, err := f()
	if err != nil {
		return measurement{}, err
	}
	wall := time.Since(start)
	after, err := e.quietCPU()
	if err != nil {
		return measurement{}, err
	}
	if n == 0 {
		return measurement{}, errors.New("nothing was done in the time")
	}
	return measurement{
		Figure: float64(after-before) / float64(n),
		Wall:   float64(wall) / float64(n),
		Rate:   float64(n) / wall.Seconds(),
		RSS:    e.peakMB(),
	}, nil
}

// churn is a batch of SUB+UNSUB pairs whose inboxes and sids are renewed in
// place for every round.
type churn struct {
	batch   []byte
	pairAt  []int
	pairs   int64
	counter uint32
}

const churnBatch = 1000

func newChurn() *churn {
	c := &churn{}
	for range churnBatch {
		c.pairAt = append(c.pairAt, len(c.batch))
		c.batch = append(c.batch, "SUB "+inboxPrefix+".xxxxxxxx 00000000\r\nUNSUB 00000000\r\n"...)
	}
	c.batch = append(c.batch, pingLine...)
	return c
}

const (
	churnToken = len("SUB " + inboxPrefix + ".")
	churnSid   = churnToken + len("xxxxxxxx ")
	churnUnsub = churnSid + len("00000000\r\nUNSUB ")
)

func (c *churn) renew() {
	for _, at := range c.pairAt {
		c.counter++
		putToken(c.batch[at+churnToken:], c.counter)
		sid := c.batch[at+churnSid : at+churnSid+8]
		v := c.counter
		for i := 7; i >= 0; i-- {
			sid[i] = '0' + byte(v%10)
			v /= 10
		}
		sid[0] |= 1 // no leading zero, as a client would write it
		copy(c.batch[at+churnUnsub:], sid)
	}
}

// loop keeps two batches on their way.
func (c *churn) loop(e *env, s *sock, length time.Duration) error {
	deadline := time.Now().Add(length)
	waiting := 0
	for waiting > 0 || time.Now().Before(deadline) {
		if e.failed.Load() {
			return e.firstError()
		}
		if waiting < 2 && time.Now().Before(deadline) {
			c.renew()
			if err := s.write(c.batch); err != nil {
				return err
			}
			waiting++
			continue
		}
		if err := s.awaitPong(); err != nil {
			return err
		}
		waiting--
		c.pairs += churnBatch
	}
	return nil
}

// runConnects measures opening, greeting and closing connections.
func runConnects(e *env) (measurement, error) {
	p, err := e.startServer()
	if err != nil {
		return measurement{}, err
	}
	if _, err := connectMany(e, p.port, 500, e.length); err != nil {
		return measurement{}, err
	}
	return e.measureOps(func() (int64, error) { return connectMany(e, p.port, 20_000, e.length) })
}

// connectMany opens at most n connections within the given time from four
// threads. The source addresses differ: each has its own ports to wait out.
func connectMany(e *env, port, n int, length time.Duration) (int64, error) {
	const workers = 4
	deadline := time.Now().Add(length)
	var opened atomic.Int64
	var running []*sync.WaitGroup
	for w := range workers {
		running = append(running, e.spawn(func() error {
			for range n / workers {
				if e.failed.Load() || time.Now().After(deadline) {
					break
				}
				if err := e.connectOnce(port, byte(w+2)); err != nil {
					return err
				}
				opened.Add(1)
			}
			return nil
		}))
	}
	for _, r := range running {
		r.Wait()
	}
	return opened.Load(), e.firstError()
}

var plainConnect = connectLine(sockOptions{})

// connectOnce ends the connection in order: it waits until the server has
// closed its side, so that no unread bytes turn the end into a reset.
func (e *env) connectOnce(port int, source byte) error {
	s, err := e.open(port, sockOptions{source: source})
	if err != nil {
		return err
	}
	defer e.close(s)
	var space [4096]byte
	if err := s.readTo(space[:], "\n"); err != nil {
		return err
	}
	if err := s.write(plainConnect); err != nil {
		return err
	}
	if err := s.readTo(space[:], "PONG\r\n"); err != nil {
		return err
	}
	syscall.Shutdown(s.fd, syscall.SHUT_WR)
	for {
		n, err := syscall.Read(s.fd, space[:])
		if err == syscall.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return err
		}
	}
}

// readTo reads until the mark has come.
func (s *sock) readTo(space []byte, mark string) error {
	for n := 0; n < len(space); {
		got, err := s.read(space[n:])
		if err != nil {
			return err
		}
		n += got
		if bytes.Contains(space[:n], []byte(mark)) {
			return nil
		}
		if strings.HasPrefix(string(space[:n]), "-ERR") {
			return fmt.Errorf("the server sent %.200q", space[:n])
		}
	}
	return fmt.Errorf("no %q in %d bytes", mark, len(space))
}
