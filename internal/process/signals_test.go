//go:build unix

package process

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"nats-server/internal/cmdline"
	"nats-server/internal/options"
	"nats-server/internal/systemd"
)

// send signals this very process and waits for the log line about it.
func (x *execution) send(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		t.Fatal(err)
	}
	x.stderr.waitFor(t, `[INF] Trapped "`+sig.String()+"\" signal\n")
}

// lines checks the log on stderr, without its pids and the line of Start.
func (x *execution) lines(t *testing.T, want ...string) {
	t.Helper()
	got := strings.ReplaceAll(x.stderr.String(), pid, "")
	if want := "[INF] fake: start\n" + strings.Join(want, "\n") + "\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestSignalsThatStop(t *testing.T) {
	f := func(sig syscall.Signal, name string) {
		t.Helper()
		x := start(t, "-T=false").started(t)
		x.send(t, sig)
		x.exits(t, 0)
		x.lines(t, `[INF] Trapped "`+name+`" signal`, "[INF] fake: shutdown")
	}
	f(syscall.SIGINT, "interrupt")
	f(syscall.SIGTERM, "terminated")
}

func TestLameDuckIgnoresSigtermUntilItEnds(t *testing.T) {
	x := start(t, "-T=false").started(t)
	x.send(t, syscall.SIGUSR2)
	x.stderr.waitFor(t, "fake: lame duck\n")
	x.send(t, syscall.SIGTERM)
	x.server.end()
	x.exits(t, 0)
	x.lines(t,
		`[INF] Trapped "user defined signal 2" signal`,
		"[INF] fake: lame duck",
		`[INF] Trapped "terminated" signal`)
}

func TestSecondLameDuckSignalIsIgnored(t *testing.T) {
	x := start(t, "-T=false").started(t)
	x.send(t, syscall.SIGUSR2)
	x.stderr.waitFor(t, "fake: lame duck\n")
	syscall.Kill(os.Getpid(), syscall.SIGUSR2)
	const trapped = "[INF] Trapped \"user defined signal 2\" signal\n"
	x.stderr.waitFor(t, trapped+pid+"[INF] fake: lame duck\n"+pid+trapped)
	x.server.end()
	x.exits(t, 0)
	if n := strings.Count(x.stderr.String(), "fake: lame duck"); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestSigintEndsLameDuck(t *testing.T) {
	x := start(t, "-T=false").started(t)
	x.send(t, syscall.SIGUSR2)
	x.stderr.waitFor(t, "fake: lame duck\n")
	x.send(t, syscall.SIGINT)
	x.exits(t, 0)
	x.lines(t,
		`[INF] Trapped "user defined signal 2" signal`,
		"[INF] fake: lame duck",
		`[INF] Trapped "interrupt" signal`,
		"[INF] fake: shutdown")
}

func TestReopenWithoutFile(t *testing.T) {
	x := start(t, "-T=false").started(t)
	x.send(t, syscall.SIGUSR1)
	x.stderr.waitFor(t, "file logger\n")
	x.server.end()
	x.exits(t, 0)
	x.lines(t,
		`[INF] Trapped "user defined signal 1" signal`,
		"[INF] File log re-open ignored, not a file logger")
}

func TestHangupHasNothingToReload(t *testing.T) {
	x := start(t, "-T=false").started(t)
	x.send(t, syscall.SIGHUP)
	x.stderr.waitFor(t, "--config\n")
	x.server.end()
	x.exits(t, 0)
	x.lines(t,
		`[INF] Trapped "hangup" signal`,
		"[ERR] Failed to reload server configuration: can only reload config when a file is provided using -c or --config")
}

// newRunner is a runner with a fake server, outside of run.
func newRunner(t *testing.T, o *options.Options, stderr io.Writer) *runner {
	t.Helper()
	l, err := openLog(o, "fake", stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	server, c := newFake(), cmdline.Parse(nil)
	server.SetLogger(l, false, false)
	return &runner{command: &c, server: server, log: l, manager: new(systemd.Notifier)}
}

func TestReopenFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "log")
	r := newRunner(t, &options.Options{LogFile: path, NoLogTime: true}, newScreen())
	f := func(from, to, read, want string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
		r.act(reopenLog, running)
		got, err := os.ReadFile(read)
		if err != nil {
			t.Fatal(err)
		}
		if want := pid + want; !strings.Contains(string(got), want) {
			t.Errorf("%s has %q, want %q", read, got, want)
		}
	}
	f(path, path+".1", path, "[INF] File log re-opened\n")
	f(dir, dir+".gone", filepath.Join(dir+".gone", "log"), "[ERR] File log could not be re-opened, going on with the old file: open "+path+": ")
}

// TestActs covers what follows from each action in each phase.
func TestActs(t *testing.T) {
	f := func(a action, now, next phase, call string) {
		t.Helper()
		out := newScreen()
		r := newRunner(t, new(options.Options), out)
		if got := r.act(a, now); got != next {
			t.Errorf("action %d in phase %d leads to %d, want %d", a, now, got, next)
		}
		if call != "" {
			out.waitFor(t, call)
		} else if out.String() != "" {
			t.Errorf("action %d in phase %d: %q", a, now, out)
		}
		r.server.(*fake).end()
	}
	f(stop, running, stopping, "shutdown")
	f(stop, leaving, stopping, "shutdown")
	f(stop, stopping, stopping, "")
	f(terminate, running, stopping, "shutdown")
	f(terminate, leaving, leaving, "")
	f(terminate, stopping, stopping, "")
	f(lameDuck, running, leaving, "lame duck")
	f(lameDuck, leaving, leaving, "")
	f(lameDuck, stopping, stopping, "")
	f(reopenLog, leaving, leaving, "re-open ignored")
	f(reload, stopping, stopping, "Failed to reload")
}
