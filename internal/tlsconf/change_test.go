package tlsconf_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nats-server/internal/tlsconf"
)

// live is a server whose files change, and whose clock the test sets.
type live struct {
	*folder
	ca    *authority
	log   recorder
	clock atomic.Int64 // Unix nanoseconds
	tls   *tls.Config
}

// newLive starts a server with the certificate "one".
func newLive(t *testing.T, change ...func(*live, *tlsconf.Config)) *live {
	t.Helper()
	l := &live{folder: newFolder(t), ca: newAuthority(t, "CA")}
	l.clock.Store(time.Now().UnixNano())
	c := l.pair(l.named("one"))
	for _, f := range change {
		f(l, &c)
	}
	s, err := tlsconf.NewServerAt(&c, &l.log, func() time.Time { return time.Unix(0, l.clock.Load()) })
	if err != nil {
		t.Fatal(err)
	}
	l.tls = s.TLS()
	return l
}

func (l *live) named(name string) (cert, key []byte) {
	return l.ca.issue(l.t, name, func(c *x509.Certificate) {
		c.DNSNames = []string{"localhost"}
		c.NotAfter = time.Date(2090, 1, 2, 3, 4, 5, 0, time.UTC)
	})
}

func (l *live) wait(d time.Duration) { l.clock.Add(int64(d)) }

// serves checks the name of the certificate that a client gets, and what was logged.
// In lines, FILE is the certificate's path and KEY that of its key.
func (l *live) serves(want string, lines ...string) {
	l.t.Helper()
	o := handshake(l.t, l.tls, l.ca.trusts("localhost"))
	accepted(l.t, o)
	if got := o.name(); got != want {
		l.t.Errorf("the client got %q, want %q", got, want)
	}
	l.logged(lines...)
}

func (l *live) logged(lines ...string) {
	l.t.Helper()
	want := strings.NewReplacer("$CERT", l.file("cert.pem"), "$KEY", l.file("key.pem"), "$CA", l.file("ca.pem")).Replace(strings.Join(lines, "\n"))
	if got := l.log.take(); got != want {
		l.t.Errorf("logged\n%s\nwant\n%s", got, want)
	}
}

const (
	renewed = "INF New connections get the changed certificate of $CERT, which expires on 2090-01-02T03:04:05Z"
	kept    = "ERR New connections still get the earlier certificate of $CERT: "
)

func TestChangedInPlace(t *testing.T) {
	l := newLive(t)
	l.serves("one")
	cert, key := l.named("two")
	l.write("cert.pem", cert)
	l.write("key.pem", key)

	// Files are looked at once per second.
	l.serves("one")
	l.wait(999 * time.Millisecond)
	l.serves("one")
	l.wait(time.Millisecond)
	l.serves("two", renewed)
	l.write("cert.pem", nil)
	l.serves("two")
	l.wait(time.Hour)
	l.serves("two", kept+"$CERT is empty")
}

func TestReplaced(t *testing.T) {
	l := newLive(t)
	cert, key := l.named("two")
	l.replace("cert.pem", cert)
	l.replace("key.pem", key)
	l.wait(time.Second)
	l.serves("two", renewed)
}

// Another file with the same size and time is another file nevertheless.
func TestReplacedBySimilarFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("what is known of a file there has its identity when it is compared")
	}
	l := newLive(t)
	before := map[string]os.FileInfo{"cert.pem": nil, "key.pem": nil}
	for name := range before {
		info, err := os.Stat(l.file(name))
		if err != nil {
			t.Fatal(err)
		}
		before[name] = info
	}
	cert, key := l.named("two")
	for len(cert) != int(before["cert.pem"].Size()) { // signatures vary in length
		cert, key = l.named("two")
	}
	l.replace("cert.pem", cert)
	l.replace("key.pem", key)
	for name, info := range before {
		l.date(name, info.ModTime())
	}
	l.wait(time.Second)
	l.serves("two", renewed)
}

