package conn

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Poller watches sockets with epoll, for as many workers as there are processors.
// A worker that finds a socket ready reads and processes on the spot, so a message
// passes from socket to socket without waking another goroutine, and a connection
// that has nothing to say costs no goroutine and no stack.
//
// Sockets are watched edge-triggered: a worker reads until a socket is empty, and
// socket.turn sees to it that only one does. It is safe for concurrent use.
type Poller struct {
	ep      int
	wake    int // an eventfd that tells the workers to end
	slots   [slotPages]atomic.Pointer[slotPage]
	pages   sync.Mutex // held while a page is added
	workers sync.WaitGroup
}

// Sockets by fd, in pages made on demand.
const (
	slotPages = 4096
	pageSlots = 1024
)

type slotPage [pageSlots]atomic.Pointer[socket]

// eventsAtOnce is how many ready sockets a worker takes from the kernel at a time.
// The others that it takes wait for the first, while other workers might be idle.
const eventsAtOnce = 8

const watched = syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | unix.EPOLLET

// NewPoller starts a Poller. Close ends it.
func NewPoller() (*Poller, error) {
	ep, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(wake)}
		if err = syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, wake, &ev); err != nil {
			syscall.Close(wake)
		}
	}
	if err != nil {
		syscall.Close(ep)
		return nil, os.NewSyscallError("eventfd", err)
	}
	p := &Poller{ep: ep, wake: wake}
	for range runtime.GOMAXPROCS(0) {
		p.workers.Go(p.work)
	}
	return p, nil
}

// Close ends the workers and returns when they have ended. Every connection must
// be over by then.
func (p *Poller) Close() {
	one := [8]byte{1}
	syscall.Write(p.wake, one[:])
	p.workers.Wait()
	syscall.Close(p.wake)
	syscall.Close(p.ep)
}

func (p *Poller) slot(fd int) *atomic.Pointer[socket] {
	page := p.slots[fd/pageSlots].Load()
	if page == nil {
		p.pages.Lock()
		defer p.pages.Unlock()
		if page = p.slots[fd/pageSlots].Load(); page == nil {
			page = new(slotPage)
			p.slots[fd/pageSlots].Store(page)
		}
	}
	return &page[fd%pageSlots]
}

// watch begins to report s. Its fd must be valid during the call.
func (p *Poller) watch(s *socket) error {
	if s.fd >= slotPages*pageSlots {
		return fmt.Errorf("file descriptor %d is too large", s.fd)
	}
	p.slot(s.fd).Store(s)
	return p.control(syscall.EPOLL_CTL_ADD, s)
}

func (p *Poller) control(op int, s *socket) error {
	ev := syscall.EpollEvent{Events: watched, Fd: int32(s.fd)}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(p.ep, op, s.fd, &ev))
}

// forget stops reporting s, whose fd is about to be closed.
func (p *Poller) forget(s *socket) {
	if s.fd < slotPages*pageSlots {
		p.slot(s.fd).CompareAndSwap(s, nil)
	}
}

// work is one worker. A socket with more to read stays with it, one read at a time
// between which the others get theirs.
func (p *Poller) work() {
	var events [eventsAtOnce]syscall.EpollEvent
	var mine *socket
	for {
		timeout := -1
		if mine != nil {
			timeout = 0
		}
		n, err := syscall.EpollWait(p.ep, events[:], timeout)
		if err != nil && err != syscall.EINTR {
			panic(fmt.Sprintf("BUG: epoll_wait: %v", err))
		}
		before := mine
		for i := range max(n, 0) {
			ev := &events[i]
			if int(ev.Fd) == p.wake {
				return
			}
			// The slot may be that of a new connection by now: then it reads in vain.
			s := p.slot(int(ev.Fd)).Load()
			if s == nil || !s.ready(ev.Events) || !s.read() {
				continue
			}
			if mine == nil {
				mine = s
			} else {
				p.pass(s)
			}
		}
		if before != nil && !before.read() {
			mine = nil
		}
	}
}

// pass lets whichever worker is idle go on with a socket that has more to read.
func (p *Poller) pass(s *socket) {
	s.turn.Store(idle)
	if s.acquire() {
		p.control(syscall.EPOLL_CTL_MOD, s) // reports it anew
		s.release()
	}
	if s.c.Closed() {
		s.endIdle()
	}
}
