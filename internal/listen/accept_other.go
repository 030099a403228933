//go:build !linux

package listen

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"nats-server/internal/conn"
	"nats-server/internal/logs"
)

func prepare(_, _ string, _ syscall.RawConn) error { return nil }

// netAcceptor accepts in a goroutine of its own.
type netAcceptor struct {
	nl      *net.TCPListener
	log     *logs.Log
	done    chan struct{} // closed by close
	once    sync.Once
	serving sync.WaitGroup
}

func newAcceptor(nl *net.TCPListener, _ *conn.Poller, log *logs.Log) (acceptor, error) {
	return &netAcceptor{nl: nl, log: log, done: make(chan struct{})}, nil
}

func (a *netAcceptor) serve(handle func(Accepted)) error {
	a.serving.Go(func() { a.accept(handle) })
	return nil
}

func (a *netAcceptor) accept(handle func(Accepted)) {
	backoff := minBackoff
	for {
		nc, err := a.nl.AcceptTCP()
		switch {
		case err == nil:
			backoff = minBackoff
			nc.SetKeepAlive(false)
			handle(Accepted{nc})
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		logFailure(a.log, a.nl.Addr(), err, backoff)
		select {
		case <-time.After(backoff):
		case <-a.done:
			return
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

func (a *netAcceptor) close() {
	a.once.Do(func() {
		close(a.done)
		a.nl.Close()
	})
	a.serving.Wait()
}

// Accepted is a connection that has just been accepted. Exactly one of its methods is
// to be called, once.
type Accepted struct{ nc net.Conn }

// Endpoint is the connection with goroutines of its own.
func (a Accepted) Endpoint() conn.Endpoint { return conn.Stream(a.nc) }

// Conn is the connection as a net.Conn.
func (a Accepted) Conn() (net.Conn, error) { return a.nc, nil }