// Another size is a change, whatever the time says.
func TestChangedWithSameTime(t *testing.T) {
	l := newLive(t)
	info, err := os.Stat(l.file("cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	l.write("cert.pem", nil)
	l.date("cert.pem", info.ModTime())
	l.wait(time.Second)
	l.serves("one", kept+"$CERT is empty")
}

// The first second after a change its time does not tell another change.
func TestChangedTwiceAtATime(t *testing.T) {
	l := newLive(t)
	one, oneKey := l.named("one")
	two, twoKey := l.named("two")
	for len(two) != len(one) || len(twoKey) != len(oneKey) { // signatures vary in length
		two, twoKey = l.named("two")
	}
	at := time.Unix(0, l.clock.Load()).Add(time.Second)
	write := func(cert, key []byte) {
		l.write("cert.pem", cert)
		l.write("key.pem", key)
		l.date("cert.pem", at)
		l.date("key.pem", at)
	}
	write(one, oneKey)
	l.wait(time.Second)
	l.serves("one", renewed)
	write(two, twoKey)
	l.wait(time.Second)
	l.serves("two", renewed)

	// Looking again and again is no reason to say anything, even about a problem.
	l.wait(time.Second)
	l.serves("two")
	at = time.Unix(0, l.clock.Load()).Add(time.Second)
	write(one, twoKey)
	l.wait(time.Second)
	l.serves("two", kept+"tls: private key does not match public key (cert_file $CERT, key_file $KEY)")
	for range 5 {
		l.wait(time.Second)
		l.serves("two")
	}
}

// A renewal in two steps, with a handshake between them.
func TestHalfOfAPair(t *testing.T) {
	l := newLive(t)
	cert, key := l.named("two")
	l.write("cert.pem", cert)
	l.wait(time.Second)
	l.serves("one", kept+"tls: private key does not match public key (cert_file $CERT, key_file $KEY)")
	l.wait(time.Second)
	l.serves("one")
	l.write("key.pem", key)
	l.wait(time.Second)
	l.serves("two", renewed)
}

func TestHalfWritten(t *testing.T) {
	l := newLive(t)
	cert, key := l.named("two")
	l.write("key.pem", key)
	l.write("cert.pem", nil)
	l.wait(time.Second)
	l.serves("one", kept+"$CERT is empty")
	for _, part := range []int{1, len(cert) / 2, len(cert) - 10} {
		l.write("cert.pem", cert[:part])
		l.wait(time.Second)
		if part == 1 {
			l.serves("one", kept+"$CERT is not PEM, which is text with lines like -----BEGIN CERTIFICATE-----; openssl can convert it")
		} else {
			l.serves("one", kept+"$CERT is incomplete: a PEM block in it is broken or has no end")
		}
	}

	// The certificate is there, its chain is not yet.
	l.write("cert.pem", append(cert[:len(cert):len(cert)], l.ca.pem[:200]...))
	l.wait(time.Second)
	l.serves("one", kept+"$CERT is incomplete: a PEM block in it is broken or has no end")
	l.write("cert.pem", append(cert[:len(cert):len(cert)], l.ca.pem...))
	l.wait(time.Second)
	l.serves("two", renewed)
}

func TestVanished(t *testing.T) {
	l := newLive(t)
	l.remove("cert.pem")
	l.wait(time.Second)
	_, gone := os.Open(l.file("cert.pem"))
	l.serves("one", kept+gone.Error())
	for range 3 {
		l.wait(time.Second)
		l.serves("one")
	}
	cert, key := l.named("two")
	l.write("key.pem", key)
	l.wait(time.Second)
	l.serves("one", kept+gone.Error())
	l.write("cert.pem", cert)
	l.wait(time.Second)
	l.serves("two", renewed)
}

// Every change is reported once, and going back is none.
func TestBrokenAndBack(t *testing.T) {
	l := newLive(t)
	one, err := os.ReadFile(l.file("cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l.write("cert.pem", []byte("junk"))
		l.wait(time.Second)
		l.serves("one", kept+"$CERT is not PEM, which is text with lines like -----BEGIN CERTIFICATE-----; openssl can convert it")
		l.wait(time.Second)
		l.serves("one")
	}
	l.write("cert.pem", one)
	l.wait(time.Second)
	l.serves("one")

	// Touched, but the same.
	l.write("cert.pem", one)
	l.wait(time.Second)
	l.serves("one")
}

func TestRenewalThatHasExpired(t *testing.T) {
	l := newLive(t)
	cert, key := l.ca.issue(t, "two", func(c *x509.Certificate) {
		c.DNSNames = []string{"localhost"}
		c.NotBefore, c.NotAfter = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)
	})
	l.write("cert.pem", cert)
	l.write("key.pem", key)
	l.wait(time.Second)
	handshake(t, l.tls, l.ca.trusts("localhost"))
	l.logged("INF New connections get the changed certificate of $CERT, which expires on 2020-02-01T00:00:00Z",
		"WRN Certificate $CERT has expired on 2020-02-01T00:00:00Z, peers will refuse it")
}

// verifying makes the server demand certificates of its authority.
func verifying(l *live, c *tlsconf.Config) {
	c.Verify, c.CAFile = true, l.write("ca.pem", l.ca.pem)
}

func TestChangedAuthorities(t *testing.T) {
	l := newLive(t, verifying)
	other := newAuthority(t, "other")
	show := func(a *authority) *tls.Config {
		own := a.identity(t, "joe")
		trust := l.ca.trusts("localhost")
		trust.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
		return trust
	}
	const unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
	accepted(t, handshake(t, l.tls, show(l.ca)))
	refused(t, handshake(t, l.tls, show(other)), unknown)

	l.write("ca.pem", other.pem)
	l.wait(time.Second)
	accepted(t, handshake(t, l.tls, show(other)))
	refused(t, handshake(t, l.tls, show(l.ca)), unknown)
	l.logged("INF New connections are verified with the changed authorities of $CA")

	// Half of a bundle is not taken for a smaller one.
	both := append(l.ca.pem[:len(l.ca.pem):len(l.ca.pem)], other.pem...)
	l.write("ca.pem", both[:len(both)-50])
	l.wait(time.Second)
	accepted(t, handshake(t, l.tls, show(other)))
	refused(t, handshake(t, l.tls, show(l.ca)), unknown)
	l.logged("ERR New connections are still verified with the earlier authorities of $CA: failed to parse root ca certificate: $CA is incomplete: a PEM block in it is broken or has no end")
	l.write("ca.pem", both)
	l.wait(time.Second)
	accepted(t, handshake(t, l.tls, show(other)))
	accepted(t, handshake(t, l.tls, show(l.ca)))
	l.logged("INF New connections are verified with the changed authorities of $CA")
}

// A broken certificate does not keep an authority from being dismissed.
func TestFilesAreIndependent(t *testing.T) {
	l := newLive(t, verifying)
	l.write("cert.pem", []byte("junk"))
	l.write("ca.pem", newAuthority(t, "other").pem)
	l.wait(time.Second)
	o := handshake(t, l.tls, l.ca.trusts("localhost", l.ca.identity(t, "joe")))
	refused(t, o, "tls: client didn't provide a certificate")
	l.logged(kept+"$CERT is not PEM, which is text with lines like -----BEGIN CERTIFICATE-----; openssl can convert it",
		"INF New connections are verified with the changed authorities of $CA")
}
