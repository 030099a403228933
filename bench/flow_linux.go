package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// window is how many delivered bytes may be on their way to one subscriber.
const window = 8 << 20

// flow is a stream of messages from some publishers to some receivers.
type flow struct {
	pubs   []*sock
	subs   []*sock
	chunks []chunk
	shared bool // the receivers share the deliveries; else each gets them all
	raw    bool // through the relay: no protocol, no PING

	sent       atomic.Int64 // bytes the receivers must get
	deliveries atomic.Int64
}

// outstanding is how many bytes are on their way: to the receiver that is most
// behind, or, if they share the deliveries, to all of them.
func (f *flow) outstanding() int64 {
	sent := f.sent.Load()
	if len(f.subs) == 0 {
		return 0
	}
	if f.shared {
		for _, s := range f.subs {
			sent -= s.received.Load()
		}
		return sent
	}
	least := f.subs[0].received.Load()
	for _, s := range f.subs[1:] {
		least = min(least, s.received.Load())
	}
	return sent - least
}

// publish writes chunk after chunk until the deadline.
func (e *env) publish(f *flow, p *sock, deadline time.Time) error {
	for i := 0; !e.failed.Load() && time.Now().Before(deadline); i++ {
		c := &f.chunks[i%len(f.chunks)]
		f.sent.Add(c.bytes)
		for f.outstanding() > window && !e.failed.Load() {
			nap(100 * time.Microsecond)
		}
		if err := p.write(c.data); err != nil {
			return fmt.Errorf("publisher: %w", err)
		}
		f.deliveries.Add(c.deliveries)
	}
	return nil
}

// pump runs all flows for some time and returns when everything has arrived.
func (e *env) pump(flows []*flow, length time.Duration) error {
	var running []*sync.WaitGroup
	deadline := time.Now().Add(length)
	for _, f := range flows {
		for _, p := range f.pubs {
			running = append(running, e.spawn(func() error { return e.publish(f, p, deadline) }))
		}
	}
	for _, r := range running {
		r.Wait()
	}
	for _, f := range flows {
		for _, p := range f.pubs {
			if f.raw {
				continue
			}
			if err := p.sync(); err != nil {
				e.fail(fmt.Errorf("publisher: %w", err))
			}
		}
		if err := e.waitUntil(func() bool { return f.outstanding() <= 0 }); err != nil {
			return err
		}
	}
	return e.firstError()
}

// receivers is the thread that counts what arrives on some sockets.
type receivers struct {
	stop   atomic.Bool
	done   *sync.WaitGroup
	onRead func(conn int, before, after int64) // nil: only count
}

// receive starts counting. One socket is read by blocking; several share an
// epoll thread, so that the server does not pay for waking many threads.
func (e *env) receive(subs []*sock, onRead func(conn int, before, after int64)) *receivers {
	r := &receivers{onRead: onRead}
	switch len(subs) {
	case 0:
		r.done = &sync.WaitGroup{}
	case 1:
		subs[0].readTimeout(100 * time.Millisecond)
		r.done = e.spawn(func() error { return e.receiveOne(r, subs[0]) })
	default:
		r.done = e.spawn(func() error { return e.receiveMany(r, subs) })
	}
	return r
}

func (r *receivers) end() {
	r.stop.Store(true)
	r.done.Wait()
}

func (r *receivers) take(s *sock, conn int, scratch []byte) error {
	n, err := s.discard(scratch)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return nil
	}
	if err != nil {
		return fmt.Errorf("subscriber: %w", err)
	}
	after := s.received.Add(int64(n))
	if r.onRead != nil {
		r.onRead(conn, after-int64(n), after)
	}
	return nil
}

func (e *env) receiveOne(r *receivers, s *sock) error {
	scratch := make([]byte, 1<<20)
	for !r.stop.Load() && !e.failed.Load() {
		if err := r.take(s, 0, scratch); err != nil {
			return err
		}
	}
	s.readTimeout(socketTimeout)
	return nil
}

