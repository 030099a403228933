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

// guest is a client that has said who it is and listens to everything.
func guest(t *testing.T, p *process, connect string) *testkit.Raw {
	t.Helper()
	r := testkit.Dial(t, p.addr())
	r.Connect(`{"verbose":false,` + connect + `}`)
	r.Send("SUB x 1\r\n")
	r.Sync()
	return r
}

// refusedGuest checks that a client is not let in.
func refusedGuest(t *testing.T, p *process, connect string) {
	t.Helper()
	r := testkit.Dial(t, p.addr())
	r.Send("CONNECT {" + connect + "}\r\nPING\r\n")
	r.ExpectLine("-ERR 'Authorization Violation'")
	r.ExpectEOF()
}

const violation = "-ERR 'Authorization Violation'\r\n"

// closes checks what a client hears before it is closed.
func closes(t *testing.T, r *testkit.Raw, want string) {
	t.Helper()
	if got, err := r.TryClosed(); got != want || err != nil {
		t.Errorf("got %s before the end (%v), want %q", testkit.Quote(got), err, want)
	}
}

func TestReloadUsers(t *testing.T) {
	const before = `authorization { users = [
		{user: stays, password: one}, {user: removed, password: two}, {user: changed, password: three} ] }`
	const after = `authorization { users = [
		{user: stays, password: one}, {user: changed, password: four}, {user: new, password: five} ] }`
	both(t, func(t *testing.T, b binary) {
		conf := file(t, "x.conf", before)
		p := b.start(t, "-c", conf)
		stays := guest(t, p, `"user":"stays","pass":"one"`)
		removed := guest(t, p, `"user":"removed","pass":"two"`)
		changed := guest(t, p, `"user":"changed","pass":"three"`)
		refusedGuest(t, p, `"user":"new","pass":"five"`)

		write(t, conf, after)
		once(t, p.reload(reloaded), `Reloaded: authorization users$`)
		closes(t, removed, "")
		closes(t, changed, violation)
		stays.Send("PUB x 2\r\nhi\r\n")
		stays.ExpectBytes("MSG x 1 2\r\nhi\r\n")
		p.logs(`\[ERR\] .* cid:\d+ - .*authentication error - User "changed"$`)

		guest(t, p, `"user":"new","pass":"five"`)
		guest(t, p, `"user":"changed","pass":"four"`)
		refusedGuest(t, p, `"user":"removed","pass":"two"`)
		refusedGuest(t, p, `"user":"changed","pass":"three"`)
		refusedGuest(t, p, ``)
		if before := stays.Sync(); before != "" {
			t.Errorf("the one who stays got %s", testkit.Quote(before))
		}
		p.stop()
	})
}

func TestReloadAuthorization(t *testing.T) {
	f := func(t *testing.T, b binary, before, after, connect, line, end string) {
		t.Helper()
		conf := file(t, "x.conf", "max_pending: 64MB\n"+before)
		p := b.start(t, "-c", conf)
		r := guest(t, p, connect)
		write(t, conf, "max_pending: 64MB\n"+after)
		once(t, p.reload(reloaded), `\[INF\] Reloaded: authorization `+line+`$`)
		if end != "" {
			closes(t, r, end)
		} else if got := r.Sync(); got != "" {
			t.Errorf("%s after %s: got %s", after, before, testkit.Quote(got))
		}
		p.stop()
	}
	const single = "authorization {user: u, password: p}"
	both(t, func(t *testing.T, b binary) {
		f(t, b, "", single, `"name":"x"`, "password", violation)
		f(t, b, "authorization {token: a}", "authorization {token: b}", `"auth_token":"a"`, "token", violation)
		f(t, b, "authorization {token: a}", "", `"auth_token":"a"`, "token", "")
	})
	// The reference closes whoever gave a name, without a word, at every reload.
	f(t, ours, single, "authorization {user: u, password: q}", `"user":"u","pass":"p"`, "password", violation)
	f(t, ours, single, "authorization {user: u, password: p, timeout: 5}", `"user":"u","pass":"p"`, "timeout = 5.*", "")
	f(t, ours, single, "", `"user":"u","pass":"p"`, "username", "")
}

