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

// Poller watches sockets with epoll and has a few workers that read and process
// what arrives on the spot: a message passes from socket to socket without waking
// another goroutine, and a connection that has nothing to say costs no goroutine
// and no stack.
//
// Only one worker at a time waits for the kernel. With little traffic it is always
// the same, which then also does the work; measured against a worker per processor
// waiting, a request and its reply took half the time and half the CPU. When there
// is more than it can do at once, it wakes another.
//
// Sockets are watched edge-triggered; socket.turn sees to it that only one worker
// reads from each. A Poller is safe for concurrent use.
type Poller struct {
	ep      int
	wake    int // an eventfd that calls the waiting worker back
	slots   [slotPages]atomic.Pointer[slotPage]
	pages   sync.Mutex // held while a page is added
	calls   sync.Map   // by fd, what to call when one is ready that is no socket
	workers sync.WaitGroup

	mu      sync.Mutex
	work    tasks
	waiting bool      // a worker waits for the kernel, or looks what it has
	idle    int       // workers that wait for work
	more    sync.Cond // of mu: there is work, or nobody waiting
	called  bool      // the waiting worker has been called back
	closed  bool
}

// task is something to do: call, or for a socket write what is queued, or else read.
type task struct {
	s     *socket
	write bool
	call  func() (more bool)
}

// Sockets by fd, in pages made on demand.
const (
	slotPages = 4096
	pageSlots = 1024
)

type slotPage [pageSlots]atomic.Pointer[socket]

// eventsAtOnce is how many ready sockets are taken from the kernel at a time.
const eventsAtOnce = 64

const (
	watched     = syscall.EPOLLIN | watchedBusy
	watchedBusy = syscall.EPOLLOUT | syscall.EPOLLRDHUP | unix.EPOLLET // while it is read anyway
)

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
	p.more.L = &p.mu
	for range runtime.GOMAXPROCS(0) + 1 { // one of them waits
		p.workers.Go(p.run)
	}
	return p, nil
}

// Close ends the workers and returns when they have ended. Every connection must
// be over by then.
func (p *Poller) Close() {
	p.mu.Lock()
	p.closed = true
	p.more.Broadcast()
	p.callLocked()
	p.mu.Unlock()
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
	return p.control(syscall.EPOLL_CTL_ADD, s, watched)
}

func (p *Poller) control(op int, s *socket, events uint32) error {
	ev := syscall.EpollEvent{Events: events, Fd: int32(s.fd)}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(p.ep, op, s.fd, &ev))
}

// forget stops reporting s, whose fd is about to be closed.
func (p *Poller) forget(s *socket) {
	if s.fd < slotPages*pageSlots {
		p.slot(s.fd).CompareAndSwap(s, nil)
	}
}

// worthWaking is how many tasks have to be left for another worker to be woken for
// them. An ordinary task takes no longer than the waking.
const worthWaking = 2

// harvest is a worker's memory for what it takes from the kernel.
type harvest struct {
	events [eventsAtOnce]syscall.EpollEvent
	tasks  []task
}

// run is one worker.
func (p *Poller) run() {
	var found harvest
	for {
		t, ok := p.next(&found)
		if !ok {
			return
		}
		if p.do(t) {
			p.again(t)
		}
	}
}

// do carries out a task. It reports true if it is to be done again.
func (p *Poller) do(t task) (more bool) {
	switch {
	case t.call != nil:
		return t.call()
	case t.write:
		t.s.flush(true)
		return false
	}
	return t.s.read()
}

// next waits for something to do. It is not ok when the Poller is closed.
func (p *Poller) next(found *harvest) (t task, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	looked := false
	for !p.closed {
		switch {
		case !p.work.empty() && (looked || p.waiting):
			t = p.work.take()
			if p.work.count >= worthWaking && p.idle > 0 {
				p.more.Signal()
			}
			return t, true
		case !p.waiting:
			// Also with work at hand: others that are ready get their turn too.
			p.look(found)
			looked = true
		default:
			p.idle++
			p.more.Wait()
			p.idle--
		}
	}
	return t, false
}

