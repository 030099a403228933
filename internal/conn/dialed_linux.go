package conn

import (
	"net"
	"net/netip"
	"os"
	"syscall"
)

// Dialed is the endpoint of a connection that this program has opened. It takes the
// socket over.
func Dialed(p *Poller, nc *net.TCPConn) (Endpoint, error) {
	defer nc.Close()
	raw, err := nc.SyscallConn()
	if err != nil {
		return nil, err
	}
	own := -1
	if e := raw.Control(func(fd uintptr) { own, err = dup(int(fd)) }); e != nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	peer := nc.RemoteAddr().(*net.TCPAddr).AddrPort()
	return Socket(p, own, netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())), nil
}

// dup returns a copy of fd that is non-blocking and not inherited by children.
func dup(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	own, err := syscall.Dup(fd)
	if err != nil {
		return -1, os.NewSyscallError("dup", err)
	}
	syscall.CloseOnExec(own)
	if err := syscall.SetNonblock(own, true); err != nil {
		syscall.Close(own)
		return -1, os.NewSyscallError("fcntl", err)
	}
	return own, nil
}
