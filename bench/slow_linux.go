package main

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	slowSize   = 1024
	slowRate   = 20 << 20 // bytes per second
	slowTick   = time.Millisecond
	slowBuffer = 64 << 10 // receive buffer of the slow subscriber
	slowBlock  = 64 << 10
)

// company is the second subscriber beside the healthy one.
type company int

const (
	alone   company = iota
	limited         // reads 20 MB/s
	deaf            // reads nothing
)

// slowOutcome is what happened in one run.
type slowOutcome struct {
	published float64 // messages per second
	healthy   float64 // received by the healthy one, per second
	cutAfter  time.Duration
	peak      float64 // MB
}

func (o slowOutcome) String() string {
	text := fmt.Sprintf("published %.0f/s, healthy %.0f/s, peak RSS %.0f MB", o.published, o.healthy, o.peak)
	if o.cutAfter > 0 {
		text += fmt.Sprintf(", cut off after %.1f s", o.cutAfter.Seconds())
	}
	return text
}

// measureSlow publishes at full speed for twice the usual time. Only the
// healthy subscriber holds up the publisher, by the window.
func (e *env) measureSlow(with company) (slowOutcome, error) {
	p, err := e.startServer()
	if err != nil {
		return slowOutcome{}, err
	}
	healthy, err := e.subscriber(p.port, wideOptions, hotSubject, "", hotSid)
	if err != nil {
		return slowOutcome{}, err
	}
	f := &flow{subs: []*sock{healthy}, chunks: []chunk{uniformChunk(hotSubject, hotSid, slowSize, 1, slowBlock)}}
	var slow *sock
	if with != alone {
		slow, err = e.subscriber(p.port, sockOptions{receiveBuffer: slowBuffer}, hotSubject, "", hotSid)
		if err != nil {
			return slowOutcome{}, err
		}
	}
	pub, err := e.client(p.port, wideOptions)
	if err != nil {
		return slowOutcome{}, err
	}

	var out slowOutcome
	var cut atomic.Int64
	start := time.Now()
	length := 2 * e.length
	e.receive(f.subs, nil)
	e.spawn(func() error { return e.publish(f, pub, start.Add(length+time.Second)) })
	if with == limited {
		e.spawn(func() error { return e.readSlowly(slow, start, &cut) })
	}
	if err := e.waitUntil(func() bool { return time.Since(start) >= length }); err != nil {
		return out, err
	}
	received, sent, wall := healthy.received.Load(), f.deliveries.Load(), time.Since(start).Seconds()
	out.healthy = float64(received/msgLen(hotSubject, hotSid, slowSize)) / wall
	out.published = float64(sent) / wall
	out.cutAfter = time.Duration(cut.Load())
	out.peak = e.peakMB()
	return out, nil
}

// readSlowly takes at most 20 MB/s until the server cuts it off. Ticks that
// brought nothing are not made up for.
func (e *env) readSlowly(s *sock, start time.Time, cut *atomic.Int64) error {
	s.readTimeout(100 * time.Millisecond)
	const perTick = slowRate / int(time.Second/slowTick)
	scratch := make([]byte, perTick)
	for next := start; !e.failed.Load(); {
		_, err := s.discard(scratch)
		switch {
		case err == nil, errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		default:
			cut.Store(int64(time.Since(start)))
			return nil
		}
		if next = next.Add(slowTick); time.Now().After(next) {
			next = time.Now()
		}
		nap(time.Until(next))
	}
	return nil
}

// runSlow compares what the healthy subscriber gets beside the limited one.
func runSlow(e *env) (measurement, error) {
	out, err := e.measureSlow(limited)
	return measurement{Figure: out.healthy, RSS: out.peak, Note: out.String()}, err
}

// runSlowLoss measures our server without company, beside a limited and beside
// a deaf subscriber, each time in a fresh process. The figure is the larger
// loss, in percent, of the publisher or the healthy subscriber.
func runSlowLoss(e *env) (measurement, error) {
	var outs [3]slowOutcome
	for _, with := range []company{alone, limited, deaf} {
		_, err := e.apart(func(part *env) (m measurement, err error) {
			outs[with], err = part.measureSlow(with)
			return m, err
		})
		if err != nil {
			return measurement{}, err
		}
	}
	loss := func(o slowOutcome) float64 {
		return 100 * max(1-o.healthy/outs[alone].healthy, 1-o.published/outs[alone].published)
	}
	a, b := loss(outs[limited]), loss(outs[deaf])
	return measurement{
		Figure: max(a, b),
		RSS:    max(outs[limited].peak, outs[deaf].peak),
		Note: fmt.Sprintf("alone: %v; beside 20 MB/s: %v, loss %.1f %%; beside deaf: %v, loss %.1f %%",
			outs[alone], outs[limited], a, outs[deaf], b),
	}, nil
}
