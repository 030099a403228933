package tlsconf

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// DefaultTimeout is the time for a handshake if Config.Timeout is 0.
	DefaultTimeout = 2 * time.Second
	// AutoWait is what handshake_first: auto waits.
	AutoWait = 50 * time.Millisecond
)

// Role is what the owner of a tls block does with connections.
type Role uint8

const (
	Accepts Role = iota // listeners of clients and leafnodes
	Both                // cluster and gateway, where both sides always show certificates
	Dials               // remotes
)

// Config is a tls block as configured. The zero value of a field means its default.
type Config struct {
	Role Role // by where the block is; no key sets it

	CertFile, KeyFile string
	Certificates      []Pair // instead of CertFile and KeyFile; clients choose by server name
	CAFile            string // who signs the peers' certificates; "" = the authorities of the system

	Verify       bool // demand a certificate of the peer
	VerifyAndMap bool // Verify, and MapUser says who it is
	KnownURLs    bool // Verify, and the certificate must be for a configured URL; role Both only
	Insecure     bool // dial without verification of the remote

	Timeout          time.Duration // for the handshake; 0 = DefaultTimeout
	CipherSuites     []string      // of TLS 1.2, Go's names; nil = those that Go regards as secure
	AllowInsecure    bool          // CipherSuites may contain insecure ones
	CurvePreferences []string      // nil = those of Go
	MinVersion       string        // "1.2" or "1.3"; "" = "1.2"
	PinnedCerts      []string      // SHA-256 of acceptable public keys, in hex; nil = any

	HandshakeFirst bool          // the handshake comes before INFO
	HandshakeWait  time.Duration // after which INFO is sent nevertheless; 0 = never
	RateLimit      int           // connections per second, for NewRate; 0 = no limit
}

// Pair is a certificate with its chain, and its key.
type Pair struct {
	CertFile, KeyFile string
}

// ClientCerts reports whether peers that connect need a certificate.
func (c *Config) ClientCerts() bool {
	return c.Verify || c.VerifyAndMap || c.KnownURLs || c.Role == Both
}

// Check returns the first thing that is wrong with the configuration, whatever the
// files contain, or nil.
func (c *Config) Check() error {
	if err := c.checkPairs(); err != nil {
		return err
	}
	if err := c.checkCiphers(); err != nil {
		return err
	}
	for _, name := range c.CurvePreferences {
		if _, err := curve(name); err != nil {
			return err
		}
	}
	for _, text := range c.PinnedCerts {
		if _, err := pin(text); err != nil {
			return err
		}
	}
	if _, err := version(c.MinVersion); err != nil {
		return err
	}
	switch {
	case c.KnownURLs && c.Role != Both:
		return errKnownURLs
	case c.Timeout < 0:
		return fmt.Errorf("tls timeout value can not be negative, but is %v", c.Timeout)
	case c.RateLimit < 0:
		return fmt.Errorf("connection_rate_limit value can not be negative, but is %d", c.RateLimit)
	}
	return nil
}

var errKnownURLs = errors.New("verify_cert_and_check_known_urls not supported in this context: only the tls of cluster and gateway can have it")

// pairs returns all certificates of a configuration that has been checked.
func (c *Config) pairs() []Pair {
	if c.CertFile != "" {
		return []Pair{{c.CertFile, c.KeyFile}}
	}
	return c.Certificates
}

func (c *Config) checkPairs() error {
	single := Pair{c.CertFile, c.KeyFile}
	switch {
	case single != Pair{} && len(c.Certificates) > 0:
		return errors.New("error parsing tls config, cannot combine 'cert_file' option with 'certs' option")
	case single != Pair{}:
		return single.check()
	case len(c.Certificates) == 0 && c.Role != Dials:
		return errors.New("tls config has no certificate, and every handshake would fail: add 'cert_file' and 'key_file'")
	}
	for _, p := range c.Certificates {
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}

func (p Pair) check() error {
	switch {
	case p == Pair{}:
		return errors.New("missing 'cert_file' in TLS configuration")
	case p.CertFile == "":
		return fmt.Errorf("missing 'cert_file' in TLS configuration, for the key_file %q", p.KeyFile)
	case p.KeyFile == "":
		return fmt.Errorf("missing 'key_file' in TLS configuration, for the cert_file %q", p.CertFile)
	}
	return nil
}

func (c *Config) checkCiphers() error {
	var insecure []string
	for _, name := range c.CipherSuites {
		suite, err := cipher(name)
		if err != nil {
			return err
		}
		if suite.Insecure {
			insecure = append(insecure, name)
		}
	}
	if len(insecure) > 0 && !c.AllowInsecure {
		return fmt.Errorf("insecure cipher suites configured without 'allow_insecure_cipher_suites' option set: %s", strings.Join(insecure, ", "))
	}
	return nil
}
