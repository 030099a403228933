//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/server"
)

const (
	// asExecutable makes a run of the test binary a run of the executable.
	asExecutable = "NATS_SERVER_TEST_AS_EXECUTABLE"

	patience = 10 * time.Second
)

func TestMain(m *testing.M) {
	if os.Getenv(asExecutable) != "" {
		main() // exits
	}
	os.Exit(m.Run())
}

// child is a running executable.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer
	read   chan struct{} // closed when stderr is read to its end

	mu  sync.Mutex
	log []string
}

// run runs the executable with a free port of the loopback and these arguments.
func run(t *testing.T, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command(self, append([]string{"-a", "127.0.0.1", "-p", "-1"}, args...)...), read: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), asExecutable+"=1")
	c.cmd.Stdout = &c.stdout
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.follow(stderr)
	t.Cleanup(func() {
		if c.cmd.ProcessState == nil {
			_ = c.cmd.Process.Kill()
			<-c.read
			_ = c.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("%q logged\n%s", args, c.text())
		}
	})
	return c
}

func (c *child) follow(stderr io.Reader) {
	defer close(c.read)
	for in := bufio.NewScanner(stderr); in.Scan(); {
		c.mu.Lock()
		c.log = append(c.log, in.Text())
		c.mu.Unlock()
	}
}

func (c *child) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.log, "\n")
}

// logs waits for a line that matches and returns the submatches.
func (c *child) logs(pattern string) []string {
	c.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		if m := re.FindStringSubmatch(c.text()); m != nil {
			return m
		}
		select {
		case <-tick.C:
		case <-deadline:
			c.t.Fatalf("no line %q", pattern)
		}
	}
}

// url waits until the server is ready and returns where.
func (c *child) url() string {
	c.t.Helper()
	addr := c.logs(`\[INF\] Listening for client connections on (127\.0\.0\.1:\d+)$`)[1]
	c.logs(`\[INF\] Server is ready$`)
	return "nats://" + addr
}

func (c *child) signal(s os.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// exits waits for the end and checks the status.
func (c *child) exits(status int) {
	c.t.Helper()
	select {
	case <-c.read:
	case <-time.After(patience):
		c.t.Fatal("does not end")
	}
	_ = c.cmd.Wait()
	if got := c.cmd.ProcessState.ExitCode(); got != status {
		c.t.Errorf("exit status %d, want %d", got, status)
	}
}

func TestServesAndEnds(t *testing.T) {
	for s, name := range map[os.Signal]string{syscall.SIGTERM: "terminated", os.Interrupt: "interrupt"} {
		c := run(t, "-n", "me")
		nc, err := nats.Connect(c.url())
		if err != nil {
			t.Fatal(err)
		}
		if nc.ConnectedServerName() != "me" || nc.ConnectedServerVersion() != server.Version {
			t.Errorf("name %q, version %q", nc.ConnectedServerName(), nc.ConnectedServerVersion())
		}
		sub, err := nc.SubscribeSync("x")
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Publish("x", []byte("hi")); err != nil {
			t.Fatal(err)
		}
		if m, err := sub.NextMsg(patience); err != nil || string(m.Data) != "hi" {
			t.Errorf("got %v, %v", m, err)
		}
		c.signal(s)
		c.exits(0)
		nc.Close()
		form := regexp.MustCompile(fmt.Sprintf(`(?m)^\[%d\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} \[INF\] `, c.cmd.Process.Pid))
		if text := c.text(); len(form.FindAllString(text, -1)) != strings.Count(text, "\n")+1 {
			t.Errorf("the log has lines of another form")
		}
		c.logs(`\[INF\] Trapped "` + name + `" signal$`)
		c.logs(`\[INF\] Initiating Shutdown\.\.\.$`)
		c.logs(`\[INF\] Server Exiting\.\.$`)
		if c.stdout.Len() > 0 {
			t.Errorf("stdout is %q", &c.stdout)
		}
	}
}

func TestLameDuckBySignal(t *testing.T) {
	c := run(t)
	url := c.url()
	told := make(chan struct{}, 1)
	nc, err := nats.Connect(url, nats.NoReconnect(), nats.LameDuckModeHandler(func(*nats.Conn) { told <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	c.signal(syscall.SIGUSR2)
	select {
	case <-told:
	case <-time.After(patience):
		t.Fatal("the client is not told")
	}
	c.logs(`Entering lame duck mode, stop accepting new clients$`)
	if probe, err := net.Dial("tcp", strings.TrimPrefix(url, "nats://")); err == nil {
		probe.Close()
		t.Error("accepts new clients")
	}
	c.signal(os.Interrupt) // cuts it short
	c.exits(0)
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := run(t, "-p", fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
	c.exits(1)
	c.logs(`\[FTL\] Error listening on port: ` + regexp.QuoteMeta(l.Addr().String()) + `, "listen tcp .*: bind: address already in use"$`)
}

func TestCredentialsOnTheCommandLine(t *testing.T) {
	c := run(t, "--user", "u", "--pass", "p", "-DV")
	url := c.url()
	if nc, err := nats.Connect(url); err == nil {
		nc.Close()
		t.Error("lets anybody in")
	}
	nc, err := nats.Connect(url, nats.UserInfo("u", "p"))
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	c.logs(`\[TRC\] .*<<- \[CONNECT .*"pass":"\[REDACTED\]"`)
	c.logs(`\[DBG\] .* - Client connection closed: Client Closed$`)
	c.logs(`\[ERR\] .*authentication error`)
}

func TestFiles(t *testing.T) {
	log, pid := filepath.Join(t.TempDir(), "log"), filepath.Join(t.TempDir(), "pid")
	c := run(t, "-l", log, "-P", pid)
	deadline := time.Now().Add(patience)
	contains := func(want string) bool {
		text, _ := os.ReadFile(log)
		return strings.Contains(string(text), want)
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	wait := func(want string) {
		t.Helper()
		for !contains(want) {
			if <-tick.C; time.Now().After(deadline) {
				t.Fatalf("the log file has no %q", want)
			}
		}
	}
	wait("Server is ready")
	if text, err := os.ReadFile(pid); err != nil || string(text) != fmt.Sprint(c.cmd.Process.Pid) {
		t.Errorf("pid file %q, %v", text, err)
	}
	if err := os.Rename(log, log+".old"); err != nil {
		t.Fatal(err)
	}
	c.signal(syscall.SIGUSR1)
	wait("File log re-opened")
	c.signal(syscall.SIGTERM)
	c.exits(0)
	wait("Server Exiting..")
	if text := c.text(); text != "" {
		t.Errorf("stderr is %q", text)
	}
}

func TestVersionFlag(t *testing.T) {
	c := run(t, "-v")
	c.exits(0)
	if got, want := c.stdout.String(), "nats-server: v"+server.Version+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
