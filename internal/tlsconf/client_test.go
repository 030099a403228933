package tlsconf_test

import (
	"crypto/x509"
	"testing"

	"nats-server/internal/tlsconf"
)

func TestKnownHost(t *testing.T) {
	hosts := []string{"a.example.com", "10.0.0.1", "Localhost"}
	f := func(san string, want bool) {
		t.Helper()
		if got := tlsconf.KnownHost(&x509.Certificate{DNSNames: []string{"other", san}}, hosts); got != want {
			t.Errorf("%s: %v", san, got)
		}
	}
	f("a.example.com", true)
	f("A.Example.com", true)
	f("*.example.com", true)
	f("localhost", true)
	f("*.com", false)
	f("a.*.com", false)
	f("example.com", false)
	f("", false)
}
