package delivery

import (
	"time"

	"nats-server/internal/buf"
	"nats-server/internal/conn"
)

const (
	// directMost is how many queues a reader writes to itself at the end of a
	// read. It saves a goroutine switch for each; with more, writers share the
	// work among the cores.
	directMost = 16

	// holdOnce and holdRead bound how long a publisher is held back for one queue
	// and for one read (spec: client-protocol 16).
	holdOnce = 2 * time.Millisecond
	holdRead = 10 * time.Millisecond

	fewStages = 64
)

// Commit hands over everything staged. Queues are not written yet.
func (s *Sender) Commit() {
	s.spread()
	for i := 0; i < len(s.dirty); i++ {
		st := s.dirty[i]
		st.dirty = false
		s.commit(st)
	}
	clear(s.dirty)
	s.dirty, s.staged = s.dirty[:0], 0
	s.endChoice()
}

func (s *Sender) endChoice() {
	if a := s.choosing; a != nil {
		s.choosing = nil
		a.EndChoice()
	}
}

// commit hands one stage over.
func (s *Sender) commit(st *stage) {
	if st.Empty() {
		return
	}
	o := st.Queue.Commit(&st.Stage)
	s.committed(st, &o)
}

// committed does what has to follow a commit, without any lock held.
func (s *Sender) committed(st *stage, o *conn.Outcome) {
	for _, run := range o.Expired {
		if sub := st.subs[run]; sub != nil {
			sub.To().Ended(sub)
		}
	}
	if o.Failed {
		st.Queue.Overflow()
	}
	clear(st.subs)
	st.subs = st.subs[:0]
	st.gated = o.Gated
	if o.Flush && !st.flush {
		st.flush = true
		s.flush = append(s.flush, st)
	}
	if !st.fed && st != s.own {
		st.fed = true
		s.fed = append(s.fed, st)
	}
}

// Settle ends a read: everything staged is handed over and written, or will be. If
// the publisher is to be held back it returns the function that waits.
func (s *Sender) Settle() (hold func()) {
	s.handOver()
	hold = s.hold()
	if cap(s.plain) > buf.Max {
		s.plain = nil
	}
	if len(s.stages) > max(s.sweepAt, fewStages) {
		s.sweep()
	}
	return hold
}

// handOver commits and sees to the writing.
func (s *Sender) handOver() {
	s.Commit()
	direct := len(s.flush) <= directMost
	for _, st := range s.flush {
		st.flush = false
		st.Queue.Flush(direct)
	}
	clear(s.flush)
	s.flush = s.flush[:0]
}

// hold returns what makes the publisher wait, if every queue that took its
// messages in this read is behind. With a single receiver that keeps up nobody
// waits: one that does not is cut off sooner or later, and costs the others
// nothing.
func (s *Sender) hold() func() {
	var behind []*conn.Queue
	for _, st := range s.fed {
		if st.gated {
			behind = append(behind, st.Queue)
		}
	}
	all := len(behind) == len(s.fed)
	for _, st := range s.fed {
		st.fed = false
	}
	clear(s.fed)
	s.fed = s.fed[:0]
	if len(behind) == 0 || !all || s.routed {
		return nil
	}
	return func() { s.wait(behind) }
}

// wait holds the publisher back until the queues have drained enough, within the
// time that a read may cost it.
func (s *Sender) wait(behind []*conn.Queue) {
	began := time.Now()
	waited := true
	for waited && time.Since(began) < holdRead {
		waited = false
		for _, q := range behind {
			if left := holdRead - time.Since(began); left > 0 && q.Wait(min(holdOnce, left)) {
				waited = true
			}
		}
	}
	if d := time.Since(began); d > holdOnce/2 {
		s.held(d)
	}
}

// Close ends the Sender. Nothing staged is handed over any more, and no other
// connection is kept in memory by what the Sender knew of it.
func (s *Sender) Close() {
	s.endChoice()
	*s = Sender{acct: s.acct, self: s.self}
}

// sweep forgets the stages of connections that have ended, which would keep them
// in memory.
func (s *Sender) sweep() {
	for q, st := range s.stages {
		if q.Closed() && st.Empty() {
			delete(s.stages, q)
		}
	}
	s.lanes.prune()
	s.last, s.lastStage = nil, nil
	s.scratch.reset()
	s.sweepAt = 2 * len(s.stages)
}
