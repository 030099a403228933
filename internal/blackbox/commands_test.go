//go:build unix

package blackbox_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/testkit"
	"nats-server/internal/version"
)

// check compares a result with what is wanted.
func check(t *testing.T, what string, got, want result) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", what, diff)
	}
}

func TestVersionCommand(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		first := b.run(t, "-v")
		if b.isOurs() {
			check(t, "-v", first, result{Stdout: "nats-server: v" + version.Number + "\n"})
		}
		f := func(line string) {
			t.Helper()
			check(t, line, b.run(t, strings.Fields(line)...), first)
		}
		f("--version")
		f("version")
		f("Version")
		f("VERSION bogus")
		f("-D -p 5 version")
		f("-- version")
		f("-v -c /nonexist")
		f("-c /nonexist -t --version")
		f("-v -h")
		f("-sl reload=1 -v")
		f("-v=true bogus")
	})
}

func TestHelpCommand(t *testing.T) {
	shape := regexp.MustCompile(`^\nUsage: nats-server \[options\]\n(\n[A-Za-z ]+:\n(    .+\n)+)+\n{1,2}$`)
	both(t, func(t *testing.T, b binary) {
		usage := b.run(t, "-h")
		if usage.Code != 0 || usage.Stderr != "" || !shape.MatchString(usage.Stdout) {
			t.Errorf("%+v", usage)
		}
		f := func(line string) {
			t.Helper()
			check(t, line, b.run(t, strings.Fields(line)...), usage)
		}
		f("--help")
		f("help")
		f("HELP bogus")
		f("-h bogus -nosuch")
		f("-h -c /nonexist")
		f("-p 1 help")
	})
}

// The rows for flags that others know, too, are the same.
func TestUsageRows(t *testing.T) {
	known := binary{"reference", testkit.Reference(t)}
	if known.recent(t) {
		t.Skip("later releases have other words for some")
	}
	rows := func(b binary) map[string]string { // by what is left of the description
		m := map[string]string{}
		for _, row := range lines(b.run(t, "-h").Stdout) {
			if len(row) > 37 && strings.TrimSpace(row[:37]) != "" {
				m[row[:37]] = row
			}
		}
		return m
	}
	theirs, same := rows(known), 0
	for head, row := range rows(ours) {
		switch want, ok := theirs[head]; {
		case ok && row == want:
			same++
		case ok:
			t.Errorf("row %q, want %q", row, want)
		}
	}
	if same < 20 {
		t.Errorf("only %d rows are known", same)
	}
}

func TestTLSHelp(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		got := b.run(t, "--help_tls")
		if got.Code != 0 || got.Stderr != "" {
			t.Errorf("%+v", got)
		}
		for _, want := range []string{"\n    tls {\n", "\nAvailable cipher suites include:\n", "\n    TLS_AES_128_GCM_SHA256\n",
			"\nAvailable curve preferences include:\n", "\n    CurveP256\n"} {
			if !strings.Contains(got.Stdout, want) {
				t.Errorf("no %q in\n%s", want, got.Stdout)
			}
		}
	})
}

func TestRefusedCommandLines(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		f := func(line, want string) {
			t.Helper()
			check(t, line, b.run(t, strings.Fields(line)...), result{Code: 1, Stderr: "nats-server: " + want + "\n"})
		}
		f("bogus", `unrecognized command: "bogus"`)
		f("-D true", `unrecognized command: "true"`)
		f("-T false -p abc", `unrecognized command: "false"`)
		f("bogus -v", `unrecognized command: "bogus"`)
		f("-- -v", `unrecognized command: "-v"`)
		f("-t", "must specify [-c, --config] option to check configuration file syntax")
		f("-c /nonexist", "open /nonexist: no such file or directory")
		f("-sl bogus=1 -c /nonexist -t", `unknown signal "bogus"`)
	})
}

// A flag that does not parse comes before everything else. The reference exits with 0.
func TestBadFlags(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		want := result{Stdout: b.run(t, "-h").Stdout}
		if b.isOurs() {
			want.Code = 2
		}
		f := func(line, stderr string) {
			t.Helper()
			want.Stderr = stderr + "\n"
			check(t, line, b.run(t, strings.Fields(line)...), want)
		}
		f("-nosuch", "flag provided but not defined: -nosuch")
		f("--nosuch=1", "flag provided but not defined: -nosuch")
		f("-VD", "flag provided but not defined: -VD")
		f("-p abc", `invalid value "abc" for flag -p: parse error`)
		f("-p 4k", `invalid value "4k" for flag -p: parse error`)
		f("-p 99999999999999999999", `invalid value "99999999999999999999" for flag -p: value out of range`)
		f("-D=maybe", `invalid boolean value "maybe" for -D: parse error`)
		f("-c", "flag needs an argument: -c")
		f("---p", "bad flag syntax: ---p")
		f("-v -nosuch", "flag provided but not defined: -nosuch")
		f("-h -p x", `invalid value "x" for flag -p: parse error`)
		f("-sl stop=1 -p x", `invalid value "x" for flag -p: parse error`)
	})
}

// Options that make no sense end the process before it binds, logs or writes anything.
func TestRefusedOptions(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		pid := file(t, "pid", "untouched")
		args := append([]string{"-a", "127.0.0.1", "-p", "-1", "-P", pid}, strings.Fields(line)...)
		check(t, line, ours.run(t, args...), result{Code: 1, Stderr: "nats-server: " + want + "\n"})
		if got := read(t, pid); got != "untouched" {
			t.Errorf("%s: wrote the pid file, %q", line, got)
		}
	}
	f("--log_format yaml", `log_format must be 'text' or 'json', but is "yaml"`)
	f("--log_size_limit -1", "logfile_size_limit value can not be negative, but is -1")
	f("--client_advertise h:x", `client_advertise "h:x" is not host[:port]: the port must be a number up to 65535`)
	f("-m 1 -ms 2", "Can't start monitoring: can't specify both HTTP (1) and HTTPs (2) ports")
	f("--js", `"-js" is not supported by this version`)
	f("--routes nats://h:1", "solicited routes require cluster capabilities, e.g. --cluster")
}

// Flags beat the file, under every name.
func TestFlagsAtWork(t *testing.T) {
	conf := file(t, "x.conf", "server_name: file\nmax_payload: 1000\ndebug: true\nlogtime: true\n")
	both(t, func(t *testing.T, b binary) {
		f := func(line, want string) {
			t.Helper()
			p := b.start(t, append([]string{"-c", conf}, strings.Fields(line)...)...)
			p.logs(want)
			p.logs(`\[INF\] Server is ready$`)
			p.stop()
			if p.stdout.String() != "" {
				t.Errorf("stdout is %q", &p.stdout)
			}
		}
		f("", `\[INF\]   Name:     file$`)
		f("-n flag", `\[INF\]   Name:     flag$`)
		f("--name=flag", `\[INF\]   Name:     flag$`)
		f("-server_name x -n flag", `\[INF\]   Name:     flag$`)
		f("-T=false", `^\[\d+\] \[INF\]   Name:     file$`)
		f("--logtime=false", `^\[\d+\] \[INF\]   Name:     file$`)
		f("--net 127.0.0.1 --port=-1", `\[DBG\]   Go build`)
		f("-DV=false", `\[INF\] Server is ready$`)
		f("-V", `\[DBG\]   Go build`)
	})
	p := ours.start(t, "-c", conf, "-D=false")
	p.addr()
	if text := p.log(); strings.Contains(text, "[DBG]") {
		t.Errorf("logs debug lines:\n%s", text)
	}
}
