package process

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/options"
	"nats-server/internal/version"
)

// pid is the start of every log line of this process.
var pid = fmt.Sprintf("[%d] ", os.Getpid())

func TestNothingToRun(t *testing.T) {
	f := func(arg string, code int, stdout, stderr string) {
		t.Helper()
		out, err := newScreen(), newScreen()
		got := Main([]string{arg}, out, err, func(*options.Options) (Server, error) {
			t.Error("built a server")
			return nil, errFake
		})
		if got != code || !strings.HasPrefix(out.String(), stdout) || (stdout == "" && out.String() != "") || err.String() != stderr {
			t.Errorf("%s: exit status %d, stdout %q, stderr %q", arg, got, out, err)
		}
	}
	const usage = "\nUsage: nats-server [options]\n"
	f("-v", 0, "nats-server: v"+version.Number+"\n", "")
	f("-h", 0, usage, "")
	f("bogus", 1, "", "nats-server: unrecognized command: \"bogus\"\n")
	f("-nosuch", 2, usage, "flag provided but not defined: -nosuch\n")
}

func TestOptionsReachTheServer(t *testing.T) {
	x := start(t, "-p", "-1", "-n", "x", "-D", "-T=false").started(t)
	x.server.end()
	x.exits(t, 0)
	want := options.Options{Port: -1, ServerName: "x", Debug: true, NoLogTime: true}
	if diff := cmp.Diff(want, x.server.options); diff != "" {
		t.Error(diff)
	}
	if !x.server.debug || x.server.trace {
		t.Errorf("debug %v, trace %v", x.server.debug, x.server.trace)
	}
}

func TestLogGoesToStderr(t *testing.T) {
	x := start(t, "-T=false").started(t)
	x.server.end()
	x.exits(t, 0)
	if got, want := x.stderr.String(), pid+"[INF] fake: start\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLogHasTimeByDefault(t *testing.T) {
	x := start(t).started(t)
	x.server.end()
	x.exits(t, 0)
	form := regexp.MustCompile(`^\[\d+\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} \[INF\] fake: start\n$`)
	if got := x.stderr.String(); !form.MatchString(got) {
		t.Errorf("got %q", got)
	}
}

func TestLogGoesToFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	x := start(t, "-l", path, "-T=false").started(t)
	x.server.end()
	x.exits(t, 0)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := pid + "[INF] fake: start\n"; string(got) != want || x.stderr.String() != "" {
		t.Errorf("file %q, stderr %q", got, x.stderr)
	}
}

func TestOptionsRefused(t *testing.T) {
	server := newFake()
	server.newErr = errFake
	log, pidFile := filepath.Join(t.TempDir(), "log"), filepath.Join(t.TempDir(), "pid")
	x := startWith(t, server, "-l", log, "-P", pidFile)
	x.exits(t, 1)
	if got, want := x.stderr.String(), "nats-server: it did not please\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, path := range []string{log, pidFile} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s has been written", path)
		}
	}
}

func TestStartFails(t *testing.T) {
	server := newFake()
	server.startErr = errFake
	x := startWith(t, server, "-T=false")
	x.exits(t, 1)
	if got, want := x.stderr.String(), pid+"[INF] fake: start\n"+pid+"[FTL] it did not please\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLogFileCannotBeOpened(t *testing.T) {
	path := missing(t)
	x := start(t, "-l", path)
	x.exits(t, 1)
	form := regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d error opening file: open ` + regexp.QuoteMeta(path) + `: .+\n$`)
	if got := x.stderr.String(); !form.MatchString(got) {
		t.Errorf("got %q", got)
	}
}

func TestPidFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	f := func() {
		t.Helper()
		x := start(t, "-P", path).started(t)
		x.server.end()
		x.exits(t, 0)
		if got, want := x.server.pidAtStart, fmt.Sprint(os.Getpid()); got != want {
			t.Errorf("pid file has %q at start, want %q", got, want)
		}
		info, err := os.Stat(path) // it stays
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
			t.Errorf("mode %o, want 600", mode)
		}
	}
	f()
	if err := os.WriteFile(path, []byte("something longer than a pid\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f() // overwritten
}

func TestPidFileCannotBeWritten(t *testing.T) {
	path := missing(t)
	x := start(t, "-T=false", "-P", path)
	x.exits(t, 1)
	if got, want := x.stderr.String(), pid+"[FTL] Could not write pidfile: open "+path+": "; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q…", got, want)
	}
}

func TestGarbageCollectorSetting(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	f := func(gogc, limit string, want int) {
		t.Helper()
		debug.SetGCPercent(77)
		t.Setenv("GOGC", gogc)
		t.Setenv("GOMEMLIMIT", limit)
		tuneGC()
		if got := debug.SetGCPercent(math.MaxInt32); got != want {
			t.Errorf("GOGC=%q GOMEMLIMIT=%q: %d %%, want %d", gogc, limit, got, want)
		}
	}
	f("", "", 50)
	f("200", "", 77)
	f("", "1GiB", 77)
	f("off", "1GiB", 77)
}
