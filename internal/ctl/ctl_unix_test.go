//go:build unix

package ctl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// child, in the environment, makes the test binary a process to be signalled.
const child = "CTL_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		obey()
		return
	}
	os.Exit(m.Run())
}

// obey prints the signals it gets until stdin ends.
func obey() {
	got := make(chan os.Signal, 16)
	signal.Notify(got, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for sig := range got {
			fmt.Println(sig)
		}
	}()
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

// process is a child of the test that runs obey.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *bufio.Scanner
}

// run starts path, the test binary under any name. The process ends with the test
// at the latest.
func run(t *testing.T, path string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = append(os.Environ(), child+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait()
	})
	p := &process{cmd, stdin, bufio.NewScanner(stdout)}
	p.prints(t, "ready")
	return p
}

func runSelf(t *testing.T) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return run(t, self)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) prints(t *testing.T, want string) {
	t.Helper()
	p.stdout.Scan()
	if got := p.stdout.Text(); got != want {
		t.Errorf("process prints %q, want %q", got, want)
	}
}

// gone returns the id of a process that has ended.
func gone(t *testing.T) int {
	t.Helper()
	p := runSelf(t)
	p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return p.pid()
}

// file returns the path of a new file.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nats.pid")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// found makes a lookup with a result.
func found(pids ...int) func() ([]int, error) {
	return func() ([]int, error) { return pids, nil }
}

var errLookup = errors.New("no pgrep")

func lookupFails() ([]int, error) { return nil, errLookup }

func TestCommands(t *testing.T) {
	p := runSelf(t)
	f := func(command, want string) {
		t.Helper()
		if err := Send(fmt.Sprintf("%s=%d", command, p.pid())); err != nil {
			t.Error(err)
		}
		p.prints(t, want)
	}
	f("quit", "interrupt")
	f("term", "terminated")
	f("reopen", "user defined signal 1")
	f("reload", "hangup")
	f("ldm", "user defined signal 2")

	if err := Send(fmt.Sprintf("stop=%d", p.pid())); err != nil {
		t.Error(err)
	}
	err, ok := errors.AsType[*exec.ExitError](p.cmd.Wait())
	if !ok || err.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("stop ends the process with %v", err)
	}
}

func TestTargets(t *testing.T) {
	p := runSelf(t)
	pid := strconv.Itoa(p.pid())
	f := func(target string, servers func() ([]int, error)) {
		t.Helper()
		if err := sendTo("reload", target, servers); err != nil {
			t.Errorf("%q: %v", target, err)
			return
		}
		p.prints(t, "hangup")
	}
	f(pid, lookupFails)
	f("+"+pid, lookupFails)
	f(file(t, pid), lookupFails)
	f(file(t, pid+"\n"), lookupFails)
	f(file(t, " "+pid+"\r\n"), lookupFails)
	f("", found(p.pid()))
	f(file(t, ""), found(p.pid()))
	f("*", found(p.pid()))
	f(pid+"*", found(p.pid()))
	f(pid[:1]+"*", found(p.pid()))
	f(file(t, pid+"*"), found(p.pid()))
}

func TestPatternPicks(t *testing.T) {
	f := func(target string, want ...int) {
		t.Helper()
		got, err := resolve(target, found(12, 123, 212, 9))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %v, %v, want %v", target, got, err, want)
		}
	}
	f("*", 12, 123, 212, 9)
	f("12*", 12, 123)
	f("123*", 123)
	f("4*")
	f("x*")
	f("1**")
}

func TestPatternReachesAll(t *testing.T) {
	a, b := runSelf(t), runSelf(t)
	dead := gone(t)
	err := sendTo("reopen", "*", found(a.pid(), dead, b.pid()))
	complains(t, err, fmt.Sprintf("\nsignal \"reopen\" %d: no such process", dead))
	a.prints(t, "user defined signal 1")
	b.prints(t, "user defined signal 1")

	if err := sendTo("stop", "*", found()); err != nil {
		t.Errorf("nobody there: %v", err)
	}
}

func TestComplaints(t *testing.T) {
	dead := gone(t)
	f := func(command, target string, servers func() ([]int, error), want string) {
		t.Helper()
		complains(t, sendTo(command, target, servers), want)
	}
	// The target comes first, looking it up second, the command third.
	f("bogus", "abc", lookupFails, "invalid pid: abc")
	f("bogus", "", lookupFails, "unable to resolve pid, try providing one")
	f("bogus", "*", lookupFails, "unable to resolve pid, try providing one")
	f("bogus", "", found(), "no nats-server processes running")
	f("bogus", "", found(5, 66), "multiple nats-server processes running:\n5\n66")
	f("bogus", "", found(dead), `unknown signal "bogus"`)
	f("bogus", "*", found(), `unknown signal "bogus"`)
	f("RELOAD", strconv.Itoa(dead), nil, `unknown signal "RELOAD"`)
	f("", strconv.Itoa(dead), nil, `unknown signal ""`)
	f("reopen", strconv.Itoa(dead), nil, fmt.Sprintf("\nsignal \"reopen\" %d: no such process", dead))
	f("reload", "*", found(dead, dead), fmt.Sprintf("\nsignal \"reload\" %[1]d: no such process\nsignal \"reload\" %[1]d: no such process", dead))

	// What is no process, or would be more than one.
	f("reload", " 5", nil, "invalid pid:  5")
	f("reload", file(t, "12\n34\n"), nil, "invalid pid: 12\n34")
	f("reload", "0", nil, "invalid pid: 0")
	f("reload", "-5", nil, "invalid pid: -5")
	f("reload", "4294967295", nil, "invalid pid: 4294967295")
	f("reload", "99999999999999999999", nil, "invalid pid: 99999999999999999999")
	dir := t.TempDir()
	f("reload", dir, nil, "invalid pid: "+dir)
}

func TestPgrepOutput(t *testing.T) {
	dir := t.TempDir()
	// No list at all means an error.
	f := func(script string, want ...int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "pgrep"), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir)
		got, err := pgrep()
		if (err != nil) != (want == nil) || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v, want %v", script, got, err, want)
		}
	}
	none := []int{}
	f("printf '5\n66\n'", 5, 66)
	f("printf 5", 5)
	f("printf '5\n%d\n66\n' $PPID", 5, 66) // without this process
	f("[ \"$*\" = nats-server ] && echo 7", 7)
	f("exit 1", none...)
	f("true", none...)
	f("exit 2")
	f("kill $$")
	f("echo 5; echo x")
	f("echo 0")
	f("echo 5 nats-server")
	if err := os.Remove(filepath.Join(dir, "pgrep")); err != nil {
		t.Fatal(err)
	}
	complains(t, Send("reload"), "unable to resolve pid, try providing one")
	complains(t, Send("reload="), "unable to resolve pid, try providing one")
}

// The real pgrep finds a process by a part of its name. Nothing is sent here:
// there may be other servers on this machine.
func TestPgrepFindsServers(t *testing.T) {
	if _, err := exec.LookPath("pgrep"); err != nil {
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "my-nats-server")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	p := run(t, path)
	pids, err := pgrep()
	if err != nil || !slices.Contains(pids, p.pid()) {
		t.Errorf("%d is not among %v, %v", p.pid(), pids, err)
	}
}
