//go:build unix

package blackbox_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"nats-server/internal/testkit"
)

// inOrder checks that a text has lines that match, in this order.
func inOrder(t *testing.T, text string, patterns ...string) {
	t.Helper()
	rest := text
	for _, pattern := range patterns {
		at := regexp.MustCompile("(?m)" + pattern).FindStringIndex(rest)
		if at == nil {
			t.Errorf("no line %q where it should be in\n%s", pattern, shorten(text))
			return
		}
		rest = rest[at[1]:]
	}
}

// trapped is the line that says that a signal has come. Older references have it among
// the debug lines.
func trapped(t testing.TB, b binary, name string) string {
	t.Helper()
	label := "INF"
	if !b.recent(t) {
		label = "DBG"
	}
	return fmt.Sprintf(`\[%s\] Trapped %q signal$`, label, name)
}

const (
	initiating = `\[INF\] Initiating Shutdown\.\.\.$`
	exiting    = `\[INF\] Server Exiting\.\.$`
)

func TestShutdownSignals(t *testing.T) {
	f := func(t *testing.T, b binary, s syscall.Signal, name string) {
		t.Helper()
		p := b.start(t, "-D")
		idle := testkit.Dial(t, p.addr())
		busy := testkit.Dial(t, p.addr())
		busy.Connect(`{"verbose":false}`)
		p.signal(s)
		p.exits(0)
		inOrder(t, p.log(), trapped(t, b, name), initiating, exiting+`\n\z`)
		for _, r := range []*testkit.Raw{idle, busy} {
			if _, err := r.TryClosed(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if p.stdout.String() != "" {
			t.Errorf("stdout %q", &p.stdout)
		}
	}
	both(t, func(t *testing.T, b binary) { f(t, b, syscall.SIGINT, "interrupt") })
	f(t, ours, syscall.SIGTERM, "terminated") // with status 1 in some releases
}

// Who finds the pid file may use it: a signal from then on does not kill a server that
// is still starting. As the file is a pipe here, the start waits until it is read.
func TestSignalsFromThePidFileOn(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	if err := syscall.Mkfifo(pid, 0o600); err != nil {
		t.Skip(err)
	}
	for range 20 {
		p := ours.start(t, "-P", pid)
		text := read(t, pid) // returns when the server has written it
		p.signal(syscall.SIGHUP)
		if text != fmt.Sprint(p.pid()) {
			t.Errorf("pid file %q", text)
		}
		p.logs(trapped(t, ours, "hangup"))
		p.stop()
	}
}

func TestQuitDumps(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		p := b.start(t)
		p.addr()
		p.signal(syscall.SIGQUIT)
		p.exits(2)
		inOrder(t, p.log(), `^SIGQUIT: quit$`, `^goroutine \d+`)
	})
}

func TestHangup(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		p := b.start(t)
		p.addr()
		p.reload(`\[ERR\] Failed to reload server configuration: can only reload config when a file is provided using -c or --config$`)

		conf := file(t, "x.conf", "max_payload: 1000\n")
		p = b.start(t, "-c", conf, "-D")
		limit := func(want int) {
			t.Helper()
			if r := testkit.Dial(t, p.addr()); !strings.Contains(r.Info, fmt.Sprintf(`"max_payload":%d,`, want)) {
				t.Errorf("want max_payload %d: %s", want, r.Info)
			}
		}
		limit(1000)
		write(t, conf, "max_payload: 2000\n")
		inOrder(t, p.reload(reloaded), trapped(t, b, "hangup"), `\[INF\] Reloaded: max_payload = 2000$`, reloaded)
		limit(2000)
		write(t, conf, "max_payload: 3000\nnosuch: 1\n")
		p.reload(`\[ERR\] Failed to reload server configuration: ` + regexp.QuoteMeta(conf) + `:2:1: unknown field "nosuch"`)
		limit(2000)
		if err := os.Remove(conf); err != nil {
			t.Fatal(err)
		}
		p.reload(`\[ERR\] Failed to reload server configuration: open ` + regexp.QuoteMeta(conf) + `: no such file or directory$`)
		limit(2000)
		p.stop()
	})
}

