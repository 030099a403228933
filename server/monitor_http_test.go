package server_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/testkit"
	"nats-server/server"
)

func TestProbes(t *testing.T) {
	o := server.Options{LameDuckDuration: 30 * time.Second, LameDuckGracePeriod: 29 * time.Second}
	s, base := watched(t, o)
	f := func(path string, status int, body string) {
		t.Helper()
		got, header, text := get(t, base, path)
		if got != status || text != body || header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %v", path, got, text, header)
		}
	}
	const fine = `{"status":"ok"}`
	for _, path := range []string{"/livez", "/readyz", "/startupz", "/healthz", "/healthz?js-enabled-only=true", "/healthz?details=1"} {
		f(path, 200, fine)
	}
	f("/healthz?stream=x", 400, `{"status":"error","error":"\"account\" must not be empty when checking stream health"}`)
	f("/healthz?account=a&consumer=x", 400, `{"status":"error","error":"\"stream\" must not be empty when checking consumer health"}`)

	nc := dial(t, s, nats.NoReconnect()) // keeps lame duck mode going
	flush(t, nc)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.LameDuckShutdown()
	}()
	testkit.Eventually(t, patience, "it is not ready", func() bool {
		status, _, _ := get(t, base, "/readyz")
		return status == http.StatusServiceUnavailable
	})
	f("/readyz", 503, `{"status":"unavailable","reasons":["lame duck mode: no new clients, those connected are asked to leave"]}`)
	f("/livez", 200, fine)
	f("/startupz", 200, fine)
	f("/healthz", 500, `{"status":"error","error":"failed to be ready for connections after 1ms: server"}`)
	f("/healthz?details=1", 500, `{"status":"error","errors":[{"type":"CONNECTION","error":"failed to be ready for connections after 1ms: server"}]}`)
	s.Shutdown()
	<-done
	if _, err := net.Dial("tcp", strings.TrimPrefix(base, "http://")); err == nil {
		t.Error("monitoring goes on after the end")
	}
}

func TestBasePath(t *testing.T) {
	_, base := watched(t, server.Options{HTTPBasePath: "nats/"})
	f := func(path string, want int) {
		t.Helper()
		if got, _, _ := get(t, base, path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	f("/nats", 200)
	f("/nats/varz", 200)
	f("/nats/metrics", 200)
	f("/nats/healthz", 200)
	f("/nats/", 404)
	f("/varz", 404)
	f("/", 404)
	f("/natsvarz", 404)
	f("/nats/varz/", 404)
	f("//nats/varz", 307)
	var v varz
	report(t, base, "/nats/varz", &v)
	if v.BasePath != "nats/" || v.Requests["/"] != 1 || v.Requests["/varz"] != 2 {
		t.Errorf("%+v", v)
	}
	if _, header, body := get(t, base, "/nats"); !strings.Contains(body, `href="./nats/varz"`) || header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%v %s", header, body)
	}
}

func ask(t testing.TB, url string, prepare func(*http.Request)) (status int, header http.Header) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	noErr(t, err)
	prepare(r)
	client := http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	noErr(t, err)
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	noErr(t, err)
	return answer.StatusCode, answer.Header
}

func TestMonitoringAuth(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	noErr(t, err)
	basic := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "bearer "+token) }
	}
	nothing := func(*http.Request) {}
	type attempt struct {
		name    string
		prepare func(*http.Request)
		status  int
	}
	f := func(o server.Options, attempts ...attempt) {
		t.Helper()
		s, base := watched(t, o)
		for _, a := range attempts {
			for _, path := range []string{"/varz", "/", "/metrics", "/connz", "/stacksz", "/debug/vars"} {
				status, header := ask(t, base+path, a.prepare)
				if status != a.status || (status == 401) != (header.Get("WWW-Authenticate") != "") {
					t.Errorf("%s of %s: %d, want %d", path, a.name, status, a.status)
				}
			}
			for _, path := range []string{"/healthz", "/livez", "/readyz", "/startupz"} {
				if status, _ := ask(t, base+path, a.prepare); status != 200 {
					t.Errorf("%s of %s: %d", path, a.name, status)
				}
			}
			if status, _ := ask(t, base+"/nothing", a.prepare); status != 404 {
				t.Errorf("/nothing of %s: %d", a.name, status)
			}
		}
		s.Shutdown()
	}
	for _, password := range []string{"secret", string(hash)} {
		f(server.Options{HTTPUsername: "ops", HTTPPassword: password},
			attempt{"nobody", nothing, 401}, attempt{"ops", basic("ops", "secret"), 200}, attempt{"ops again", basic("ops", "secret"), 200},
			attempt{"a guess", basic("ops", "wrong"), 401}, attempt{"another user", basic("x", "secret"), 401},
			attempt{"no password", basic("ops", ""), 401}, attempt{"a token", bearer("secret"), 401})
		f(server.Options{HTTPToken: password},
			attempt{"nobody", nothing, 401}, attempt{"the bearer", bearer("secret"), 200}, attempt{"a guess", bearer("wrong"), 401},
			attempt{"a browser", basic("any", "secret"), 200}, attempt{"no token", bearer(""), 401})
	}
}

