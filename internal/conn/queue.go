package conn

import (
	"sync"
	"sync/atomic"

	"nats-server/internal/buf"
)

// Queue is the outbound side of one connection: a FIFO of bytes with a limit.
//
// Its memory is bounded: what fills less than half of its chunk goes to the free
// part of the one before, if it fits, so that any two neighbours hold more than
// the capacity of one.
type Queue struct {
	conn *Conn // whose queue this is; set once

	mu       sync.Mutex
	out      []*buf.Chunk // not yet taken by the flusher, oldest first
	pending  int64        // bytes queued or being written
	codec    Codec        // seals what is queued; nil = nothing is sealed
	plain    int          // with a codec: so many of the first chunks of out are not sealed
	flushing bool         // somebody has the right and the duty to write
	closed   bool         // takes nothing more
	detached bool         // the reader has ended: whoever finishes the flush finishes the connection

	gated atomic.Bool   // gate is not nil; changed under mu
	gate  chan struct{} // not nil while pending is above the high-water mark; closed when it opens
	pace  pace
}

// Loss is messages at the end of a staged run that were not accepted.
type Loss struct {
	Run  int // index in Stage.Runs
	Msgs int
}

// Outcome tells a reader what became of a Stage that it committed. The slices
// are nil in the ordinary case.
type Outcome struct {
	Flush   bool   // there is something to write and nobody writing
	Gated   bool   // the queue is above its high-water mark: publishers should Wait
	Failed  bool   // the queue has outgrown its limit: the caller must call Overflow
	Lost    []Loss // messages that were not accepted
	Expired []int  // runs whose Tap has reached its maximum and is ended now
}

// Commit hands the staged bytes over and empties the stage. It takes the queue's
// lock once, whatever the number of messages.
func (q *Queue) Commit(s *Stage) (o Outcome) {
	chunk := s.chunk
	if chunk == nil {
		return o
	}
	used := len(chunk.Data)
	if q.conn.cfg.Log.TraceOn() {
		q.conn.session.TraceOut(chunk.Data)
	}
	o = q.commit(s)
	s.reset(used)
	return o
}

func (q *Queue) commit(s *Stage) (o Outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	chunk := s.chunk
	ordinary, msgs, bytes := q.account(s.Runs)
	if ordinary < len(s.Runs) {
		chunk = q.filter(s, ordinary, &o, &msgs, &bytes)
	}
	q.conn.sent(msgs, bytes)
	o.Failed = q.put(chunk)
	o.Flush = !q.flushing && len(q.out) > 0
	o.Gated = q.gate != nil && !q.conn.cfg.limits().DropWhenSlow
	return o
}

// Append queues bytes for the connection itself, from a goroutine that has no
// stage. The caller flushes.
func (q *Queue) Append(b []byte) {
	chunk := buf.Get(len(b))
	copy(chunk.Extend(len(b)), b)
	if q.conn.cfg.Log.TraceOn() {
		q.conn.session.TraceOut(chunk.Data) // and not b, which would escape to the heap
	}
	q.mu.Lock()
	failed := q.put(chunk)
	q.mu.Unlock()
	if failed {
		q.Overflow()
	}
}

// Overflow ends a connection whose queue has outgrown its limit and was closed for
// that. It is called once.
func (q *Queue) Overflow() {
	c := q.conn
	c.cfg.Stats.SlowConsumers.Add(1)
	c.cfg.Log.Warnf("%s - Slow Consumer Detected: MaxPending of %d Exceeded", c, c.cfg.limits().MaxPending)
	c.closed(SlowConsumerPending, false)
}

// Pending returns the bytes queued or being written.
func (q *Queue) Pending() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pending
}

// Refuses reports whether a message would be dropped now, because the connection is
// closed or too far behind.
func (q *Queue) Refuses() bool {
	return q.conn.Closed() || q.conn.cfg.limits().DropWhenSlow && q.gated.Load()
}

// Lengthy is Conn.Lengthy of the queue's connection.
func (q *Queue) Lengthy() { q.conn.Lengthy() }

// Closed reports whether the queue's connection has been closed.
func (q *Queue) Closed() bool { return q.conn.Closed() }

