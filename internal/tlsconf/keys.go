package tlsconf

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
)

// Block returns the value of a key whose block is c: its keys, and Check of what
// they amount to.
func (c *Config) Block() keys.Value {
	return keys.StrictBlock(c.Keys()).Then(func(r *keys.Report, at conf.Pos) {
		if err := c.Check(); err != nil {
			r.Errorf(at, "%v", err)
		}
	})
}

// Keys returns the table of the keys of a tls block, bound to c (spec:
// configuration.md 10.7). What the table finds wrong is not in c afterwards.
func (c *Config) Keys() keys.Table {
	t := append(c.fileKeys(), c.peerKeys()...)
	t = append(t, c.handshakeKeys()...)
	return append(t, keys.Unsupported("ocsp_peer", "cert_store", "cert_match_by", "cert_match",
		"ca_certs_match", "cert_match_skip_invalid")...)
}

func (c *Config) fileKeys() keys.Table {
	return keys.Table{
		{Name: "cert_file", Value: keys.String(&c.CertFile), Change: keys.NewClients,
			Doc: "PEM file with the certificate and its chain. A changed file is used for new connections, without a reload."},
		{Name: "key_file", Value: keys.String(&c.KeyFile), Change: keys.NewClients,
			Doc: "PEM file with its private key, not encrypted. A changed file is used, too."},
		{Name: "certs", Aliases: []string{"certificates"}, Value: c.certificates(), Since: "2.10.8", Change: keys.NewClients,
			Doc: "Several certificates instead of one, from which the name that the client asks for chooses; else the first is used."},
		{Name: "ca_file", Value: keys.String(&c.CAFile), Change: keys.NewClients,
			Doc: "PEM file with the authorities that sign the certificates of peers, instead of those of the system. A changed file is used, too."},
	}
}

func (c *Config) peerKeys() keys.Table {
	return keys.Table{
		{Name: "verify", Value: keys.Bool(&c.Verify), Default: "false", Change: keys.NewClients,
			Doc: "Demand a certificate of whoever connects."},
		{Name: "verify_and_map", Value: keys.Bool(&c.VerifyAndMap), Default: "false",
			Change: keys.Restart, Why: "those who are connected were let in by another rule",
			Doc: "As `verify`, and the user is the one that the certificate names."},
		{Name: "verify_cert_and_check_known_urls", Value: c.knownURLs(), Default: "false", Since: "2.2.0", Change: keys.NewClients,
			Doc: "As `verify`, and the certificate must be for the host of a configured URL; for clusters and gateways only."},
		{Name: "pinned_certs", Value: each(&c.PinnedCerts, checkPin), Since: "2.2.5",
			Doc: "Public keys that peers may have, as SHA-256 in 64 hexadecimal digits. Peers with others are closed."},
		{Name: "insecure", Value: keys.Bool(&c.Insecure).Then(c.useless("insecure", func() bool { return c.Insecure && c.Role == Accepts },
			"it is about dialing, and here others dial; 'verify' says whether they need a certificate")), Default: "false", Change: keys.NewClients,
			Doc: "Dial remotes without verifying who they are."},
	}
}

func (c *Config) handshakeKeys() keys.Table {
	return keys.Table{
		{Name: "timeout", Value: keys.Seconds(&c.Timeout), Default: `"2s"`, Change: keys.NewClients,
			Doc: "Time for the handshake."},
		{Name: "min_version", Value: c.minVersion(), Default: `"1.2"`, Since: "2.10.21", Change: keys.NewClients,
			Doc: "Oldest version of TLS to accept."},
		{Name: "cipher_suites", Value: each(&c.CipherSuites, checkCipher).Then(notEmpty("cipher_suites", &c.CipherSuites)),
			Change: keys.NewClients,
			Doc:    "Cipher suites for TLS 1.2, instead of the secure ones; `--help_tls` lists the names."},
		{Name: "allow_insecure_cipher_suites", Value: keys.Bool(&c.AllowInsecure), Default: "false", Since: "2.12.0", Change: keys.NewClients,
			Doc: "Let `cipher_suites` contain insecure ones."},
		{Name: "curve_preferences", Value: each(&c.CurvePreferences, checkCurve).Then(notEmpty("curve_preferences", &c.CurvePreferences)),
			Change: keys.NewClients,
			Doc:    "Curves for the key exchange, instead of all; `--help_tls` lists the names."},
		{Name: "handshake_first", Aliases: []string{"first", "immediate"}, Value: c.handshakeFirst().Then(c.useless("handshake_first", func() bool { return c.HandshakeFirst && c.Role == Both },
			"clusters and gateways always begin with INFO")), Default: "false", Since: "2.10.0",
			Change: keys.NewClients,
			Doc:    "Begin with the handshake instead of INFO. With a duration, or `auto` for 50ms, clients that stay silent so long get INFO first."},
		{Name: "connection_rate_limit", Value: keys.Int(&c.RateLimit, 0, math.MaxInt32).Then(c.useless("connection_rate_limit", func() bool { return c.RateLimit > 0 && c.Role != Accepts },
			"it limits the connections of clients")), Default: "0", Since: "2.7.0", Change: keys.NewClients,
			Doc: "TLS connections of clients per second; 0 is no limit."},
	}
}

