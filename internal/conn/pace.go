package conn

import "time"

// How long after the last sign of a peer taking bytes it is still believed to be
// merely slow. A kernel with large buffers tells the sender only after hundreds of
// kilobytes that the receiver has made room, so one that has gone on after a pause
// before is given time. One that has not must show within the shorter time that it
// reads at all; after that its publishers do not wait for it.
const (
	patience       = 100 * time.Millisecond
	patienceProven = 300 * time.Millisecond
)

// settling is more than the time for which kernels delay acknowledgements.
const settling = 50 * time.Millisecond

// pace tells a queue whose peer is slow from one whose peer takes nothing at all.
// It is guarded by the queue's lock.
type pace struct {
	wrote   bool      // bytes were written since the last look
	unsent  int       // what the kernel had yet to send at the last look
	movedAt time.Time // when the peer was last seen to have taken bytes, or the buffers were full
	filled  bool      // the kernel's buffers have been full
	settled bool      // and the peer's kernel has had its share since
	proven  bool      // the peer has taken bytes after that
}

// look notes whether the peer has taken bytes since the last look. Looks begin
// when the kernel's buffers are full. A change soon after that is no sign of the
// peer: its kernel acknowledges late, and takes some more by itself.
func (p *pace) look(unsent int) {
	now := time.Now()
	moved := unsent != p.unsent
	switch {
	case p.wrote || !p.filled && moved:
		p.movedAt = now
		p.proven, p.settled = p.filled, false
	case moved && p.settled:
		p.movedAt = now
		p.proven = true
	default:
		p.settled = p.settled || moved || now.Sub(p.movedAt) > settling
	}
	p.wrote, p.unsent, p.filled = false, unsent, true
}

// slow reports whether the peer still takes bytes.
func (p *pace) slow() bool {
	if p.proven {
		return time.Since(p.movedAt) < patienceProven
	}
	return time.Since(p.movedAt) < patience
}

// highWater is the pending size above which publishers are slowed down (spec:
// client-protocol 16).
func highWater(limit int64) int64 { return max(limit/4*3, 1) }

// openLocked lets everybody go who waits at the gate.
func (q *Queue) openLocked() {
	if q.gate != nil {
		close(q.gate)
		q.gate = nil
		q.gated.Store(false)
	}
}

// Wait blocks while the queue is above its high-water mark, for at most d, and
// reports whether it did. It does not wait for a peer that has taken nothing for
// the time of patience: that is the most that a publisher loses, once, to one that
// stops reading.
func (q *Queue) Wait(d time.Duration) bool {
	q.mu.Lock()
	gate := q.gate
	q.pace.look(q.conn.link.unsent())
	slow := q.pace.slow()
	if gate != nil && slow {
		q.conn.count.stalls.Add(1)
	}
	q.mu.Unlock()
	if gate == nil || !slow {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-gate:
	case <-t.C:
	}
	return true
}
