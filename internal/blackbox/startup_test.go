//go:build unix

package blackbox_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/testkit"
	"nats-server/internal/version"
)

// logLine is the form of every line of a text log.
var logLine = regexp.MustCompile(`^\[(\d+)\] (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}) \[(INF|WRN|ERR|FTL|DBG|TRC)\] (.*)$`)

// readable takes what differs from run to run out of a log, and checks the rest of
// each line.
func readable(t *testing.T, p *process) (all []string) {
	t.Helper()
	for _, line := range lines(p.log()) {
		m := logLine.FindStringSubmatch(line)
		if m == nil || m[1] != fmt.Sprint(p.pid()) {
			t.Errorf("%s: line %q", p.name, line)
			continue
		}
		at, err := time.ParseInLocation("2006/01/02 15:04:05.000000", m[2], time.Local)
		if err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("%s: time of %q: %v", p.name, line, err)
		}
		all = append(all, m[3]+" "+m[4])
	}
	return all
}

// What operators and their tools read at a start, in order.
func TestStartLog(t *testing.T) {
	conf := file(t, "x.conf", "server_name: me\nmax_payload: 9MB\nauthorization {user: a, password: b}\n")
	both(t, func(t *testing.T, b binary) {
		p := b.start(t, "-c", conf, "-D")
		addr := p.addr()
		p.stop()
		number := version.Number
		if !b.isOurs() {
			number = testkit.ReferenceVersion(t)
		}
		var got []string
		for _, line := range readable(t, p) {
			switch {
			case strings.HasPrefix(line, "DBG   Go build: go1."):
				line = "DBG   Go build"
			case strings.HasPrefix(line, "INF   ID:       N"):
				line = "INF   ID"
			case strings.HasPrefix(line, "INF   Git:      ["):
				line = "INF   Git"
			case strings.HasPrefix(line, "DBG"), strings.HasPrefix(line, "INF Trapped"):
				continue
			}
			got = append(got, digest.ReplaceAllString(line, ""))
		}
		want := []string{
			"INF Starting nats-server",
			"INF   Version:  " + number,
			"INF   Git",
			"DBG   Go build",
			"INF   Name:     me",
			"INF   ID",
			"WRN Plaintext passwords detected, use nkeys or bcrypt",
			"INF Using configuration file: " + conf,
			"WRN Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance",
			"INF Listening for client connections on " + addr,
			"INF Server is ready",
			"INF Initiating Shutdown...",
			"INF Server Exiting..",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if p.stdout.String() != "" {
			t.Errorf("stdout is %q", &p.stdout)
		}
	})
	p := ours.start(t, "-c", conf)
	p.logs(`Using configuration file: ` + regexp.QuoteMeta(conf) + digest.String() + `$`)
}

func TestLogTimes(t *testing.T) {
	const zone = "Asia/Tokyo" // nine hours ahead all year
	there, err := time.LoadLocation(zone)
	if err != nil {
		t.Skipf("no time zones: %v", err)
	}
	f := func(b binary, at *time.Location, args ...string) {
		t.Helper()
		p := b.startAs(t, &exec.Cmd{Env: append(os.Environ(), "TZ="+zone)}, args...)
		p.addr()
		for _, line := range lines(p.log()) {
			m := logLine.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s %q: line %q", b.name, args, line)
			}
			if got, err := time.ParseInLocation("2006/01/02 15:04:05.000000", m[2], at); err != nil || time.Since(got).Abs() > time.Hour {
				t.Errorf("%s %q: line %q, %v", b.name, args, line, err)
			}
		}
		p.stop()
	}
	both(t, func(t *testing.T, b binary) { f(b, there) })
	f(ours, time.UTC, "--logtime_utc")
	f(ours, there, "--logtime_utc=false")
	f(ours, time.UTC, "-c", file(t, "x.conf", "logtime_utc: true"))
}

