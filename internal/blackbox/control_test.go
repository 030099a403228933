//go:build unix

package blackbox_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"nats-server/internal/testkit"
)

// control runs -sl, which has nothing to say if it succeeds.
func (b binary) control(t *testing.T, argument string) {
	t.Helper()
	check(t, "-sl "+argument, b.run(t, "-sl", argument), result{})
}

func TestControl(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		f := func(command string, effect func(p *process)) {
			t.Helper()
			pid := filepath.Join(t.TempDir(), "pid")
			conf := file(t, "x.conf", "debug: true\n")
			for _, byFile := range []bool{true, false} {
				p := b.start(t, "-P", pid, "-c", conf)
				p.addr()
				target := fmt.Sprint(p.pid())
				if byFile {
					target = pid
				}
				b.control(t, command+"="+target)
				effect(p)
			}
		}
		f("reload", func(p *process) {
			p.logs(reloaded)
			p.stop()
		})
		f("reopen", func(p *process) {
			p.logs(`File log re-open ignored, not a file logger$`)
			p.stop()
		})
		f("ldm", func(p *process) {
			p.exits(0)
			p.logs(`Entering lame duck mode`)
		})
		f("quit", func(p *process) {
			p.exits(0)
			inOrder(t, p.log(), trapped(t, b, "interrupt"), initiating, exiting)
		})
		f("stop", func(p *process) {
			p.exits(-1)
			if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
				t.Errorf("ended by %v", status.Signal())
			}
		})
		f("term", func(p *process) {
			p.end() // with status 1 in some releases
			inOrder(t, p.log(), trapped(t, b, "terminated"), initiating, exiting)
		})
	})
	p := ours.start(t)
	p.addr()
	ours.control(t, fmt.Sprintf("term=%d", p.pid()))
	p.exits(0)
}

// Many tools end a file with a newline.
func TestControlPidFileWithNewline(t *testing.T) {
	p := ours.start(t)
	p.addr()
	ours.control(t, "reopen="+file(t, "pid", fmt.Sprintf("%d\n", p.pid())))
	p.logs(`File log re-open ignored`)
}

func TestControlErrors(t *testing.T) {
	gone := exec.Command(ours.path, "-v")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	both(t, func(t *testing.T, b binary) {
		f := func(argument, want string) {
			t.Helper()
			check(t, argument, b.run(t, "-sl", argument, "-c", "/nonexist", "-t"),
				result{Code: 1, Stderr: "nats-server: " + want + "\n"})
		}
		f("reload=abc", "invalid pid: abc")
		f("bogus=abc", "invalid pid: abc")
		f("reload=1.5", "invalid pid: 1.5")
		f("reload="+file(t, "pid", "hello"), "invalid pid: hello")
		f("reload=1=2", "invalid signal parameters: [2]")
		f("a=b=c=d", "invalid signal parameters: [c d]")
		f(fmt.Sprintf("bogus=%d", os.Getpid()), `unknown signal "bogus"`)
		f(fmt.Sprintf("RELOAD=%d", os.Getpid()), `unknown signal "RELOAD"`)
		want := "no such process"
		if b.recent(t) {
			want = fmt.Sprintf("\nsignal %q %d: no such process", "reload", gone.Process.Pid)
		}
		f(fmt.Sprintf("reload=%d", gone.Process.Pid), want)
	})
	f := func(target string) {
		t.Helper()
		check(t, target, ours.run(t, "-sl", "reload="+target), result{Code: 1, Stderr: "nats-server: invalid pid: " + target + "\n"})
	}
	f("0") // these would mean groups of processes
	f("-1")
	f("4294967297")
}

func TestControlNotPermitted(t *testing.T) {
	with := anotherUser(t)
	if with.SysProcAttr == nil {
		t.Skip("there is no process of another user that may be used")
	}
	p := ours.start(t)
	p.addr()
	check(t, "reload", ours.runAs(t, with, "-sl", fmt.Sprintf("reload=%d", p.pid())),
		result{Code: 1, Stderr: fmt.Sprintf("nats-server: \nsignal \"reload\" %d: operation not permitted\n", p.pid())})
}

// Without a target the only server of the machine is meant. Which ones there are is
// what pgrep says; here it speaks only of processes that belong to the test.
func TestControlWithoutTarget(t *testing.T) {
	with := func(t *testing.T, script string) *exec.Cmd {
		t.Helper()
		dir := t.TempDir()
		if script != "" {
			if err := os.WriteFile(filepath.Join(dir, "pgrep"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return &exec.Cmd{Env: []string{"PATH=" + dir}}
	}
	both(t, func(t *testing.T, b binary) {
		f := func(script, argument, want string) {
			t.Helper()
			check(t, script, b.runAs(t, with(t, script), "-sl", argument), result{Code: 1, Stderr: "nats-server: " + want + "\n"})
		}
		f("", "reload", "unable to resolve pid, try providing one")
		f("echo hello", "reload", "unable to resolve pid, try providing one")
		f("exit 1", "reload", "no nats-server processes running")
		f("exit 1", "bogus=", "no nats-server processes running")
		f("echo 999999991; echo 999999992", "bogus", "multiple nats-server processes running:\n999999991\n999999992")
		f("echo 999999991", "bogus", `unknown signal "bogus"`)

		p := b.start(t)
		p.addr()
		check(t, "one", b.runAs(t, with(t, fmt.Sprintf("echo %d", p.pid())), "-sl", "reopen"), result{})
		p.logs(`File log re-open ignored`)
		p.stop()
	})

	// Patterns, which later releases have.
	p, q := ours.start(t), ours.start(t)
	p.addr()
	q.addr()
	found := with(t, fmt.Sprintf("echo %d; echo %d", p.pid(), q.pid()))
	f := func(argument string, reopened ...*process) {
		t.Helper()
		from := map[*process]int{p: len(p.log()), q: len(q.log())}
		check(t, argument, ours.runAs(t, found, "-sl", argument), result{})
		for _, r := range reopened {
			r.expect(from[r], `File log re-open ignored`)
		}
	}
	f("reopen=x*")
	f("reopen=*", p, q)
	f(fmt.Sprintf("reopen=%d*", q.pid()), q)
	// What comes after the calls without a match for p is the end of its log.
	p.stop()
	if n := strings.Count(p.log(), "File log re-open ignored"); n != 1 && !strings.HasPrefix(fmt.Sprint(p.pid()), fmt.Sprint(q.pid())) {
		t.Errorf("reopened %d times", n)
	}
	check(t, "gone", ours.runAs(t, found, "-sl", fmt.Sprintf("reopen=%d*", p.pid())),
		result{Code: 1, Stderr: fmt.Sprintf("nats-server: \nsignal \"reopen\" %d: no such process\n", p.pid())})
}

// As tools do it that rewrite the file all the time.
func TestControlSeries(t *testing.T) {
	conf := file(t, "x.conf", "debug: true\n")
	p := ours.start(t, "-c", conf)
	r := testkit.Dial(t, p.addr())
	r.Connect("{}")
	for i := range 10 {
		write(t, conf, fmt.Sprintf("debug: true, max_payload: %d\n", 1000+i))
		from := len(p.log())
		ours.control(t, fmt.Sprintf("reload=%d", p.pid()))
		p.expect(from, fmt.Sprintf(`Reloaded: max_payload = %d$`, 1000+i))
		p.expect(from, reloaded)
	}
	r.Sync()
	if text := p.stdout.String(); text != "" || regexp.MustCompile(`\[(ERR|WRN|FTL)\]`).MatchString(p.log()) {
		t.Errorf("stdout %q, log %s", text, p.log())
	}
}
