package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// daemon is a syslog daemon in a synctest bubble.
type daemon struct {
	mu    sync.Mutex
	down  bool // nobody can connect
	deaf  bool // it does not read
	dials int
	conn  net.Conn // its end of the last connection
	lines []string
}

func (d *daemon) dial(context.Context) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dials++
	if d.down {
		return nil, errors.New("nobody there")
	}
	far, near := net.Pipe()
	d.conn = near
	if !d.deaf {
		go d.read(near)
	}
	return far, nil
}

func (d *daemon) read(c net.Conn) {
	for in := bufio.NewReader(c); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		d.mu.Lock()
		d.lines = append(d.lines, strings.TrimSuffix(line, "\n"))
		d.mu.Unlock()
	}
}

// hangUp closes the connection, and makes the daemon down or deaf.
func (d *daemon) hangUp(down, deaf bool) {
	d.mu.Lock()
	d.down, d.deaf = down, deaf
	d.conn.Close()
	d.mu.Unlock()
	synctest.Wait()
}

func (d *daemon) comeBack() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = false
}

// check waits until nothing happens any more at this time.
func (d *daemon) check(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	got := make([]string, len(d.lines))
	for i, line := range d.lines {
		_, got[i], _ = strings.Cut(line, "]: ")
	}
	checkText(t, "syslog", strings.Join(got, "\n"), strings.Join(want, "\n"))
}

// inSyslog runs a test with a connected sink and what it reports.
func inSyslog(t *testing.T, f func(t *testing.T, d *daemon, l Sink, stderr *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		d := new(daemon)
		cfg := Config{NoTime: true, Name: "tag"}
		l, err := startSyslog("d", newSyslogForm(cfg, facilityKern, false), New(&stderr, cfg), d.dial)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f(t, d, l, &stderr)
	})
}

func TestSyslogKeepsLinesWhileTheDaemonIsDown(t *testing.T) {
	inSyslog(t, func(t *testing.T, d *daemon, l Sink, stderr *bytes.Buffer) {
		l.Noticef("a")
		d.check(t, "a")
		time.Sleep(time.Hour)

		d.hangUp(true, false)
		start := time.Now()
		l.Noticef("b")
		l.Noticef("c")
		if waited := time.Since(start); waited > 0 {
			t.Errorf("logging took %v", waited)
		}
		time.Sleep(10*time.Second + 1)
		d.check(t, "a")
		failed := pid + "[ERR] Logging to \"d\" fails: connection closed by the syslog daemon\n"
		checkText(t, "stderr", stderr.String(), failed)
		if want := 1 + 11; d.dials != want {
			t.Errorf("%d dials in 10 s, want %d", d.dials, want)
		}

		d.comeBack()
		time.Sleep(time.Second)
		d.check(t, "a", "b", "c")
		time.Sleep(time.Second)
		l.Noticef("d")
		d.check(t, "a", "b", "c", "d")
		checkText(t, "stderr", stderr.String(), failed+pid+"[INF] Logging to \"d\" works again, lines lost: 0\n")
	})
}

// The daemon restarts while nothing is logged.
func TestSyslogNoticesARestart(t *testing.T) {
	inSyslog(t, func(t *testing.T, d *daemon, l Sink, stderr *bytes.Buffer) {
		l.Noticef("a")
		time.Sleep(time.Minute)
		d.hangUp(false, false)
		l.Noticef("b")
		d.check(t, "a", "b")
	})
}

func TestSyslogLosesWhatDoesNotFit(t *testing.T) {
	inSyslog(t, func(t *testing.T, d *daemon, l Sink, stderr *bytes.Buffer) {
		d.hangUp(true, false)
		l.Noticef("first")
		synctest.Wait() // it is with the goroutine now
		line := strings.Repeat("x", maxQueued/16)
		for range 20 {
			l.Noticef("%s", line)
		}
		d.comeBack()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if want := 1 + 15 + 1; len(d.lines) != want {
			t.Fatalf("%d lines, want %d", len(d.lines), want)
		}
		const again = `Logging to "d" works again, lines lost: 5`
		if got := d.lines[len(d.lines)-1]; !strings.HasPrefix(got, "<4>") || !strings.HasSuffix(got, again) {
			t.Errorf("the last line is %q", got)
		}
		if got := stderr.String(); !strings.HasSuffix(got, again+"\n") || strings.Count(got, "\n") != 2 {
			t.Errorf("stderr has %q", got)
		}
	})
}

