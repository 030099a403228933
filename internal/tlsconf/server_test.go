package tlsconf_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"nats-server/internal/tlsconf"
)

func TestVersions(t *testing.T) {
	ca := newAuthority(t, "CA")
	f := func(least string, client uint16, failure string) {
		t.Helper()
		c := newFolder(t).pair(ca.issue(t, "localhost"))
		c.MinVersion = least
		trust := ca.trusts("localhost")
		trust.MinVersion, trust.MaxVersion = tls.VersionTLS10, client
		o := handshake(t, start(t, c).TLS(), trust)
		if failure != "" {
			refused(t, o, failure)
			return
		}
		accepted(t, o)
		if o.server.Version != client {
			t.Errorf("version %x", o.server.Version)
		}
	}
	f("", tls.VersionTLS13, "")
	f("", tls.VersionTLS12, "")
	f("", tls.VersionTLS11, "tls: client offered only unsupported versions: [302 301]")
	f("", tls.VersionTLS10, "tls: client offered only unsupported versions: [301]")
	f("1.2", tls.VersionTLS12, "")
	f("1.3", tls.VersionTLS13, "")
	f("1.3", tls.VersionTLS12, "tls: client offered only unsupported versions: [303 302 301]")
}

func TestAlgorithms(t *testing.T) {
	ca := newAuthority(t, "CA")
	c := newFolder(t).pair(ca.issue(t, "localhost"))
	c.CipherSuites = []string{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"}
	c.CurvePreferences = []string{"CurveP384"}
	server := start(t, c).TLS()
	trust := ca.trusts("localhost")
	trust.MaxVersion = tls.VersionTLS12
	o := handshake(t, server, trust)
	accepted(t, o)
	if o.server.CipherSuite != tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 || o.server.CurveID != tls.CurveP384 {
		t.Errorf("suite %x, curve %v", o.server.CipherSuite, o.server.CurveID)
	}
	trust.CurvePreferences = []tls.CurveID{tls.X25519}
	if o := handshake(t, server, trust); o.serverErr == nil {
		t.Error("a curve was accepted that is not among the preferences")
	}
}

func TestSecureByDefault(t *testing.T) {
	ca := newAuthority(t, "CA")
	server := start(t, newFolder(t).pair(ca.issue(t, "localhost"))).TLS()
	trust := ca.trusts("localhost")
	trust.MaxVersion = tls.VersionTLS12
	for _, s := range tls.InsecureCipherSuites() {
		trust.CipherSuites = append(trust.CipherSuites, s.ID)
	}
	if o := handshake(t, server, trust); o.serverErr == nil {
		t.Errorf("suite %x was accepted", o.server.CipherSuite)
	}
	if o := handshake(t, server, ca.trusts("localhost")); o.server.NegotiatedProtocol != "" {
		t.Errorf("protocol %q", o.server.NegotiatedProtocol)
	}
}

func TestClientCertificates(t *testing.T) {
	ca, foreign := newAuthority(t, "CA"), newAuthority(t, "foreign")
	f := func(change func(*tlsconf.Config), own []tls.Certificate, failure string) {
		t.Helper()
		d := newFolder(t)
		c := d.pair(ca.issue(t, "localhost"))
		c.CAFile = d.write("ca.pem", ca.pem)
		change(&c)
		o := handshake(t, start(t, c).TLS(), ca.trusts("localhost", own...))
		if failure != "" {
			refused(t, o, failure)
			return
		}
		accepted(t, o)
		if got := len(o.server.VerifiedChains) > 0; got != c.ClientCerts() {
			t.Errorf("verified is %t", got)
		}
	}
	good, alien := []tls.Certificate{ca.identity(t, "joe")}, []tls.Certificate{foreign.identity(t, "joe")}
	old := []tls.Certificate{ca.identity(t, "joe", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })}

	f(func(*tlsconf.Config) {}, nil, "")
	f(func(*tlsconf.Config) {}, alien, "")
	const missing = "tls: client didn't provide a certificate"
	for _, demand := range []func(*tlsconf.Config){
		func(c *tlsconf.Config) { c.Verify = true },
		func(c *tlsconf.Config) { c.VerifyAndMap = true },
		func(c *tlsconf.Config) { c.Role = tlsconf.Both },
		func(c *tlsconf.Config) { c.Role, c.KnownURLs = tlsconf.Both, true },
	} {
		f(demand, good, "")
		f(demand, nil, missing)
	}
	// A client that knows the authorities shows no certificate of others.
	f(func(c *tlsconf.Config) { c.Verify = true }, alien, missing)

	verify := func(c *tlsconf.Config) { c.Verify = true }
	o := refusedBy(t, ca, verify, old)
	if !strings.HasPrefix(o, "tls: failed to verify certificate: x509: certificate has expired or is not yet valid") {
		t.Error(o)
	}
	// One that shows it nevertheless is refused.
	if got := refusedBy(t, ca, verify, alien); got != "tls: failed to verify certificate: x509: certificate signed by unknown authority" {
		t.Error(got)
	}
}

// refusedBy returns the error of a server to whom a client shows the certificate it
// has, whatever authorities it is asked for.
func refusedBy(t *testing.T, ca *authority, change func(*tlsconf.Config), own []tls.Certificate) string {
	t.Helper()
	d := newFolder(t)
	c := d.pair(ca.issue(t, "localhost"))
	c.CAFile = d.write("ca.pem", ca.pem)
	change(&c)
	trust := ca.trusts("localhost")
	trust.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own[0], nil }
	o := handshake(t, start(t, c).TLS(), trust)
	if o.serverErr == nil {
		t.Fatal("accepted")
	}
	return o.serverErr.Error()
}

