package conn

import (
	"errors"
	"os"
	"time"

	"nats-server/internal/buf"
)

// finalFlush is the time that the last bytes of a closing connection have.
const finalFlush = time.Second

// flusher is the state of whoever has set Queue.flushing.
type flusher struct {
	batch []*buf.Chunk // taken from the queue, oldest first, not yet written
	skip  int          // bytes of batch[0] that are written already
	began int64        // Conn.elapsed when the batch was taken
	bytes int64        // in the batch then
	msgs  int64        // accepted by the queue until then
	// unsealed is the codec for a batch that is not yet sealed, nil for one that is, or
	// that is sent as it is.
	unsealed Codec
	moved    bool      // something was written since the last deadline was set
	slow     time.Time // when the present flush began to miss deadlines; zero if it has not
}

// next returns the bytes to write next, or nil at the end of the batch.
func (f *flusher) next() []byte {
	if len(f.batch) == 0 {
		return nil
	}
	return f.batch[0].Data[f.skip:]
}

// wrote drops n bytes from the front of the batch.
func (f *flusher) wrote(n int) {
	f.moved = f.moved || n > 0
	f.skip += n
	done := 0
	for done < len(f.batch) && f.skip >= len(f.batch[done].Data) {
		f.skip -= len(f.batch[done].Data)
		f.batch[done].Release()
		f.batch[done] = nil
		done++
	}
	if done == len(f.batch) {
		f.batch = f.batch[:0]
	} else if done > 0 {
		f.batch = f.batch[:copy(f.batch, f.batch[done:])]
	}
}

// Flush sees to it that what is queued gets written. With direct set, the calling
// goroutine does it as far as the peer takes it at once, which saves a switch to
// another goroutine, but costs the caller the system call.
func (q *Queue) Flush(direct bool) {
	q.mu.Lock()
	if q.flushing || q.closed || len(q.out) == 0 {
		q.mu.Unlock()
		return
	}
	q.flushing = true
	q.takeLocked()
	q.mu.Unlock()
	q.conn.link.flush(direct)
}

// takeLocked moves everything queued to the flusher's batch, which must be empty.
func (q *Queue) takeLocked() {
	f := &q.conn.flusher
	f.batch, q.out = q.out, f.batch[:0]
	if n := q.plain; n > 0 { // these first, and alone
		q.out = append(q.out, f.batch[n:]...)
		clear(f.batch[n:])
		f.batch, q.plain = f.batch[:n], 0
	} else {
		f.unsealed = q.codec
	}
	f.began, f.bytes = q.conn.elapsed(), q.pending
}

// measureLocked notes that the batch has been written.
func (q *Queue) measureLocked() {
	c, f := q.conn, &q.conn.flusher
	now := c.elapsed()
	c.cfg.Stats.flushTime.observe(c.ID, firstTime, now-f.began)
	c.cfg.Stats.flushBytes.observe(c.ID, firstBytes, f.bytes)
	if msgs := c.count.outMsgs.Load(); msgs != f.msgs {
		f.msgs = msgs
		c.count.active.Store(now)
	}
}

// wrote accounts for n bytes that were written, and opens the gate when enough
// have been.
func (q *Queue) wrote(n int) {
	q.mu.Lock()
	q.pending -= int64(n)
	q.pace.wrote = q.pace.wrote || n > 0
	if q.gate != nil && q.pending < highWater(q.conn.cfg.limits().MaxPending) {
		q.openLocked()
	}
	q.mu.Unlock()
}

// finish ends a flush. If all went well and more was queued meanwhile, it takes
// that as the next batch and returns false. Otherwise it gives the right to write
// back, and closes the socket of a closed connection.
func (q *Queue) finish(failed bool) (done bool) {
	q.mu.Lock()
	if !failed {
		q.measureLocked()
	}
	if !failed && len(q.out) > 0 {
		q.takeLocked()
		q.mu.Unlock()
		return false
	}
	if failed {
		q.discardLocked()
		q.conn.flusher.drop()
		q.pending = 0
	}
	if q.closed {
		// Before flushing ends: the reader takes that for the end of the connection.
		q.mu.Unlock()
		q.conn.link.shut()
		q.mu.Lock()
	}
	q.flushing = false
	last := q.detached
	q.mu.Unlock()
	if last {
		q.conn.cfg.Track.Done()
	}
	return true
}

// discardLocked drops everything that is queued but the flusher's batch.
func (q *Queue) discardLocked() {
	for _, c := range q.out {
		q.pending -= int64(len(c.Data))
		c.Release()
	}
	q.out, q.plain = nil, 0
	q.openLocked()
}

// drop releases the rest of the batch.
func (f *flusher) drop() {
	for _, c := range f.batch {
		c.Release()
	}
	f.batch, f.skip, f.unsealed = nil, 0, nil
}

// bearsWith reports whether the flush may go on after its deadline: the peer is one to
// be patient with and has taken something (spec: cluster-routes 12.2).
func (c *Conn) bearsWith(err error) bool {
	f := &c.flusher
	limits := c.cfg.limits()
	if !limits.Patient || !f.moved || c.Closed() || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	f.moved = false
	if f.slow.IsZero() {
		f.slow = time.Now().Add(-limits.WriteDeadline)
		c.cfg.Stats.SlowConsumers.Add(1)
		c.cfg.Log.Noticef("%s - Slow Consumer Detected: WriteDeadline of %v exceeded with %d chunks of %d total bytes.",
			c, limits.WriteDeadline, len(f.batch), c.Out.Pending())
	}
	return true
}

// caughtUp ends what bearsWith began, when all is written.
func (c *Conn) caughtUp() {
	f := &c.flusher
	if f.slow.IsZero() {
		return
	}
	took := time.Since(f.slow)
	f.slow = time.Time{}
	c.cfg.Log.Noticef("%s - Slow Consumer Recovered: Flush took %v", c, took.Round(time.Millisecond))
}

// writeFailed ends the connection after a write error.
func (c *Conn) writeFailed(err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		if c.Close(WriteError) {
			c.cfg.Log.Debugf("%s - Error writing: %v", c, err)
		}
		return
	}
	chunks, pending := len(c.flusher.batch), c.Out.Pending()
	if c.Close(SlowConsumerDeadline) {
		c.cfg.Stats.SlowConsumers.Add(1)
		c.cfg.Log.Warnf("%s - Slow Consumer Detected: WriteDeadline of %v exceeded with %d chunks of %d total bytes.",
			c, c.cfg.limits().WriteDeadline, chunks, pending)
	}
}