func TestPidFile(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		path := filepath.Join(t.TempDir(), "pid")
		f := func(what string) {
			t.Helper()
			p := b.start(t, "-P", path)
			p.addr()
			checkPid := func() {
				t.Helper()
				if got := read(t, path); got != fmt.Sprint(p.pid()) {
					t.Errorf("%s: holds %q, want %d", what, got, p.pid())
				}
				if info, err := os.Stat(path); err != nil || b.isOurs() && info.Mode() != 0o600 { // 0640 in some releases
					t.Errorf("%s: %v, %v", what, info, err)
				}
			}
			checkPid()
			p.stop()
			checkPid()
		}
		f("new")
		if err := os.WriteFile(path, []byte("12345678901234567890\nand more"), 0o600); err != nil {
			t.Fatal(err)
		}
		f("overwritten")
	})
}

func TestPidFileReload(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		dir := t.TempDir()
		first, second := filepath.Join(dir, "1"), filepath.Join(dir, "2")
		conf := file(t, "x.conf", fmt.Sprintf("pid_file: %q", first))
		p := b.start(t, "-c", conf)
		p.addr()
		write(t, conf, fmt.Sprintf("pid_file: %q", second))
		once(t, p.reload(reloaded), `\[INF\] Reloaded: pid_file = `+regexp.QuoteMeta(second)+`$`)
		for _, path := range []string{first, second} {
			if got := read(t, path); got != fmt.Sprint(p.pid()) {
				t.Errorf("%s holds %q", path, got)
			}
		}
	})
}

func TestPortsFile(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		one, two := t.TempDir(), t.TempDir()
		conf := file(t, "x.conf", fmt.Sprintf("ports_file_dir: %q", one))
		p := b.start(t, "-c", conf)
		want := fmt.Sprintf(`{"nats":[%q]}`, p.url())
		path := func(dir string) string {
			return filepath.Join(dir, fmt.Sprintf("%s_%d.ports", filepath.Base(b.path), p.pid()))
		}
		arrives := func(dir string) {
			t.Helper()
			testkit.Eventually(t, patience, "the ports file", func() bool { return read(t, path(dir)) == want })
			if info, err := os.Stat(path(dir)); err != nil || info.Mode()&^0o666 != 0 || info.Mode()&0o600 != 0o600 {
				t.Errorf("%v, %v", info, err)
			}
		}
		arrives(one)
		write(t, conf, fmt.Sprintf("ports_file_dir: %q", two))
		once(t, p.reload(reloaded), `\[INF\] Reloaded: ports_file_dir = `+regexp.QuoteMeta(two)+`$`)
		arrives(two)
		testkit.Eventually(t, patience, "the old ports file is gone", func() bool { return !exists(path(one)) })

		p.stop()
		if exists(path(two)) {
			t.Error("the ports file is still there")
		}
	})
}

