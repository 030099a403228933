// Package listen accepts connections and hands each to a function of its own
// goroutine. It knows nothing of what is spoken on them.
package listen

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"nats-server/internal/logs"
)

const (
	minBackoff = 10 * time.Millisecond
	maxBackoff = time.Second
)

// Listener is one bound address. Its methods are safe for concurrent use.
type Listener struct {
	nl   net.Listener
	log  *logs.Log
	done chan struct{} // closed by Close

	once    sync.Once
	serving sync.WaitGroup
}

// Bind listens on a TCP address.
func Bind(ctx context.Context, addr string, log *logs.Log) (*Listener, error) {
	// The protocol has its own PING, so TCP keepalive would only cost.
	cfg := net.ListenConfig{KeepAlive: -1}
	nl, err := cfg.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Listener{nl: nl, log: log, done: make(chan struct{})}, nil
}

// Addr is the bound address, with the real port.
func (l *Listener) Addr() net.Addr { return l.nl.Addr() }

// Serve starts accepting. Each connection goes to handle in a goroutine of its
// own, whose end is the handler's business.
func (l *Listener) Serve(handle func(net.Conn)) {
	l.serving.Add(1)
	go func() {
		defer l.serving.Done()
		l.accept(handle)
	}()
}

// accept runs until the listener is closed. Other errors, like running out of
// file descriptors, pass: it tries again after a while that grows.
func (l *Listener) accept(handle func(net.Conn)) {
	backoff := minBackoff
	for {
		nc, err := l.nl.Accept()
		switch {
		case err == nil:
			backoff = minBackoff
			go handle(nc)
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
		l.nl.Close()
	})
	l.serving.Wait()
}