// account counts ordinary runs and returns the index of the first that is not
// ordinary: its Tap has ended or has a limit, or the queue takes nothing now.
func (q *Queue) account(runs []Run) (ordinary, msgs, bytes int) {
	if q.closed || q.dropping() {
		return 0, 0, 0
	}
	for i := range runs {
		r := &runs[i]
		if r.Tap == nil {
			continue
		}
		if r.Tap.Ended || r.Tap.Max > 0 {
			return i, msgs, bytes
		}
		r.Tap.Delivered += uint64(r.Msgs)
		msgs += r.Msgs
		bytes += r.Payload
	}
	return len(runs), msgs, bytes
}

// dropping reports whether messages are refused because the peer is behind.
func (q *Queue) dropping() bool { return q.gate != nil && q.conn.cfg.limits().DropWhenSlow }

// filter replaces the staged chunk by one without the messages that their
// subscriptions, or the connection, do not take any more. Runs before the first
// from on have been accounted; what is accepted of the others is added to msgs and
// bytes.
func (q *Queue) filter(s *Stage, from int, o *Outcome, msgs, bytes *int) *buf.Chunk {
	staged := s.chunk
	kept := buf.Get(len(staged.Data))
	at := 0
	if from > 0 {
		at = s.Runs[from-1].End
		kept.Data = append(kept.Data, staged.Data[:at]...)
	}
	for i := from; i < len(s.Runs); i++ {
		r := s.Runs[i]
		b := staged.Data[at:r.End]
		at = r.End
		take := q.admit(r)
		if take < r.Msgs {
			b = s.take(b, take)
			o.Lost = append(o.Lost, Loss{i, r.Msgs - take})
		}
		kept.Data = append(kept.Data, b...)
		if r.Tap != nil && take > 0 {
			*msgs += take
			*bytes += r.Payload * take / r.Msgs // of some only: as if they were alike
		}
		if r.Tap != nil && take > 0 && r.Tap.Ended {
			o.Expired = append(o.Expired, i)
		}
	}
	staged.Release()
	return kept
}

// admit returns how many messages of the run are accepted, and counts them.
func (q *Queue) admit(r Run) int {
	t := r.Tap
	switch {
	case q.closed:
		return 0
	case t == nil:
		return r.Msgs
	case t.Ended || q.dropping() && !t.Chosen:
		return 0
	}
	take := r.Msgs
	if t.Max > 0 {
		take = min(take, int(uint64(t.Max)-t.Delivered))
	}
	t.Delivered += uint64(take)
	t.Ended = t.Max > 0 && t.Delivered >= uint64(t.Max)
	return take
}

// put appends the bytes of a chunk, which it takes over. It reports whether that
// made the queue outgrow its limit, which ends the queue.
func (q *Queue) put(c *buf.Chunk) (failed bool) {
	n := len(c.Data)
	if n == 0 || q.closed {
		c.Release()
		return false
	}
	q.pending += int64(n)
	limits := q.conn.cfg.limits()
	limit := limits.MaxPending
	if limit > 0 && q.pending > limit && !limits.Unbounded {
		q.pending -= int64(n)
		c.Release()
		failed, _ = q.closeLocked(SlowConsumerPending)
		return failed
	}
	if limit > 0 && q.gate == nil && q.pending > highWater(limit) {
		q.gate = make(chan struct{})
		q.gated.Store(true)
	}
	if c = q.merge(c); c != nil {
		q.out = append(q.out, c)
	}
	return false
}

// merge copies a small chunk into the free part of the last one and returns nil,
// or returns the chunk to append. The more is queued, the larger the chunk that
// small pieces are gathered in: a slow connection then needs few system calls.
func (q *Queue) merge(c *buf.Chunk) *buf.Chunk {
	const small = 4 << 10
	n := len(c.Data)
	loose := n <= small || 2*n <= cap(c.Data)
	if last := len(q.out) - 1; last >= q.plain && loose && q.out[last].Free() >= n {
		copy(q.out[last].Extend(n), c.Data)
		c.Release()
		return nil
	}
	room := n
	if n <= small {
		room = max(n, min(int(q.pending/2), buf.Max))
	}
	if room <= cap(c.Data) && (cap(c.Data) <= 4*room || cap(c.Data) == buf.Min) {
		return c
	}
	fitted := buf.Get(room)
	fitted.Data = append(fitted.Data, c.Data...)
	c.Release()
	return fitted
}

// Locked runs f under the queue's lock, for changes to Taps of this connection.
// f must be short and call nothing that locks.
func (q *Queue) Locked(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f()
}
