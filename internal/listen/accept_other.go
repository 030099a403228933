//go:build !linux

package listen

import (
	"net"
	"syscall"

	"nats-server/internal/conn"
)

func prepare(_, _ string, _ syscall.RawConn) error { return nil }

type netAcceptor struct{ nl *net.TCPListener }

func newAcceptor(nl *net.TCPListener, _ *conn.Poller) (acceptor, error) {
	return netAcceptor{nl}, nil
}

func (a netAcceptor) accept() (conn.Endpoint, error) {
	nc, err := a.nl.AcceptTCP()
	if err != nil {
		return nil, err
	}
	nc.SetKeepAlive(false)
	return conn.Stream(nc), nil
}

func (a netAcceptor) interrupt() { a.nl.Close() }

func (a netAcceptor) close() {}
