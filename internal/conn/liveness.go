package conn

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	// firstPing is how soon after CONNECT the round trip is measured, at most.
	firstPing = 2 * time.Second

	// rttEvery is how old a measured round trip may become on a busy connection.
	rttEvery = time.Hour
)

// liveness decides when a peer is pinged and when it is given up. It is driven by
// one timer, whose callback may run beside the reader; all shared fields are
// atomic.
type liveness struct {
	timer  *time.Timer
	gate   atomic.Int32 // whether the peer has to authenticate: one of the constants below
	held   atomic.Bool  // pings are not sent now
	heard  atomic.Bool  // the peer said something since the timer last fired
	out    atomic.Int32 // pings not answered
	pinged atomic.Int64 // when the last one was sent, Unix nanoseconds
	rtt    atomic.Int64 // nanoseconds
	rttAt  atomic.Int64 // when it was measured, Unix nanoseconds
}

// Values of liveness.gate.
const (
	noGate  = iota
	awaited // the peer must introduce itself before the timer fires
	judged  // it has done so, and is looked at; there is no timer
	passed
	missed
)

func (l *liveness) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}

// Await gives the peer d to introduce itself. Either it or StartPings is called, once
// and before Start.
func (c *Conn) Await(d time.Duration) {
	c.live.gate.Store(awaited)
	c.startTimer(d)
}

// StartPings begins to watch a peer from which nothing is expected yet.
func (c *Conn) StartPings() {
	d := c.cfg.limits().PingInterval
	if first := c.cfg.FirstPing; first > 0 {
		d = min(d, first) + rand.N(first/5+1)
	}
	c.startTimer(d)
}

// HoldPings says whether pings are held back for now: a peer with which something is still
// to be settled counts as one that does not answer.
func (c *Conn) HoldPings(hold bool) {
	c.live.held.Store(hold)
	if !hold {
		c.live.out.Store(0)
	}
}

// startTimer stores the timer before it can fire, since its callback uses it.
func (c *Conn) startTimer(d time.Duration) {
	c.live.timer = time.AfterFunc(math.MaxInt64, c.tick)
	c.live.timer.Reset(d)
}

// Introduced tells that the peer has introduced itself, and ends what Await began: how
// long it takes to look at it is not its fault. It reports false if the peer was too late
// and is being closed.
func (c *Conn) Introduced() bool {
	l := &c.live
	if l.gate.CompareAndSwap(awaited, judged) {
		l.timer.Stop()
	}
	return l.gate.Load() != missed && !c.Closed()
}

// Authenticated tells that the peer has come in: a first ping follows soon. It is
// Introduced, too, if that was not called.
func (c *Conn) Authenticated() bool {
	l := &c.live
	if !c.Introduced() {
		return false
	}
	l.rtt.CompareAndSwap(0, c.elapsed()) // a first guess, until the ping
	l.gate.CompareAndSwap(judged, passed)
	first := firstPing
	if c.cfg.FirstPing > 0 {
		first = c.cfg.FirstPing
	}
	d := min(c.cfg.limits().PingInterval, first)
	l.timer.Reset(d + rand.N(d/5+1))
	return true
}

// Heard tells that the peer sent something that shows it alive.
func (c *Conn) Heard() {
	if !c.live.heard.Load() { // spare the other cores a cache miss
		c.live.heard.Store(true)
	}
}

// Pong tells that the peer answered a ping.
func (c *Conn) Pong() {
	l := &c.live
	if sent := l.pinged.Load(); l.out.Swap(0) > 0 && sent > 0 { // else nobody has asked
		now := time.Now().UnixNano()
		l.rtt.Store(now - sent)
		l.rttAt.Store(now)
	}
}

// RTT is the round trip to the peer as last measured, or 0.
func (c *Conn) RTT() time.Duration { return time.Duration(c.live.rtt.Load()) }

// tick is the timer's callback (spec: client-protocol 14).
func (c *Conn) tick() {
	l := &c.live
	if c.Closed() {
		return
	}
	switch {
	case l.gate.CompareAndSwap(awaited, missed):
		c.End(&c.cfg.Late)
		return
	case l.gate.Load() == judged:
		return
	}
	now := time.Now().UnixNano()
	fresh := now-l.rttAt.Load() < int64(rttEvery)
	if heard := l.heard.Swap(false); !heard || !fresh || c.cfg.PingAlways {
		if int(l.out.Add(1)) > c.cfg.limits().MaxPingsOut {
			c.cfg.Stats.Stale.Add(1)
			c.End(&c.cfg.Stale)
			return
		}
		if !l.held.Load() {
			l.pinged.Store(now)
			c.Out.Append(c.cfg.PingLine)
			c.Out.Flush(true)
		}
	}
	l.timer.Reset(c.cfg.limits().PingInterval)
}
