// Package listen accepts connections and hands each to a function as an endpoint.
// It knows nothing of what is spoken on them.
package listen

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"nats-server/internal/conn"
	"nats-server/internal/logs"
)

const (
	minBackoff = 10 * time.Millisecond
	maxBackoff = time.Second
)

// Listener is one bound address. Its methods are safe for concurrent use.
type Listener struct {
	addr     *net.TCPAddr
	acceptor acceptor
	log      *logs.Log
	done     chan struct{} // closed by Close

	once    sync.Once
	serving sync.WaitGroup
}

// Bind listens on a TCP address. The connections are to be watched by the poller,
// where there are such things.
func Bind(ctx context.Context, addr string, poller *conn.Poller, log *logs.Log) (*Listener, error) {
	// The protocol has its own PING, so TCP keepalive would only cost.
	cfg := net.ListenConfig{KeepAlive: -1, Control: prepare}
	nl, err := cfg.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	a, err := newAcceptor(nl.(*net.TCPListener), poller)
	if err != nil {
		return nil, err
	}
	return &Listener{addr: nl.Addr().(*net.TCPAddr), acceptor: a, log: log, done: make(chan struct{})}, nil
}

// acceptor waits for connections. interrupt makes a waiting accept, and every later
// one, return net.ErrClosed; close follows when none is waiting any more.
type acceptor interface {
	accept() (conn.Endpoint, error)
	interrupt()
	close()
}

// Addr is the bound address, with the real port.
func (l *Listener) Addr() *net.TCPAddr { return l.addr }

// Serve starts accepting. handle must not wait for anything: while it runs nobody
// else is accepted.
func (l *Listener) Serve(handle func(conn.Endpoint)) {
	l.serving.Go(func() { l.serve(handle) })
}

// serve runs until the listener is closed. Other errors, like running out of file
// descriptors, pass: it tries again after a while that grows.
func (l *Listener) serve(handle func(conn.Endpoint)) {
	backoff := minBackoff
	for {
		open, err := l.acceptor.accept()
		switch {
		case err == nil:
			backoff = minBackoff
			handle(open)
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		l.log.Errorf("Error accepting connections on %s, trying again in %v: %v", l.Addr(), backoff, err)
		select {
		case <-time.After(backoff):
		case <-l.done:
			return
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// Close stops accepting and waits until the accept loop has ended. Accepted
// connections stay.
func (l *Listener) Close() {
	l.once.Do(func() {
		close(l.done)
		l.acceptor.interrupt()
		l.serving.Wait()
		l.acceptor.close()
	})
}
