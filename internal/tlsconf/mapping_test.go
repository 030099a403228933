package tlsconf_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/url"
	"strings"
	"testing"

	"nats-server/internal/tlsconf"
)

// rdn is one part of a subject, as "CN=joe" or "CN=joe+OU=Unit".
type rdn string

var oids = map[string]asn1.ObjectIdentifier{
	"CN": {2, 5, 4, 3}, "SERIALNUMBER": {2, 5, 4, 5}, "C": {2, 5, 4, 6}, "L": {2, 5, 4, 7}, "ST": {2, 5, 4, 8},
	"STREET": {2, 5, 4, 9}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11}, "POSTALCODE": {2, 5, 4, 17},
	"DC": {0, 9, 2342, 19200300, 100, 1, 25}, "UID": {0, 9, 2342, 19200300, 100, 1, 1},
}

// certificate returns one with the parts of the subject in the order of DER, least
// specific first.
func certificate(t testing.TB, subject []rdn, change ...func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	var parts pkix.RDNSequence
	for _, part := range subject {
		var set pkix.RelativeDistinguishedNameSET
		for attribute := range strings.SplitSeq(string(part), "+") {
			typ, value, _ := strings.Cut(attribute, "=")
			set = append(set, pkix.AttributeTypeAndValue{Type: oids[typ], Value: value})
		}
		parts = append(parts, set)
	}
	der, err := asn1.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	all := append([]func(*x509.Certificate){func(c *x509.Certificate) { c.RawSubject, c.DNSNames = der, nil }}, change...)
	cert, _ := newAuthority(t, "CA").issue(t, "", all...)
	parsed, err := x509.ParseCertificate(decodePEM(t, cert))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// mapped checks which of the users a certificate stands for, and what is said of it.
func mapped(t *testing.T, cert *x509.Certificate, users []string, want string, lines ...string) {
	t.Helper()
	exists := func(name string) bool {
		for _, u := range users {
			if u == name {
				return true
			}
		}
		return false
	}
	log := new(recorder)
	got, ok := tlsconf.MapUser(cert, tlsconf.NewNames(users), exists, log.debugf)
	if got != want || ok != (want != "") {
		t.Errorf("%q: got %q, %t, want %q", users, got, ok, want)
	}
	for i := range lines {
		lines[i] = "DBG " + lines[i]
	}
	if said, want := log.take(), strings.Join(lines, "\n"); said != want {
		t.Errorf("%q: logged\n%s\nwant\n%s", users, said, want)
	}
}

func TestOrderOfCandidates(t *testing.T) {
	spiffe, _ := url.Parse("spiffe://x/joe")
	cert := certificate(t, []rdn{"DC=com", "DC=x", "O=Org", "OU=Unit", "CN=joe"}, func(c *x509.Certificate) {
		c.EmailAddresses = []string{"joe@x.com", "j@x.com"}
		c.DNSNames = []string{"joe.svc", "joe2.svc"}
		c.URIs = []*url.URL{spiffe}
	})
	const subject = "CN=joe,OU=Unit,O=Org"
	const dn, sequence = "cn=joe,ou=Unit,o=Org,dc=x,dc=com", subject + ",DC=com,DC=x"
	users := []string{"other", subject, sequence, dn, "spiffe://x/joe", "joe2.svc", "joe.svc", "j@x.com", "joe@x.com"}
	f := func(want string, lines ...string) {
		t.Helper()
		mapped(t, cert, users, want, lines...)
		if want != "" {
			users = users[:len(users)-1]
		}
	}
	f("joe@x.com", `Using email found in cert for auth ["joe@x.com"]`)
	f("j@x.com", `Using email found in cert for auth ["j@x.com"]`)
	f("joe.svc", `Using SAN found in cert for auth ["joe.svc"]`)
	f("joe2.svc", `Using SAN found in cert for auth ["joe2.svc"]`)
	f("spiffe://x/joe", `Using URI found in cert for auth ["spiffe://x/joe"]`)
	f(dn, `Using DistinguishedNameMatch for auth ["`+dn+`"]`)

	// As a distinguished name this one matches in any order.
	f(sequence, `Using DistinguishedNameMatch for auth ["`+sequence+`"]`)
	f(subject, `DistinguishedNameMatch could not be used for auth ["`+subject+`"]`,
		`RDNSequence could not be used for auth ["`+sequence+`"]`,
		`Using certificate subject for auth ["`+subject+`"]`)
	f("", `DistinguishedNameMatch could not be used for auth ["`+subject+`"]`,
		`RDNSequence could not be used for auth ["`+sequence+`"]`,
		`User in cert ["`+subject+`"], not found`)
}

// Without names the subject is compared as a text alone, as for routes.
func TestExactNames(t *testing.T) {
	cert := certificate(t, []rdn{"DC=com", "O=Org", "CN=joe"})
	log := new(recorder)
	f := func(user, lines string) {
		t.Helper()
		got, ok := tlsconf.MapUser(cert, nil, func(s string) bool { return s == user }, log.debugf)
		if want := log.take(); want != lines || ok && got != user {
			t.Errorf("%q: %q, %t, %s", user, got, ok, want)
		}
	}
	f("CN=joe,O=Org,DC=com", `DBG Using RDNSequence for auth ["CN=joe,O=Org,DC=com"]`)
	f("CN=joe,O=Org", "DBG RDNSequence could not be used for auth [\"CN=joe,O=Org,DC=com\"]\nDBG Using certificate subject for auth [\"CN=joe,O=Org\"]")
	f("cn=joe,O=Org", "DBG RDNSequence could not be used for auth [\"CN=joe,O=Org,DC=com\"]\nDBG User in cert [\"CN=joe,O=Org\"], not found")
}

func TestDistinguishedNames(t *testing.T) {
	joe := certificate(t, []rdn{"O=Org", "OU=Unit", "CN=joe"})
	f := func(cert *x509.Certificate, user string, want bool) {
		t.Helper()
		subject := cert.Subject.ToRDNSequence().String()
		if want {
			mapped(t, cert, []string{"a", user}, user, `Using DistinguishedNameMatch for auth ["`+strings.ReplaceAll(user, `\`, `\\`)+`"]`)
			return
		}
		mapped(t, cert, []string{"a", user}, "", `DistinguishedNameMatch could not be used for auth ["`+subject+`"]`, `User in cert ["`+subject+`"], not found`)
	}
	f(joe, "CN=joe,OU=Unit,O=Org", true)
	f(joe, "CN=joe, OU=Unit, O=Org", true)
	f(joe, "O=Org,CN=joe,OU=Unit", true)
	f(joe, "cn=joe,ou=Unit,o=Org", true)
	f(joe, "CN=JOE,OU=Unit,O=Org", false)
	f(joe, "CN=joe", false)
	f(joe, "CN=joe,OU=Unit", false)
	f(joe, "CN=joe,OU=Unit,O=Org,C=DE", false)
	f(joe, "CN=joe+OU=Unit,O=Org", false)

	multi := certificate(t, []rdn{"O=Org", "CN=joe+OU=Unit"})
	f(multi, "OU=Unit+CN=joe,O=Org", true)
	f(multi, "O=Org,CN=joe + OU=Unit", true)
	mapped(t, multi, []string{"OU=Unit,CN=joe,O=Org"}, "", `DistinguishedNameMatch could not be used for auth ["CN=joe,OU=Unit,O=Org"]`, `User in cert ["CN=joe,OU=Unit,O=Org"], not found`)

	odd := certificate(t, []rdn{"O=A, B", "CN= joe "})
	f(odd, `CN=\ joe\ ,O=A\, B`, true)
	f(odd, `CN=\20joe\20,O=A\2c B`, true)

	every := certificate(t, []rdn{"C=DE", "ST=s", "L=l", "STREET=x", "POSTALCODE=1", "O=o", "OU=u", "SERIALNUMBER=7", "CN=c"})
	f(every, "CN=c,serialNumber=7,OU=u,O=o,postalCode=1,street=x,L=l,ST=s,C=DE", true)
}

func TestDomainComponents(t *testing.T) {
	bob := certificate(t, []rdn{"DC=com", "DC=example", "DC=foo", "O=Org", "OU=Unit1", "OU=Unit2", "CN=bob"})
	const subject, sequence = "CN=bob,OU=Unit1+OU=Unit2,O=Org", "CN=bob,OU=Unit1+OU=Unit2,O=Org,DC=com,DC=example,DC=foo"
	good := func(user string) {
		t.Helper()
		mapped(t, bob, []string{user}, user, `Using DistinguishedNameMatch for auth ["`+user+`"]`)
	}
	bad := func(user string) {
		t.Helper()
		mapped(t, bob, []string{user}, "", `DistinguishedNameMatch could not be used for auth ["`+subject+`"]`,
			`RDNSequence could not be used for auth ["`+sequence+`"]`, `User in cert ["`+subject+`"], not found`)
	}
	good("CN=bob,OU=Unit2,OU=Unit1,O=Org,DC=foo,DC=example,DC=com")
	good("DC=com,DC=example,DC=foo,O=Org,OU=Unit1,OU=Unit2,CN=bob")
	bad("CN=bob,OU=Unit2,OU=Unit1,O=Org")
	bad("CN=bob,OU=Unit2,OU=Unit1,O=Org,DC=foo,DC=com")
	mapped(t, bob, []string{sequence}, sequence, `DistinguishedNameMatch could not be used for auth ["`+subject+`"]`, `Using RDNSequence for auth ["`+sequence+`"]`)

	// The name in the same order comes before one in another, whichever is first.
	same, other := "CN=bob,OU=Unit2,OU=Unit1,O=Org,DC=foo,DC=example,DC=com", "DC=com,DC=example,DC=foo,O=Org,OU=Unit1,OU=Unit2,CN=bob"
	mapped(t, bob, []string{other, same}, same, `Using DistinguishedNameMatch for auth ["`+same+`"]`)

	alone := certificate(t, []rdn{"DC=com"})
	mapped(t, alone, nil, "", `DistinguishedNameMatch could not be used for auth [""]`, `RDNSequence could not be used for auth ["DC=com"]`, `User in cert [""], not found`)
}

// An attribute that distinguished names cannot have leaves the subject as a text.
func TestOtherAttributes(t *testing.T) {
	cert := certificate(t, []rdn{"O=Org", "UID=7", "CN=joe"})
	mapped(t, cert, []string{"CN=joe,O=Org"}, "CN=joe,O=Org", `Using certificate subject for auth ["CN=joe,O=Org"]`)
	mapped(t, cert, []string{"CN=joe,UID=7,O=Org"}, "", `User in cert ["CN=joe,O=Org"], not found`)
}

// One user of several with the same name may be there for other connections only.
func TestUserThatMayNotComeIn(t *testing.T) {
	cert := certificate(t, []rdn{"O=Org", "CN=joe"})
	names := tlsconf.NewNames([]string{"CN=joe,O=Org", "cn=joe,o=Org", "O=Org,CN=joe"})
	for _, user := range []string{"CN=joe,O=Org", "cn=joe,o=Org", "O=Org,CN=joe"} {
		got, ok := tlsconf.MapUser(cert, names, func(s string) bool { return s == user }, new(recorder).debugf)
		if got != user || !ok {
			t.Errorf("%q, %t, want %q", got, ok, user)
		}
	}
}

func TestCertificateWithoutNames(t *testing.T) {
	mapped(t, certificate(t, nil), []string{"a"}, "", "User required in cert, none found")
}

func TestPeerCertificate(t *testing.T) {
	a, b := new(x509.Certificate), new(x509.Certificate)
	f := func(cs *tls.ConnectionState, want *x509.Certificate, line string) {
		t.Helper()
		log := new(recorder)
		if got := tlsconf.PeerCertificate(cs, log.debugf); got != want {
			t.Errorf("got %p, want %p", got, want)
		}
		if got := log.take(); got != line {
			t.Errorf("logged %q, want %q", got, line)
		}
	}
	f(nil, nil, "DBG User required in cert, no TLS connection state")
	f(&tls.ConnectionState{}, nil, "DBG User required in cert, no peer certificates found")
	f(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{a}}, a, "")
	f(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{b, a}}, b, "DBG Multiple peer certificates found, selecting first")
}

// A large table of users costs a handshake nothing.
func BenchmarkMapUser(b *testing.B) {
	cert := certificate(b, []rdn{"O=Org", "OU=Unit", "CN=joe"})
	users := []string{"O=Org,CN=joe,OU=Unit"}
	for range 10_000 {
		users = append(users, "CN=user"+strings.Repeat("x", len(users)%100)+",O=Org")
	}
	names := tlsconf.NewNames(users)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := tlsconf.MapUser(cert, names, func(s string) bool { return s == users[0] }, func(string, ...any) {}); !ok {
			b.Fatal("not found")
		}
	}
}