// look asks the kernel which sockets are ready, and waits for one if there is
// nothing else to do. The lock is released meanwhile.
func (p *Poller) look(found *harvest) {
	timeout := 0
	if p.work.empty() {
		timeout = -1
	}
	p.waiting = true
	p.mu.Unlock()
	n, err := syscall.EpollWait(p.ep, found.events[:], timeout)
	if err != nil && err != syscall.EINTR {
		panic(fmt.Sprintf("BUG: epoll_wait: %v", err))
	}
	found.tasks = found.tasks[:0]
	for i := range max(n, 0) {
		p.sort(&found.events[i], found)
	}
	p.mu.Lock()
	p.waiting, p.called = false, false
	for _, t := range found.tasks {
		p.work.add(t)
	}
	clear(found.tasks)
}

// sort makes tasks of what the kernel reports.
func (p *Poller) sort(ev *syscall.EpollEvent, found *harvest) {
	if int(ev.Fd) == p.wake {
		var count [8]byte
		syscall.Read(p.wake, count[:])
		return
	}
	// The slot may be that of a new connection by now: then it reads in vain.
	if s := p.slot(int(ev.Fd)).Load(); s != nil {
		write, read := s.ready(ev.Events)
		if write {
			found.tasks = append(found.tasks, task{s: s, write: true})
		}
		if read {
			found.tasks = append(found.tasks, task{s: s})
		}
	} else if call, ok := p.calls.Load(ev.Fd); ok {
		found.tasks = append(found.tasks, task{call: call.(func() bool)})
	}
}

// add gives the workers something to do.
func (p *Poller) add(t task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work.add(t)
	if p.idle > 0 {
		p.more.Signal()
	} else if p.waiting {
		p.callLocked()
	}
}

// callLocked calls the worker that waits for the kernel, if any.
func (p *Poller) callLocked() {
	if p.waiting && !p.called {
		p.called = true
		one := [8]byte{1}
		syscall.Write(p.wake, one[:])
	}
}

// again is add for a worker that is about to look for work itself.
func (p *Poller) again(t task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work.add(t)
}

// WhenReadable has call called by a worker when the non-blocking fd, which is no
// connection, has become readable, and again while it returns true. It may be called
// by two workers at a time, and after the fd has been closed, which ends the
// watching.
func (p *Poller) WhenReadable(fd int, call func() (more bool)) error {
	p.calls.Store(int32(fd), call)
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(p.ep, syscall.EPOLL_CTL_ADD, fd, &ev))
}

// Forget ends the watching of a file descriptor. It must come before its closing.
func (p *Poller) Forget(fd int) { p.calls.Delete(int32(fd)) }

// Soon has call called by a worker, and again while it returns true.
func (p *Poller) Soon(call func() (more bool)) { p.add(task{call: call}) }

// share lets another worker look after the other sockets while the caller, a
// worker, does something that takes a while.
func (p *Poller) share() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.waiting && p.idle > 0 {
		p.more.Signal()
	}
}

// tasks is a FIFO in a ring.
type tasks struct {
	ring  []task // its length is a power of two, or 0
	first int
	count int
}

func (q *tasks) empty() bool { return q.count == 0 }

func (q *tasks) add(t task) {
	if q.count == len(q.ring) {
		bigger := make([]task, max(64, 2*len(q.ring)))
		for i := range q.count {
			bigger[i] = q.ring[(q.first+i)&(len(q.ring)-1)]
		}
		q.ring, q.first = bigger, 0
	}
	q.ring[(q.first+q.count)&(len(q.ring)-1)] = t
	q.count++
}

func (q *tasks) take() task {
	t := q.ring[q.first]
	q.ring[q.first] = task{}
	q.first = (q.first + 1) & (len(q.ring) - 1)
	q.count--
	return t
}
