package cmdline

import (
	"strings"
	"testing"

	"nats-server/internal/options"
	"nats-server/internal/version"
)

// split makes arguments of a line, "_" standing for an empty one.
func split(line string) []string {
	args := strings.Fields(line)
	for i, a := range args {
		if a == "_" {
			args[i] = ""
		}
	}
	return args
}

func TestRun(t *testing.T) {
	f := func(line string, want options.Options) {
		t.Helper()
		c := Parse(split(line))
		switch {
		case c.Run == nil:
			t.Errorf("%q does not run: %+v", line, c)
		case *c.Run != want:
			t.Errorf("%q: got %+v\nwant %+v", line, *c.Run, want)
		case c.Stdout+c.Stderr != "" || c.Code != 0:
			t.Errorf("%q runs, but also says something: %+v", line, c)
		}
	}
	type o = options.Options

	f("", o{})

	for _, name := range []string{"a", "addr", "net"} {
		f("-"+name+" h", o{Host: "h"})
		f("--"+name+" h", o{Host: "h"})
		f("-"+name+"=h", o{Host: "h"})
		f("--"+name+"=h", o{Host: "h"})
	}
	for _, name := range []string{"p", "port"} {
		f("-"+name+" 5", o{Port: 5})
		f("--"+name+"=5", o{Port: 5})
	}
	for _, name := range []string{"n", "name", "server_name"} {
		f("-"+name+" x", o{ServerName: "x"})
		f("--"+name+"=x", o{ServerName: "x"})
	}
	for _, name := range []string{"P", "pid"} {
		f("-"+name+" x", o{PidFile: "x"})
		f("--"+name+"=x", o{PidFile: "x"})
	}
	for _, name := range []string{"l", "log"} {
		f("-"+name+" x", o{LogFile: "x"})
		f("--"+name+"=x", o{LogFile: "x"})
	}
	for _, name := range []string{"T", "logtime"} {
		f("-"+name, o{})
		f("--"+name+"=true", o{})
		f("-"+name+"=false", o{NoLogTime: true})
	}
	for _, name := range []string{"D", "debug"} {
		f("-"+name, o{Debug: true})
		f("--"+name+"=true", o{Debug: true})
	}
	for _, name := range []string{"V", "trace"} {
		f("-"+name, o{Trace: true})
		f("--"+name+"=true", o{Trace: true})
	}
	f("-user x", o{Username: "x"})
	f("--user=x", o{Username: "x"})
	f("-pass x", o{Password: "x"}) // without a user: for the options to judge
	f("--pass=x", o{Password: "x"})
	f("-auth x", o{Authorization: "x"})
	f("--auth=x", o{Authorization: "x"})

	// -DV decides about both, wherever it stands.
	f("-DV", o{Debug: true, Trace: true})
	f("--DV=true", o{Debug: true, Trace: true})
	f("-DV=false", o{})
	f("-DV=false -D --trace", o{})
	f("-D -V -DV=false", o{})
	f("-DV -D=false", o{Debug: true, Trace: true})
	f("-V=false -DV", o{Debug: true, Trace: true})
	f("-DV -DV=false", o{})

	// Values.
	f("-a=", o{})
	f("-a _", o{})
	f("-a=b=c", o{Host: "b=c"})
	f("-a -p", o{Host: "-p"}) // a value may look like a flag
	f("-n --", o{ServerName: "--"})
	f("-p 0", o{})
	f("-p -1", o{Port: options.RandomPort})
	f("-p=-1", o{Port: -1})
	f("-p +7", o{Port: 7})
	f("-p 0x1F", o{Port: 31})
	f("-p 0o17", o{Port: 15})
	f("-p 017", o{Port: 15})
	f("-p 0b11", o{Port: 3})
	f("-p 4_222", o{Port: 4222})
	for _, yes := range []string{"1", "t", "T", "true", "TRUE", "True"} {
		f("-D="+yes, o{Debug: true})
	}
	for _, no := range []string{"0", "f", "F", "false", "FALSE", "False"} {
		f("-D="+no, o{})
		f("-T="+no, o{NoLogTime: true})
	}

	// The last occurrence wins, under any name.
	f("-p 1 --port 2 -p 3", o{Port: 3})
	f("-a x --net y", o{Host: "y"})
	f("-D --debug=false", o{})
	f("-T=false --logtime", o{})

	// Two dashes end the flags.
	f("-D --", o{Debug: true})

	f("-a 127.0.0.1 -p 4333 -n srv -P pid -l log -T=false -D --user u --pass p", o{
		Host: "127.0.0.1", Port: 4333, ServerName: "srv", PidFile: "pid", LogFile: "log",
		NoLogTime: true, Debug: true, Username: "u", Password: "p",
	})
}

