//go:build unix

package blackbox_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nats-server/internal/testkit"
)

// patience bounds every wait. It is generous, since test machines are shared; a wait
// that succeeds never takes this long.
const patience = 20 * time.Second

// binary is an executable under test.
type binary struct{ name, path string }

func (b binary) isOurs() bool { return b.name == "ours" }

// recent reports whether b has the texts of 2.10 and later, as ours does.
func (b binary) recent(t testing.TB) bool {
	t.Helper()
	return b.isOurs() || testkit.ReferenceHas(t, 10)
}

// result is what a command that does not serve leaves behind.
type result struct {
	Code           int
	Stdout, Stderr string
}

// run runs a command to its end.
func (b binary) run(t *testing.T, args ...string) result {
	t.Helper()
	return b.runAs(t, new(exec.Cmd), args...)
}

// runAs is run with the settings of a command: directory, input, environment, user.
func (b binary) runAs(t *testing.T, with *exec.Cmd, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.path, args...)
	cmd.Dir, cmd.Stdin, cmd.Env, cmd.SysProcAttr = with.Dir, with.Stdin, with.Env, with.SysProcAttr
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed || ctx.Err() != nil {
		t.Fatalf("%s %q: %v, %v", b.name, args, err, ctx.Err())
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// process is a running server.
type process struct {
	binary
	t      *testing.T
	cmd    *exec.Cmd
	stdout output
	stderr output
	ended  chan struct{}
	file   string // the log file, "" = stderr
}

// output takes what a process writes, while others read it.
type output struct {
	mu  sync.Mutex
	buf []byte
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = append(o.buf, b...)
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.buf)
}

// start runs a server with a free port of the loopback, unless the arguments say
// otherwise. It ends with the test.
func (b binary) start(t *testing.T, args ...string) *process {
	t.Helper()
	return b.startAs(t, new(exec.Cmd), args...)
}

// startAs is start with the settings of a command: directory, input, environment,
// and where stderr goes instead of into the log.
func (b binary) startAs(t *testing.T, with *exec.Cmd, args ...string) *process {
	t.Helper()
	return b.launch(t, with, append([]string{"-a", "127.0.0.1", "-p", "-1"}, args...)...)
}

// launch is startAs with these arguments alone: something else has to say where to
// listen.
func (b binary) launch(t *testing.T, with *exec.Cmd, args ...string) *process {
	t.Helper()
	p := &process{binary: b, t: t, ended: make(chan struct{})}
	p.cmd = exec.Command(b.path, args...)
	p.cmd.Dir, p.cmd.Stdin, p.cmd.Env = with.Dir, with.Stdin, with.Env
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, with.Stderr
	if with.Stderr == nil {
		p.cmd.Stderr = &p.stderr
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // ProcessState says it
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("%s %q logged\n%s", b.name, args, shorten(p.log()))
		}
	})
	return p
}

// shorten cuts the middle out of a long log.
func shorten(text string) string {
	const most = 4000
	if len(text) <= most {
		return text
	}
	return text[:most/2] + "\n…\n" + text[len(text)-most/2:]
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// log is what has been logged so far.
func (p *process) log() string {
	if p.file == "" {
		return p.stderr.String()
	}
	return read(p.t, p.file)
}

// expect waits until the text behind the first from bytes of the log has a line that
// matches, and returns the submatches.
func (p *process) expect(from int, pattern string) (match []string) {
	p.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	found := func() bool {
		if text := p.log(); len(text) > from {
			match = re.FindStringSubmatch(text[from:])
		}
		return match != nil
	}
	if !testkit.Within(patience, func() bool { return found() || p.over() }) || !found() {
		p.t.Fatalf("%s: no line %q", p.name, pattern)
	}
	return match
}

// logs waits for a line that matches, anywhere in the log.
func (p *process) logs(pattern string) (match []string) {
	p.t.Helper()
	return p.expect(0, pattern)
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// addr waits until the server is ready, and returns where.
func (p *process) addr() string {
	p.t.Helper()
	p.logs(`\[INF\] Server is ready\r?$`)
	return p.logs(`\[INF\] Listening for client connections on (127\.0\.0\.1:\d+)\r?$`)[1]
}

// url is addr as clients write it.
func (p *process) url() string {
	p.t.Helper()
	return "nats://" + p.addr()
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%s: %v", s, err)
	}
}

const (
	reloaded    = `\[INF\] Reloaded server configuration( \(sha256:[0-9a-f]{64}\))?$`
	notReloaded = `\[ERR\] Failed to reload server configuration: .*$`
)

// reload has the configuration read again, and returns what was logged meanwhile.
func (p *process) reload(outcome string) string {
	p.t.Helper()
	from := len(p.log())
	p.signal(syscall.SIGHUP)
	p.expect(from, reloaded+"|"+notReloaded)
	text := p.log()[from:]
	if !regexp.MustCompile("(?m)" + outcome).MatchString(text) {
		p.t.Fatalf("%s: a reload logged\n%swant %s", p.name, text, outcome)
	}
	return text
}

// end waits for the end.
func (p *process) end() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("%s: does not end", p.name)
	}
}

// exits waits for the end and checks the exit status.
func (p *process) exits(status int) {
	p.t.Helper()
	p.end()
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		p.t.Errorf("%s: exit status %d (%v), want %d", p.name, got, p.cmd.ProcessState, status)
	}
}

// stop ends the server.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGINT)
	p.exits(0)
}

// file makes a file with this text in a directory of the test.
func file(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	write(t, path, text)
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read returns what is in a file; nothing if it does not exist.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// once fails the test unless the text has the line once.
func once(t *testing.T, text, pattern string) {
	t.Helper()
	if n := len(regexp.MustCompile("(?m)"+pattern).FindAllString(text, -1)); n != 1 {
		t.Errorf("%d lines %q in\n%s", n, pattern, shorten(text))
	}
}

// lines splits a text into its lines.
func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }
