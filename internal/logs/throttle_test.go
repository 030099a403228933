package logs

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// heard is a Log whose lines can be taken.
type heard struct {
	Log
	mu  sync.Mutex
	out bytes.Buffer
}

func newHeard() *heard {
	h := new(heard)
	h.Set(New(h, Config{NoTime: true}), true, true)
	return h
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.out.Write(b)
}

// take returns the lines since the last time, without pid.
func (h *heard) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := strings.ReplaceAll(h.out.String(), pid, "")
	h.out.Reset()
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func (h *heard) check(t *testing.T, want ...string) {
	t.Helper()
	if len(want) == 0 {
		want = []string{""}
	}
	if diff := cmp.Diff(want, h.take()); diff != "" {
		t.Error(diff)
	}
}

// flood logs lines of one kind, with the numbers from to to-1.
func flood(log func(string, ...any), from, to int) {
	for i := from; i < to; i++ {
		log("n %d", i)
	}
}

func numbered(label string, from, to int) (lines []string) {
	for i := from; i < to; i++ {
		lines = append(lines, fmt.Sprintf("[%s] n %d", label, i))
	}
	return lines
}

func TestFloodIsSuppressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeard()
		defer h.Close()
		flood(h.Errorf, 0, 12395)
		h.check(t, numbered("ERR", 0, 50)...)

		time.Sleep(summaryAfter - time.Nanosecond)
		synctest.Wait()
		h.check(t)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		h.check(t, `[ERR] Suppressed 12345 similar lines: last "n 12394"`)

		// Five seconds without a flood make room for as many lines as usual.
		flood(h.Errorf, 0, 60)
		h.check(t, numbered("ERR", 0, 50)...)
	})
}

func TestFloodPassesSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeard()
		defer h.Close()
		var passed, suppressed, summaries int
		for range 20_000 { // one per millisecond
			h.Warnf("flood")
			time.Sleep(time.Millisecond)
			synctest.Wait()
		}
		h.Close()
		for _, line := range h.take() {
			var n int
			switch _, err := fmt.Sscanf(line, `[WRN] Suppressed %d similar lines: last "flood"`, &n); {
			case err == nil:
				suppressed += n
				summaries++
			case line == "[WRN] flood":
				passed++
			default:
				t.Fatalf("unexpected %q", line)
			}
		}
		if want := burst + 20*10 - 1; passed != want {
			t.Errorf("%d lines passed, want %d", passed, want)
		}
		if passed+suppressed != 20_000 {
			t.Errorf("%d passed and %d suppressed", passed, suppressed)
		}
		if summaries != 4 {
			t.Errorf("%d summaries in 20 s", summaries)
		}
	})
}

func TestOnlyTheSameKindIsSuppressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeard()
		defer h.Close()
		flood(h.Errorf, 0, 70)
		h.check(t, numbered("ERR", 0, 50)...)
		flood(h.Warnf, 0, 60)
		h.check(t, numbered("WRN", 0, 50)...)
		h.Errorf("something else")
		h.check(t, "[ERR] something else")

		h.Close()
		got := h.take()
		if len(got) == 2 && strings.HasPrefix(got[0], "[WRN]") {
			got[0], got[1] = got[1], got[0] // in no order
		}
		want := []string{
			`[ERR] Suppressed 20 similar lines: last "n 69"`,
			`[WRN] Suppressed 10 similar lines: last "n 59"`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOtherLevelsAreNeverSuppressed(t *testing.T) {
	f := func(label string, log func(*heard) func(string, ...any)) {
		t.Helper()
		h := newHeard()
		flood(log(h), 0, 1000)
		h.check(t, numbered(label, 0, 1000)...)
	}
	f("INF", func(h *heard) func(string, ...any) { return h.Noticef })
	f("FTL", func(h *heard) func(string, ...any) { return h.Fatalf })
	f("DBG", func(h *heard) func(string, ...any) { return h.Debugf })
	f("TRC", func(h *heard) func(string, ...any) { return h.Tracef })
}

func TestThrottleOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeard()
		flood(h.Errorf, 0, 51)
		h.take()
		h.Throttle(false)
		h.check(t, `[ERR] Suppressed 1 similar lines: last "n 50"`)
		flood(h.Errorf, 0, 1000)
		h.check(t, numbered("ERR", 0, 1000)...)
		h.Throttle(true)
		flood(h.Errorf, 0, 1)
		h.check(t)
		h.Close()
	})
}

// The summary belongs to the logger that has the lines before it.
func TestSetLeavesNothingUnsaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeard()
		flood(h.Errorf, 0, 51)
		h.take()
		var next bytes.Buffer
		h.Set(New(&next, Config{}), false, false)
		h.check(t, `[ERR] Suppressed 1 similar lines: last "n 50"`)
		time.Sleep(2 * summaryAfter)
		h.Close()
		h.check(t)
		if next.Len() > 0 {
			t.Errorf("the next logger got %q", next.String())
		}
	})
}

func TestLastLineIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeard()
		for range 51 {
			h.Errorf("%s", strings.Repeat("x", 100_000))
		}
		h.take()
		h.Close()
		h.check(t, `[ERR] Suppressed 1 similar lines: last "`+strings.Repeat("x", maxLast)+`"`)
	})
}

func TestMoreFormatsThanPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeard()
		defer h.Close()
		var want []string
		for i := range 10_000 { // all at the same time: no place becomes free
			h.Errorf(fmt.Sprintf("format %d", i))
			want = append(want, fmt.Sprintf("[ERR] format %d", i))
		}
		h.check(t, want...)
		time.Sleep(time.Second)
		flood(h.Errorf, 0, 51)
		h.check(t, numbered("ERR", 0, 50)...) // they are free again
	})
}

func TestSuppressedArgumentMayLog(t *testing.T) {
	h := newHeard()
	defer h.Close()
	for range 60 {
		h.Errorf("%v", chatty{h})
	}
	lines := h.take()
	if len(lines) != 60+50 {
		t.Errorf("%d lines, want the inner ones and a burst", len(lines))
	}
}

func TestConcurrentFloods(t *testing.T) {
	const writers, lines = 8, 5000
	h := newHeard()
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() { flood(h.Errorf, 0, lines) })
	}
	wg.Go(func() {
		for range 100 {
			h.summarise(h.logger.Load)
		}
	})
	wg.Wait()
	h.Close()
	total := 0
	for _, line := range h.take() {
		var n int
		if _, err := fmt.Sscanf(line, "[ERR] Suppressed %d", &n); err == nil {
			total += n
		} else {
			total++
		}
	}
	if total != writers*lines {
		t.Errorf("%d lines accounted for, want %d", total, writers*lines)
	}
}
