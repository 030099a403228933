package conn_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"nats-server/internal/conn"
)

// echoing makes s send back the lines it gets, once per read.
func (s *session) echoing() {
	s.byLine(func(line string) { s.Out.Append([]byte(line)) })
	s.settle = func() func() {
		s.Out.Flush(true)
		return nil
	}
}

// Many peers talk at once, in pieces of any size. Everybody gets every answer.
func TestManyPeersAtOnce(t *testing.T) {
	const peers, count = 60, 150
	overAll(t, func(t *testing.T, tr transport) {
		w := newWorld(t)
		var wg sync.WaitGroup
		for range peers {
			s := new(session)
			s.echoing()
			far := w.connect(tr, s)
			var text bytes.Buffer
			for i := range count {
				fmt.Fprintf(&text, "%d %s\n", i, strings.Repeat("x", rand.IntN(1<<rand.IntN(11))))
			}
			sent := text.Bytes()
			wg.Go(func() {
				for b := sent; len(b) > 0; {
					n, err := far.Write(b[:min(len(b), 1+rand.IntN(1<<rand.IntN(14)))])
					if err != nil {
						t.Error(err)
						return
					}
					b = b[n:]
				}
			})
			wg.Go(func() {
				got := make([]byte, len(sent))
				if n, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, sent) {
					t.Errorf("%d bytes of %d came back (%v)", n, len(sent), err)
				}
			})
		}
		wg.Wait()
	})
}

// A question and its answer, again and again: no wake-up gets lost.
func TestPingPong(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		s.echoing()
		far := w.connect(tr, s)
		for i := range 3000 {
			text := fmt.Sprintf("%d\n", i)
			_, err := far.Write([]byte(text))
			noErr(t, err)
			hears(t, far, text)
		}
	})
}

// A peer reads slowly while much is sent by several: the writer stops and goes on
// many times.
func TestSlowReaderGetsEverything(t *testing.T) {
	const writers, commits, size = 3, 100, 60_000
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		far := w.connect(tr, s)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				st := s.stage()
				for range commits {
					add(st, new(conn.Tap), strings.Repeat(string(rune('a'+i)), size))
					s.Out.Commit(st)
					s.Out.Flush(i%2 == 0)
				}
			})
		}
		var counts [256]int
		b := make([]byte, 10_000)
		for total := 0; total < writers*commits*size; {
			n, err := far.Read(b)
			noErr(t, err)
			for _, c := range b[:n] {
				counts[c]++
			}
			total += n
		}
		wg.Wait()
		for i := range writers {
			equal(t, "bytes of a writer", counts[byte('a'+i)], commits*size)
		}
		eventually(t, "nothing pending", func() bool { return s.Out.Pending() == 0 })
	})
}

// Connections end from all sides at once, at any moment. Each ends once, and
// leaves nothing behind.
func TestEndsFromAllSides(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		files := openFiles()
		t.Run("conns", func(t *testing.T) {
			w := newWorld(t)
			for range 100 {
				s := new(session)
				s.echoing()
				far := w.connect(tr, s)
				var wg sync.WaitGroup
				wg.Go(func() {
					for {
						if _, err := far.Write([]byte("hello\n")); err != nil || rand.IntN(5) == 0 {
							break
						}
					}
					far.Close()
				})
				wg.Go(func() { io.Copy(io.Discard, far) })
				wg.Go(func() {
					for range rand.IntN(50) {
						s.say("something\n")
					}
					s.Close(conn.ServerShutdown)
				})
				wg.Go(func() {
					for range rand.IntN(50) {
						s.say("something\n")
					}
					s.End(&conn.Verdict{Line: "-ERR\n", Reason: conn.StaleConnection})
				})
				wg.Wait()
				s.reason(t)
			}
			w.over()
			equal(t, "panics", w.stats.Panics.Load(), 0)
		})
		if files >= 0 {
			eventually(t, "all files are closed", func() bool { return openFiles() <= files })
		}
	})
}

// openFiles counts the open files of this process, or returns -1.
func openFiles() int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(all)
}