func TestReloadMovesMonitoring(t *testing.T) {
	log := new(recorder)
	o := server.Options{Host: "127.0.0.1", Port: server.RandomPort, HTTPPort: server.RandomPort}
	s := testkit.Start(t, &o)
	s.SetLogger(log, false, false)
	first := s.MonitorAddr().String()
	reload := func(change func(*server.Options)) {
		t.Helper()
		change(&o)
		noErr(t, s.CheckReload(&o))
		noErr(t, s.ReloadOptions(&o))
	}
	answers := func(addr, path string, want int) {
		t.Helper()
		if got, _, _ := get(t, "http://"+addr, path); got != want {
			t.Errorf("%s%s: %d, want %d", addr, path, got, want)
		}
	}
	closed := func(addr string) {
		t.Helper()
		if nc, err := net.Dial("tcp", addr); err == nil {
			nc.Close()
			t.Errorf("%s still accepts", addr)
		}
	}
	reload(func(o *server.Options) { o.HTTPBasePath = "/base" })
	if s.MonitorAddr().String() != first {
		t.Error("it has moved without need")
	}
	answers(first, "/base/varz", 200)
	answers(first, "/varz", 404)
	reload(func(o *server.Options) { o.HTTPBasePath, o.HTTPToken = "", "t" })
	answers(first, "/varz", 401)
	reload(func(o *server.Options) { o.HTTPToken = "" })
	answers(first, "/varz", 200)

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	noErr(t, err)
	defer taken.Close()
	bad := o
	bad.HTTPPort = taken.Addr().(*net.TCPAddr).Port
	if err := s.ReloadOptions(&bad); err == nil || !strings.HasPrefix(err.Error(), "Can't start monitoring: can't listen to the monitor port: ") {
		t.Errorf("to a port that is taken: %v", err)
	}
	bad.HTTPPort, bad.HTTPSPort = 1, 2
	if err := s.ReloadOptions(&bad); err == nil || err.Error() != "Can't start monitoring: can't specify both HTTP (1) and HTTPs (2) ports" {
		t.Errorf("both: %v", err)
	}
	answers(first, "/varz", 200)

	noErr(t, taken.Close())
	reload(func(o *server.Options) { o.HTTPPort = taken.Addr().(*net.TCPAddr).Port })
	second := s.MonitorAddr().String()
	answers(second, "/varz", 200)
	closed(first)
	reload(func(o *server.Options) { o.HTTPPort = 0 })
	if s.MonitorAddr() != nil {
		t.Error("there is an address")
	}
	closed(second)
	reload(func(o *server.Options) { o.HTTPPort = server.RandomPort })
	answers(s.MonitorAddr().String(), "/varz", 200)
	if !log.has("Starting http monitor on " + second) {
		t.Errorf("%q", log.lines())
	}
}

func TestMonitoringThatCannotStart(t *testing.T) {
	f := func(o server.Options, want string) {
		t.Helper()
		o.Host, o.Port = "127.0.0.1", server.RandomPort
		s, err := server.NewServer(&o)
		if err == nil {
			err = s.Start()
			s.Shutdown()
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f(server.Options{HTTPPort: 1, HTTPSPort: 2}, "Can't start monitoring: can't specify both HTTP (1) and HTTPs (2) ports")
	f(server.Options{HTTPSPort: 2}, "Can't start monitoring: TLS cert and key required for HTTPS")
	f(server.Options{HTTPHost: "256.0.0.1", HTTPPort: 2}, "Can't start monitoring: can't listen to the monitor port: ")
}

// HTTPS has the certificate for clients, as it is after each reload, asks for none, and
// tells those who speak in clear.
func TestHTTPS(t *testing.T) {
	ca := newAuthority(t)
	first, second := ca.server(t), ca.server(t)
	log := new(recorder)
	o := server.Options{Host: "127.0.0.1", Port: server.RandomPort, HTTPSPort: server.RandomPort,
		TLS: &server.TLSConfig{CertFile: first.cert, KeyFile: first.key, CAFile: ca.cert, Verify: true}}
	s := testkit.Start(t, &o)
	s.SetLogger(log, false, false)
	addr := s.MonitorAddr().String()
	shown := func() (status int, serial string) {
		client := http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: ca.over(), ForceAttemptHTTP2: true}}
		defer client.CloseIdleConnections()
		r, err := client.Get("https://" + addr + "/varz")
		noErr(t, err)
		defer r.Body.Close()
		var v varz
		noErr(t, json.NewDecoder(r.Body).Decode(&v))
		if v.NotAfter == nil || !v.NotAfter.Equal(r.TLS.PeerCertificates[0].NotAfter) || r.ProtoMajor != 1 {
			t.Errorf("expires %v, HTTP/%d", v.NotAfter, r.ProtoMajor)
		}
		return r.StatusCode, r.TLS.PeerCertificates[0].SerialNumber.String()
	}
	f := func(id identity) {
		t.Helper()
		if status, serial := shown(); status != 200 || serial != id.leaf.SerialNumber.String() {
			t.Errorf("%d, certificate %s, want %s", status, serial, id.leaf.SerialNumber)
		}
	}
	f(first)
	o.TLS = &server.TLSConfig{CertFile: second.cert, KeyFile: second.key, CAFile: ca.cert, Verify: true}
	noErr(t, s.ReloadOptions(&o))
	f(second)
	o.TLS = nil
	if err := s.ReloadOptions(&o); err == nil || err.Error() != "Can't start monitoring: TLS cert and key required for HTTPS" {
		t.Errorf("without a certificate: %v", err)
	}
	f(second)

	nc, err := net.Dial("tcp", addr)
	noErr(t, err)
	defer nc.Close()
	noErr(t, nc.SetDeadline(time.Now().Add(patience)))
	_, err = nc.Write([]byte("GET /varz HTTP/1.1\r\nHost: x\r\n\r\n"))
	noErr(t, err)
	answer, _ := io.ReadAll(nc)
	if !strings.HasPrefix(string(answer), "HTTP/1.0 400 Bad Request\r\n") || !strings.HasSuffix(string(answer), "Client sent an HTTP request to an HTTPS server.\n") {
		t.Errorf("in clear: %q", answer)
	}
	testkit.Eventually(t, patience, "a line in the log", func() bool {
		return log.has("ERR monitoring: TLS handshake error from " + nc.LocalAddr().String() + ": client sent an HTTP request to an HTTPS server")
	})
}

