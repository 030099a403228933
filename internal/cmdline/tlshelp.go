package cmdline

import (
	"crypto/tls"
	"strings"
)

// tlsHelp is the text of --help_tls (spec: command-line 2).
func tlsHelp() string {
	var b strings.Builder
	b.WriteString(tlsSample)
	b.WriteString("Available cipher suites include:\n")
	for _, list := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range list {
			b.WriteString("    " + s.Name + "\n")
		}
	}
	b.WriteString("\nAvailable curve preferences include:\n")
	for _, c := range []string{"X25519MLKEM768", "X25519", "CurveP256", "CurveP384", "CurveP521"} {
		b.WriteString("    " + c + "\n")
	}
	return b.String()
}

const tlsSample = `
TLS is set up by a block of the configuration file, for example:

    tls {
        cert_file: "/etc/nats/server-cert.pem"
        key_file:  "/etc/nats/server-key.pem"

        # Ask clients for certificates, and check them with these authorities.
        ca_file: "/etc/nats/ca.pem"
        verify:  true

        # Preferences; leave them out to use those of this release.
        cipher_suites: [
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        ]
        curve_preferences: [
            "X25519"
            "CurveP256"
        ]
    }

`
