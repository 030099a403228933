package conn

import "time"

// stillMoving is how long after the last sign of a peer taking bytes it is still
// believed to be merely slow.
const stillMoving = 20 * time.Millisecond

// pace tells a queue whose peer is slow from one whose peer takes nothing at all.
// The kernel is asked how much the peer has yet to take, since it reports room
// only after megabytes.
type pace struct {
	watching bool      // pending is above watchFrom
	moved    bool      // bytes were written since the last look
	unsent   int       // at the last look
	movedAt  time.Time // when a look last saw that bytes had been taken; zero if none has
}

// highWater is the pending size above which publishers are slowed down (spec:
// client-protocol 16); watchFrom is that above which the pace is watched, so that
// it is known by then.
func highWater(limit int64) int64 { return limit / 4 * 3 }
func watchFrom(limit int64) int64 { return limit / 2 }

// watchLocked is called when more was queued.
func (q *Queue) watchLocked(limit int64) {
	p := &q.pace
	if !p.watching {
		*p = pace{watching: true, unsent: q.conn.link.unsent()}
	}
	if q.gate == nil && q.pending > highWater(limit) {
		q.gate = make(chan struct{})
		q.gated.Store(true)
		p.look(q.conn.link.unsent())
	}
}

// look notes whether the peer has taken bytes since the last look.
func (p *pace) look(unsent int) {
	if p.moved || unsent != p.unsent {
		p.movedAt = time.Now()
	}
	p.moved, p.unsent = false, unsent
}

// openLocked lets everybody go who waits at the gate.
func (q *Queue) openLocked() {
	if q.gate != nil {
		close(q.gate)
		q.gate = nil
		q.gated.Store(false)
	}
}

// Wait blocks while the queue is above its high-water mark, for at most d, and
// reports whether it did. It does not wait for a peer that has taken nothing
// lately: a publisher never loses time to one that does not read at all.
func (q *Queue) Wait(d time.Duration) bool {
	q.mu.Lock()
	gate := q.gate
	q.pace.look(q.conn.link.unsent())
	slow := time.Since(q.pace.movedAt) < stillMoving
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