// check compares a command that does not run anything.
func check(t *testing.T, line string, want Command) {
	t.Helper()
	if got := Parse(split(line)); got != want {
		t.Errorf("%q: got %+v\nwant %+v", line, got, want)
	}
}

func TestVersion(t *testing.T) {
	f := func(line string) {
		t.Helper()
		check(t, line, Command{Stdout: "nats-server: v" + version.Number + "\n"})
	}
	f("-v")
	f("--v")
	f("-version")
	f("--version=true")
	f("version")
	f("Version")
	f("VERSION bogus -nosuch")
	f("-D version")
	f("-- version")
	f("-v -h")
	f("-h -v help")
	f("-v bogus")
}

func TestHelp(t *testing.T) {
	f := func(line string) {
		t.Helper()
		check(t, line, Command{Stdout: usage})
	}
	f("-h")
	f("--h")
	f("-help")
	f("--help")
	f("help")
	f("Help")
	f("HELP bogus")
	f("-h bogus")
	f("-h version")
	f("-v=false help")
	f("-p 1 help")
}

func TestUnrecognizedCommand(t *testing.T) {
	f := func(line, quoted string) {
		t.Helper()
		check(t, line, Command{Stderr: "nats-server: unrecognized command: " + quoted + "\n", Code: 1})
	}
	f("bogus", `"bogus"`)
	f("_", `""`)
	f("-", `"-"`)
	f("-D true", `"true"`) // a boolean flag never takes the next argument
	f("-T false -p abc", `"false"`)
	f("-p 1 bogus version", `"bogus"`)
	f("bogus -v", `"bogus"`) // flags end at the first word
	f("-- -v", `"-v"`)
	f("-h=false versions", `"versions"`)
}

func TestBadFlag(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		check(t, line, Command{Stderr: want + "\n", Stdout: usage, Code: 2})
	}
	f("-nosuch", "flag provided but not defined: -nosuch")
	f("--nosuch", "flag provided but not defined: -nosuch")
	f("--nosuch=1", "flag provided but not defined: -nosuch")
	f("-c nats.conf", "flag provided but not defined: -c")
	f("-VV", "flag provided but not defined: -VV")
	f("-VD", "flag provided but not defined: -VD") // no bundling
	f("-d", "flag provided but not defined: -d")
	f("-p abc", `invalid value "abc" for flag -p: parse error`)
	f("--port abc", `invalid value "abc" for flag -port: parse error`)
	f("-p=", `invalid value "" for flag -p: parse error`)
	f("-p 4k", `invalid value "4k" for flag -p: parse error`)
	f("-p 0x", `invalid value "0x" for flag -p: parse error`)
	f("-p 99999999999999999999", `invalid value "99999999999999999999" for flag -p: value out of range`)
	f("-D=maybe", `invalid boolean value "maybe" for -D: parse error`)
	f("--debug=", `invalid boolean value "" for -debug: parse error`)
	f("-h=x", `invalid boolean value "x" for -h: parse error`)
	f("-p", "flag needs an argument: -p")
	f("-D --name", "flag needs an argument: -name")
	f("---p", "bad flag syntax: ---p")
	f("-=x", "bad flag syntax: -=x")
	f("--=x", "bad flag syntax: --=x")
	f("-v -nosuch", "flag provided but not defined: -nosuch") // comes before -v
	f("-h -p x", `invalid value "x" for flag -p: parse error`)
}