func (e *env) receiveMany(r *receivers, subs []*sock) error {
	poll, err := newPoller(subs)
	if err != nil {
		return err
	}
	defer syscall.Close(poll)
	scratch := make([]byte, 1<<20)
	events := make([]syscall.EpollEvent, 256)
	for !r.stop.Load() && !e.failed.Load() {
		n, err := syscall.EpollWait(poll, events, 100)
		if err != nil && err != syscall.EINTR {
			return fmt.Errorf("epoll: %w", err)
		}
		for _, ev := range events[:max(n, 0)] {
			if err := r.take(subs[ev.Fd], int(ev.Fd), scratch); err != nil {
				return err
			}
		}
	}
	return nil
}

// newPoller watches sockets for input; an event carries the socket's index.
func newPoller(socks []*sock) (int, error) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("epoll: %w", err)
	}
	for i, s := range socks {
		ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)}
		if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, s.fd, &ev); err != nil {
			syscall.Close(poll)
			return 0, fmt.Errorf("epoll: %w", err)
		}
	}
	return poll, nil
}

// measureFlows warms up, then measures the flows and checks every byte count.
func (e *env) measureFlows(flows []*flow) (measurement, error) {
	var subs []*sock
	for _, f := range flows {
		subs = append(subs, f.subs...)
	}
	r := e.receive(subs, nil)
	if err := e.pump(flows, e.length/6); err != nil {
		return measurement{}, err
	}
	before, err := e.quietCPU()
	if err != nil {
		return measurement{}, err
	}
	already, start := total(flows), time.Now()
	if err := e.pump(flows, e.length); err != nil {
		return measurement{}, err
	}
	wall := time.Since(start)
	after, err := e.quietCPU()
	if err != nil {
		return measurement{}, err
	}
	r.end()
	n := float64(total(flows) - already)
	m := measurement{
		Figure: float64(after-before) / n,
		Wall:   float64(wall) / n,
		Rate:   n / wall.Seconds(),
		RSS:    e.peakMB(),
	}
	for _, f := range flows {
		if err := f.verify(); err != nil {
			return m, err
		}
	}
	return m, e.firstError()
}

func total(flows []*flow) (n int64) {
	for _, f := range flows {
		n += f.deliveries.Load()
	}
	return n
}

// verify asks each receiver's connection for a PONG and counts what comes
// before it: all expected bytes, and beside them only PINGs of the server.
func (f *flow) verify() error {
	var sum int64
	for _, s := range f.subs {
		extra := int64(0)
		if !f.raw {
			var err error
			if extra, err = s.countToPong(); err != nil {
				return err
			}
		}
		sum += s.received.Load() + extra
		if !f.shared {
			if err := onlyPings(sum - f.sent.Load()); err != nil {
				return err
			}
			sum = 0
		}
	}
	if f.shared {
		return onlyPings(sum - f.sent.Load())
	}
	return nil
}

func onlyPings(extra int64) error {
	if extra < 0 || extra%int64(len(pingLine)) != 0 || extra > 100*int64(len(pingLine)) {
		return fmt.Errorf("a receiver got %+d bytes more than expected", extra)
	}
	return nil
}

// countToPong returns how many bytes precede the answer to a PING.
func (s *sock) countToPong() (int64, error) {
	if err := s.write([]byte(pingLine)); err != nil {
		return 0, err
	}
	var got []byte
	buf := make([]byte, 4096)
	const pong = "PONG\r\n"
	for len(got) < 1<<20 {
		n, err := s.read(buf)
		if err != nil {
			return 0, err
		}
		got = append(got, buf[:n]...)
		if at := len(got) - len(pong); at >= 0 && string(got[at:]) == pong {
			return int64(at), nil
		}
	}
	return 0, errors.New("a receiver gets bytes without end")
}
