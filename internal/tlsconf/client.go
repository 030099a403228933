package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
)

// Client returns the configuration for dialing with the same certificates, with what is
// in the files now. The peer's certificate is to be signed by the authorities of the
// configuration, unless it says that this does not matter. ServerName is up to the
// caller, whose the result is.
func (s *Server) Client() *tls.Config {
	t := s.latest().Clone()
	t.RootCAs = t.ClientCAs
	t.InsecureSkipVerify = s.insecure
	return t
}

// KnownHost returns whether a certificate is for one of the hosts, by its DNS names
// (spec: accounts-and-auth 1.7).
func KnownHost(cert *x509.Certificate, hosts []string) bool {
	for _, san := range cert.DNSNames {
		for _, host := range hosts {
			if coversHost(strings.Split(strings.ToLower(san), "."), strings.Split(strings.ToLower(host), ".")) {
				return true
			}
		}
	}
	return false
}

// coversHost compares label by label; the first of a pattern may be an asterisk.
func coversHost(pattern, host []string) bool {
	if len(pattern) != len(host) {
		return false
	}
	for i, label := range pattern {
		if label != host[i] && !(i == 0 && label == "*") {
			return false
		}
	}
	return true
}
