package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/server"
)

// identity is a certificate with its key, as files and in use.
type identity struct {
	cert, key string
	pair      tls.Certificate
	leaf      *x509.Certificate
}

// authority signs certificates.
type authority struct {
	identity
	pool *x509.CertPool
}

var serial int64

// issue makes a certificate signed by ca, or by itself if that is nil.
func issue(t testing.TB, ca *authority, template x509.Certificate) identity {
	t.Helper()
	serial++
	template.SerialNumber = big.NewInt(serial)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	noErr(t, err)
	parent, signer := &template, any(key)
	if ca != nil {
		parent, signer = ca.leaf, ca.pair.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
	noErr(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	noErr(t, err)
	dir := t.TempDir()
	id := identity{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	noErr(t, os.WriteFile(id.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	noErr(t, os.WriteFile(id.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	id.pair, err = tls.LoadX509KeyPair(id.cert, id.key)
	noErr(t, err)
	id.leaf, err = x509.ParseCertificate(der)
	noErr(t, err)
	return id
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	ca := &authority{identity: issue(t, nil, x509.Certificate{
		Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})}
	ca.pool = x509.NewCertPool()
	ca.pool.AddCert(ca.leaf)
	return ca
}

func (ca *authority) server(t testing.TB) identity {
	return issue(t, ca, x509.Certificate{Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
}

func (ca *authority) client(t testing.TB, email string) identity {
	return issue(t, ca, x509.Certificate{Subject: pkix.Name{CommonName: "client"}, EmailAddresses: []string{email}})
}

// over is what a client brings to a handshake.
func (ca *authority) over(clients ...identity) *tls.Config {
	cfg := &tls.Config{RootCAs: ca.pool, ServerName: "127.0.0.1"}
	for _, c := range clients {
		cfg.Certificates = append(cfg.Certificates, c.pair)
	}
	return cfg
}

// secureServer starts a server with TLS and the changes made by change.
func secureServer(t *testing.T, ca *authority, change func(*server.Options)) (*server.Server, *recorder) {
	t.Helper()
	id := ca.server(t)
	o := server.Options{TLS: &server.TLSConfig{CertFile: id.cert, KeyFile: id.key, CAFile: ca.cert, Timeout: patience}}
	if change != nil {
		change(&o)
	}
	return startLogged(t, o, true)
}

// greeted dials and reads INFO in clear.
func greeted(t *testing.T, s *server.Server) (net.Conn, string) {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr().String())
	noErr(t, err)
	t.Cleanup(func() { nc.Close() })
	noErr(t, nc.SetDeadline(time.Now().Add(patience)))
	return nc, lineOf(t, nc)
}

// lineOf reads one line, byte by byte: what follows is somebody else's.
func lineOf(t *testing.T, r io.Reader) string {
	t.Helper()
	var line []byte
	for b := make([]byte, 1); len(line) == 0 || line[len(line)-1] != '\n'; line = append(line, b...) {
		if _, err := io.ReadFull(r, b); err != nil {
			t.Fatalf("%v after %q", err, line)
		}
	}
	return string(line)
}

// echoes checks that a client gets what it publishes.
func echoes(t *testing.T, nc net.Conn, connect string) {
	t.Helper()
	_, err := fmt.Fprintf(nc, "CONNECT {\"verbose\":false%s}\r\nSUB x 1\r\nPUB x 2\r\nhi\r\nUNSUB 1\r\nPING\r\n", connect)
	noErr(t, err)
	for _, want := range []string{"MSG x 1 2\r\n", "hi\r\n", "PONG\r\n"} {
		if got := lineOf(t, nc); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func TestTLS(t *testing.T) {
	ca := newAuthority(t)
	s, log := secureServer(t, ca, nil)
	if url := s.ClientURL(); !strings.HasPrefix(url, "tls://") {
		t.Errorf("clients are sent to %s", url)
	}
	nc, info := greeted(t, s)
	if !strings.Contains(info, `"tls_required":true`) || strings.Contains(info, "tls_verify") || strings.Contains(info, "tls_available") {
		t.Errorf("got %s", info)
	}
	over := tls.Client(nc, ca.over())
	echoes(t, over, "")
	for _, want := range []string{
		"INF TLS required for client connections",
		"Starting TLS client connection handshake",
		"TLS handshake complete",
		"TLS version 1.3, cipher suite TLS_AES_128_GCM_SHA256",
	} {
		if !log.has(want) {
			t.Errorf("no line %q", want)
		}
	}
	client, err := nats.Connect(s.ClientURL(), nats.RootCAs(ca.cert))
	noErr(t, err)
	defer client.Close()
	_, err = client.RTT()
	noErr(t, err)
}

// Whoever does not shake hands is told nothing, and costs no line at error level.
func TestTLSHandshakeFails(t *testing.T) {
	ca := newAuthority(t)
	var s *server.Server
	var log *recorder
	within := func(timeout time.Duration) {
		s, log = secureServer(t, ca, func(o *server.Options) { o.TLS.Verify, o.TLS.Timeout = true, timeout })
	}
	f := func(say func(net.Conn), want string) {
		t.Helper()
		nc, info := greeted(t, s)
		if !strings.Contains(info, `"tls_verify":true`) {
			t.Errorf("got %s", info)
		}
		say(nc)
		if b, _ := io.ReadAll(nc); strings.Contains(string(b), "ERR") {
			t.Errorf("got %q", b)
		}
		eventually(t, want, func() bool { return log.has(want) })
		eventually(t, "it is gone", func() bool { return s.NumClients() == 0 })
	}
	noErrors := func() {
		t.Helper()
		for _, line := range log.lines() {
			if strings.HasPrefix(line, "ERR") && regexp.MustCompile("first record|timeout").MatchString(line) {
				t.Errorf("logged %q", line)
			}
		}
	}
	within(200 * time.Millisecond)
	f(func(net.Conn) {}, "i/o timeout")
	noErrors()
	within(time.Minute)
	f(func(nc net.Conn) { io.WriteString(nc, "CONNECT {}\r\nPING\r\n") }, "DBG") // no TLS at all
	f(func(nc net.Conn) { tls.Client(nc, ca.over()).Handshake() }, "TLS handshake error: tls: client didn't provide a certificate")
	stranger := newAuthority(t)
	f(func(nc net.Conn) { tls.Client(nc, ca.over(stranger.client(t, "a@x"))).Handshake() }, `x509: certificate signed by unknown authority`)
	if who := " (CN=client SHA-256: "; !log.has(who) {
		t.Errorf("no %q in the log: %q", who, log.lines())
	}
	if !log.has("Client connection closed: TLS Handshake Failure") {
		t.Errorf("log: %q", log.lines())
	}
	noErrors()
}

func TestTLSUsersByCertificate(t *testing.T) {
	ca := newAuthority(t)
	s, _ := secureServer(t, ca, func(o *server.Options) {
		o.TLS.VerifyAndMap = true
		o.Users = []*server.User{
			{Username: "a@x.com", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{"x"}}}},
			{Username: "CN=client", Password: "p"},
		}
	})
	nc, _ := greeted(t, s)
	over := tls.Client(nc, ca.over(ca.client(t, "a@x.com")))
	echoes(t, over, "")
	io.WriteString(over, "PUB y 0\r\n\r\n")
	if got := lineOf(t, over); got != "-ERR 'Permissions Violation for Publish to \"y\"'\r\n" {
		t.Errorf("got %q", got)
	}
	nc, _ = greeted(t, s)
	echoes(t, tls.Client(nc, ca.over(ca.client(t, "b@x.com"))), `,"pass":"p"`) // by its subject
	nc, _ = greeted(t, s)
	over = tls.Client(nc, ca.over(ca.client(t, "b@x.com")))
	io.WriteString(over, "CONNECT {\"verbose\":false}\r\n") // without the password
	if got := lineOf(t, over); got != violation {
		t.Errorf("got %q", got)
	}
}

func TestTLSOptional(t *testing.T) {
	ca := newAuthority(t)
	s, log := secureServer(t, ca, func(o *server.Options) { o.AllowNonTLS = true })
	for _, secure := range []bool{true, false} {
		nc, info := greeted(t, s)
		if !strings.Contains(info, `"tls_available":true`) || strings.Contains(info, "tls_required") {
			t.Errorf("got %s", info)
		}
		if secure {
			nc = tls.Client(nc, ca.over())
		}
		echoes(t, nc, "")
	}
	if !log.has("TLS available for client connections") {
		t.Errorf("log: %q", log.lines())
	}
}

func TestTLSHandshakeFirst(t *testing.T) {
	ca := newAuthority(t)
	dial := func(s *server.Server) net.Conn {
		nc, err := net.Dial("tcp", s.Addr().String())
		noErr(t, err)
		t.Cleanup(func() { nc.Close() })
		noErr(t, nc.SetDeadline(time.Now().Add(patience)))
		return nc
	}
	s, log := secureServer(t, ca, func(o *server.Options) { o.TLS.HandshakeFirst = true })
	over := tls.Client(dial(s), ca.over())
	if info := lineOf(t, over); !strings.Contains(info, `"tls_required":true`) {
		t.Errorf("got %s", info)
	}
	echoes(t, over, "")
	if !log.has(`WRN Clients that are not using "TLS Handshake First" option will fail to connect`) {
		t.Errorf("log: %q", log.lines())
	}

	waiting := func(d time.Duration) *server.Server {
		s, _ := secureServer(t, ca, func(o *server.Options) {
			o.TLS.HandshakeFirst, o.TLS.HandshakeWait, o.AllowNonTLS = true, d, true
		})
		return s
	}
	over = tls.Client(dial(waiting(time.Minute)), ca.over())
	if info := lineOf(t, over); !strings.Contains(info, `"tls_required":true`) {
		t.Errorf("inside: %s", info)
	}
	echoes(t, over, "")
	nc := dial(waiting(50 * time.Millisecond)) // says nothing and is greeted in clear
	if info := lineOf(t, nc); !strings.Contains(info, `"tls_available":true`) {
		t.Errorf("in clear: %s", info)
	}
	echoes(t, nc, "")
}

// TLS comes and goes with a reload; those who are connected stay, unless pinned
// certificates leave them out.
func TestTLSReload(t *testing.T) {
	ca := newAuthority(t)
	s, log := startLogged(t, server.Options{}, true)
	plain, _ := greeted(t, s)
	echoes(t, plain, "")
	id, client := ca.server(t), ca.client(t, "a@x")
	o := server.Options{Host: "127.0.0.1", Port: server.RandomPort, Debug: true,
		TLS: &server.TLSConfig{CertFile: id.cert, KeyFile: id.key, CAFile: ca.cert, Verify: true}}
	noErr(t, s.ReloadOptions(&o))
	nc, _ := greeted(t, s)
	over := tls.Client(nc, ca.over(client))
	echoes(t, over, "")
	echoes(t, plain, `,"name":"again"`)

	sum := sha256.Sum256(client.leaf.RawSubjectPublicKeyInfo)
	o.TLS.PinnedCerts = []string{hex.EncodeToString(sum[:])}
	noErr(t, s.ReloadOptions(&o))
	echoes(t, over, `,"name":"again"`)
	o.TLS.PinnedCerts = []string{strings.Repeat("0", 64)}
	noErr(t, s.ReloadOptions(&o))
	if n, err := over.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes", n)
	}
	if !log.has("Disconnect 1 clients due to pinned certs reload") {
		t.Errorf("log: %q", log.lines())
	}

	o.TLS.CertFile = "/nonexistent/cert.pem"
	if err := s.ReloadOptions(&o); err == nil || !strings.Contains(err.Error(), "/nonexistent/cert.pem") {
		t.Errorf("a missing certificate: %v", err)
	}
	o.TLS = nil
	noErr(t, s.ReloadOptions(&o))
	nc, info := greeted(t, s)
	if strings.Contains(info, "tls") {
		t.Errorf("got %s", info)
	}
	echoes(t, nc, "")
}

func TestTLSRateLimit(t *testing.T) {
	ca := newAuthority(t)
	s, log := secureServer(t, ca, func(o *server.Options) { o.TLS.RateLimit = 1 })
	var refused int
	for range 3 {
		nc, _ := greeted(t, s)
		over := tls.Client(nc, ca.over())
		if err := over.Handshake(); err != nil {
			refused++
			continue
		}
	}
	if refused == 0 {
		t.Errorf("%d of 3 are refused; log: %q", refused, log.lines())
	}
	// Nobody else comes, and the operator is told nevertheless.
	eventually(t, "the operator is told", func() bool { return log.has("connections due to TLS rate limiting") })
	if log.has("Rejected 1 ") && refused == 2 {
		return // it took more than a second
	}
	if !log.has(fmt.Sprintf("WRN Rejected %d connections due to TLS rate limiting", refused)) {
		t.Errorf("log: %q", log.lines())
	}
}

// The limit is the one in force, and what it has rejected is told at the end.
func TestTLSRateLimitReload(t *testing.T) {
	ca := newAuthority(t)
	id := ca.server(t)
	o := server.Options{TLS: &server.TLSConfig{CertFile: id.cert, KeyFile: id.key}}
	s, log := startLogged(t, o, true)
	enters := func() bool {
		nc, _ := greeted(t, s)
		return tls.Client(nc, ca.over()).Handshake() == nil
	}
	for range 5 {
		if !enters() {
			t.Fatal("rejected without a limit")
		}
	}
	limited := o
	limited.TLS = &server.TLSConfig{CertFile: id.cert, KeyFile: id.key, RateLimit: 1}
	limited.Host, limited.Port = "127.0.0.1", -1
	noErr(t, s.ReloadOptions(&limited))
	eventually(t, "the limit is reached", func() bool { return !enters() })
	s.Shutdown()
	if !log.has("connections due to TLS rate limiting") {
		t.Errorf("log: %q", log.lines())
	}
}

// Connections in their handshake end with the server.
func TestTLSShutdown(t *testing.T) {
	ca := newAuthority(t)
	s, _ := secureServer(t, ca, func(o *server.Options) { o.TLS.Timeout = time.Hour })
	for range 5 {
		greeted(t, s)
	}
	ended := make(chan struct{})
	go func() {
		s.Shutdown()
		close(ended)
	}()
	receive(t, "the server has ended", ended)
}
