package conn_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"nats-server/internal/buf"
	"nats-server/internal/conn"
)

// stagedRun is a run to stage: whose it is, and its messages of one byte each, or
// a line of the connection itself.
type stagedRun struct {
	tap  *conn.Tap
	text string
}

// commit stages runs, whose messages are single bytes, and commits.
func (s *session) commit(runs ...stagedRun) conn.Outcome {
	st := &conn.Stage{Queue: &s.Out, First: func([]byte) int { return 1 }}
	st.Overflowing() // asks for room for 2 KB
	for _, r := range runs {
		if r.tap == nil {
			add(st, nil, r.text)
			continue
		}
		for _, msg := range strings.Split(r.text, "") {
			add(st, r.tap, msg)
		}
	}
	o := s.Out.Commit(st)
	if !st.Empty() || len(st.Runs) > 0 {
		panic("the stage is not empty after Commit")
	}
	return o
}

// lost is what an outcome says of losses, as text.
func lost(o conn.Outcome) string {
	var parts []string
	for _, l := range o.Lost {
		parts = append(parts, fmt.Sprintf("%d:%d", l.Run, l.Msgs))
	}
	return strings.Join(parts, " ")
}

func (s *session) outcome(t *testing.T, far net.Conn, o conn.Outcome, heard, losses string, expired ...int) {
	t.Helper()
	equal(t, "lost", lost(o), losses)
	equalAll(t, "expired", o.Expired, expired)
	s.Out.Append([]byte("|"))
	s.Out.Flush(true)
	hears(t, far, heard+"|")
}

func TestEndedSubscriptionsTakeNothing(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		far := w.connect(tr, s)
		a, b, ended := new(conn.Tap), new(conn.Tap), &conn.Tap{Ended: true}
		o := s.commit(stagedRun{a, "ab"}, stagedRun{ended, "xyz"}, stagedRun{nil, "+"}, stagedRun{b, "c"}, stagedRun{ended, "x"}, stagedRun{a, "d"})
		s.outcome(t, far, o, "ab+cd", "1:3 4:1")
		equal(t, "delivered to a", a.Delivered, 3)
		equal(t, "delivered to b", b.Delivered, 1)
		equal(t, "delivered to the one that has ended", ended.Delivered, 0)
		equal(t, "messages sent", s.Traffic().OutMsgs, 4)
		equal(t, "bytes of them", s.Traffic().OutBytes, int64(len("abcd")))

		// A subscription ends between staging and commit.
		st := s.stage()
		add(st, a, "late\n")
		s.Out.Locked(func() { a.Ended = true })
		s.outcome(t, far, s.Out.Commit(st), "", "0:1")
		s.outcome(t, far, s.commit(stagedRun{a, "x"}), "", "0:1")
	})
}

func TestSubscriptionsEndAfterTheirMaximum(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		far := w.connect(tr, s)
		a, b := new(conn.Tap), new(conn.Tap)
		runs := func(tap *conn.Tap, text string) conn.Outcome {
			return s.commit(stagedRun{b, "<"}, stagedRun{tap, text}, stagedRun{nil, "+"}, stagedRun{b, ">"})
		}
		s.outcome(t, far, runs(a, "12"), "<12+>", "")
		a.Max = 5
		s.outcome(t, far, runs(a, "34"), "<34+>", "")
		equal(t, "ended", a.Ended, false)
		// In the middle of a run.
		s.outcome(t, far, runs(a, "5678"), "<5+>", "1:3", 1)
		equal(t, "ended", a.Ended, true)
		equal(t, "delivered", a.Delivered, 5)
		s.outcome(t, far, runs(a, "9"), "<+>", "1:1")
		equal(t, "delivered", a.Delivered, 5)

		// Just at the end of a run.
		a = &conn.Tap{Max: 2}
		s.outcome(t, far, runs(a, "12"), "<12+>", "", 1)
		equal(t, "ended", a.Ended, true)

		// With the first of two runs, or the second.
		a = &conn.Tap{Max: 2}
		s.outcome(t, far, s.commit(stagedRun{a, "123"}, stagedRun{b, "b"}, stagedRun{a, "45"}), "12b", "0:1 2:2", 0)
		a = &conn.Tap{Max: 4}
		s.outcome(t, far, s.commit(stagedRun{a, "123"}, stagedRun{b, "b"}, stagedRun{a, "45"}), "123b4", "2:1", 2)

		// A higher maximum lets more through, one that is taken back all.
		a = &conn.Tap{Max: 2}
		s.outcome(t, far, runs(a, "1"), "<1+>", "")
		a.Max = 3
		s.outcome(t, far, runs(a, "2"), "<2+>", "")
		a.Max = 0
		s.outcome(t, far, runs(a, "345"), "<345+>", "")
		equal(t, "ended", a.Ended, false)
	})
}

