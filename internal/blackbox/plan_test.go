//go:build unix

package blackbox_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// against runs -t --against.
func against(t *testing.T, conf, target string, more ...string) result {
	t.Helper()
	return ours.run(t, append([]string{"-t", "-c", conf, "--against", target}, more...)...)
}

const refusal = "nats-server: a reload would be refused as a whole, since a restart is needed\n"

// checkPlan compares the lines of a plan.
func checkPlan(t *testing.T, got result, conf, source, want string) {
	t.Helper()
	head := fmt.Sprintf("nats-server: configuration file %s is valid\ncompared to %s:\n", conf, source)
	code := 0
	if strings.HasSuffix(want, refusal) {
		code = 1
	}
	got.Stderr = digest.ReplaceAllString(got.Stderr, "")
	check(t, "plan", got, result{Code: code, Stderr: head + want})
}

func TestPlanAgainstFile(t *testing.T) {
	old := file(t, "old.conf", "max_payload: 1000\nauthorization {user: a, password: b}\n")
	conf := file(t, "new.conf", "")
	f := func(text, want string) {
		t.Helper()
		write(t, conf, text)
		checkPlan(t, against(t, conf, old), conf, "configuration file "+old, want)
	}
	const same = "authorization {user: a, password: b}\n"
	f("# comments do not count\nauthorization {user: a, pass: b}\nmax_payload: 1000\n", "  nothing changes\n")
	f("max_payload: 2000, ping_interval: \"2m\"\n"+same, "  max_payload: 1000 -> 2000: applied at once\n")
	f("max_payload: 1000\nserver_name: x\nauthorization {user: a, password: c, timeout: 5}\n",
		"  server_name: \"\" -> \"x\": applied at once\n"+
			"  authorization password: changed: applied at once\n"+
			"  authorization timeout: 2s -> 5s: applied to new connections\n")
	f("max_payload: 1000\nport: 4000\n"+same,
		"  listen: 0.0.0.0:4222 -> 0.0.0.0:4000: needs a restart (clients have been told the address, and the port may be taken)\n"+refusal)
}

func TestPlanAgainstProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("on this system a process cannot be asked")
	}
	const first = "listen: \"127.0.0.1:-1\"\nmax_payload: 1000\nauthorization {user: a, password: b}\n"
	conf := file(t, "x.conf", first)
	pidFile := file(t, "pid", "")
	p := ours.launch(t, new(exec.Cmd), "-c", conf, "-P", pidFile)
	p.addr()
	source := fmt.Sprintf("process %d, whose flags stay in force (-P)", p.pid())
	f := func(want string) {
		t.Helper()
		checkPlan(t, against(t, conf, fmt.Sprint(p.pid())), conf, source, want)
		checkPlan(t, against(t, conf, pidFile, "-D", "-p", "77"), conf, source, want)
	}
	f("  nothing changes\n")
	const second = "listen: \"127.0.0.1:-1\"\nmax_payload: 2000\ndebug: true\nauthorization {user: a, password: c}\n"
	write(t, conf, second)
	const changes = "  debug: false -> true: applied at once\n" +
		"  max_payload: 1000 -> 2000: applied at once\n" +
		"  authorization password: changed: applied at once\n"
	f(changes)
	f(changes) // looking changes nothing
	inOrder(t, p.reload(reloaded), `Reloaded: debug = true$`, `Reloaded: max_payload = 2000$`, `Reloaded: authorization password$`)
	f("  nothing changes\n")

	// What a reload would refuse, the plan refuses; and what was refused is not in force.
	write(t, conf, "listen: \"127.0.0.1:4000\"\nmax_payload: 3000\ndebug: true\nauthorization {user: a, password: c}\n")
	const restart = "  listen: 127.0.0.1:-1 -> 127.0.0.1:4000: needs a restart (clients have been told the address, and the port may be taken)\n" +
		"  max_payload: 2000 -> 3000: applied at once\n" + refusal
	f(restart)
	p.reload(notReloaded)
	f(restart)
	write(t, conf, second)
	f("  nothing changes\n")
	if err := os.WriteFile(pidFile, fmt.Appendf(nil, "%d\n", p.pid()), 0o600); err != nil {
		t.Fatal(err)
	}
	f("  nothing changes\n")

	p.stop()
	got := against(t, conf, pidFile)
	check(t, "gone", got, result{Code: 1, Stderr: fmt.Sprintf("nats-server: cannot look at process %d: open /proc/%d/fd: no such file or directory\n", p.pid(), p.pid())})
}

