package delivery

import (
	"nats-server/internal/conn"
	"nats-server/internal/interest"
	"nats-server/internal/wire"
)

// stage collects what a Sender has for one queue.
type stage struct {
	conn.Stage
	subs   []*interest.Sub // of Runs, nil for those of the connection itself
	dirty  bool            // in Sender.dirty
	flush  bool            // in Sender.flush
	gated  bool            // at the last commit
	fed    bool            // in Sender.fed
	inLane int             // targets in the lane being bundled
}

func newStage(q *conn.Queue) *stage {
	return &stage{Stage: conn.Stage{Queue: q, First: firstDelivery}}
}

func firstDelivery(b []byte) int {
	_, _, n := wire.ReadDelivery(b)
	return n
}

// stageOf returns the stage for q, made if necessary.
func (s *Sender) stageOf(q *conn.Queue) *stage {
	switch {
	case q == s.own.Queue:
		return s.own
	case s.lastStage != nil && s.lastStage.Queue == q:
		return s.lastStage
	}
	st := s.stages[q]
	if st == nil {
		st = newStage(q)
		if s.stages == nil {
			s.stages = make(map[*conn.Queue]*stage)
		}
		s.stages[q] = st
	}
	s.lastStage = st
	return st
}

// reserve makes room in a stage for n bytes, which are msgs messages with so much
// payload for sub, or with a nil sub are for the connection itself.
func (s *Sender) reserve(st *stage, sub *interest.Sub, n, msgs, payload int) []byte {
	if !st.Fits(n) {
		s.commit(st)
		st.Overflowing()
	}
	var tap *conn.Tap
	if sub != nil {
		tap = &sub.Tap
	}
	dst, fresh := st.Add(tap, n, msgs, payload)
	if fresh {
		st.subs = append(st.subs, sub)
	}
	s.soil(st, n)
	return dst
}

// reserveLink makes room in a stage for a message of n bytes, so much of it
// payload, to another server.
func (s *Sender) reserveLink(k *link, n, payload int) []byte {
	st := k.stage
	if !st.Fits(n) {
		s.commit(st)
		st.Overflowing()
	}
	dst, fresh := st.Add(&k.to.Link.Tap, n, 1, payload)
	if fresh {
		st.subs = append(st.subs, nil)
	}
	s.soil(st, n)
	return dst
}

// soil notes that a stage holds n bytes more.
func (s *Sender) soil(st *stage, n int) {
	s.staged += n
	if !st.dirty {
		st.dirty = true
		s.dirty = append(s.dirty, st)
	}
}
