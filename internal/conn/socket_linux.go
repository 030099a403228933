package conn

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket is the link over a TCP socket that a Poller watches. It has no goroutine:
// a worker of the Poller reads when there is something, and whoever flushes writes
// as far as the kernel takes it; the rest goes on when the Poller says so.
type socket struct {
	c      *Conn
	poller *Poller
	fd     int
	addr   netip.AddrPort

	refs atomic.Int32  // users of fd, and one for its being open; fd is closed at 0
	open atomic.Bool   // that one is still there
	turn atomic.Uint32 // whose turn it is to read: one of the constants below
	hup  atomic.Bool   // the peer sends no more: read until the end
	deaf bool          // of the reader: the Poller does not report input, there is always some

	blocked atomic.Bool // the flusher waits for the Poller; who resets it is the flusher
	late    atomic.Bool // the time for the batch is over
	timing  atomic.Bool // the timer runs; changed under Queue.mu
	timer   *time.Timer // under Queue.mu: bounds the time for a batch that does not leave at once
	limit   time.Time   // under Queue.mu: when the timer is to fire
}

// Values of socket.turn. Who changes it from idle to busy is the reader.
const (
	over  = iota // not started, or ended
	idle         // nobody reads, the Poller watches
	busy         // somebody reads
	again        // and is to look again before it is idle
)

// Socket is the endpoint of a connection over a non-blocking TCP socket, which it
// takes over.
func Socket(p *Poller, fd int, peer netip.AddrPort) Endpoint {
	return func(c *Conn) link {
		s := &socket{c: c, poller: p, fd: fd, addr: peer}
		s.refs.Store(1)
		s.open.Store(true)
		return s
	}
}

func (s *socket) peer() net.Addr { return net.TCPAddrFromAddrPort(s.addr) }

// acquire makes sure that fd stays valid until release, or reports false.
func (s *socket) acquire() bool {
	for {
		n := s.refs.Load()
		if n == 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *socket) release() {
	if s.refs.Add(-1) == 0 {
		s.poller.forget(s)
		syscall.Close(s.fd)
	}
}

// shut lets the fd be closed as soon as nobody uses it.
func (s *socket) shut() {
	if !s.open.CompareAndSwap(true, false) {
		return
	}
	if s.timing.Load() {
		s.c.Out.mu.Lock()
		s.timer.Stop()
		s.c.Out.mu.Unlock()
	}
	s.release()
}

func (s *socket) start() {
	s.turn.Store(idle)
	if s.acquire() {
		if err := s.poller.watch(s); err != nil {
			s.c.cfg.Log.Errorf("%s - cannot watch the socket: %v", s.c, err)
			s.c.Close(ReadError)
		}
		s.release()
	}
	if s.c.Closed() {
		s.endIdle()
	}
}

func (s *socket) stop(flushing bool) {
	if flushing {
		s.c.Out.mu.Lock()
		s.setTimer(min(finalFlush, s.c.cfg.limits().WriteDeadline))
		s.c.Out.mu.Unlock()
	} else {
		s.shut()
		if s.blocked.CompareAndSwap(true, false) {
			s.flush(true) // in vain, which ends it
		}
	}
	s.endIdle()
}

// endIdle ends the reader if nobody reads; who does sees the end for itself.
func (s *socket) endIdle() {
	if s.turn.CompareAndSwap(idle, busy) {
		go s.end() // the caller may be anywhere, so not on its stack
	}
}

func (s *socket) end() {
	s.turn.Store(over)
	s.c.endReading()
}

// ready is called by the worker of the Poller that found the socket ready. It tells
// whether the workers are to write or to read, the right to which is now theirs.
func (s *socket) ready(events uint32) (write, read bool) {
	const ended = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
	if events&ended != 0 {
		s.hup.Store(true)
	}
	if events&(syscall.EPOLLOUT|syscall.EPOLLERR|syscall.EPOLLHUP) != 0 && s.blocked.Load() {
		write = s.blocked.CompareAndSwap(true, false)
	}
	return write, events&(syscall.EPOLLIN|ended) != 0 && s.takeTurn()
}

// takeTurn makes the caller the reader, or makes the reader look again.
func (s *socket) takeTurn() bool {
	for {
		switch s.turn.Load() {
		case idle:
			if s.turn.CompareAndSwap(idle, busy) {
				return true
			}
		case busy:
			if s.turn.CompareAndSwap(busy, again) {
				return false
			}
		default:
			return false
		}
	}
}

// read reads and processes once, on a worker of the Poller. It reports true if
// there may be more to read now, in which case it must be called again.
func (s *socket) read() (more bool) {
	if s.c.apart.Load() {
		go s.readApart(nil)
		return false
	}
	more, hold := s.readOnce()
	if hold != nil || s.c.in.again {
		go s.readApart(hold)
		return false
	}
	return s.goOn(more)
}

// readApart reads in a goroutine of its own until there is nothing to read, and
// may wait.
func (s *socket) readApart(hold func()) {
	for more := true; more; {
		if hold != nil {
			s.c.in.flood = false // the time is for an ordinary read
			s.c.guard(hold)
		}
		if s.c.in.again {
			hold = s.c.resume()
			more = s.goOn(true) // there may be more to read than what there was
			continue
		}
		more, hold = s.readOnce()
		more = s.goOn(more || hold != nil || s.c.in.again)
	}
}

// goOn ends a turn of reading: if there is no more for now, the Poller watches
// again; if the connection is closed, the reader ends.
func (s *socket) goOn(more bool) bool {
	c := s.c
	switch {
	case c.Closed():
		s.end()
		return false
	case more:
		// Reports of input that is read anyway would only wake a worker.
		if !s.deaf {
			s.deaf, c.in.flood = true, !c.apart.Load()
			s.watch(watchedBusy)
			s.lengthy()
		}
		return true
	}
	c.rest()
	deaf := s.deaf
	s.deaf, c.in.flood = false, false
	if !s.turn.CompareAndSwap(busy, idle) {
		s.turn.Store(busy) // it was again
		s.deaf = deaf
		return true
	}
	if deaf {
		s.watch(watched) // reports input that has come meanwhile, too
	}
	if c.Closed() {
		s.endIdle()
	}
	return false
}

// watch changes what the Poller reports.
func (s *socket) watch(events uint32) {
	if s.acquire() {
		s.poller.control(syscall.EPOLL_CTL_MOD, s, events)
		s.release()
	}
}

// readOnce reads what fits and processes it.
func (s *socket) readOnce() (more bool, hold func()) {
	c := s.c
	if c.Closed() || !s.acquire() {
		return false, nil
	}
	in := c.source()
	room := in.room()
	n, err := syscall.Read(s.fd, room)
	s.release()
	switch {
	case err == syscall.EAGAIN:
		s.hup.Store(false) // there is no end to be read
		return false, nil
	case err == syscall.EINTR:
		return true, nil
	case err != nil:
		c.readFailed(os.NewSyscallError("read", err))
		return false, nil
	case n == 0:
		c.readFailed(io.EOF)
		return false, nil
	}
	in.add(n)
	hold = c.process()
	// A short read has emptied the socket. Whatever comes later, but for an end
	// that was reported already, makes the Poller report it.
	return n == len(room) || s.hup.Load(), hold
}

func (s *socket) lengthy() { s.poller.share() }

func (s *socket) hungUp() bool { return s.hup.Load() }

// flush writes the batch as far as the kernel takes it. If it takes no more, the
// right to write rests with blocked.
func (s *socket) flush(direct bool) {
	if !direct {
		s.poller.add(task{s: s, write: true})
		return
	}
	c := s.c
	q, f := &c.Out, &c.flusher
	if !s.acquire() {
		q.finish(true)
		return
	}
	defer s.release()
	for {
		c.seal()
		written, err := 0, error(nil)
		for b := f.next(); err == nil && len(b) > 0; b = f.next() {
			var n int
			n, err = syscall.Write(s.fd, b)
			if n > 0 {
				written += n
				f.wrote(n)
			}
			if err == syscall.EINTR {
				err = nil
			}
		}
		q.wrote(written)
		switch {
		case err == syscall.EAGAIN && s.wait():
			return
		case err == syscall.EAGAIN && s.late.Load() && c.bearsWith(os.ErrDeadlineExceeded):
			s.prolong()
		case err == syscall.EAGAIN && s.late.Load():
			s.failFlush(os.ErrDeadlineExceeded)
			return
		case err == syscall.EAGAIN && !s.open.Load():
			s.failFlush(net.ErrClosed)
			return
		case err != nil && err != syscall.EAGAIN:
			s.failFlush(os.NewSyscallError("write", err))
			return
		case err == nil:
			s.stopTimer()
			c.caughtUp()
			if q.finish(false) {
				return
			}
		}
	}
}

// prolong gives the flush another deadline.
func (s *socket) prolong() {
	q := &s.c.Out
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		s.late.Store(false)
		s.setTimer(s.c.cfg.limits().WriteDeadline)
	}
}