// What the flags of the process decide stays as it is, whatever the file says. The plan
// says the same as the reload does.
func TestPlanWithFlagsOfProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("on this system a process cannot be asked")
	}
	conf := file(t, "x.conf", "max_payload: 1000\n")
	p := ours.start(t, "-c", conf, "--user", "flagged", "--pass", "pa55word", "-D=true", "-n", "fixed")
	p.addr()
	source := fmt.Sprintf("process %d, whose flags stay in force (-D -a -n -p --pass --user)", p.pid())
	f := func(text, want string) {
		t.Helper()
		write(t, conf, text)
		checkPlan(t, against(t, conf, fmt.Sprint(p.pid())), conf, source, want)
	}
	f("max_payload: 1000\n", "  nothing changes\n")
	f("max_payload: 1000\nlisten: \"0.0.0.0:4000\"\ndebug: false\nserver_name: other\n"+
		"authorization {user: u, password: p}\n", "  nothing changes\n")
	f("max_payload: 2000\ndebug: false\nport: 7\nauthorization {user: u, password: p, timeout: 7}\n",
		"  max_payload: 1000 -> 2000: applied at once\n  authorization timeout: 2s -> 7s: applied to new connections\n")
	got := p.reload(reloaded)
	inOrder(t, got, `Reloaded: max_payload = 2000$`)
	for _, unexpected := range []string{"debug", "listen", "username", "password"} {
		if strings.Contains(got, "Reloaded: "+unexpected) || strings.Contains(got, "authorization "+unexpected) {
			t.Errorf("the reload changed %s: %s", unexpected, got)
		}
	}
	f("max_payload: 2000\nauthorization {user: v, password: q, timeout: 7}\n", "  nothing changes\n")
}

// The flags are published without their secrets.
func TestPublishedFlagsHaveNoSecrets(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("on this system nothing is published")
	}
	f := func(secret string, args ...string) {
		t.Helper()
		p := ours.start(t, args...)
		p.addr()
		dir := fmt.Sprintf("/proc/%d/fd", p.pid())
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			path := filepath.Join(dir, e.Name())
			if to, err := os.Readlink(path); err != nil || !strings.HasPrefix(to, "/memfd:") {
				continue
			}
			text := read(t, path)
			if !strings.Contains(text, `"-p=-1"`) || strings.Contains(text, secret) {
				t.Errorf("%q: published %s", args, text)
			}
			return
		}
		t.Errorf("%q: nothing is published", args)
	}
	f("s3cr3t", "--user", "u", "--pass", "s3cr3t")
	f("s3cr3t", "--user", "s3cr3t", "--pass=p")
	f("s3cr3t", "-auth", "s3cr3t")
	f("s3cr3t", "--cluster", "nats://u:s3cr3t@127.0.0.1:-1", "--routes", "nats://u:s3cr3t@127.0.0.1:1")
}

func TestPlanErrors(t *testing.T) {
	conf := file(t, "x.conf", "max_payload: 1000\n")
	f := func(target, want string) {
		t.Helper()
		check(t, target, against(t, conf, target), result{Code: 1, Stderr: "nats-server: " + want + "\n"})
	}
	f("/nonexist", "/nonexist is neither a configuration file, nor a PID file, nor a process id")
	f("0", "0 is neither a configuration file, nor a PID file, nor a process id")
	bad := file(t, "bad.conf", "nosuch: 1\n")
	f(bad, bad+":1:0: unknown field \"nosuch\"\n")
	refused := file(t, "refused.conf", "max_payload: 100, max_pending: 10\n")
	f(refused, refused+": max_payload (100) cannot be higher than max_pending (10)")
	if runtime.GOOS == "linux" {
		f(fmt.Sprint(os.Getpid()), fmt.Sprintf("process %d is not a server that publishes its settings", os.Getpid()))
	}
	// The tested file comes first.
	check(t, "bad", against(t, bad, "/nonexist"), result{Code: 1, Stderr: "nats-server: " + bad + ":1:0: unknown field \"nosuch\"\n\n"})
	check(t, "without -t", ours.run(t, "-c", conf, "--against", conf),
		result{Code: 1, Stderr: "nats-server: --against compares with a tested configuration: give -t and -c, too\n"})
}