func TestSyslogDoesNotWaitForASlowDaemon(t *testing.T) {
	inSyslog(t, func(t *testing.T, d *daemon, l Sink, stderr *bytes.Buffer) {
		d.hangUp(false, true)
		start := time.Now()
		for range 100_000 {
			l.Noticef("0123456789 0123456789 0123456789")
		}
		if waited := time.Since(start); waited > 0 {
			t.Errorf("logging took %v", waited)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := strings.Count(stderr.String(), "\n"); n != 1 {
			t.Errorf("%d reports, want 1", n)
		}
		start = time.Now()
		l.Close()
		if took := time.Since(start); took != lingerTime {
			t.Errorf("Close took %v", took)
		}
	})
}

func TestSyslogClose(t *testing.T) {
	inSyslog(t, func(t *testing.T, d *daemon, l Sink, stderr *bytes.Buffer) {
		l.Noticef("a")
		start := time.Now()
		l.Close()
		l.Close()
		if took := time.Since(start); took > 0 {
			t.Errorf("Close took %v", took)
		}
		l.Noticef("dropped")
		d.check(t, "a")
		checkText(t, "stderr", stderr.String(), "")
	})
}

func TestSyslogCloseCountsWhatIsLost(t *testing.T) {
	inSyslog(t, func(t *testing.T, d *daemon, l Sink, stderr *bytes.Buffer) {
		d.hangUp(true, false)
		l.Noticef("a")
		l.Noticef("b")
		time.Sleep(time.Minute)
		l.Noticef("c")
		start := time.Now()
		l.Close()
		if took := time.Since(start); took != lingerTime {
			t.Errorf("Close took %v", took)
		}
		if got, want := stderr.String(), pid+"[ERR] Logging to \"d\" ends, lines lost: 3\n"; !strings.HasSuffix(got, want) {
			t.Errorf("stderr has %q, want %q at the end", got, want)
		}
	})
}

func TestSyslogIsNoFile(t *testing.T) {
	inSyslog(t, func(t *testing.T, d *daemon, l Sink, stderr *bytes.Buffer) {
		l.Reopen()
		d.check(t, "File log re-open ignored, not a file logger")
	})
}

func TestSyslogForm(t *testing.T) {
	f := func(form form, want ...string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			got := ""
			for l := range levels {
				got += string(form.line(nil, level(l), "x\n%d", []any{l}))
			}
			checkText(t, "lines", got, strings.ReplaceAll(strings.Join(want, "\n")+"\n", "[PID]", strings.TrimSpace(pid)))
		})
	}
	cfg := Config{Name: "nats-server", UTC: true}
	remote := newSyslogForm(cfg, facilityKern, false)
	remote.host = "host"
	f(remote,
		`<5>2000-01-01T02:00:00+02:00 host nats-server[PID]: x\n0`,
		`<4>2000-01-01T02:00:00+02:00 host nats-server[PID]: x\n1`,
		`<3>2000-01-01T02:00:00+02:00 host nats-server[PID]: x\n2`,
		`<2>2000-01-01T02:00:00+02:00 host nats-server[PID]: x\n3`,
		`<7>2000-01-01T02:00:00+02:00 host nats-server[PID]: x\n4`,
		`<5>2000-01-01T02:00:00+02:00 host nats-server[PID]: x\n5`)
	f(newSyslogForm(cfg, facilityDaemon, true),
		`<29>Jan  1 02:00:00 nats-server[PID]: x\n0`,
		`<28>Jan  1 02:00:00 nats-server[PID]: x\n1`,
		`<27>Jan  1 02:00:00 nats-server[PID]: x\n2`,
		`<26>Jan  1 02:00:00 nats-server[PID]: x\n3`,
		`<31>Jan  1 02:00:00 nats-server[PID]: x\n4`,
		`<29>Jan  1 02:00:00 nats-server[PID]: x\n5`)

	cfg.JSON = true
	got := string(newSyslogForm(cfg, facilityDaemon, true).line(nil, warn, "x", nil))
	head, object, _ := strings.Cut(got, ": ")
	if !strings.HasPrefix(head, "<28>") || !strings.HasPrefix(object, `{"time":`) || !strings.HasSuffix(object, `,"level":"warn",`+fmt.Sprintf(`"pid":%s,"msg":"x"}`, strings.Trim(pid, "[] "))+"\n") {
		t.Errorf("got %q", got)
	}
}
