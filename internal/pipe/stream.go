package pipe

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// stream is one direction of a pipe.
type stream struct {
	mu      sync.Mutex
	ring    ring
	reader  side
	writer  side
	writing bool // a write is under way; others wait, so that bytes do not mix
}

// side is what a stream knows of the end that reads from it or writes to it.
type side struct {
	wake     sync.Cond // on the stream's mutex: the ring, a deadline or an end has changed
	deadline time.Time // with monotonic reading; zero = none
	timer    *time.Timer
	closed   bool
}

func newStream(size int) *stream {
	s := &stream{ring: ring{limit: max(size, 1)}}
	s.reader.wake.L = &s.mu
	s.writer.wake.L = &s.mu
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if err := s.reader.usable(); err != nil {
			return 0, err
		}
		switch {
		case s.ring.n > 0:
			n := s.ring.take(p)
			s.writer.wake.Broadcast()
			return n, nil
		case len(p) == 0:
			return 0, nil
		case s.writer.closed:
			return 0, io.EOF
		}
		s.reader.wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.writing {
		if err := s.writable(); err != nil {
			return 0, err
		}
		s.writer.wait()
	}
	s.writing = true
	defer func() {
		s.writing = false
		s.writer.wake.Broadcast()
	}()

	written := 0
	for {
		if err := s.writable(); err != nil {
			return written, err
		}
		if n := s.ring.put(p[written:]); n > 0 {
			written += n
			s.reader.wake.Broadcast()
		}
		if written == len(p) {
			return written, nil
		}
		s.writer.wait()
	}
}

func (s *stream) writable() error {
	if err := s.writer.usable(); err != nil {
		return err
	}
	if s.reader.closed {
		return io.ErrClosedPipe
	}
	return nil
}

func (s *stream) closeWriter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writer.close()
	s.reader.wake.Broadcast()
}

func (s *stream) closeReader() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reader.close()
	s.ring = ring{} // nobody will read it
	s.writer.wake.Broadcast()
}

func (s *stream) setDeadline(d *side, t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	if !t.IsZero() {
		// Measured on the monotonic clock from here on, like the timer: a step of
		// the wall clock must not let the timer go off before the deadline.
		now := time.Now()
		t = now.Add(t.Sub(now))
	}
	d.deadline = t
	d.wake.Broadcast() // those who wait look at it and set the timer
	return nil
}

func (d *side) usable() error {
	switch {
	case d.closed:
		return net.ErrClosed
	case !d.deadline.IsZero() && !time.Now().Before(d.deadline):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// wait blocks until something has changed or the deadline comes. A timer runs
// only for a call that really waits, so setting a deadline before every read or
// write costs next to nothing. It may fire for a deadline that has been replaced,
// which wakes the waiter once for nothing.
func (d *side) wait() {
	if !d.deadline.IsZero() {
		left := time.Until(d.deadline)
		if d.timer == nil {
			d.timer = time.AfterFunc(left, d.expired)
		} else {
			d.timer.Reset(left)
		}
	}
	d.wake.Wait()
}

// expired wakes under the lock: without it the timer could go off between the
// timer's start and the Wait of the same call, which would then miss it.
func (d *side) expired() {
	d.wake.L.Lock()
	defer d.wake.L.Unlock()
	d.wake.Broadcast()
}

func (d *side) close() {
	d.closed = true
	if d.timer != nil {
		d.timer.Stop()
	}
	d.wake.Broadcast()
}
