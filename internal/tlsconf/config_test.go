package tlsconf_test

import (
	"testing"

	"nats-server/internal/tlsconf"
)

func TestCheck(t *testing.T) {
	f := func(c tlsconf.Config, want string) {
		t.Helper()
		got := ""
		if err := c.Check(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%+v: got %q, want %q", c, got, want)
		}
	}
	f(withPair(tlsconf.Config{}), "")
	f(tlsconf.Config{Role: tlsconf.Dials}, "")
	f(tlsconf.Config{Certificates: []tlsconf.Pair{{CertFile: "c", KeyFile: "k"}}}, "")
	f(withPair(tlsconf.Config{Role: tlsconf.Both, KnownURLs: true}), "")

	// What tables find at once, an embedder may write as well.
	f(tlsconf.Config{}, "tls config has no certificate, and every handshake would fail: add 'cert_file' and 'key_file'")
	f(tlsconf.Config{CertFile: "c"}, `missing 'key_file' in TLS configuration, for the cert_file "c"`)
	f(tlsconf.Config{Certificates: []tlsconf.Pair{{KeyFile: "k"}}}, `missing 'cert_file' in TLS configuration, for the key_file "k"`)
	f(withPair(tlsconf.Config{Certificates: make([]tlsconf.Pair, 1)}), "error parsing tls config, cannot combine 'cert_file' option with 'certs' option")
	f(withPair(tlsconf.Config{CipherSuites: []string{"x"}}), "unrecognized cipher x")
	f(withPair(tlsconf.Config{CurvePreferences: []string{"x"}}), "unrecognized curve preference x")
	f(withPair(tlsconf.Config{MinVersion: "2"}), `error parsing tls config: unknown version: 2, it must be "1.2" or "1.3"`)
	f(withPair(tlsconf.Config{PinnedCerts: []string{"x"}}), `pinned_certs has "x": expected 64 hexadecimal digits, the SHA-256 of the public key of a certificate in DER`)
	f(withPair(tlsconf.Config{Timeout: -1}), "tls timeout value can not be negative, but is -1ns")
	f(withPair(tlsconf.Config{RateLimit: -1}), "connection_rate_limit value can not be negative, but is -1")
	f(withPair(tlsconf.Config{KnownURLs: true}), "verify_cert_and_check_known_urls not supported in this context: only the tls of cluster and gateway can have it")
	f(withPair(tlsconf.Config{CipherSuites: []string{"TLS_RSA_WITH_RC4_128_SHA"}}),
		"insecure cipher suites configured without 'allow_insecure_cipher_suites' option set: TLS_RSA_WITH_RC4_128_SHA")
}

func TestClientCerts(t *testing.T) {
	f := func(c tlsconf.Config, want bool) {
		t.Helper()
		if got := c.ClientCerts(); got != want {
			t.Errorf("%+v: %t", c, got)
		}
	}
	f(tlsconf.Config{}, false)
	f(tlsconf.Config{Role: tlsconf.Dials, CAFile: "x"}, false)
	f(tlsconf.Config{Verify: true}, true)
	f(tlsconf.Config{VerifyAndMap: true}, true)
	f(tlsconf.Config{KnownURLs: true}, true)
	f(tlsconf.Config{Role: tlsconf.Both}, true)
}