func TestCertificateByServerName(t *testing.T) {
	ca := newAuthority(t, "CA")
	d := newFolder(t)
	var c tlsconf.Config
	for _, name := range []string{"a.example", "b.example"} {
		cert, key := ca.issue(t, name)
		c.Certificates = append(c.Certificates, tlsconf.Pair{CertFile: d.write(name, cert), KeyFile: d.write(name+".key", key)})
	}
	server := start(t, c).TLS()
	f := func(asked, want string) {
		t.Helper()
		trust := ca.trusts(asked)
		trust.InsecureSkipVerify = asked != want
		o := handshake(t, server, trust)
		accepted(t, o)
		if o.name() != want {
			t.Errorf("%q: got %s", asked, o.name())
		}
	}
	f("a.example", "a.example")
	f("b.example", "b.example")
	f("c.example", "a.example")
}

func TestSessionTickets(t *testing.T) {
	ca := newAuthority(t, "CA")
	server := start(t, newFolder(t).pair(ca.issue(t, "localhost"))).TLS()
	trust := ca.trusts("localhost")
	trust.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for i := range 2 {
		o := handshake(t, server, trust)
		accepted(t, o)
		if o.server.DidResume != (i == 1) {
			t.Errorf("handshake %d: resumed is %t", i, o.server.DidResume)
		}
	}
}

func TestPinned(t *testing.T) {
	ca := newAuthority(t, "CA")
	joe, ann := ca.identity(t, "joe"), ca.identity(t, "ann")
	id := func(c tls.Certificate) string {
		sum := sha256.Sum256(c.Leaf.RawSubjectPublicKeyInfo)
		return hex.EncodeToString(sum[:])
	}
	log := new(recorder)
	f := func(pins []string, own []tls.Certificate, want error, line string) {
		t.Helper()
		d := newFolder(t)
		c := d.pair(ca.issue(t, "localhost"))
		c.CAFile, c.Verify, c.PinnedCerts = d.write("ca.pem", ca.pem), own != nil, pins
		s := start(t, c)
		o := handshake(t, s.TLS(), ca.trusts("localhost", own...))
		accepted(t, o)
		if got := s.Pinned(&o.server, log.debugf); got != want {
			t.Errorf("%q: got %v, want %v", pins, got, want)
		}
		if got := log.take(); got != line {
			t.Errorf("%q: logged %s", pins, got)
		}
	}
	f(nil, nil, nil, "")
	f(nil, []tls.Certificate{joe}, nil, "")
	f([]string{id(ann), id(joe)}, []tls.Certificate{joe}, nil, "")
	f([]string{strings.ToUpper(id(joe))}, []tls.Certificate{joe}, nil, "")
	f([]string{id(ann)}, []tls.Certificate{joe}, tlsconf.ErrNotPinned, "DBG Failed pinned cert test for key id: "+id(joe))
	f([]string{id(ann)}, nil, tlsconf.ErrNotPinned, "DBG Failed pinned cert test as client did not provide a certificate")
	if got := tlsconf.ErrNotPinned.Error(); got != "certificate not pinned" {
		t.Error(got)
	}
}

// A resumed session is checked like the first.
func TestPinnedAfterResumption(t *testing.T) {
	ca := newAuthority(t, "CA")
	joe := ca.identity(t, "joe")
	d := newFolder(t)
	c := d.pair(ca.issue(t, "localhost"))
	c.CAFile, c.Verify, c.PinnedCerts = d.write("ca.pem", ca.pem), true, []string{strings.Repeat("00", 32)}
	s := start(t, c)
	trust := ca.trusts("localhost", joe)
	trust.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for i := range 2 {
		o := handshake(t, s.TLS(), trust)
		accepted(t, o)
		if o.server.DidResume != (i == 1) || s.Pinned(&o.server, new(recorder).debugf) == nil {
			t.Errorf("handshake %d: resumed is %t, and it passed", i, o.server.DidResume)
		}
	}
}

func TestWarningOfExpiry(t *testing.T) {
	ca := newAuthority(t, "CA")
	begin := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	f := func(lifetime, age time.Duration, want string) {
		t.Helper()
		c := newFolder(t).pair(ca.issue(t, "localhost", func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = begin, begin.Add(lifetime)
		}))
		log := new(recorder)
		if _, err := tlsconf.NewServerAt(&c, log, func() time.Time { return begin.Add(age) }); err != nil {
			t.Fatal(err)
		}
		if want != "" {
			want = "WRN Certificate " + c.CertFile + want
		}
		if got := log.take(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	const day = 24 * time.Hour
	f(10*day, 0, "")
	f(10*day, 8*day, "")
	f(10*day, 9*day+time.Hour, " expires on 2030-01-11T00:00:00Z")
	f(10*day, 11*day, " has expired on 2030-01-11T00:00:00Z, peers will refuse it")
	f(10*day, -time.Hour, " is not valid before 2030-01-01T00:00:00Z, peers will refuse it; is the clock right?")
	f(3650*day, 3610*day, "")
	f(3650*day, 3621*day, " expires on 2039-12-30T00:00:00Z")
}

// The configuration is not needed any more once there is a server.
func TestConfigIsCopied(t *testing.T) {
	ca := newAuthority(t, "CA")
	c := newFolder(t).pair(ca.issue(t, "localhost"))
	c.CurvePreferences = []string{"X25519"}
	before := c
	before.CurvePreferences = slices.Clone(c.CurvePreferences)
	server := start(t, c).TLS()
	c.CurvePreferences[0] = "CurveP256"
	o := handshake(t, server, ca.trusts("localhost"))
	accepted(t, o)
	if o.server.CurveID != tls.X25519 {
		t.Errorf("curve %v", o.server.CurveID)
	}
}
