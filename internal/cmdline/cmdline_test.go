package cmdline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
		if c.Do != Serve {
			t.Errorf("%q does not run: %+v", line, c)
			return
		}
		got, warnings, err := c.Load()
		if err != nil || len(warnings) > 0 {
			t.Errorf("%q: %v, warnings %q", line, err, warnings)
			return
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%q: %s", line, diff)
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
	f("-VV", o{Trace: true, TraceVerbose: true})
	f("-DVV", o{Debug: true, Trace: true, TraceVerbose: true})
	f("-V -VV=false", o{})
	f("-DVV -DV=false", o{Debug: true, Trace: true, TraceVerbose: true}) // the longest decides

	for _, name := range []string{"m", "http_port"} {
		f("-"+name+" 8222", o{HTTPPort: 8222})
		f("--"+name+"=-1", o{HTTPPort: options.RandomPort})
	}
	for _, name := range []string{"ms", "https_port"} {
		f("-"+name+" 8222", o{HTTPSPort: 8222})
		f("--"+name+"=8222", o{HTTPSPort: 8222})
	}
	f("--profile 6060", o{ProfPort: 6060})
	f("-client_advertise h:1", o{ClientAdvertise: "h:1"})
	f("--ports_file_dir d", o{PortsFileDir: "d"})
	f("--logtime_utc", o{LogtimeUTC: true})
	f("--log_format json", o{LogFormat: "json"})
	f("-s", o{Syslog: true})
	f("--syslog=true", o{Syslog: true})
	f("-r udp://h:1", o{RemoteSyslog: "udp://h:1"})
	f("--remote_syslog x", o{RemoteSyslog: "x"})
	f("--log_size_limit 5000000000", o{LogSizeLimit: 5000000000})
	f("--max_traced_msg_len 7", o{MaxTracedMsgLen: 7})

	// What switches off a feature that is not there is no problem.
	f("-m 0 --tls=false -js=false --routes= --cluster=", o{})

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
	got := Parse(split(line))
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Command{})); diff != "" {
		t.Errorf("%q: %s", line, diff)
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

func TestUnsupportedFlags(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		c := Parse(split(line))
		if _, _, err := c.Load(); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", line, err, want)
		}
	}
	f("-js", `"-js" is not supported by this version`)
}

func TestActions(t *testing.T) {
	check(t, "-sl reload=5 -c no -t", Command{Do: Signal, Argument: "reload=5"})
	check(t, "--signal stop", Command{Do: Signal, Argument: "stop"})
	check(t, "-sl x -v", showVersion())
	check(t, "-sl x bogus", failed(`unrecognized command: "bogus"`))
	check(t, "-t", failed("must specify [-c, --config] option to check configuration file syntax"))
	check(t, "-t -c x --against y", Command{Do: Test, Against: "y"})
	check(t, "-c x --against y", failed("--against compares with a tested configuration: give -t and -c, too"))
	check(t, "MkPasswd -p -c 5", Command{Do: Mkpasswd, Args: []string{"-p", "-c", "5"}})
	if c := Parse([]string{"--help_tls"}); !strings.Contains(c.Stdout, "\n    TLS_AES_128_GCM_SHA256\n") || c.Code != 0 {
		t.Errorf("%+v", c)
	}
}

// Flags beat the file, at the start and at each reload.
func TestFlagsBeatTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.conf")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := Parse([]string{"-c", path, "-p", "7", "-D=false", "-l", "", "-n", "flag"})
	f := func(want options.Options) {
		t.Helper()
		got, _, err := c.Load()
		if err != nil {
			t.Fatal(err)
		}
		want.ConfigFile, want.ConfigDigest = path, got.ConfigDigest
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Error(diff)
		}
	}
	write("port: 5, debug: true, log_file: x, server_name: file, max_payload: 5")
	f(options.Options{Port: 7, ServerName: "flag", MaxPayload: 5})
	write("max_payload: 6")
	f(options.Options{Port: 7, ServerName: "flag", MaxPayload: 6})
	write("nosuch: 6")
	if _, _, err := c.Load(); err == nil || err.Error() != path+":1:0: unknown field \"nosuch\"\n" {
		t.Error(err)
	}
}

