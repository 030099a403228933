package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// changing is a server whose options change as the test goes on.
type changing struct {
	*server.Server
	t   testing.TB
	o   server.Options
	log *recorder
}

func startChanging(t testing.TB, o server.Options) *changing {
	t.Helper()
	s, log := startLogged(t, o, false)
	o.Host, o.Port = "127.0.0.1", server.RandomPort
	return &changing{s, t, o, log}
}

// reload changes the options and returns the lines that were logged by the time it
// was done.
func (c *changing) reload(change func(*server.Options)) []string {
	c.t.Helper()
	before := len(c.log.lines())
	change(&c.o)
	noErr(c.t, c.ReloadOptions(&c.o))
	return c.log.lines()[before:]
}

// dial connects a client that has sent nothing yet.
func (c *changing) dial() *testkit.Raw {
	c.t.Helper()
	return testkit.Dial(c.t, c.Addr().String())
}

// client connects one that wants no +OK.
func (c *changing) client() *testkit.Raw {
	c.t.Helper()
	r := c.dial()
	r.Connect(`{"verbose":false,"headers":true}`)
	return r
}

// piped connects one within the process, for which the server's side of the
// connection buffers little.
func (c *changing) piped(subscribe string) *peer {
	c.t.Helper()
	nc, err := c.InProcessConn()
	noErr(c.t, err)
	p := attach(c.t, nc, quiet)
	p.send(subscribe)
	p.sync()
	return p
}

// answer checks what a client gets for what it sends: nothing, an error, or an
// error and the end of the connection.
func answer(t testing.TB, r *testkit.Raw, sent, want string, ends bool) {
	t.Helper()
	r.Send(sent)
	if want != "" {
		r.ExpectLine(want)
	}
	if ends {
		r.ExpectEOF()
	} else if before := r.Sync(); before != "" {
		t.Errorf("after %.50q came %q", sent, before)
	}
}

func announces(t testing.TB, r *testkit.Raw, want string) {
	t.Helper()
	if !strings.Contains(r.Info, want) {
		t.Errorf("no %s in %s", want, r.Info)
	}
}

