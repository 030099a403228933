package main

import (
	"bytes"
	"fmt"
	"syscall"
	"time"
)

const (
	idleConns  = 10_000
	memorySubs = 1_000_000
	memoryConn = 10
)

// runIdle measures resident memory per authenticated connection that has one
// subscription and does nothing but answer PINGs.
func runIdle(e *env) (measurement, error) {
	if err := checkFiles(idleConns); err != nil {
		return measurement{}, err
	}
	p, err := e.startServer("--user", "u", "--pass", "p")
	if err != nil {
		return measurement{}, err
	}
	before, err := settledMemory(p.pid, time.Second)
	if err != nil {
		return measurement{}, err
	}
	conns, err := e.openIdle(p.port)
	if err != nil {
		return measurement{}, err
	}
	e.spawn(func() error { return e.answerPings(conns) })
	// Servers send a first PING within a few seconds; that memory counts too.
	after, err := settledMemory(p.pid, 4*time.Second)
	if err != nil {
		return measurement{}, err
	}
	m := measurement{Figure: float64(after-before) / idleConns, RSS: e.peakMB()}
	if err := e.firstError(); err != nil {
		return m, err
	}
	e.stop()
	return m, nil
}

// openIdle makes the connections from several source addresses.
func (e *env) openIdle(port int) ([]*sock, error) {
	conns := make([]*sock, 0, idleConns)
	for i := range idleConns {
		o := sockOptions{user: "u", pass: "p", source: byte(2 + i/2500)}
		s, err := e.subscriber(port, o, fmt.Sprintf("idle.%d", i), "", "1")
		if err != nil {
			return nil, fmt.Errorf("connection %d: %w", i, err)
		}
		s.rest = nil
		conns = append(conns, s)
	}
	return conns, nil
}

func (e *env) answerPings(conns []*sock) error {
	poll, err := newPoller(conns)
	if err != nil {
		return err
	}
	defer syscall.Close(poll)
	events := make([]syscall.EpollEvent, 256)
	buf := make([]byte, 4096)
	for !e.failed.Load() {
		n, err := syscall.EpollWait(poll, events, 100)
		if err != nil && err != syscall.EINTR {
			return fmt.Errorf("epoll: %w", err)
		}
		for _, ev := range events[:max(n, 0)] {
			got, err := conns[ev.Fd].read(buf)
			if err == nil && bytes.Contains(buf[:got], []byte(pingLine)) {
				err = conns[ev.Fd].write([]byte("PONG\r\n"))
			}
			if err != nil {
				return fmt.Errorf("idle connection: %w", err)
			}
		}
	}
	return nil
}

// runSubs measures resident memory per distinct literal subscription.
func runSubs(e *env) (measurement, error) {
	p, err := e.startServer()
	if err != nil {
		return measurement{}, err
	}
	var conns []*sock
	for range memoryConn {
		s, err := e.client(p.port, wideOptions)
		if err != nil {
			return measurement{}, err
		}
		conns = append(conns, s)
	}
	before, err := settledMemory(p.pid, time.Second)
	if err != nil {
		return measurement{}, err
	}
	start := time.Now()
	const per = memorySubs / memoryConn
	for c, s := range conns {
		lines := make([]byte, 0, 40*per)
		for i := range per {
			lines = fmt.Appendf(lines, "SUB mem.sub.%d %d\r\n", c*per+i, i+1)
		}
		if err := s.write(lines); err != nil {
			return measurement{}, err
		}
		if err := s.sync(); err != nil {
			return measurement{}, err
		}
	}
	wall := time.Since(start)
	after, err := settledMemory(p.pid, 2*time.Second)
	if err != nil {
		return measurement{}, err
	}
	return measurement{
		Figure: float64(after-before) / memorySubs,
		Wall:   float64(wall) / memorySubs,
		RSS:    e.peakMB(),
	}, nil
}
