package logs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Local time must differ from UTC for the tests to tell them apart.
	time.Local = time.FixedZone("test", 2*60*60)
	goleak.VerifyTestMain(m)
}

// pid is the bracketed process id at the start of every line.
var pid = fmt.Sprintf("[%d] ", os.Getpid())

// everyLevel logs one line of each kind.
func everyLevel(l Logger) {
	l.Noticef("a %d", 1)
	l.Warnf("b")
	l.Errorf("c")
	l.Fatalf("d")
	l.Debugf("e")
	l.Tracef("f")
}

func TestLineFormat(t *testing.T) {
	f := func(cfg Config, want ...string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(1234567 * time.Microsecond) // virtual: shows all six digits
			var out bytes.Buffer
			everyLevel(New(&out, cfg))
			if got, want := out.String(), strings.Join(want, ""); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
	const at = "2000/01/01 02:00:01.234567 "
	f(Config{},
		pid+at+"[INF] a 1\n",
		pid+at+"[WRN] b\n",
		pid+at+"[ERR] c\n",
		pid+at+"[FTL] d\n",
		pid+at+"[DBG] e\n",
		pid+at+"[TRC] f\n")
	f(Config{UTC: true},
		pid+"2000/01/01 00:00:01.234567 [INF] a 1\n",
		pid+"2000/01/01 00:00:01.234567 [WRN] b\n",
		pid+"2000/01/01 00:00:01.234567 [ERR] c\n",
		pid+"2000/01/01 00:00:01.234567 [FTL] d\n",
		pid+"2000/01/01 00:00:01.234567 [DBG] e\n",
		pid+"2000/01/01 00:00:01.234567 [TRC] f\n")
	f(Config{NoTime: true},
		pid+"[INF] a 1\n",
		pid+"[WRN] b\n",
		pid+"[ERR] c\n",
		pid+"[FTL] d\n",
		pid+"[DBG] e\n",
		pid+"[TRC] f\n")
}

func TestColours(t *testing.T) {
	var out bytes.Buffer
	form := newTextForm(Config{NoTime: true})
	form.colour = true
	everyLevel(newSink(form, &stream{w: &out}))
	want := pid + "[\x1b[32mINF\x1b[0m] a 1\n" +
		pid + "[\x1b[0;93mWRN\x1b[0m] b\n" +
		pid + "[\x1b[31mERR\x1b[0m] c\n" +
		pid + "[\x1b[31mFTL\x1b[0m] d\n" +
		pid + "[\x1b[36mDBG\x1b[0m] e\n" +
		pid + "[\x1b[33mTRC\x1b[0m] f\n"
	if got := out.String(); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestColoursOnlyOnCharacterDevices(t *testing.T) {
	f := func(path string, want bool) {
		t.Helper()
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if got := New(file, Config{}).(*sink).form.(textForm).colour; got != want {
			t.Errorf("%s: coloured is %v, want %v", path, got, want)
		}
	}
	f(filepath.Join(t.TempDir(), "log"), false)
	if os.PathSeparator == '/' {
		f(os.DevNull, true)
	}
}

func TestControlCharactersAreEscaped(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		var out bytes.Buffer
		New(&out, Config{NoTime: true}).Noticef("%s", text)
		if got, want := out.String(), pid+"[INF] "+want+"\n"; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	f("", "")
	f("plain, naïve: 世界", "plain, naïve: 世界")
	f("x\n[1] [FTL] forged", `x\n[1] [FTL] forged`)
	f("a\r\nb", `a\r\nb`)
	f("\x00\x1b[31m\x7f\x1f ", `\x00\x1b[31m\x7f\x1f `)
	f("tab\tstays", "tab\tstays")
	f(`C:\new`, `C:\new`)
	f("\xff\x80", "\xff\x80")
	f(strings.Repeat("\n", 1000), strings.Repeat(`\n`, 1000))
	f(strings.Repeat("x", 3*maxKept), strings.Repeat("x", 3*maxKept))
}

// writes collects every single Write call.
type writes struct{ calls []string }

func (w *writes) Write(b []byte) (int, error) {
	w.calls = append(w.calls, string(b))
	return len(b), nil
}

func TestConcurrentLinesStayWhole(t *testing.T) {
	const writers, lines = 8, 200
	var w writes // unguarded: the race detector proves that lines are written in turn
	l := New(&w, Config{})
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range lines {
				l.Noticef("%s", strings.Repeat(string(rune('a'+i)), 10+i*50))
			}
		})
	}
	wg.Wait()
	if len(w.calls) != writers*lines {
		t.Fatalf("%d write calls for %d lines", len(w.calls), writers*lines)
	}
	form := regexp.MustCompile(`^\[\d+\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} \[INF\] (a+|b+|c+|d+|e+|f+|g+|h+)\n$`)
	for _, line := range w.calls {
		if !form.MatchString(line) {
			t.Fatalf("broken line %q", line)
		}
	}
}

// chatty logs while it is being formatted.
type chatty struct{ l Logger }

func (c chatty) String() string {
	c.l.Noticef("inner")
	return "outer"
}

func TestArgumentMayLog(t *testing.T) {
	var out bytes.Buffer
	l := New(&out, Config{NoTime: true})
	l.Noticef("%v", chatty{l})
	if got, want := out.String(), pid+"[INF] inner\n"+pid+"[INF] outer\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// discard is io.Discard without being an *os.File or allocating.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func TestLineDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops buffers at random under the race detector")
	}
	args := []any{"127.0.0.1:4222", "text"}
	f := func(cfg Config, log func(Logger)) {
		t.Helper()
		var g Log
		g.Set(New(discard{}, cfg), true, true)
		if n := testing.AllocsPerRun(1000, func() { log(&g) }); n != 0 {
			t.Errorf("%v allocations per line", n)
		}
	}
	f(Config{}, func(l Logger) { l.Tracef("%s - <<- [%s]", args...) })
	f(Config{UTC: true, JSON: true, Server: "s"}, func(l Logger) { l.Tracef("%s - <<- [%s]", args...) })
	f(Config{}, func(l Logger) { l.Errorf("%s - %s", args...) }) // also those that are suppressed
}

func BenchmarkLine(b *testing.B) {
	args := []any{"127.0.0.1:4222", "text"}
	run := func(name string, cfg Config, log func(Logger)) {
		b.Run(name, func(b *testing.B) {
			var g Log
			g.Set(New(discard{}, cfg), true, true)
			defer g.Close()
			b.ReportAllocs()
			for b.Loop() {
				log(&g)
			}
		})
	}
	run("text", Config{}, func(l Logger) { l.Noticef("%s - %s", args...) })
	run("json", Config{JSON: true}, func(l Logger) { l.Noticef("%s - %s", args...) })
	run("suppressed", Config{}, func(l Logger) { l.Errorf("%s - %s", args...) })
}