// Who has not said yet who he is has to satisfy what is in force when he does.
func TestReloadAtTheGate(t *testing.T) {
	f := func(t *testing.T, b binary, before string, stays bool) {
		t.Helper()
		conf := file(t, "x.conf", "max_pending: 64MB\n"+before)
		p := b.start(t, "-c", conf)
		first, second := testkit.Dial(t, p.addr()), testkit.Dial(t, p.addr())
		write(t, conf, "max_pending: 64MB\nauthorization {user: u, password: new}\n")
		p.reload(reloaded)
		if stays {
			first.Connect(`{"verbose":false,"user":"u","pass":"new"}`)
			second.Send("CONNECT {\"verbose\":false,\"user\":\"u\",\"pass\":\"old\"}\r\nPING\r\n")
		} else {
			closes(t, first, violation)
		}
		closes(t, second, violation)
		p.stop()
	}
	// They may have acted without CONNECT. The reference leaves one of them open now
	// and then.
	f(t, ours, "", false)
	f(t, ours, "authorization {user: u, password: old}", true)
}

// Limits hold for those who are connected already.
func TestReloadLimits(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		conf := file(t, "x.conf", "max_payload: 1000\n")
		p := b.start(t, "-c", conf)
		var guests []*testkit.Raw
		for range 3 {
			guests = append(guests, guest(t, p, `"echo":false`))
		}
		publish := func(r *testkit.Raw, n int) { r.Send(fmt.Sprintf("PUB x %d\r\n%s\r\n", n, strings.Repeat("x", n))) }
		publish(guests[0], 1000)
		guests[1].Expect(`MSG x 1 1000`)
		guests[1].Expect(`x{1000}`)

		write(t, conf, "max_payload: 100\n")
		once(t, p.reload(reloaded), `\[INF\] Reloaded: max_payload = 100$`)
		publish(guests[0], 100)
		guests[1].Expect(`MSG x 1 100`)
		guests[1].Expect(`x{100}`)
		publish(guests[0], 101)
		closes(t, guests[0], "-ERR 'Maximum Payload Violation'\r\n")

		write(t, conf, "max_payload: 100, max_connections: 1\n")
		inOrder(t, p.reload(reloaded), `\[INF\] Closed 1 connections to fall within max_connections$`,
			`\[INF\] Reloaded: max_connections = 1$`)
		testkit.Dial(t, p.addr()).ExpectLine("-ERR 'maximum connections exceeded'")
	})
}

func TestReloadLevels(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		conf := file(t, "x.conf", "")
		p := b.start(t, "-c", conf)
		r := guest(t, p, `"name":"x"`)
		quiet := func(levels string) {
			t.Helper()
			from := len(p.log())
			r.Send("PUB x 0\r\n\r\n")
			r.ExpectBytes("MSG x 1 0\r\n\r\n")
			if text := p.log()[from:]; regexp.MustCompile(`\[(` + levels + `)\]`).MatchString(text) {
				t.Errorf("logged %s", text)
			}
		}
		quiet("DBG|TRC")
		write(t, conf, "debug: true\n")
		once(t, p.reload(reloaded), `\[INF\] Reloaded: debug = true$`)
		guest(t, p, `"name":"y"`)
		p.logs(`\[DBG\] .* - cid:\d+ - Client connection created$`)
		quiet("TRC")
		write(t, conf, "trace: true\n")
		once(t, p.reload(reloaded), `\[INF\] Reloaded: trace = true$`)
		r.Send("PUB x 2\r\nhi\r\n")
		p.logs(`\[TRC\] .* - <<- \[PUB x 2\]$`)
		p.logs(`\[TRC\] .* - <<- MSG_PAYLOAD: \["hi"\]$`)
	})
}

