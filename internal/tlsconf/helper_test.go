package tlsconf_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nats-server/internal/tlsconf"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue returns a certificate and its key in PEM.
func (a *authority) issue(t testing.TB, name string, change ...func(*x509.Certificate)) (cert, key []byte) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		DNSNames: []string{name},
	}
	for _, c := range change {
		c(template)
	}
	k := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

func decodePEM(t testing.TB, data []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(data)
	if block == nil {
		t.Fatal("no PEM")
	}
	return block.Bytes
}

// identity is issue for the client side of a handshake.
func (a *authority) identity(t testing.TB, name string, change ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(a.issue(t, name, change...))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// trusts is a client that trusts the authority, and looks for a server of the name.
func (a *authority) trusts(name string, own ...tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{RootCAs: pool, ServerName: name, Certificates: own}
}

// folder is a directory with the files of a tls block. Each write gives a file
// another time than those before it, whatever the resolution of the file system.
type folder struct {
	t    testing.TB
	path string
	time time.Time
}

func newFolder(t testing.TB) *folder {
	return &folder{t: t, path: t.TempDir(), time: time.Now().Add(-time.Hour)}
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// write changes a file in place.
func (f *folder) write(name string, data []byte) string {
	f.t.Helper()
	path := f.file(name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.time = f.time.Add(time.Minute)
	f.date(name, f.time)
	return path
}

func (f *folder) date(name string, at time.Time) {
	f.t.Helper()
	if err := os.Chtimes(f.file(name), at, at); err != nil {
		f.t.Fatal(err)
	}
}

// replace puts another file in the place of one.
func (f *folder) replace(name string, data []byte) {
	f.t.Helper()
	if err := os.Rename(f.write(name+".new", data), f.file(name)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) remove(name string) {
	f.t.Helper()
	if err := os.Remove(f.file(name)); err != nil {
		f.t.Fatal(err)
	}
}

// pair writes a certificate and its key.
func (f *folder) pair(cert, key []byte) tlsconf.Config {
	return tlsconf.Config{CertFile: f.write("cert.pem", cert), KeyFile: f.write("key.pem", key)}
}

// recorder is a Logger.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) add(level, format string, v []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, level+" "+fmt.Sprintf(format, v...))
}

func (r *recorder) Noticef(format string, v ...any) { r.add("INF", format, v) }
func (r *recorder) Warnf(format string, v ...any)   { r.add("WRN", format, v) }
func (r *recorder) Errorf(format string, v ...any)  { r.add("ERR", format, v) }
func (r *recorder) debugf(format string, v ...any)  { r.add("DBG", format, v) }

// take returns the lines since the last call.
func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return strings.Join(lines, "\n")
}

// outcome is a handshake as seen by both sides.
type outcome struct {
	server, client       tls.ConnectionState
	serverErr, clientErr error
}

// name is that of the server's certificate, as the client sees it.
func (o outcome) name() string {
	if len(o.client.PeerCertificates) == 0 {
		return ""
	}
	return o.client.PeerCertificates[0].Subject.CommonName
}

// handshake connects a client to a server. The server says a word, so that the client
// gets the session ticket, or the alert about its certificate, that comes after a
// handshake of TLS 1.3.
func handshake(t testing.TB, server, client *tls.Config) (o outcome) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			o.serverErr = err
			return
		}
		s := tls.Server(c, server)
		defer s.Close()
		s.SetDeadline(time.Now().Add(10 * time.Second))
		if o.serverErr = s.Handshake(); o.serverErr == nil {
			io.WriteString(s, "word")
		}
		o.server = s.ConnectionState()
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := tls.Client(c, client)
	s.SetDeadline(time.Now().Add(10 * time.Second))
	if o.clientErr = s.Handshake(); o.clientErr == nil {
		_, o.clientErr = io.ReadAll(s)
	}
	o.client = s.ConnectionState()
	s.Close()
	<-done
	return o
}

func accepted(t testing.TB, o outcome) {
	t.Helper()
	if o.serverErr != nil || o.clientErr != nil {
		t.Errorf("the handshake failed: server %v, client %v", o.serverErr, o.clientErr)
	}
}

func refused(t testing.TB, o outcome, want string) {
	t.Helper()
	if o.serverErr == nil || o.serverErr.Error() != want || o.clientErr == nil {
		t.Errorf("server %v, client %v, want %s", o.serverErr, o.clientErr, want)
	}
}

// start is a server whose log has nothing to say.
func start(t testing.TB, c tlsconf.Config) *tlsconf.Server {
	t.Helper()
	log := new(recorder)
	s, err := tlsconf.NewServer(&c, log)
	if err != nil {
		t.Fatal(err)
	}
	if got := log.take(); got != "" {
		t.Errorf("logged %s", got)
	}
	return s
}