// Who gives a password that nobody has to present is told.
func TestPasswordBesideUsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.conf")
	f := func(text string, warned bool, args ...string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := Parse(append(args, "-c", path))
		_, warnings, err := c.Load()
		if err != nil || len(warnings) > 0 != warned {
			t.Errorf("%s with %q: %v, warnings %q", text, args, err, warnings)
		}
	}
	const users = "authorization { users: [ {user: u, password: p} ] }"
	f(users, true, "--pass", "x")
	f("accounts { A { users: [ {user: u, password: p} ] } }", true, "--pass", "x")
	f(users, false)
	f("authorization { PASS: x, users: [ {user: u, password: $PASS} ] }", false)
	f("port: 4223", false, "--pass", "x")
	f("authorization { user: u, password: p }", false, "--pass", "x")
}

func TestSecrets(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		args := split(line)
		spans := Secrets(args)
		for i := len(spans) - 1; i >= 0; i-- {
			s := spans[i]
			args[s.Arg] = args[s.Arg][:s.From] + "#" + args[s.Arg][s.To:]
		}
		if got := strings.Join(args, " "); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	f("", "")
	f("-p 5", "-p 5")
	f("--user a --pass=b -auth c -D", "--user # --pass=# -auth # -D")
	f("-D --pass b=c --pass", "-D --pass # --pass")
	f("--pass --user x", "--pass # x") // as the flags are read: x is a word
	f("x --pass y", "x --pass y")
	f("-- --pass y", "-- --pass y")
	f("--routes nats://a:b@h:1,nats://c:d@h:2/x --cluster=nats://u@h:1 -cluster_listen nats://h:1",
		"--routes nats://#@h:1,nats://#@h:2/x --cluster=nats://#@h:1 -cluster_listen nats://h:1")
}

// What one command line gave, another one can load: all but the secrets.
func TestGiven(t *testing.T) {
	given := func(args ...string) ([]string, []string) {
		c := Parse(args)
		return c.Given()
	}
	f := func(args []string, want options.Options, secret ...string) {
		t.Helper()
		flags, names := given(args...)
		if diff := cmp.Diff(secret, names); diff != "" {
			t.Errorf("%q: secrets (-want +got)\n%s", args, diff)
		}
		c := Parse([]string{"-D", "--pass", "own"})
		to, err := c.GivenTo(flags)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := to.Load()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", args, diff)
		}
		again, _ := to.Given()
		if diff := cmp.Diff(flags, again); diff != "" {
			t.Errorf("%q: again (-want +got)\n%s", args, diff)
		}
	}
	f(nil, options.Options{})
	f([]string{"-p", "77", "-l", "a b=c", "-V=false", "-DV"}, options.Options{Port: 77, LogFile: "a b=c", Debug: true, Trace: true})
	f([]string{"-n", "x", "-sl="}, options.Options{ServerName: "x"})
	f([]string{"--user", "joe", "--pass", "s3cr3t"}, options.Options{Username: "secret", Password: "secret"},
		"authorization password", "authorization username")
	f([]string{"-auth="}, options.Options{}, "authorization token")
	at := options.Options{Cluster: options.Cluster{Host: "h", Port: 1, Username: "secret", Password: "secret",
		Routes: []string{"nats://secret:secret@a:2", "nats://b:3"}}}
	f([]string{"--cluster", "nats://u:s3cr3t@h:1", "--routes", "nats://u:s3cr3t@a:2,nats://b:3"}, at,
		"cluster authorization user", "cluster authorization pass", "cluster routes")

	c := Parse(nil)
	if _, err := c.GivenTo([]string{"-nosuch=1"}); err == nil {
		t.Error("an unknown flag is accepted")
	}
}