func TestReloadLogFile(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		dir := t.TempDir()
		one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
		conf := file(t, "x.conf", fmt.Sprintf("log_file: %q", one))
		p := b.start(t, "-c", conf)
		p.file = one
		p.addr()
		write(t, conf, fmt.Sprintf("log_file: %q", two))
		p.control(t, fmt.Sprintf("reload=%d", p.pid()))
		p.file = two
		p.logs(reloaded)
		inOrder(t, read(t, one), `Server is ready$`, `Reloaded: log_file = `+two+`$`)
		if strings.Contains(read(t, one), "Reloaded server configuration") {
			t.Error("the old log goes on")
		}
		p.stop()
		inOrder(t, read(t, two), `Reloaded server configuration`, initiating, exiting)
	})
	// From stderr to a file and back.
	log := filepath.Join(t.TempDir(), "log")
	conf := file(t, "x.conf", "debug: false")
	p := ours.start(t, "-c", conf)
	p.addr()
	write(t, conf, fmt.Sprintf("log_file: %q", log))
	p.control(t, fmt.Sprintf("reload=%d", p.pid()))
	p.file = log
	p.logs(reloaded)
	write(t, conf, "debug: false")
	p.control(t, fmt.Sprintf("reload=%d", p.pid()))
	p.file = ""
	p.logs(reloaded)
	p.stop()
	inOrder(t, p.log(), `Reloaded: log_file = `+log+`$`, reloaded, initiating, exiting)
}

// Every flag goes on beating the file.
func TestReloadWithFlags(t *testing.T) {
	conf := file(t, "x.conf", "max_payload: 1000\nserver_name: file\nauthorization {user: u, password: file}")
	p := ours.start(t, "-c", conf, "-n", "flag", "--user", "u", "--pass", "flag", "--max_traced_msg_len", "2", "-V",
		"--log_size_limit", "1000000", "-T=false")
	r := guest(t, p, `"user":"u","pass":"flag"`)
	write(t, conf, "max_payload: 2000\nserver_name: other\ntrace: false\nlogtime: true\nmax_traced_msg_len: 9")
	if text := p.reload(`^\[\d+\] ` + reloaded); strings.Count(text, "Reloaded: ") != 1 {
		t.Errorf("want max_payload to be reloaded, got\n%s", text)
	}
	r.Send("PUB x 3\r\nabc\r\n")
	p.logs(`\[TRC\] .* <<- MSG_PAYLOAD: \["ab\.\.\."\]$`)
	if info := guest(t, p, `"user":"u","pass":"flag"`).Info; !strings.Contains(info, `"server_name":"flag"`) || !strings.Contains(info, `"max_payload":2000,`) {
		t.Error(info)
	}
	refusedGuest(t, p, `"user":"u","pass":"file"`)
}