func TestClosedConnectionsLoseMessages(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		far := w.connect(tr, s)
		s.Close(conn.ServerShutdown)
		a, limited := new(conn.Tap), &conn.Tap{Max: 1}
		o := s.commit(stagedRun{a, "ab"}, stagedRun{nil, "+"}, stagedRun{limited, "cd"})
		for i := range o.Lost {
			if r := o.Lost[i].Run; r == 1 {
				o.Lost = append(o.Lost[:i], o.Lost[i+1:]...) // nobody is interested in those
				break
			}
		}
		equal(t, "lost", lost(o), "0:2 2:2")
		equal(t, "expired", len(o.Expired), 0)
		equal(t, "flush", o.Flush, false)
		equal(t, "delivered", a.Delivered+limited.Delivered, 0)
		equal(t, "refuses", s.Out.Refuses(), true)
		equal(t, "heard", everything(t, far), "")
	})
}

func TestMessagesForSlowPeersMayBeDropped(t *testing.T) {
	w, s := newWorld(t), new(session)
	w.cfg.MaxPending, w.cfg.DropWhenSlow = 1000, true
	far := w.connect(transports[1], s) // net.Pipe: buffers nothing
	a, limited := new(conn.Tap), &conn.Tap{Max: 10}
	text := strings.Repeat("x", 800)
	equal(t, "refuses", s.Out.Refuses(), false)
	o := s.commit(stagedRun{a, text})
	equal(t, "gated", o.Gated, false) // nobody is to wait for it
	equal(t, "lost", lost(o), "")
	equal(t, "refuses", s.Out.Refuses(), true)
	o = s.commit(stagedRun{a, "ab"}, stagedRun{nil, "+OK"}, stagedRun{limited, "c"})
	equal(t, "lost", lost(o), "0:2 2:1")
	equal(t, "gated", o.Gated, false)
	equal(t, "delivered", a.Delivered, 800)
	s.Out.Flush(false)
	hears(t, far, text+"+OK")
	eventually(t, "nothing pending", func() bool { return s.Out.Pending() == 0 })
	equal(t, "refuses", s.Out.Refuses(), false)
	s.outcome(t, far, s.commit(stagedRun{a, "de"}), "de", "")
	equal(t, "closed", s.Closed(), false)
}

func TestLentChunks(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		far := w.connect(tr, s)
		lend := func(tap *conn.Tap, text string) conn.Outcome {
			c := buf.Get(len(text))
			c.Data = append(c.Data, text...)
			st := &conn.Stage{Queue: &s.Out, First: func([]byte) int { return 1 }}
			st.Lend(tap, c, len(text), len(text))
			return s.Out.Commit(st)
		}
		a := new(conn.Tap)
		s.outcome(t, far, lend(a, "abc"), "abc", "")
		long := strings.Repeat("x", 50_000)
		s.outcome(t, far, lend(a, long), long, "")
		equal(t, "delivered", a.Delivered, 50_003)
		s.outcome(t, far, lend(&conn.Tap{Max: 2}, "abc"), "ab", "0:1", 0)
		s.outcome(t, far, lend(&conn.Tap{Ended: true}, "abc"), "", "0:3")
	})
}

// Random runs are handed over as a slow and obvious model says.
func TestCommitsLikeTheModel(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	w, s := newWorld(t), new(session)
	far := w.connect(transports[0], s)
	for range 2000 {
		taps, models := make([]*conn.Tap, 4), make([]conn.Tap, 4)
		for i := range taps {
			models[i].Delivered = r.Uint64N(5)
			if r.IntN(2) == 0 {
				models[i].Max = uint32(models[i].Delivered) + 1 + r.Uint32N(6)
			}
			models[i].Ended = r.IntN(4) == 0
			tap := models[i]
			taps[i] = &tap
		}
		var runs []stagedRun
		heard, losses, expired, last := "", []string(nil), []int(nil), -1
		for range r.IntN(8) {
			who := r.IntN(len(taps) + 1)
			if who == last { // would be one run
				continue
			}
			last = who
			if who == len(taps) {
				runs = append(runs, stagedRun{nil, "+"})
				heard += "+"
				continue
			}
			m, text, rest := &models[who], "", ""
			was := m.Ended
			for range 1 + r.IntN(5) {
				msg := string(rune('a' + r.IntN(26)))
				text += msg
				if m.Ended {
					rest += msg
					continue
				}
				heard += msg
				m.Delivered++
				m.Ended = m.Max > 0 && m.Delivered == uint64(m.Max)
			}
			if m.Ended && !was {
				expired = append(expired, len(runs))
			}
			if rest != "" {
				losses = append(losses, fmt.Sprintf("%d:%d", len(runs), len(rest)))
			}
			runs = append(runs, stagedRun{taps[who], text})
		}
		s.outcome(t, far, s.commit(runs...), heard, strings.Join(losses, " "), expired...)
		for i := range taps {
			equal(t, "tap", *taps[i], models[i])
		}
		if t.Failed() {
			return
		}
	}
}