func (s *socket) failFlush(err error) {
	s.c.writeFailed(err)
	s.stopTimer()
	s.c.Out.finish(true)
}

// unsent returns how many bytes the kernel holds that it may not send yet, since
// the peer has no room. What is under way is not counted: kernels acknowledge late.
func (s *socket) unsent() int {
	if !s.acquire() {
		return 0
	}
	defer s.release()
	n, _ := unix.IoctlGetInt(s.fd, unix.SIOCOUTQNSD)
	return n
}

// wait makes the flusher wait for the Poller. It reports false if that is not
// necessary any more, or too late.
func (s *socket) wait() bool {
	q := &s.c.Out
	q.mu.Lock()
	if !q.closed && !s.timing.Load() {
		s.c.flusher.moved = false
		s.setTimer(s.c.cfg.limits().WriteDeadline)
	}
	q.pace.look(s.unsent())
	q.mu.Unlock()
	s.blocked.Store(true)
	// The socket may have become writable, the time may have run out, or the
	// connection may have been closed, before those who do that could see that
	// somebody waits.
	if (s.late.Load() || !s.open.Load() || writable(s.fd)) && s.blocked.CompareAndSwap(true, false) {
		return false
	}
	return true
}

// setTimer gives the batch d from now. Queue.mu is held.
func (s *socket) setTimer(d time.Duration) {
	s.limit = time.Now().Add(d)
	s.timing.Store(true)
	if s.timer == nil {
		s.timer = time.AfterFunc(d, s.expire)
	} else {
		s.timer.Reset(d)
	}
}

// stopTimer is called by the flusher at the end of a batch. The time of a closing
// connection is for all that is left, so it goes on.
func (s *socket) stopTimer() {
	if !s.timing.Load() {
		return
	}
	q := &s.c.Out
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	s.timer.Stop()
	s.timing.Store(false)
	s.late.Store(false)
}

// expire is the timer's callback.
func (s *socket) expire() {
	q := &s.c.Out
	q.mu.Lock()
	due := s.timing.Load() && !time.Now().Before(s.limit)
	if due {
		s.late.Store(true)
	}
	q.mu.Unlock()
	if due && s.blocked.CompareAndSwap(true, false) {
		s.flush(true) // fails, unless the socket has become writable
	}
}

// writable reports whether the kernel takes bytes for fd.
func writable(fd int) bool {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(p[:], 0)
	return err == nil && n > 0
}
