//go:build unix

package blackbox_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var digest = regexp.MustCompile(` \(sha256:[0-9a-f]{64}\)`)

// validate runs -t for a file in a directory. Older references know no digest.
func (b binary) validate(t *testing.T, dir, name string) result {
	t.Helper()
	got := b.runAs(t, &exec.Cmd{Dir: dir}, "-t", "-c", name)
	if !b.recent(t) {
		return got
	}
	if (got.Code == 0) != digest.MatchString(got.Stderr) {
		t.Errorf("%s: code %d with %q", name, got.Code, got.Stderr)
	}
	got.Stderr = digest.ReplaceAllString(got.Stderr, "")
	return got
}

func TestValidate(t *testing.T) {
	dir := t.TempDir()
	both(t, func(t *testing.T, b binary) {
		f := func(text string, code int, want string) {
			t.Helper()
			write(t, filepath.Join(dir, "x.conf"), text)
			check(t, text, b.validate(t, dir, "x.conf"), result{Code: code, Stderr: "nats-server: " + want + "\n"})
		}
		const valid = "configuration file x.conf is valid"
		f("port: 11000\n", 0, valid)
		f("port: 1, PORT: 2\n", 0, valid)
		f("{port: 1}", 0, valid)
		f("X = 5\nport: $X\n", 0, valid)
		f("listen: \"127.0.0.1:-1\"\nauthorization {user: a, password: b}", 0, valid)
		f("zzzzz: 1", 1, "x.conf:1:0: unknown field \"zzzzz\"\n")
		if b.isOurs() { // the reference lists problems in random order
			f("port: 1\nzzzzz: 1\nyyyyy: [1,2\n]\n", 1, "x.conf:2:1: unknown field \"zzzzz\"\nx.conf:3:1: unknown field \"yyyyy\"\n")
		}
		f("authorization {user: a, password: b, token: c}", 1, "x.conf:1:0: Cannot have a user/pass and token\n")
	})
	f := func(name, want string) {
		t.Helper()
		both(t, func(t *testing.T, b binary) {
			check(t, name, b.validate(t, dir, name), result{Code: 1, Stderr: "nats-server: " + want + "\n"})
		})
	}
	f("missing.conf", "open missing.conf: no such file or directory")
	f("x.conf/y", "open x.conf/y: not a directory")
	f(dir, "read "+dir+": is a directory")
}

func TestValidateDigest(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "nats.conf"), "port: 11000")
	check(t, "digest", ours.runAs(t, &exec.Cmd{Dir: dir}, "-t", "-c", "nats.conf"), result{
		Stderr: "nats-server: configuration file nats.conf is valid (sha256:c901f8801acde3ce449033843d0bfb34bba547bc495ac38d41e3587ca53f2635)\n"})
}

// Nothing is bound, opened or written.
func TestValidateTouchesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	both(t, func(t *testing.T, b binary) {
		dir := t.TempDir()
		conf := file(t, "x.conf", fmt.Sprintf("listen: %q\nlog_file: %q\npid_file: %q\nports_file_dir: %q\n",
			taken.Addr(), filepath.Join(dir, "log"), filepath.Join(dir, "pid"), dir))
		got := b.run(t, "-t", "-c", conf, "-l", filepath.Join(dir, "other"), "-P", filepath.Join(dir, "another"))
		if got.Code != 0 || got.Stdout != "" {
			t.Errorf("%+v", got)
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
			t.Errorf("left %v behind (%v)", list, err)
		}
	})
}

// A warning fails the test of a file, but not the start.
func TestValidateWarnings(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		conf := file(t, "x.conf", "max_payload: 1000\nping_interval: 5\n")
		warning := regexp.QuoteMeta(conf) + `:2:1: invalid use of field "ping_interval": ping_interval should be converted to a duration.*`
		got := b.run(t, "-t", "-c", conf)
		if !regexp.MustCompile(`^nats-server: `+warning+`\n\n$`).MatchString(got.Stderr) || got.Code != 1 || got.Stdout != "" {
			t.Errorf("%+v", got)
		}
		p := b.start(t, "-c", conf)
		p.addr()
		if text := p.log(); !regexp.MustCompile(`^` + warning + `\n`).MatchString(text) {
			t.Errorf("the log begins with %q", shorten(text))
		}
	})
	got := ours.run(t, "-t", "-c", "/dev/null")
	check(t, "empty", got, result{Code: 1, Stderr: "nats-server: /dev/null: config has no values or is empty\n\n"})
}

func TestValidateStdin(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		got := b.runAs(t, &exec.Cmd{Stdin: strings.NewReader("port: 5\n")}, "-t", "-c", "/dev/stdin")
		if got.Code != 0 || digest.ReplaceAllString(got.Stderr, "") != "nats-server: configuration file /dev/stdin is valid\n" {
			t.Errorf("%+v", got)
		}
	})
}