// A reload that fails changes nothing: nobody is closed, nothing is told to new
// clients, nothing is logged elsewhere.
func TestFailedReload(t *testing.T) {
	dir := t.TempDir()
	const good = "max_payload: 1000\nauthorization { users = [ {user: a, password: b} ] }\n"
	conf := file(t, "x.conf", good)
	p := ours.start(t, "-c", conf)
	r := guest(t, p, `"user":"a","pass":"b"`)
	other := filepath.Join(dir, "other")
	f := func(text, want string) {
		t.Helper()
		write(t, conf, "max_payload: 2000\ndebug: true\nauthorization {user: x, password: y}\n"+text)
		got := p.reload(`\[ERR\] Failed to reload server configuration: ` + want)
		if strings.Contains(got, "Reloaded") {
			t.Errorf("%s: logged %s", text, got)
		}
		if before := r.Sync(); before != "" {
			t.Errorf("%s: got %s", text, testkit.Quote(before))
		}
		if info := guest(t, p, `"user":"a","pass":"b"`).Info; !strings.Contains(info, `"max_payload":1000,`) {
			t.Errorf("%s: %s", text, info)
		}
		refusedGuest(t, p, `"user":"x","pass":"y"`)
		list, err := os.ReadDir(dir)
		if err != nil || len(list) > 0 {
			t.Errorf("%s: left %v behind (%v)", text, list, err)
		}
		for _, e := range list {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	at := regexp.QuoteMeta(conf)
	f("nosuch: 1", at+`:4:1: unknown field "nosuch"`)
	f("a = [1", at+`:\d+:\d+: Parse error on line 4: .*`)
	f("max_payload: \"1\"", at+`:4:1: max_payload expects an integer, .*`)
	f("include nosuch", at+`:4:1: error parsing include file 'nosuch', .*`)
	f("max_pending: 1000", `max_payload \(2000\) cannot be higher than max_pending \(1000\)`)
	f("websocket: {port: 1}", at+`:4:1: "websocket" is not supported by this version`)
	f("log_file: /nonexist/x", `error opening file: open /nonexist/x: no such file or directory`)
	f("remote_syslog: \"foo://x\"", `error invalid network type: "foo"`)
	f("pid_file: /nonexist/x", `.*open /nonexist/x: no such file or directory`)
	f(fmt.Sprintf("pid_file: %q\nnosuch: 1", other), at+`:5:1: unknown field "nosuch"`)
	if regexp.MustCompile(`\[DBG\]`).MatchString(p.log()) {
		t.Error("debug lines are logged")
	}
	write(t, conf, good)
	p.reload(reloaded)
	if before := r.Sync(); before != "" {
		t.Errorf("got %s", testkit.Quote(before))
	}
}

// One change that needs a restart, and nothing of the others is done. Files that
// other changes name are as they were.
func TestRefusedReload(t *testing.T) {
	dir := t.TempDir()
	conf := file(t, "x.conf", "listen: \"127.0.0.1:-1\"\nmax_payload: 1000\n")
	p := ours.launch(t, new(exec.Cmd), "-c", conf)
	r := guest(t, p, `"name":"x"`)
	f := func(text string) {
		t.Helper()
		write(t, conf, "listen: \"127.0.0.1:4222\"\nmax_payload: 2000\n"+text)
		p.reload(`\[ERR\] Failed to reload server configuration: config reload not supported for listen: .*; restart the server to change it`)
		if before := r.Sync(); before != "" {
			t.Errorf("%s: got %s", text, testkit.Quote(before))
		}
		if info := testkit.Dial(t, p.addr()).Info; !strings.Contains(info, `"max_payload":1000,`) {
			t.Errorf("%s: %s", text, info)
		}
	}
	f("")
	fresh, taken := filepath.Join(dir, "fresh"), filepath.Join(dir, "taken")
	for _, key := range []string{"log_file", "pid_file"} {
		write(t, taken, "somebody else's")
		f(fmt.Sprintf("%s: %q", key, fresh))
		f(fmt.Sprintf("%s: %q", key, taken))
		if exists(fresh) {
			t.Errorf("%s: a file was made", key)
			os.Remove(fresh)
		}
		if got := read(t, taken); got != "somebody else's" {
			t.Errorf("%s: the file that was there holds %q", key, got)
		}
	}
	write(t, conf, "listen: \"127.0.0.1:-1\"\nmax_payload: 2000\n")
	p.reload(reloaded)
}

// A configuration may come through a pipe, but only once: to wait for it again would
// make the server deaf to signals.
func TestReloadFromPipe(t *testing.T) {
	dir := t.TempDir()
	fifo := func(name, text string) (path string) {
		path = filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		go func() { // nobody writes but for the first reader
			if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
				_, _ = f.WriteString(text)
				f.Close()
			}
		}()
		return path
	}
	conf := fifo("x.conf", "max_payload: 1000\n")
	f := func(args ...string) {
		t.Helper()
		p := ours.start(t, args...)
		if info := testkit.Dial(t, p.addr()).Info; !strings.Contains(info, `"max_payload":1000,`) {
			t.Errorf("%q: %s", args, info)
		}
		p.reload(`\[ERR\] Failed to reload server configuration: .* is no regular file, and is read only when the server starts`)
		p.stop()
	}
	f("-c", conf)
	f("-c", file(t, "y.conf", fmt.Sprintf("include %q\n", fifo("z.conf", "max_payload: 1000\n"))))
}