// Each key that has changed has one line, others have none, and secrets are not
// shown.
func TestReloadTellsWhatHasChanged(t *testing.T) {
	const secret = "73917391"
	s := startChanging(t, server.Options{})
	f := func(change func(*server.Options), want ...string) {
		t.Helper()
		wanted := []string{}
		for _, w := range want {
			wanted = append(wanted, "INF "+w)
		}
		if diff := cmp.Diff(wanted, s.reload(change)); diff != "" {
			t.Error(diff)
		}
		if again := s.reload(func(*server.Options) {}); len(again) > 0 {
			t.Errorf("nothing has changed: %q", again)
		}
	}
	f(func(*server.Options) {})
	f(func(o *server.Options) { o.ClientAdvertise = "foo:1234" }, "Reload: client_advertise = foo:1234")
	f(func(o *server.Options) { o.ServerName = "me" }, "Reloaded: server_name = me")
	f(func(o *server.Options) { o.NoHeaderSupport = true }, "Reloaded: no_header_support = true (for new connections)")
	f(func(o *server.Options) { o.Debug = true }, "Reloaded: debug = true")
	f(func(o *server.Options) { o.Debug, o.Trace = false, true }, "Reloaded: trace = true", "Reloaded: debug = false")
	f(func(o *server.Options) { o.TraceVerbose, o.TraceHeaders = true, true },
		"Reloaded: trace_verbose = true", "Reloaded: trace_headers = true")
	f(func(o *server.Options) { o.MaxTracedMsgLen = 5 }, "Reloaded: max_traced_msg_len = 5")
	f(func(o *server.Options) { o.NoLogTime, o.LogtimeUTC = true, true }, "Reloaded: logtime = false", "Reloaded: logtime_utc = true")
	f(func(o *server.Options) { o.LogFormat, o.LogFile = "json", "/x" }, "Reloaded: log_format = json", "Reloaded: log_file = /x")
	f(func(o *server.Options) { o.LogSizeLimit, o.LogMaxFiles = 1000, 3 },
		"Reloaded: logfile_size_limit = 1000", "Reloaded: logfile_max_num = 3")
	f(func(o *server.Options) { o.Syslog, o.RemoteSyslog = true, "udp://x:1" },
		"Reloaded: syslog = true", "Reloaded: remote_syslog = udp://x:1")
	f(func(o *server.Options) { o.MaxConn = 10 }, "Reloaded: max_connections = 10")
	f(func(o *server.Options) { o.MaxSubs = 11 }, "Reloaded: max_subscriptions = 11")
	f(func(o *server.Options) { o.MaxSubTokens = 12 }, "Reloaded: max_sub_tokens = 12")
	f(func(o *server.Options) { o.MaxControlLine = 512 }, "Reloaded: max_control_line = 512")
	f(func(o *server.Options) { o.MaxPayload = 1000 }, "Reloaded: max_payload = 1000")
	f(func(o *server.Options) { o.MaxPayload = -1 }, "Reloaded: max_payload = -1")
	f(func(o *server.Options) { o.MaxPayload = 0 }, "Reloaded: max_payload = 1048576")
	f(func(o *server.Options) { o.MaxPending = 1 << 21 }, "Reloaded: max_pending = 2097152")
	f(func(o *server.Options) { o.WriteDeadline = 3 * time.Second }, "Reloaded: write_deadline = 3s")
	f(func(o *server.Options) { o.NoFastProducerStall = true }, "Reloaded: no_fast_producer_stall = true")
	f(func(o *server.Options) { o.PingInterval, o.MaxPingsOut = 10*time.Second, 5 },
		"Reloaded: ping_interval = 10s", "Reloaded: ping_max = 5")
	f(func(o *server.Options) { o.ConnectErrorReports, o.ReconnectErrorReports = 5, 7 },
		"Reloaded: connect_error_reports = 5", "Reloaded: reconnect_error_reports = 7")
	f(func(o *server.Options) { o.LameDuckDuration, o.LameDuckGracePeriod = time.Minute, time.Second },
		"Reloaded: lame_duck_duration = 1m0s", "Reloaded: lame_duck_grace_period = 1s")
	f(func(o *server.Options) { o.AuthTimeout = 5 * time.Second }, "Reloaded: authorization timeout = 5 (for new connections)")
	f(func(o *server.Options) { o.AuthTimeout = 2500 * time.Millisecond }, "Reloaded: authorization timeout = 2.5 (for new connections)")
	f(func(o *server.Options) { o.Username, o.Password = secret, secret }, "Reloaded: authorization username", "Reloaded: authorization password")
	f(func(o *server.Options) { o.Password += "x" }, "Reloaded: authorization password")
	f(func(o *server.Options) { o.Username, o.Password, o.Authorization = "", "", secret },
		"Reloaded: authorization username", "Reloaded: authorization password", "Reloaded: authorization token")
	f(func(o *server.Options) {
		o.Authorization, o.Users = "", []*server.User{{Username: "u", Password: secret}}
	},
		"Reloaded: authorization token", "Reloaded: authorization users")
	f(func(o *server.Options) { o.Users = []*server.User{{Username: "u", Password: secret + "x"}} }, "Reloaded: authorization users")
	f(func(o *server.Options) { o.PidFile, o.PortsFileDir = "/p", "/d" }, "Reloaded: pid_file = /p", "Reloaded: ports_file_dir = /d")
	if s.log.has(secret) {
		t.Errorf("a secret is shown in %q", s.log.lines())
	}
}

// What can not be done is not done in part either.
func TestReloadIsAllOrNothing(t *testing.T) {
	const name = "secretname"
	s := startChanging(t, server.Options{ServerName: "me", Username: name, Password: "p", MaxPayload: 10})
	connect := fmt.Sprintf(`{"verbose":false,"user":%q,"pass":"p"}`, name)
	r := s.dial()
	r.Connect(connect)
	before := len(s.log.lines())
	f := func(change func(*server.Options), want string) {
		t.Helper()
		next := s.o
		next.ServerName, next.Password, next.MaxPayload, next.MaxConn, next.Debug = "other", "other", 20, -1, true
		change(&next)
		if err := s.ReloadOptions(&next); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		answer(t, r, "", "", false)
		again := s.dial()
		announces(t, again, `"server_name":"me"`)
		announces(t, again, `"max_payload":10,`)
		again.Connect(connect)
		answer(t, again, pub("x", "01234567890"), "-ERR 'Maximum Payload Violation'", true)
		for _, line := range s.log.lines()[before:] {
			if !strings.Contains(line, " - Maximum Payload Violation") {
				t.Errorf("logged %q", line)
			}
		}
	}
	const restart = "; restart the server to change it (clients have been told the address, and the port may be taken)"
	f(func(o *server.Options) { o.Host = "localhost" }, "config reload not supported for listen: old=127.0.0.1:-1, new=localhost:-1"+restart)
	f(func(o *server.Options) { o.Port = 4222 }, "config reload not supported for listen: old=127.0.0.1:-1, new=127.0.0.1:4222"+restart)
	f(func(o *server.Options) { o.Host, o.Port = "", 0 }, "config reload not supported for listen: old=127.0.0.1:-1, new=0.0.0.0:4222"+restart)
	f(func(o *server.Options) { o.MaxPending = 19 }, "max_payload (20) cannot be higher than max_pending (19)")
	f(func(o *server.Options) { o.PingInterval = -1 }, "ping_interval value can not be negative, but is -1")
	f(func(o *server.Options) { o.ServerName = "a b" }, "server name cannot contain spaces")
	f(func(o *server.Options) { o.ClientAdvertise = "x:65536" }, `client_advertise "x:65536" is not host[:port]: the port must be a number up to 65535`)
	if lines := s.reload(func(*server.Options) {}); len(lines) > 0 {
		t.Errorf("something had changed: %q", lines)
	}
}