// No report shows a secret, of the configuration or of a client.
func TestReportsShowNoSecret(t *testing.T) {
	c := newCanaries(t)
	for _, o := range []server.Options{
		{Users: []*server.User{{Username: "plain", Password: c.password}, {Username: "hash", Password: c.hash}, {Nkey: c.key.public}}},
		{Username: "plain", Password: c.password, HTTPUsername: "ops", HTTPPassword: "open"},
		{Authorization: c.token},
		{Authorization: c.hash, HTTPToken: "open"},
		{},
	} {
		s, base := watched(t, o)
		for _, members := range []string{
			member("auth_token", c.token), member("auth_token", c.hashed), member("nkey", c.seed), member("jwt", c.seed),
			member("user", "plain") + "," + member("pass", c.password), member("user", "hash") + "," + member("pass", c.hashed),
		} {
			r := testkit.Dial(t, s.Addr().String())
			r.Send("CONNECT {" + members + "}\r\nSUB x 1\r\nPING\r\n")
			_, err := r.TryLine()
			noErr(t, err)
		}
		for _, path := range []string{
			"/", "/varz", "/connz?auth=1&subs=detail&state=all", "/routez?subs=1", "/gatewayz", "/leafz?subs=1", "/subsz?subs=1", "/accountz",
			"/accountz?acc=$G", "/accstatz?unused=1", "/jsz", "/healthz?details=1", "/livez", "/readyz", "/startupz", "/stacksz", "/raftz",
			"/ipqueuesz?all=1", "/debug/vars", "/metrics", "/nothing",
		} {
			r, err := http.NewRequest(http.MethodGet, base+path, nil)
			noErr(t, err)
			if o.HTTPToken != "" {
				r.Header.Set("Authorization", "Bearer open")
			} else {
				r.SetBasicAuth("ops", "open")
			}
			answer, err := http.DefaultClient.Do(r)
			noErr(t, err)
			b, err := io.ReadAll(answer.Body)
			noErr(t, err)
			answer.Body.Close()
			if answer.StatusCode == http.StatusUnauthorized {
				t.Errorf("%s: not admitted", path)
			}
			c.unseen(t, path, string(b))
		}
		s.Shutdown()
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestProfiles(t *testing.T) {
	log := new(recorder)
	o := server.Options{Host: "127.0.0.1", Port: server.RandomPort, ProfPort: server.RandomPort, HTTPToken: "t"}
	s := testkit.Start(t, &o)
	s.SetLogger(log, false, false)
	f := func(token string, want int) {
		t.Helper()
		status, _ := ask(t, "http://"+s.ProfileAddr().String()+"/debug/pprof/heap", func(r *http.Request) { r.SetBasicAuth("x", token) })
		if status != want {
			t.Errorf("with %q: %d, want %d", token, status, want)
		}
	}
	f("t", 200)
	f("", 401)
	if s.MonitorAddr() != nil {
		t.Error("there is monitoring")
	}
	first := s.ProfileAddr().String()
	o.ProfPort = 0
	noErr(t, s.ReloadOptions(&o))
	if s.ProfileAddr() != nil {
		t.Error("there is an address")
	}
	if nc, err := net.Dial("tcp", first); err == nil {
		nc.Close()
		t.Error("it goes on")
	}
	o.ProfPort = server.RandomPort
	noErr(t, s.ReloadOptions(&o))
	f("t", 200)
	if !log.has("profiling port: ") {
		t.Errorf("%q", log.lines())
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	noErr(t, err)
	defer taken.Close()
	o.ProfPort = taken.Addr().(*net.TCPAddr).Port
	if err := s.ReloadOptions(&o); err == nil || !strings.HasPrefix(err.Error(), "error starting profiler: ") {
		t.Errorf("to a port that is taken: %v", err)
	}
	f("t", 200)
}
