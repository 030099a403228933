package tlsconf

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"strings"
)

// cipher returns the suite of a name. The suites with ChaCha20 also have the names
// that old configurations know (spec: accounts-and-auth.md 9.1).
func cipher(name string) (*tls.CipherSuite, error) {
	full := name
	if strings.HasSuffix(name, "_CHACHA20_POLY1305") {
		full += "_SHA256"
	}
	for _, list := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range list {
			if s.Name == full {
				return s, nil
			}
		}
	}
	return nil, fmt.Errorf("unrecognized cipher %s", name)
}

var curves = map[string]tls.CurveID{
	"X25519MLKEM768": tls.X25519MLKEM768,
	"X25519":         tls.X25519,
	"CurveP256":      tls.CurveP256,
	"CurveP384":      tls.CurveP384,
	"CurveP521":      tls.CurveP521,
}

func curve(name string) (tls.CurveID, error) {
	id, ok := curves[name]
	if !ok {
		return 0, fmt.Errorf("unrecognized curve preference %s", name)
	}
	return id, nil
}

// version returns the number of the version that a text like "1.2" means.
func version(text string) (uint16, error) {
	switch text {
	case "", "1.2":
		return tls.VersionTLS12, nil
	case "1.3":
		return tls.VersionTLS13, nil
	case "1.0", "1.1":
		return 0, fmt.Errorf("error parsing tls config: unsupported TLS version: TLS %s, it must be \"1.2\" or \"1.3\"", text)
	}
	return 0, fmt.Errorf("error parsing tls config: unknown version: %s, it must be \"1.2\" or \"1.3\"", text)
}

// pin returns the digest of a public key that a text in hexadecimal digits is.
func pin(text string) (sum [sha256.Size]byte, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(sum) {
		return sum, fmt.Errorf("pinned_certs has %q: expected 64 hexadecimal digits, the SHA-256 of the public key of a certificate in DER", text)
	}
	return [sha256.Size]byte(raw), nil
}
