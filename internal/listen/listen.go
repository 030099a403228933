// Package listen accepts connections and hands each to a function, to be served as an
// endpoint or as a net.Conn.
// It knows nothing of what is spoken on them.
package listen

import (
	"context"
	"net"
	"time"

	"nats-server/internal/conn"
	"nats-server/internal/logs"
)

// How long to wait before trying again after an error, like running out of file
// descriptors, which passes.
const (
	minBackoff = 10 * time.Millisecond
	maxBackoff = time.Second
)

// Listener is one bound address. Its methods are safe for concurrent use.
type Listener struct {
	addr     *net.TCPAddr
	acceptor acceptor
}

// acceptor does the accepting in the way of the operating system.
type acceptor interface {
	// serve starts accepting.
	serve(handle func(Accepted)) error
	// close ends it; handle is not called after its return.
	close()
}

// Bind listens on a TCP address. The connections, and where there is such a thing
// the listening socket too, are watched by the poller.
func Bind(ctx context.Context, addr string, poller *conn.Poller, log *logs.Log) (*Listener, error) {
	// The protocol has its own PING, so TCP keepalive would only cost.
	cfg := net.ListenConfig{KeepAlive: -1, Control: prepare}
	nl, err := cfg.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	a, err := newAcceptor(nl.(*net.TCPListener), poller, log)
	if err != nil {
		return nil, err
	}
	return &Listener{addr: nl.Addr().(*net.TCPAddr), acceptor: a}, nil
}

// Addr is the bound address, with the real port.
func (l *Listener) Addr() *net.TCPAddr { return l.addr }

// Serve starts accepting. handle must not wait for anything; it may be called by
// several goroutines at a time.
func (l *Listener) Serve(handle func(Accepted)) error { return l.acceptor.serve(handle) }

// Close stops accepting. handle is not called any more after its return. Accepted
// connections stay.
func (l *Listener) Close() { l.acceptor.close() }

func logFailure(log *logs.Log, addr net.Addr, err error, wait time.Duration) {
	log.Errorf("Error accepting connections on %s, trying again in %v: %v", addr, wait, err)
}