func TestReopen(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		log := filepath.Join(t.TempDir(), "log")
		p := b.start(t, "-l", log)
		p.file = log
		p.addr()
		// As logrotate does it, twice.
		for _, old := range []string{log + ".1", log + ".2"} {
			if err := os.Rename(log, old); err != nil {
				t.Fatal(err)
			}
			p.signal(syscall.SIGUSR1)
			p.logs(`^\[\d+\] .* \[INF\] File log re-opened$`)
		}
		p.stop()
		inOrder(t, read(t, log+".1"), `Starting nats-server$`, `Server is ready$`)
		if text := read(t, log+".2"); strings.Contains(text, "Server is ready") {
			t.Errorf("lines of the first file are in the second one: %s", text)
		}
		inOrder(t, read(t, log), `\A\[\d+\] .* \[INF\] File log re-opened$`, exiting)
	})
	both(t, func(t *testing.T, b binary) {
		p := b.start(t)
		p.addr()
		p.signal(syscall.SIGUSR1)
		p.logs(`\[INF\] File log re-open ignored, not a file logger$`)
		p.stop()
	})
}

// A log that cannot be opened anew goes on where it was.
func TestReopenFails(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "logs", "log")
	if err := os.Mkdir(filepath.Dir(log), 0o755); err != nil {
		t.Fatal(err)
	}
	p := ours.start(t, "-l", log)
	p.file = log
	p.addr()
	if err := os.Rename(filepath.Dir(log), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	p.file = filepath.Join(dir, "moved", "log")
	p.signal(syscall.SIGUSR1)
	p.logs(`\[ERR\] File log could not be re-opened, going on with the old file: open .*: no such file or directory$`)
	testkit.Dial(t, p.addr()).Connect("{}")
	p.stop()
	p.logs(exiting)
}

func TestLameDuckWithoutClients(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		p := b.start(t, "-D")
		p.addr()
		p.signal(syscall.SIGUSR2)
		p.exits(0)
		inOrder(t, p.log(), trapped(t, b, "user defined signal 2"),
			`\[INF\] Entering lame duck mode, stop accepting new clients$`, initiating, exiting)
	})
}

// told reads until the server tells that it is going to leave.
func told(t *testing.T, r *testkit.Raw) {
	t.Helper()
	for {
		line, err := r.TryLine()
		if err != nil {
			t.Fatalf("waiting for lame duck mode: %v", err)
		}
		if strings.HasPrefix(line, "INFO {") && strings.Contains(line, `"ldm":true`) {
			return
		}
	}
}

func TestLameDuck(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		conf := file(t, "x.conf", "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"1ms\"\n")
		p := b.start(t, "-D", "-c", conf)
		addr := p.addr()
		r := testkit.Dial(t, addr)
		r.Connect(`{"verbose":false,"protocol":1}`)
		p.signal(syscall.SIGUSR2)
		told(t, r)
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Error("accepts new clients")
		}
		p.exits(0)
		r.ExpectEOF()
		inOrder(t, p.log(), `\[INF\] Entering lame duck mode, stop accepting new clients$`,
			`\[INF\] Closing existing clients$`, initiating, exiting)
	})
}

// In lame duck mode only an interrupt counts.
func TestLameDuckInterrupted(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		conf := file(t, "x.conf", "lame_duck_duration: \"1h\"\nlame_duck_grace_period: \"59m\"\n")
		p := b.start(t, "-D", "-c", conf)
		r := testkit.Dial(t, p.addr())
		r.Connect(`{"verbose":false,"protocol":1}`)
		p.signal(syscall.SIGUSR2)
		told(t, r)
		from := len(p.log())
		p.signal(syscall.SIGUSR2)
		p.expect(from, trapped(t, b, "user defined signal 2"))
		p.signal(syscall.SIGTERM)
		p.logs(trapped(t, b, "terminated"))
		r.Sync()
		p.signal(syscall.SIGINT)
		p.exits(0)
		inOrder(t, p.log(), trapped(t, b, "terminated"), trapped(t, b, "interrupt"), initiating, exiting)
		once(t, p.log(), `Entering lame duck mode`)
		once(t, p.log(), `Initiating Shutdown`)
	})
}