// Without the option a reload takes the file away, and a directory that cannot be
// written to does no harm.
func TestPortsFileSwitched(t *testing.T) {
	dir := t.TempDir()
	conf := file(t, "x.conf", "debug: false")
	p := ours.start(t, "-c", conf)
	p.addr()
	count := func() int {
		t.Helper()
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	write(t, conf, fmt.Sprintf("ports_file_dir: %q", dir))
	if text := p.reload(reloaded); strings.Contains(text, "[ERR]") || count() != 1 {
		t.Errorf("%d files, %s", count(), text)
	}
	write(t, conf, "debug: false")
	if text := p.reload(reloaded); strings.Contains(text, "[ERR]") || count() != 0 {
		t.Errorf("%d files, %s", count(), text)
	}
	write(t, conf, fmt.Sprintf("ports_file_dir: %q", filepath.Join(dir, "nosuch")))
	once(t, p.reload(reloaded), `\[ERR\] Error writing ports file .*: open .*: no such file or directory$`)
	testkit.Dial(t, p.addr()).Connect("{}")
	p.stop()
}

func TestFatalStarts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	dir := t.TempDir()
	const stamp = `\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `
	both(t, func(t *testing.T, b binary) {
		// The last line is all that matters, and the way out.
		f := func(line, want string) {
			t.Helper()
			got := b.run(t, append([]string{"-a", "127.0.0.1", "-p", "-1"}, strings.Fields(line)...)...)
			all := lines(got.Stderr)
			if last := all[len(all)-1]; got.Code != 1 || got.Stdout != "" || !regexp.MustCompile("^"+want+"$").MatchString(last) {
				t.Errorf("%s: %+v, want %s", line, got, want)
			}
		}
		fatal := func(text string) string {
			return `\[\d+\] ` + stamp[:len(stamp)-1] + `\.\d{6} \[FTL\] ` + regexp.QuoteMeta(text)
		}
		at := taken.Addr().String()
		_, port, _ := net.SplitHostPort(at)
		f("-p "+port, fatal(fmt.Sprintf(`Error listening on port: %s, "listen tcp %s: bind: address already in use"`, at, at)))
		f("-p 99999", fatal(`Error listening on port: 127.0.0.1:99999, "listen tcp: address 99999: invalid port"`))
		f("-P /nonexist/x", fatal("Could not write pidfile: open /nonexist/x: no such file or directory"))
		f("-P "+dir, fatal("Could not write pidfile: open "+dir+": is a directory"))
		f("-l /nonexist/x", stamp+"error opening file: open /nonexist/x: no such file or directory")
		f("-l "+dir, stamp+"error opening file: open "+dir+": is a directory")
		f("-r tcp://"+closed.Addr().String(), stamp+regexp.QuoteMeta(
			fmt.Sprintf(`error connecting to syslog: "dial tcp %s: connect: connection refused"`, closed.Addr())))
		f("-r foo://127.0.0.1:1", stamp+`error invalid network type: "foo"`)
	})
}

// A server that cannot start leaves its log in the file, and no ports file.
func TestFatalStartInFile(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	got := ours.run(t, "-a", "127.0.0.1", "-p", "99999", "-l", log, "--ports_file_dir", dir)
	check(t, "start", got, result{Code: 1})
	once(t, read(t, log), `\[FTL\] Error listening on port: .*$`)
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("files %v, %v", list, err)
	}
}

func TestLogFile(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		log := file(t, "log", "what was there\n")
		p := b.start(t, "-l", log)
		p.file = log
		p.addr()
		p.stop()
		text := read(t, log)
		if !strings.HasPrefix(text, "what was there\n[") || !strings.HasSuffix(text, "Server Exiting..\n") {
			t.Errorf("the log is %q", shorten(text))
		}
		if p.stderr.String() != "" || p.stdout.String() != "" {
			t.Errorf("stderr %q, stdout %q", &p.stderr, &p.stdout)
		}
	})
	log := filepath.Join(t.TempDir(), "log")
	p := ours.start(t, "-l", log)
	p.file = log
	p.addr()
	if info, err := os.Stat(log); err != nil || info.Mode()&^0o640 != 0 || info.Mode()&0o600 != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestRemoteSyslog(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		daemon, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer daemon.Close()
		if err := daemon.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		p := b.start(t, "-r", "udp://"+daemon.LocalAddr().String(), "-D")
		form := regexp.MustCompile(fmt.Sprintf(`^<([5-7])>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d) \S+ nats-server\[%d\]: (.*)\n$`, p.pid()))
		severity := map[string]string{}
		for packet := make([]byte, 64<<10); severity["Server is ready"] == ""; {
			n, _, err := daemon.ReadFrom(packet)
			if err != nil {
				t.Fatal(err)
			}
			m := form.FindSubmatch(packet[:n])
			if m == nil {
				t.Fatalf("packet %q", packet[:n])
			}
			severity[string(m[3])] = string(m[1])
		}
		build := ""
		for text, s := range severity {
			if strings.HasPrefix(text, "  Go build: go1.") {
				build = s
			}
		}
		if severity["Starting nats-server"] != "5" || severity["Server is ready"] != "5" || build != "7" {
			t.Errorf("severities %v", severity)
		}
		if p.stderr.String() != "" {
			t.Errorf("stderr %q", &p.stderr)
		}
		p.stop()
	})
}