// Only a server in full operation goes on with other options.
func TestReloadNeedsARunningServer(t *testing.T) {
	const want = "only a running server can reload its configuration"
	f := func(s *server.Server) {
		t.Helper()
		o := server.Options{Host: "127.0.0.1", Port: server.RandomPort, ServerName: "other"}
		if err := s.ReloadOptions(&o); err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
		if s.Name() == "other" {
			t.Error("it has changed")
		}
	}
	fresh, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RandomPort})
	noErr(t, err)
	f(fresh)
	fresh.Shutdown()
	f(fresh)

	s := startChanging(t, server.Options{LameDuckGracePeriod: time.Hour, LameDuckDuration: 2 * time.Hour})
	r := s.client()
	go s.LameDuckShutdown()
	eventually(t, "lame duck mode", func() bool { return s.log.has("Entering lame duck mode") })
	f(s.Server)
	s.Shutdown()
	if _, err := r.TryClosed(); err != nil {
		t.Error(err)
	}
	f(s.Server)
}

// conf is a configuration file of a server that listens on a random port.
type conf struct {
	t    testing.TB
	path string
}

func newConf(t testing.TB, text string) *conf {
	c := &conf{t, filepath.Join(t.TempDir(), "s.conf")}
	c.write(text)
	return c
}

func (c *conf) write(text string) {
	c.t.Helper()
	noErr(c.t, os.WriteFile(c.path+".new", []byte("listen: \"127.0.0.1:-1\"\n"+text), 0o600))
	noErr(c.t, os.Rename(c.path+".new", c.path))
}

func (c *conf) start() *changing {
	c.t.Helper()
	o, _, err := server.ProcessConfigFile(c.path)
	noErr(c.t, err)
	return startChanging(c.t, *o)
}

func TestReloadFile(t *testing.T) {
	c := newConf(t, "max_connections: 1")
	s := c.start()
	addr := s.Addr().String()
	r := s.client()
	f := func(text string, want string) {
		t.Helper()
		c.write(text)
		switch err := s.Reload(); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	f("max_connections: 2\nmax_payload: -1", "")
	second := s.client()
	announces(t, second, `"max_payload":-1,`)
	f("max_payload: 1\nnonsense: 1", `unknown field "nonsense"`)
	f("max_payload: {", "s.conf")
	f("max_payload: 1\nserver_name: \"a b\"", "server name cannot contain spaces")
	f("max_payload: 1\nport: 4222", "config reload not supported for listen")
	answer(t, r, pub("x", "xx"), "", false)
	for _, n := range []string{"0", "-1"} {
		f("max_connections: 5", "")
		last := s.client()
		f("max_connections: "+n, "")
		if got, err := last.TryClosed(); got != "-ERR 'maximum connections exceeded'\r\n" || err != nil {
			t.Errorf("with %s: %q, %v", n, got, err)
		}
		answer(t, s.dial(), "", "-ERR 'maximum connections exceeded'", true)
		eventually(t, "everybody is gone", func() bool { return s.NumClients() == 0 })
	}
	noErr(t, os.Remove(c.path))
	if err := s.Reload(); err == nil {
		t.Error("there is no file any more")
	}
	if s.Addr().String() != addr {
		t.Errorf("it listens on %v", s.Addr())
	}
	if err := startChanging(t, server.Options{}).Reload(); err == nil || err.Error() != "can only reload config when a file is provided using -c or --config" {
		t.Error(err)
	}
}

// A reload that has read the file before another does not undo what that does.
func TestReloadFileBesideOthers(t *testing.T) {
	c := newConf(t, "")
	s := c.start()
	for round := range 50 {
		var all sync.WaitGroup
		var last string
		for i := range 4 {
			last = fmt.Sprintf("n%d.%d", round, i)
			c.write("server_name: " + last)
			all.Go(func() {
				if err := s.Reload(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if s.Name() != last {
			t.Fatalf("the name is %s, want %s", s.Name(), last)
		}
	}
}
