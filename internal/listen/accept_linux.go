package listen

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"

	"nats-server/internal/conn"
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

// rawAcceptor accepts sockets that never become net.Conns, which the poller has no
// use for. It waits in the system call.
type rawAcceptor struct {
	file   *os.File // the listening socket, blocking
	fd     int
	poller *conn.Poller
	closed atomic.Bool
}

func newAcceptor(nl *net.TCPListener, poller *conn.Poller) (acceptor, error) {
	defer nl.Close()
	f, err := nl.File()
	if err != nil {
		return nil, err
	}
	return &rawAcceptor{file: f, fd: int(f.Fd()), poller: poller}, nil
}

func (a *rawAcceptor) accept() (conn.Endpoint, error) {
	fd, sa, err := syscall.Accept4(a.fd, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
	switch {
	case a.closed.Load():
		if err == nil {
			syscall.Close(fd)
		}
		return nil, net.ErrClosed
	case err != nil:
		return nil, os.NewSyscallError("accept4", err)
	}
	peer, err := addrPort(sa)
	if err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return conn.Socket(a.poller, fd, peer), nil
}

func (a *rawAcceptor) interrupt() {
	a.closed.Store(true)
	syscall.Shutdown(a.fd, syscall.SHUT_RDWR)
}

func (a *rawAcceptor) close() { a.file.Close() }

func addrPort(sa syscall.Sockaddr) (netip.AddrPort, error) {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), nil
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("peer with an address of type %T", sa)
}
