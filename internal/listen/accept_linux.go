package listen

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"nats-server/internal/conn"
	"nats-server/internal/logs"
)

// prepare sets on the listening socket what accepted ones inherit: messages are
// sent at once. It saves a system call for each of them.
func prepare(_, _ string, raw syscall.RawConn) error {
	var err error
	if e := raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	}); e != nil {
		return e
	}
	return os.NewSyscallError("setsockopt", err)
}

// batch is how many connections are accepted before others get their turn.
const batch = 16

// rawAcceptor accepts sockets that never become net.Conns, which the poller has no
// use for, on the workers of the poller.
type rawAcceptor struct {
	addr   net.Addr
	file   *os.File // the listening socket, non-blocking
	fd     int
	poller *conn.Poller
	log    *logs.Log
	handle func(Accepted)

	mu      sync.Mutex // held while accepting
	closed  bool
	backoff time.Duration
	retry   *time.Timer // after an error; nil if there was none
}

func newAcceptor(nl *net.TCPListener, poller *conn.Poller, log *logs.Log) (acceptor, error) {
	defer nl.Close()
	f, err := nl.File()
	if err != nil {
		return nil, err
	}
	a := &rawAcceptor{addr: nl.Addr(), file: f, fd: int(f.Fd()), poller: poller, log: log, backoff: minBackoff}
	return a, os.NewSyscallError("fcntl", syscall.SetNonblock(a.fd, true))
}

func (a *rawAcceptor) serve(handle func(Accepted)) error {
	a.handle = handle
	return a.poller.WhenReadable(a.fd, a.accept)
}

// accept takes some of the connections that wait. It reports true if there may be
// more.
func (a *rawAcceptor) accept() (more bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range batch {
		if a.closed {
			return false
		}
		peer, err := a.acceptOne()
		switch {
		case err == syscall.EAGAIN:
			return false
		case err == syscall.EINTR, err == syscall.ECONNABORTED:
			continue
		case err != nil:
			a.tryLater(err)
			return false
		}
		a.backoff = minBackoff
		a.handle(peer)
	}
	return true
}

func (a *rawAcceptor) acceptOne() (Accepted, error) {
	fd, sa, err := syscall.Accept4(a.fd, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
	if err != nil {
		return Accepted{}, err
	}
	peer, err := addrPort(sa)
	if err != nil {
		syscall.Close(fd)
		return Accepted{}, err
	}
	return Accepted{a.poller, fd, peer}, nil
}

// Accepted is a connection that has just been accepted. Exactly one of its methods is
// to be called, once.
type Accepted struct {
	poller *conn.Poller
	fd     int
	peer   netip.AddrPort
}

// Endpoint is the connection watched by the poller.
func (a Accepted) Endpoint() conn.Endpoint { return conn.Socket(a.poller, a.fd, a.peer) }

// Conn is the connection as a net.Conn.
func (a Accepted) Conn() (net.Conn, error) {
	f := os.NewFile(uintptr(a.fd), "")
	defer f.Close() // the net.Conn has a copy
	return net.FileConn(f)
}

// tryLater tries again after a while that grows, since the poller does not report
// again what is still waiting.
func (a *rawAcceptor) tryLater(err error) {
	logFailure(a.log, a.addr, err, a.backoff)
	a.retry = time.AfterFunc(a.backoff, func() { a.poller.Soon(a.accept) })
	a.backoff = min(2*a.backoff, maxBackoff)
}

func (a *rawAcceptor) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.closed = true
	if a.retry != nil {
		a.retry.Stop()
	}
	a.poller.Forget(a.fd)
	a.file.Close()
}

func addrPort(sa syscall.Sockaddr) (netip.AddrPort, error) {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), nil
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("peer with an address of type %T", sa)
}