func (c *Config) certificates() keys.Value {
	show := func() string { return fmt.Sprintf("%q", c.Certificates) }
	return keys.List(new(Pair).keys(), show, func(r *keys.Report, key string, v *conf.Value) {
		c.Certificates = nil
		if v.Kind != conf.Array {
			r.Errorf(v.Pos, "%s expects an array of maps with cert_file and key_file, but the value is %s", key, v.Kind)
			return
		}
		for _, e := range v.List {
			if e.Kind != conf.Map {
				r.Errorf(e.Pos, "%s expects maps with cert_file and key_file, but one is %s", key, e.Kind)
				continue
			}
			var p Pair
			r.Block(key, p.keys(), e)
			c.Certificates = append(c.Certificates, p)
		}
	})
}

func (p *Pair) keys() keys.Table {
	return keys.Table{
		{Name: "cert_file", Value: keys.String(&p.CertFile), Doc: "PEM file with the certificate and its chain."},
		{Name: "key_file", Value: keys.String(&p.KeyFile), Doc: "PEM file with its private key."},
	}
}

// useless warns of a key that says something, but does nothing where the block is.
func (c *Config) useless(key string, says func() bool, why string) func(*keys.Report, conf.Pos) {
	return func(r *keys.Report, at conf.Pos) {
		if says() {
			r.Warnf(at, key, "%s has no effect here: %s", key, why)
		}
	}
}

func (c *Config) knownURLs() keys.Value {
	return keys.Bool(&c.KnownURLs).Then(func(r *keys.Report, at conf.Pos) {
		if c.KnownURLs && c.Role != Both {
			r.Errorf(at, "%v", errKnownURLs)
			c.KnownURLs = false
		}
	})
}

func (c *Config) minVersion() keys.Value {
	show := func() string { return strconv.Quote(c.MinVersion) }
	return keys.Custom(`"1.2" or "1.3"`, show, func(r *keys.Report, key string, v *conf.Value) {
		if v.Kind != conf.String {
			r.Errorf(v.Pos, "error parsing tls config: '%s' wrong type: %s%s", key, text(v), inQuotes(v))
		} else if _, err := version(v.Str); err != nil {
			r.Errorf(v.Pos, "%v", err)
		} else {
			c.MinVersion = v.Str
		}
	})
}

func (c *Config) handshakeFirst() keys.Value {
	show := func() string {
		if c.HandshakeFirst && c.HandshakeWait > 0 {
			return c.HandshakeWait.String()
		}
		return strconv.FormatBool(c.HandshakeFirst)
	}
	return keys.Custom("boolean, \"auto\" or duration", show, func(r *keys.Report, key string, v *conf.Value) {
		first, wait, err := handshakeFirst(v)
		if err != nil {
			r.Errorf(v.Pos, "field %q's value %q is invalid: %v", key, text(v), err)
			return
		}
		c.HandshakeFirst, c.HandshakeWait = first, wait
	})
}

func handshakeFirst(v *conf.Value) (first bool, wait time.Duration, err error) {
	const usage = `write true, false, auto or a duration such as "300ms"`
	if v.Kind == conf.Bool {
		return v.Bool, 0, nil
	}
	switch strings.ToLower(v.Str) {
	case "true", "on":
		return true, 0, nil
	case "false", "off":
		return false, 0, nil
	case "auto", "auto_fallback":
		return true, AutoWait, nil
	}
	wait, err = time.ParseDuration(v.Str)
	if v.Kind != conf.String || err != nil || wait <= 0 {
		return false, 0, errors.New(usage)
	}
	return true, wait, nil
}

// each is a list of texts that have to pass a check, one by one.
func each(p *[]string, check func(string) error) keys.Value {
	return keys.Strings(p).Then(func(r *keys.Report, at conf.Pos) {
		*p = slices.DeleteFunc(*p, func(s string) bool {
			err := check(s)
			if err != nil {
				r.Errorf(at, "%v", err)
			}
			return err != nil
		})
	})
}

// notEmpty refuses a list without elements.
func notEmpty(key string, p *[]string) func(*keys.Report, conf.Pos) {
	return func(r *keys.Report, at conf.Pos) {
		if len(*p) == 0 {
			r.Errorf(at, "error parsing tls config, '%s' cannot be empty", key)
		}
	}
}

func checkCipher(s string) error { _, err := cipher(s); return err }
func checkCurve(s string) error  { _, err := curve(s); return err }
func checkPin(s string) error    { _, err := pin(s); return err }

// text is a value as messages quote it.
func text(v *conf.Value) string {
	switch v.Kind {
	case conf.String:
		return v.Str
	case conf.Array, conf.Map:
		return v.Kind.String()
	}
	return v.Raw
}

// inQuotes says how to write a number that was meant as a text.
func inQuotes(v *conf.Value) string {
	if v.Kind == conf.Float {
		return fmt.Sprintf(": put it in quotes, \"%s\"", v.Raw)
	}
	return ""
}
