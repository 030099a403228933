package conn_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"nats-server/internal/conn"
)

// Every stage arrives as a whole, and those of one goroutine in their order.
// Lines that are queued one by one stay whole, too.
func TestConcurrentCommitsKeepTheirOrder(t *testing.T) {
	const writers, commits = 4, 300
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		far := w.connect(tr, s)
		var wg sync.WaitGroup
		for writer := range writers {
			wg.Go(func() {
				st, tap := s.stage(), new(conn.Tap)
				for commit := range commits {
					id := fmt.Sprintf(" %d %d\n", writer, commit)
					end := "end" + id
					add(st, tap, "begin"+id)
					for range rand.IntN(20) {
						text := strings.Repeat("x", rand.IntN(100))
						if rand.IntN(50) == 0 {
							text = strings.Repeat("X", rand.IntN(20_000))
						}
						if text += id; !st.Fits(len(text) + len(end)) {
							st.Overflowing()
							break
						}
						add(st, tap, text)
					}
					add(st, tap, end)
					s.Out.Commit(st)
					s.Out.Flush(rand.IntN(2) == 0)
				}
			})
		}
		wg.Go(func() {
			for commit := range commits {
				s.say(fmt.Sprintf("alone %d %d\n", writers, commit))
			}
		})

		in := bufio.NewReaderSize(far, 1<<20)
		line := func() (kind, id string) {
			text, err := in.ReadString('\n')
			noErr(t, err)
			kind, id, _ = strings.Cut(text, " ")
			return kind, id
		}
		var next [writers + 1]int // number of the commit due
		for range (writers + 1) * commits {
			kind, id := line()
			var writer, commit int
			if _, err := fmt.Sscan(id, &writer, &commit); err != nil || kind != "begin" && kind != "alone" {
				t.Fatalf("%.60q %q is no beginning", kind, id)
			}
			if commit != next[writer] {
				t.Fatalf("commit %d of %d, want %d", commit, writer, next[writer])
			}
			next[writer]++
			for kind != "end" && kind != "alone" {
				var of string
				if kind, of = line(); of != id {
					t.Fatalf("%.60q %q amidst %q", kind, of, id)
				}
			}
		}
		wg.Wait()
		eventually(t, "nothing pending", func() bool { return s.Out.Pending() == 0 })
	})
}

func TestBytesArriveAsCommitted(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		far := w.connect(tr, s)
		st, tap := s.stage(), new(conn.Tap)
		if !st.Empty() {
			t.Error("a new stage is not empty")
		}
		equal(t, "an empty commit has something to write", s.Out.Commit(st).Flush, false)
		var want strings.Builder
		msgs, sent := 0, 0
		for _, size := range []int{1, 2, 511, 512, 513, 4096, 4097, 1, 70_000, 5, 1 << 20, 300_000, 1} {
			for range 3 {
				text := strings.Repeat(string(rune('a'+msgs%26)), size)
				want.WriteString(text)
				if !st.Fits(size) {
					s.Out.Commit(st)
				}
				add(st, tap, text)
				if st.Empty() {
					t.Fatal("a stage with a message is empty")
				}
				msgs, sent = msgs+1, sent+size
			}
		}
		o := s.Out.Commit(st)
		if !o.Flush || o.Failed || o.Lost != nil || o.Expired != nil || !st.Empty() || len(st.Runs) != 0 {
			t.Errorf("outcome %+v, stage %+v", o, st)
		}
		equal(t, "pending before the flush", s.Out.Pending(), int64(sent))
		s.Out.Flush(true)
		hears(t, far, want.String())
		equal(t, "messages sent", s.Traffic().OutMsgs, int64(msgs))
		equal(t, "bytes of them", s.Traffic().OutBytes, int64(sent))
		equal(t, "delivered", tap.Delivered, uint64(msgs))
		eventually(t, "nothing pending", func() bool { return s.Out.Pending() == 0 })
	})
}

func TestRunsOfAStage(t *testing.T) {
	w, s := newWorld(t), new(session)
	w.connect(transports[0], s)
	st, a, b := s.stage(), new(conn.Tap), new(conn.Tap)
	var fresh []bool
	for _, run := range []conn.Run{{Tap: a, Msgs: 1}, {Tap: a, Msgs: 3}, {Tap: b, Msgs: 1}, {Tap: nil}, {Tap: nil}, {Tap: a, Msgs: 1}} {
		_, f := st.Add(run.Tap, 3, run.Msgs, 2*run.Msgs)
		fresh = append(fresh, f)
	}
	equalAll(t, "fresh", fresh, []bool{true, false, true, true, false, true})
	equalAll(t, "runs", st.Runs, []conn.Run{
		{Tap: a, End: 6, Msgs: 4, Payload: 8}, {Tap: b, End: 9, Msgs: 1, Payload: 2}, {Tap: nil, End: 15}, {Tap: a, End: 18, Msgs: 1, Payload: 2}})
	s.Out.Commit(st)
	equal(t, "delivered to a", a.Delivered, 5)
	equal(t, "delivered to b", b.Delivered, 1)
}

func TestTraceSeesWhatIsQueued(t *testing.T) {
	w, s := newWorld(t), new(session)
	far := w.connect(transports[0], s)
	st := s.stage()
	add(st, nil, "untraced\n")
	s.Out.Commit(st)
	w.cfg.Log.Set(&w.log, false, true)
	s.Out.Append([]byte("one\n"))
	add(st, nil, "two\n")
	add(st, new(conn.Tap), "three\n")
	s.Out.Commit(st)
	s.Out.Flush(false)
	hears(t, far, "untraced\none\ntwo\nthree\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	equal(t, "traced", string(s.traced), "one\ntwo\nthree\n")
}
