package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
)

// Names are user names that are distinguished names, found by those of certificates.
// They do not change, and are safe for concurrent use.
type Names struct {
	ordered, sorted map[string][]string // user names by the two canonical forms of dn
}

// NewNames returns those of the user names that are distinguished names.
func NewNames(users []string) *Names {
	n := &Names{ordered: make(map[string][]string), sorted: make(map[string][]string)}
	for _, user := range users {
		if d, ok := parseDN(user); ok {
			n.ordered[d.ordered()] = append(n.ordered[d.ordered()], user)
			n.sorted[d.sorted()] = append(n.sorted[d.sorted()], user)
		}
	}
	return n
}

// find returns the user whose name has the parts of d in their order or, if there is
// none, in any order.
func (n *Names) find(d dn, exists func(string) bool) (user string, ok bool) {
	for _, users := range [][]string{n.ordered[d.ordered()], n.sorted[d.sorted()]} {
		for _, user := range users {
			if exists(user) {
				return user, true
			}
		}
	}
	return "", false
}

// PeerCertificate returns the certificate by which to identify a peer, or nil. debug
// is told when there is none, or a choice.
func PeerCertificate(cs *tls.ConnectionState, debug func(format string, v ...any)) *x509.Certificate {
	switch {
	case cs == nil:
		debug("User required in cert, no TLS connection state")
		return nil
	case len(cs.PeerCertificates) == 0:
		debug("User required in cert, no peer certificates found")
		return nil
	case len(cs.PeerCertificates) > 1:
		debug("Multiple peer certificates found, selecting first")
	}
	return cs.PeerCertificates[0]
}

// MapUser returns the user that a certificate stands for: the first of the names in
// it, in the order of accounts-and-auth.md 1.7, for which exists is true. It is for
// exists to tell whether there is such a user who may come in that way. Subjects are
// compared with names as distinguished names; nil leaves that out. debug gets a line
// about every step that was taken.
func MapUser(cert *x509.Certificate, names *Names, exists func(string) bool, debug func(format string, v ...any)) (user string, ok bool) {
	uris := make([]string, len(cert.URIs))
	for i, u := range cert.URIs {
		uris[i] = u.String()
	}
	if len(cert.EmailAddresses)+len(cert.DNSNames)+len(uris)+len(cert.Subject.Names) == 0 {
		debug("User required in cert, none found")
		return "", false
	}
	for _, alternative := range []struct {
		kind  string
		names []string
	}{
		{"email", cert.EmailAddresses},
		{"SAN", cert.DNSNames},
		{"URI", uris},
	} {
		for _, name := range alternative.names {
			if exists(name) {
				debug("Using %s found in cert for auth [%q]", alternative.kind, name)
				return name, true
			}
		}
	}
	return mapSubject(cert, names, exists, debug)
}

// mapSubject is MapUser for the subject alone.
func mapSubject(cert *x509.Certificate, names *Names, exists func(string) bool, debug func(format string, v ...any)) (user string, ok bool) {
	subject := cert.Subject.ToRDNSequence().String()
	if d, ok := subjectDN(cert.RawSubject); ok && names != nil {
		if user, ok := names.find(d, exists); ok {
			debug("Using DistinguishedNameMatch for auth [%q]", user)
			return user, true
		}
		debug("DistinguishedNameMatch could not be used for auth [%q]", subject)
	}
	if domain := domainComponents(cert); domain != "" {
		full := strings.TrimPrefix(subject+","+domain, ",")
		if exists(full) {
			debug("Using RDNSequence for auth [%q]", full)
			return full, true
		}
		debug("RDNSequence could not be used for auth [%q]", full)
	}
	if exists(subject) {
		debug("Using certificate subject for auth [%q]", subject)
		return subject, true
	}
	debug("User in cert [%q], not found", subject)
	return "", false
}

// domainComponents returns those of the subject, in its order: "DC=a,DC=b".
func domainComponents(cert *x509.Certificate) string {
	var all []string
	for _, a := range cert.Subject.Names {
		if value, isText := a.Value.(string); isText && a.Type.String() == oidDC {
			all = append(all, "DC="+value)
		}
	}
	return strings.Join(all, ",")
}
