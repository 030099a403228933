package conn

import (
	"errors"
	"net"
	"os"
	"time"

	"nats-server/internal/buf"
)

const (
	// pieceBytes bounds one write of the writer goroutine, so that a queue shows
	// progress while a large batch leaves slowly.
	pieceBytes = 256 << 10

	// finalFlush is the time that the last bytes of a closing connection have.
	finalFlush = time.Second
)

// flusher is the state of whoever has set Queue.flushing.
type flusher struct {
	batch []*buf.Chunk // taken from the queue, oldest first, not yet written
	skip  int          // bytes of batch[0] that are written already
	vec   net.Buffers
	now   []byte // argument and results of one non-blocking write
	n     int
	err   error
}

// Flush sees to it that what is queued gets written. With direct set, the calling
// goroutine tries first, which saves a switch to another goroutine: it never
// waits for the peer, but it pays for the system call.
func (q *Queue) Flush(direct bool) {
	q.mu.Lock()
	if q.flushing || q.closed || len(q.out) == 0 {
		q.mu.Unlock()
		return
	}
	q.flushing = true
	q.takeLocked()
	q.mu.Unlock()
	if direct && q.conn.raw != nil && q.writeNow() {
		return
	}
	go q.writeLoop()
}

// takeLocked moves everything queued to the flusher's batch, which must be empty.
func (q *Queue) takeLocked() {
	f := &q.conn.flusher
	f.batch, q.out = q.out, f.batch[:0]
}

// writeNow writes without waiting. Not done means that a writer has to go on:
// bytes are left, or others keep adding to the queue.
func (q *Queue) writeNow() (done bool) {
	f := &q.conn.flusher
	for turn := 0; turn < 2; turn++ {
		written := 0
		for i, c := range f.batch {
			f.now = c.Data
			q.conn.tryWrite()
			f.now = nil
			written += f.n
			if f.err != nil {
				q.mu.Lock()
				q.wroteLocked(written)
				q.mu.Unlock()
				q.conn.writeFailed(f.err, len(f.batch), written)
				return q.finish(true)
			}
			if f.n < len(c.Data) {
				q.mu.Lock()
				q.wroteLocked(written)
				q.mu.Unlock()
				f.drop(i, f.n)
				return false
			}
			c.Release()
			f.batch[i] = nil
		}
		f.batch = f.batch[:0]
		if q.wroteAll(written) {
			return true
		}
	}
	return false
}

// drop forgets the first n chunks of the batch, which are written, and skip bytes
// of the next.
func (f *flusher) drop(n, skip int) {
	f.batch = f.batch[:copy(f.batch, f.batch[n:])]
	f.skip = skip
}

// wroteAll accounts for a written batch. Done means that nothing more was queued
// and the right to write is given back; else the next batch is taken.
func (q *Queue) wroteAll(n int) (done bool) {
	q.mu.Lock()
	q.wroteLocked(n)
	if len(q.out) > 0 {
		q.takeLocked()
		q.mu.Unlock()
		return false
	}
	q.mu.Unlock()
	return q.finish(false)
}

// finish gives the right to write back, unless bytes have been queued meanwhile
// and the connection has not failed. It closes the socket of a closed connection.
func (q *Queue) finish(failed bool) (done bool) {
	q.mu.Lock()
	if !failed && len(q.out) > 0 {
		q.takeLocked()
		q.mu.Unlock()
		return false
	}
	if failed {
		q.discardLocked()
	}
	q.flushing = false
	closed, last := q.closed, q.detached
	q.mu.Unlock()
	if closed {
		q.conn.nc.Close()
	}
	if last {
		q.conn.cfg.Track.Done()
	}
	return true
}

// discardLocked drops everything that is queued or in the flusher's batch. Only
// the flusher may call it, or anybody while there is none.
func (q *Queue) discardLocked() {
	f := &q.conn.flusher
	for _, c := range q.out {
		c.Release()
	}
	for _, c := range f.batch {
		if c != nil {
			c.Release()
		}
	}
	q.out, f.batch, f.vec, f.skip = nil, nil, nil, 0
	q.pending = 0
	q.openLocked()
}

// writeLoop is the writer goroutine: it writes until nothing is queued. Each
// batch has the write deadline as a whole (spec: client-protocol 16).
func (q *Queue) writeLoop() {
	c := q.conn
	f := &c.flusher
	for {
		q.setWriteDeadline(time.Now().Add(c.cfg.WriteDeadline))
		for len(f.batch) > 0 {
			chunks, n, err := q.writePiece()
			q.mu.Lock()
			q.wroteLocked(int(n))
			q.mu.Unlock()
			if err != nil {
				c.writeFailed(err, chunks, int(n))
				q.finish(true)
				return
			}
		}
		q.setWriteDeadline(time.Time{}) // a past one would fail later direct writes
		if q.finish(false) {
			return
		}
	}
}

// setWriteDeadline sets the deadline of a batch, unless Close has set the final
// one.
func (q *Queue) setWriteDeadline(t time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.conn.nc.SetWriteDeadline(t)
	}
}

// writePiece writes the first chunks of the batch and returns how many they were.
func (q *Queue) writePiece() (chunks int, n int64, err error) {
	f := &q.conn.flusher
	size := -f.skip
	vec := f.vec[:0]
	for chunks < len(f.batch) && size < pieceBytes {
		b := f.batch[chunks].Data
		if chunks == 0 {
			b = b[f.skip:]
		}
		vec = append(vec, b)
		size += len(b)
		chunks++
	}
	if chunks == 1 {
		var one int
		one, err = q.conn.nc.Write(vec[0])
		n = int64(one)
	} else {
		f.vec = vec
		n, err = f.vec.WriteTo(q.conn.nc)
	}
	clear(vec)
	f.vec = vec[:0]
	if err != nil {
		return chunks, n, err
	}
	for i := range chunks {
		f.batch[i].Release()
	}
	f.drop(chunks, 0)
	return chunks, n, nil
}

// writeFailed ends the connection after a write error.
func (c *Conn) writeFailed(err error, chunks, written int) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.cfg.Log.Debugf("%s - Error flushing: %v", c, err)
		c.Close(WriteError)
		return
	}
	if c.Close(SlowConsumerDeadline) {
		c.cfg.Stats.SlowConsumers.Add(1)
		c.cfg.Log.Warnf("%s - Slow Consumer Detected: WriteDeadline of %v exceeded with %d chunks of %d total bytes.",
			c, c.cfg.WriteDeadline, chunks, written)
	}
}
