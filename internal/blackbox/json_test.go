//go:build unix

package blackbox_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"nats-server/internal/testkit"
)

// entry is a line of a JSON log.
type entry struct {
	Time   time.Time
	Level  string
	Pid    int
	Server string
	Msg    string
	Remote string
	Cid    uint64
	Peer   string
	User   string
}

// entries decodes a log line by line. Every line has to be one object, with the members
// that are common to all and none that nobody knows.
func entries(t *testing.T, p *process) (all []entry) {
	t.Helper()
	for _, line := range lines(p.log()) {
		in := json.NewDecoder(strings.NewReader(line))
		in.DisallowUnknownFields()
		var e entry
		if err := in.Decode(&e); err != nil || in.More() || !strings.HasPrefix(line, `{"time":"`) {
			t.Fatalf("line %q: %v", line, err)
		}
		if time.Since(e.Time).Abs() > time.Hour || e.Pid != p.pid() || e.Server != "me" || e.Msg == "" ||
			!slices.Contains([]string{"info", "warn", "error", "fatal", "debug", "trace"}, e.Level) {
			t.Errorf("line %q", line)
		}
		all = append(all, e)
	}
	return all
}

func TestJSONLog(t *testing.T) {
	conf := file(t, "x.conf", "log_format: json\nserver_name: me\nauthorization {user: u, password: p}\n")
	p := ours.start(t, "-c", conf, "-DV")
	p.logs(`"msg":"Server is ready"`)
	addr := p.logs(`"msg":"Listening for client connections on (\S+)"`)[1]

	r := testkit.Dial(t, addr)
	local := r.Conn.LocalAddr().String()
	// What clients say is data, whatever is in it.
	r.Connect(`{"verbose":false,"user":"u","pass":"p","lang":"go","version":"1.2","name":"a\"b\\\n\u0000\u001b[31m{\u2028é"}`)
	r.Send("SUB x 1\r\nPUB x 12\r\n\"\\\n\x00\x1b\x7f\xff{}'\r\n\r\n")
	r.ReadUntil(`MSG x 1 12`)
	r.Send("PUB \"quoted\\ 0\r\n\r\n")
	if before := r.Sync(); !strings.HasSuffix(before, "\r\n\r\n") {
		t.Errorf("got %q", before)
	}
	r.Close()
	bad := testkit.Dial(t, addr)
	bad.Send("CONNECT {\"user\":\"eve\\\"\\n\",\"pass\":\"p\"}\r\n")
	closes(t, bad, violation)
	p.logs(`"Client connection closed: Client Closed"`)
	p.signal(syscall.SIGUSR1)
	p.logs(`File log re-open ignored`)
	p.stop()

	all := entries(t, p)
	f := func(level, msg string, about bool, peer string) {
		t.Helper()
		i := slices.IndexFunc(all, func(e entry) bool { return regexp.MustCompile("^(?s:" + msg + ")$").MatchString(e.Msg) })
		if i < 0 {
			t.Errorf("no line %q", msg)
			return
		}
		e := all[i]
		if e.Level != level || (e.Cid != 0) != about || (e.Remote != "") != about || e.Peer != peer {
			t.Errorf("%q: %+v", msg, e)
		}
		if about && peer != "" && e.Remote != local {
			t.Errorf("%q is about %s, want %s", msg, e.Remote, local)
		}
	}
	peer := "v1.2:go:a\"b\\\n\x00\x1b[31m{\u2028é"
	f("info", `Starting nats-server`, false, "")
	f("debug", `  Go build: .*`, false, "")
	f("warn", `Plaintext passwords detected, use nkeys or bcrypt`, false, "")
	f("debug", `Client connection created`, true, "")
	f("trace", `<<- \[CONNECT \{.*"pass":"\[REDACTED\]".*\}\]`, true, "")
	f("trace", `<<- \[SUB x 1\]`, true, peer)
	f("trace", `<<- \[PUB x 12\]`, true, peer)
	f("trace", `<<- MSG_PAYLOAD: \["\\"\\\\\\n\\x00\\x1b\\x7f\\xff\{\}'\\r\\n"\]`, true, peer)
	f("trace", `<<- \[PUB "quoted\\ 0\]`, true, peer)
	f("trace", `->> \[MSG x 1 12\]`, true, peer)
	f("debug", `Client connection closed: Client Closed`, true, peer)
	f("error", `authentication error - User "eve.*"`, true, "")
	f("info", `Trapped "user defined signal 1" signal`, false, "")
	f("info", `Initiating Shutdown\.\.\.`, false, "")
	f("info", `Server Exiting\.\.`, false, "")
	if p.stdout.String() != "" {
		t.Errorf("stdout %q", &p.stdout)
	}
}

func TestJSONLogFile(t *testing.T) {
	dir := t.TempDir()
	conf := file(t, "x.conf", "log_format: json\nserver_name: me\nlogfile_size_limit: 20000\nlogfile: \""+dir+"/log\"\n")
	p := ours.startAs(t, &exec.Cmd{Dir: dir}, "-c", conf, "-V")
	p.file = dir + "/log"
	p.logs(`"msg":"Server is ready"`)
	publish(t, p.logs(`"msg":"Listening for client connections on (\S+)"`)[1], 2, 300)
	p.stop()
	count := 0
	for _, path := range logFiles(t, dir) {
		p.file = path
		for _, e := range entries(t, p) {
			if e.Level == "trace" && strings.HasPrefix(e.Msg, "<<- [PUB load.") {
				count++
			}
		}
	}
	if count != 600 {
		t.Errorf("%d lines, want 600", count)
	}
}

// The form changes with a reload, either way.
func TestJSONReload(t *testing.T) {
	conf := file(t, "x.conf", "server_name: me\n")
	p := ours.start(t, "-c", conf)
	p.addr()
	write(t, conf, "server_name: me\nlog_format: json\n")
	p.control(t, fmt.Sprintf("reload=%d", p.pid()))
	p.logs(`^\{"time":.*"msg":"Reloaded server configuration \(sha256:[0-9a-f]{64}\)"\}$`)
	write(t, conf, "server_name: me\nlog_format: xml\n")
	p.control(t, fmt.Sprintf("reload=%d", p.pid()))
	p.logs(`^\{"time":.*"level":"error".*"msg":"Failed to reload server configuration: .*log_format.*"\}$`)
	write(t, conf, "server_name: me\nlog_format: text\n")
	p.control(t, fmt.Sprintf("reload=%d", p.pid()))
	p.logs(reloaded)
	p.stop()
}

// Text lines cannot be forged by clients either.
func TestTextLogCannotBeForged(t *testing.T) {
	p := ours.start(t, "-DV", "--user", "u", "--pass", "p")
	addr := p.addr()
	r := testkit.Dial(t, addr)
	r.Connect(`{"verbose":false,"user":"u","pass":"p","lang":"go","version":"1","name":"x\n[1] [INF] forged\r\u001b[2J"}`)
	r.Send("SUB x 1\r\nPUB x 12\r\n\n[1] forged\r\r\n")
	r.Sync()
	bad := testkit.Dial(t, addr)
	bad.Send("CONNECT {\"user\":\"eve\\n[1] [INF] forged\\u001b\"}\r\n")
	closes(t, bad, violation)
	p.stop()
	for _, line := range lines(p.log()) {
		if m := logLine.FindStringSubmatch(line); m == nil || m[1] != fmt.Sprint(p.pid()) || strings.ContainsFunc(line, func(c rune) bool { return c < ' ' }) {
			t.Errorf("line %q", line)
		}
	}
	p.logs(`forged`)
}
