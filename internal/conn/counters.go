package conn

import (
	"math/bits"
	"net"
	"sync/atomic"
	"time"

	"nats-server/internal/facts"
)

// counters are what reports say about a connection. Each is written by one goroutine
// at a time, once per read, commit or flush, and may be read at any time without a
// lock.
type counters struct {
	start    time.Time
	inMsgs   atomic.Int64 // by the reader
	inBytes  atomic.Int64 // by the reader
	outMsgs  atomic.Int64 // under Queue.mu
	outBytes atomic.Int64 // under Queue.mu
	stalls   atomic.Int64 // under Queue.mu
	active   atomic.Int64 // last activity, in nanoseconds after start

	tally atomic.Pointer[Tally] // where messages are counted besides; nil = nowhere
}

// Tally is the traffic of several connections together, which one may read without
// going through them all. It is safe for concurrent use.
type Tally struct {
	shards [4]struct {
		inMsgs, inBytes, outMsgs, outBytes atomic.Int64

		_ [32]byte // neighbours share no cache line
	}
}

// Traffic is what the connections have received and accepted to be sent while they
// counted here.
func (t *Tally) Traffic() (sum facts.Traffic) {
	for i := range t.shards {
		s := &t.shards[i]
		sum.Add(facts.Traffic{
			InMsgs: s.inMsgs.Load(), InBytes: s.inBytes.Load(),
			OutMsgs: s.outMsgs.Load(), OutBytes: s.outBytes.Load(),
		})
	}
	return sum
}

// CountIn lets the traffic from now on count in t too, and no longer in another Tally.
func (c *Conn) CountIn(t *Tally) { c.count.tally.Store(t) }

// elapsed is the time since the connection began, in nanoseconds.
func (c *Conn) elapsed() int64 { return int64(time.Since(c.count.start)) }

// Age is how long there has been the connection.
func (c *Conn) Age() time.Duration { return time.Since(c.count.start) }

// Received counts what the peer has sent in one read: messages, their bytes, or, with
// 0 of both, something else that shows it in use. Only the reader calls it.
func (c *Conn) Received(msgs, bytes int64) {
	n := &c.count
	if msgs > 0 {
		n.inMsgs.Store(n.inMsgs.Load() + msgs)
		n.inBytes.Store(n.inBytes.Load() + bytes)
		if t := n.tally.Load(); t != nil {
			s := &t.shards[c.ID%uint64(len(t.shards))]
			s.inMsgs.Add(msgs)
			s.inBytes.Add(bytes)
		}
	}
	n.active.Store(c.elapsed())
}

// Traffic is what has been received and accepted to be sent so far.
func (c *Conn) Traffic() facts.Traffic {
	n := &c.count
	return facts.Traffic{
		InMsgs: n.inMsgs.Load(), InBytes: n.inBytes.Load(),
		OutMsgs: n.outMsgs.Load(), OutBytes: n.outBytes.Load(),
	}
}

// Facts fills in what the core knows of the connection.
func (c *Conn) Facts(f *facts.Connection) {
	n := &c.count
	f.ID = c.ID
	if a, ok := c.link.peer().(*net.TCPAddr); ok {
		f.IP, f.Port = a.IP.String(), a.Port
	}
	f.Start = n.start
	f.LastActivity = n.start.Add(time.Duration(n.active.Load()))
	f.RTT = c.RTT()
	f.Pending = c.Out.Pending()
	f.Traffic = c.Traffic()
	f.Stalls = n.stalls.Load()
}

// sent counts messages that the queue has accepted. Queue.mu is held.
func (c *Conn) sent(msgs, bytes int) {
	if msgs == 0 {
		return
	}
	n := &c.count
	n.outMsgs.Store(n.outMsgs.Load() + int64(msgs))
	n.outBytes.Store(n.outBytes.Load() + int64(bytes))
	if t := n.tally.Load(); t != nil {
		s := &t.shards[c.ID%uint64(len(t.shards))]
		s.outMsgs.Add(int64(msgs))
		s.outBytes.Add(int64(bytes))
	}
}

// Bounds of histograms: each is four times the one before.
const (
	firstTime  = 12 // 1<<12 ns = 4 µs, up to 17 s
	firstBytes = 6  // 64 B, up to 256 MiB
	bounds     = 12
)

// histogram counts values by size. Since the bounds are powers of two, finding the
// bucket takes no search. Values of different connections are mostly counted in
// different places, which spares processors to fight for one.
type histogram struct {
	shards [8]struct {
		buckets [bounds + 1]atomic.Uint64
		sum     atomic.Uint64
		_       [16]byte // neighbours share no cache line
	}
}

// observe counts v, the first bound being 1<<first.
func (h *histogram) observe(id uint64, first uint, v int64) {
	i := 0
	if v > 1 {
		i = min((bits.Len64(uint64(v-1)>>first)+1)/2, bounds)
	}
	s := &h.shards[id%uint64(len(h.shards))]
	s.buckets[i].Add(1)
	s.sum.Add(uint64(max(v, 0)))
}

// FlushTimes is how many nanoseconds flushes took, from taking what was queued until it
// was written.
func (s *Stats) FlushTimes() facts.Distribution { return s.flushTime.read(firstTime) }

// FlushBytes is how many bytes were queued when flushes began.
func (s *Stats) FlushBytes() facts.Distribution { return s.flushBytes.read(firstBytes) }

func (h *histogram) read(first uint) (d facts.Distribution) {
	for i := range bounds + 1 {
		for j := range h.shards {
			d.Count += h.shards[j].buckets[i].Load()
		}
		if i < bounds {
			d.Buckets = append(d.Buckets, facts.Bucket{Bound: 1 << (first + 2*uint(i)), Count: d.Count})
		}
	}
	for j := range h.shards {
		d.Sum += h.shards[j].sum.Load()
	}
	return d
}