func TestValidateUnreadable(t *testing.T) {
	with := anotherUser(t)
	conf := file(t, "x.conf", "port: 5\n")
	for dir := filepath.Dir(conf); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(conf, 0o200); err != nil {
		t.Fatal(err)
	}
	both(t, func(t *testing.T, b binary) {
		check(t, "unreadable", b.runAs(t, with, "-t", "-c", conf),
			result{Code: 1, Stderr: "nats-server: open " + conf + ": permission denied\n"})
	})
}

// anotherUser has a command run without the privileges of root, if the test has them.
func anotherUser(t *testing.T) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		return new(exec.Cmd)
	}
	const nobody = 65534
	with := &exec.Cmd{Dir: "/", SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}}
	probe := exec.Command(ours.path, "-v")
	probe.Dir, probe.SysProcAttr = with.Dir, with.SysProcAttr
	if err := probe.Run(); err != nil {
		t.Skipf("cannot become another user: %v", err)
	}
	return with
}

// Whatever a file holds: one message that names the place, status 1, and soon.
func TestValidateHostileFiles(t *testing.T) {
	dir := t.TempDir()
	f := func(name, text, want string) {
		t.Helper()
		write(t, filepath.Join(dir, name), text)
		start := time.Now()
		got := ours.runAs(t, &exec.Cmd{Dir: dir}, "-t", "-c", name)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		message := strings.TrimSpace(got.Stderr) // located errors end in an empty line
		if got.Code != 1 || got.Stdout != "" || !regexp.MustCompile(`^nats-server: `+want+`$`).MatchString(message) ||
			strings.Contains(message, "\n") || len(message) > 1000 {
			t.Errorf("%s: code %d, %d bytes on stdout, %d on stderr: %.300q", name, got.Code, len(got.Stdout), len(got.Stderr), got.Stderr)
		}
	}
	random := make([]byte, 4096)
	seed := rand.NewChaCha8([32]byte{1})
	seed.Read(random)
	f("random", "\x7fELF\x02\x01"+string(random), `random:\d+:\d+: .*`)
	f("executable", read(t, ours.path), `executable:\d+:\d+: .*`)
	f("self", "include self", `self:1:0: error parsing include file 'self', include cycle for 'self'`)
	write(t, filepath.Join(dir, "b"), "include c")
	write(t, filepath.Join(dir, "c"), "\ninclude a")
	f("a", "port: 1\ninclude b", `a:2:1: error parsing include file 'b', .*include cycle for 'a' \(at c:2:1\)`)
	f("includes nothing", "include nosuch", `includes nothing:1:0: error parsing include file 'nosuch', open nosuch: no such file or directory.*`)
	f("includes a directory", "include .", `includes a directory:1:0: error parsing include file '\.', read \.: is a directory`)
	f("arrays", "x="+strings.Repeat("[", 1e6), `arrays:1:\d+: Parse error on line 1: 'Maps and arrays are nested more than 1000 deep\.'`)
	f("maps", strings.Repeat("a {\n", 1e6), `maps:\d+:\d+: Parse error on line \d+: 'Maps and arrays are nested more than 1000 deep\.'`)
	f("braces", strings.Repeat("{", 1e6), `braces:1:\d+: Parse error on line 1: 'Maps and arrays are nested more than 1000 deep\.'`)
	f("doubling", doubling(40), `doubling:\d+:\d+: .*too many values.*`)
	f("overflow", "max_pending: 10e", `overflow:1:\d+: integer '10e' is out of the range.*`)
	f("duration", `ping_interval: "99999999h"`, `duration:1:0: error parsing ping_interval: time: invalid duration "99999999h"; .*`)
	f("port", "port: 99999999999999", `port:1:0: port value is too big: 99999999999999, at most 65535 is possible`)
	f("digits", "port: "+strings.Repeat("9", 1e6), `digits:1:\d+: integer '9+.* is out of the range.*`)
	f("one long line", "port: 1 "+strings.Repeat("x", 1e6), `one long line:1:\d+: .*`)
	f("unknown key", strings.Repeat("k", 1e6)+": 1", `unknown key:1:0: unknown field .*`)
}

// doubling is a file of few lines whose values are 2 to the power of n.
func doubling(n int) string {
	var b strings.Builder
	b.WriteString("a0 = [1, 1 ]\n")
	for i := range n {
		fmt.Fprintf(&b, "a%d = [$a%d, $a%d ]\n", i+1, i, i)
	}
	return b.String()
}

// A file that is too large is refused without the machine being brought to its knees.
func TestValidateLargeFile(t *testing.T) {
	large := file(t, "large", strings.Repeat("# comment\n", 10<<20))
	start := time.Now()
	check(t, "large", ours.run(t, "-t", "-c", large),
		result{Code: 1, Stderr: "nats-server: " + large + ":1:0: the configuration is larger than 64 MiB\n"})
	took := time.Since(start)
	t.Logf("refused within %v", took)
	if took > 5*time.Second {
		t.Error("that is too long")
	}
}
