//go:build unix

package blackbox_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/options"
	"nats-server/internal/testkit"
)

// fast measures something at least five times, and then until it has been fast enough
// once: what the code takes is one thing, what a busy machine adds another.
func fast(t *testing.T, what string, limit time.Duration, measure func() time.Duration) {
	t.Helper()
	best := time.Duration(1<<63 - 1)
	begin, n := time.Now(), 0
	for n < 5 || best >= limit && time.Since(begin) < 10*time.Second {
		best = min(best, measure())
		n++
	}
	t.Logf("%s: %v, the best of %d (limit %v)", what, best, n, limit)
	if best >= limit && !testing.Short() {
		t.Errorf("%s takes %v, which is %v or more", what, best, limit)
	}
}

// largeConfig is a file of 2,000 lines with every key that there is.
func largeConfig(t *testing.T) string {
	t.Helper()
	cert, key := certificate(t)
	text := `# Every key.
listen: "127.0.0.1:-1"
host: "127.0.0.1"
port: -1
client_advertise: "127.0.0.1:4222"
server_name: large
no_header_support: false
debug: false
trace: false
trace_verbose: false
trace_headers: false
max_traced_msg_len: 100
connect_error_reports: 3600
reconnect_error_reports: 1
logtime: true
logtime_utc: true
log_format: text
logfile_size_limit: 100MB
logfile_max_num: 5
syslog: false
remote_syslog: ""
max_connections: 10k
max_subscriptions: 1M
max_sub_tokens: 16
max_control_line: 4KB
max_payload: 1MB
max_pending: 64MB
write_deadline: "10s"
no_fast_producer_stall: false
ping_interval: "2m"
ping_max: 3
lame_duck_duration: "2m"
lame_duck_grace_period: "10s"
disable_sublist_cache: true
cluster { name: c }
https_port: 0
https: "127.0.0.1:0"
http_port: -1
http: "127.0.0.1:-1"
http_base_path: "/nats"
http_auth { user: watcher, password: "a secret" }
max_closed_clients: 1000
prof_port: 0
no_system_account: true
accounts: [A, B]
system_account: A
no_auth_user: user-0
allow_non_tls: false
tls {
  # the cheapest part of what a handshake needs
  cert_file: "` + cert + `", key_file: "` + key + `"
}
pid_file: "` + filepath.Join(t.TempDir(), "pid") + `"
ports_file_dir: "` + t.TempDir() + `"
logfile: ""
authorization {
  # user, pass and token would be instead of the users
  timeout: "2s"
  users = [
`
	for i := 0; strings.Count(text, "\n") < 2000-3; i++ {
		text += fmt.Sprintf("    # user %d\n    { user: \"user-%d\", password: \"secret number %d\" }\n", i, i, i)
	}
	for _, row := range new(options.Options).Keys() {
		if row.Doc != "" && !strings.Contains(text, "\n"+row.Name) {
			t.Errorf("the key %s is missing", row.Name)
		}
	}
	return text + "  ]\n}\n"
}

// From the start of the process to the line that says that it is ready.
func TestStartIsFast(t *testing.T) {
	text := largeConfig(t)
	if n := strings.Count(text, "\n"); n < 1999 || n > 2001 {
		t.Fatalf("the file has %d lines", n)
	}
	conf := file(t, "x.conf", text)
	fast(t, "starting with 2,000 lines", 50*time.Millisecond, func() time.Duration {
		cmd := exec.Command(ours.path, "-c", conf)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		log, took := "", time.Duration(0)
		for in := bufio.NewScanner(stderr); took == 0 && in.Scan(); log += in.Text() + "\n" {
			if strings.HasSuffix(in.Text(), "[INF] Server is ready") {
				took = time.Since(begin)
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if took == 0 {
			t.Fatalf("does not start:\n%s", log)
		}
		return took
	})
}

// reloadTime is the time from the signal to the line that says that it is done.
func (p *process) reloadTime() time.Duration {
	p.t.Helper()
	from, begin := len(p.log()), time.Now()
	p.signal(syscall.SIGHUP)
	p.expect(from, reloaded)
	return time.Since(begin)
}

func TestReloadOfManyUsersIsFast(t *testing.T) {
	conf := file(t, "x.conf", "")
	generation := 0
	rewrite := func() {
		t.Helper()
		generation++
		var text strings.Builder
		text.WriteString("authorization { users = [ {user: a, password: b}\n")
		for i := range 10_000 {
			fmt.Fprintf(&text, "{user: \"user-%d\", password: \"secret %d of %d\"}\n", i, i, generation)
		}
		text.WriteString("] }\n")
		write(t, conf, text.String())
	}
	rewrite()
	p := ours.start(t, "-c", conf)
	tr := startTraffic(t, p.url(), nats.UserInfo("a", "b"))
	tr.progress(1000)
	fast(t, "reloading 10,000 users", 500*time.Millisecond, func() time.Duration {
		rewrite()
		took := p.reloadTime()
		tr.progress(1)
		return took
	})
	tr.end()
}

// Clients that have been let in are not checked again when nothing has changed for
// them: a hash takes a while, and there may be many clients.
func TestReloadWithHashesIsFast(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), 10)
	if err != nil {
		t.Fatal(err)
	}
	conf := file(t, "x.conf", "")
	generation := 0
	rewrite := func() {
		t.Helper()
		generation++
		write(t, conf, fmt.Sprintf("authorization { users = [ {user: a, password: %q}, {user: \"b%d\", password: x} ] }", hash, generation))
	}
	rewrite()
	p := ours.start(t, "-c", conf)
	var clients []*testkit.Raw
	for range 20 {
		clients = append(clients, guest(t, p, `"user":"a","pass":"secret"`))
	}
	fast(t, "reloading with 20 clients that have hashed passwords", 500*time.Millisecond, func() time.Duration {
		rewrite()
		return p.reloadTime()
	})
	for _, r := range clients {
		if before := r.Sync(); before != "" {
			t.Fatalf("a client got %s", testkit.Quote(before))
		}
	}
}

// certificate writes a self-signed certificate and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	pair := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return file(t, "cert.pem", pair("CERTIFICATE", der)), file(t, "key.pem", pair("PRIVATE KEY", secret))
}
