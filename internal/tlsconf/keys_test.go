package tlsconf_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
	"nats-server/internal/tlsconf"
)

// decode reads the inside of a tls block.
func decode(t testing.TB, c *tlsconf.Config, text string) *keys.Report {
	t.Helper()
	f, err := conf.Parse([]byte("\n tls {"+text+"}"), "f")
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return keys.Decode(keys.Table{{Name: "tls", Value: c.Block()}}, f.Root)
}

// withPair is c with a certificate, which listeners cannot do without.
func withPair(c tlsconf.Config) tlsconf.Config {
	c.CertFile, c.KeyFile = "c", "k"
	return c
}

const pair = "cert_file: c, key_file: k\n "

// good checks that a text sets exactly the fields given, without a complaint.
func good(t *testing.T, text string, want tlsconf.Config) {
	t.Helper()
	got := tlsconf.Config{Role: want.Role}
	r := decode(t, &got, text)
	if err := r.Err(); err != nil || len(r.Warnings()) > 0 {
		t.Errorf("%s: %v %q", text, err, r.Warnings())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -want +got\n%s", text, diff)
	}
}

// bad checks the problems of a text behind a pair.
func bad(t *testing.T, text string, want ...string) {
	t.Helper()
	badAlone(t, tlsconf.Accepts, pair+text, want...)
}

func badAlone(t *testing.T, role tlsconf.Role, text string, want ...string) {
	t.Helper()
	got := ""
	if err := decode(t, &tlsconf.Config{Role: role}, text).Err(); err != nil {
		got = err.Error()
	}
	if diff := cmp.Diff(strings.Join(want, "\n")+"\n", got); diff != "" {
		t.Errorf("%s: -want +got\n%s", text, diff)
	}
}

func TestFilesFromKeys(t *testing.T) {
	good(t, `cert_file: "c", key_file: 'k', ca_file: /x/ca.pem`, tlsconf.Config{CertFile: "c", KeyFile: "k", CAFile: "/x/ca.pem"})
	two := []tlsconf.Pair{{CertFile: "a", KeyFile: "b"}, {CertFile: "c", KeyFile: "d"}}
	good(t, "certs: [{cert_file: a, key_file: b}, {Cert_File: c, KEY_FILE: d}]", tlsconf.Config{Certificates: two})
	good(t, "certificates: [{cert_file: a, key_file: b}, {cert_file: c, key_file: d}]", tlsconf.Config{Certificates: two})
	good(t, "ca_file: ca", tlsconf.Config{Role: tlsconf.Dials, CAFile: "ca"})
	good(t, "", tlsconf.Config{Role: tlsconf.Dials})

	bad(t, "ca_file: 5", "f:3:2: ca_file expects a string, but 5 is an integer: put it in quotes, \"5\"")
	badAlone(t, tlsconf.Accepts, "cert_file: c, key_file: 7", "f:2:21: key_file expects a string, but 7 is an integer: put it in quotes, \"7\"",
		`f:2:2: missing 'key_file' in TLS configuration, for the cert_file "c"`)
	badAlone(t, tlsconf.Accepts, "cert_file: c", `f:2:2: missing 'key_file' in TLS configuration, for the cert_file "c"`)
	badAlone(t, tlsconf.Dials, "key_file: k", `f:2:2: missing 'cert_file' in TLS configuration, for the key_file "k"`)

	const none = "f:2:2: tls config has no certificate, and every handshake would fail: add 'cert_file' and 'key_file'"
	badAlone(t, tlsconf.Accepts, "", none)
	badAlone(t, tlsconf.Both, "verify: true", none)
	badAlone(t, tlsconf.Accepts, "certs: []", none)

	badAlone(t, tlsconf.Accepts, "certs: a", "f:2:7: certs expects an array of maps with cert_file and key_file, but the value is a string", none)
	badAlone(t, tlsconf.Accepts, "certificates: [{cert_file: a, key_file: b},\n 7]", "f:3:2: certificates expects maps with cert_file and key_file, but one is an integer")
	badAlone(t, tlsconf.Accepts, "certs: [{cert_file: a, key_file: b, ca_file: c}]", `f:2:43: unknown field "ca_file": that key belongs in "tls"`)
	badAlone(t, tlsconf.Accepts, "certs: [{cert_file: a, key_file: b}, {cert_file: c}]", `f:2:2: missing 'key_file' in TLS configuration, for the cert_file "c"`)
	badAlone(t, tlsconf.Accepts, "certs: [{}]", "f:2:2: missing 'cert_file' in TLS configuration")
	const both = "f:2:2: error parsing tls config, cannot combine 'cert_file' option with 'certs' option"
	bad(t, "certs: [{cert_file: a, key_file: b}]", both)
	badAlone(t, tlsconf.Accepts, "key_file: k, certs: [{cert_file: a, key_file: b}]", both)
}

func TestPeersFromKeys(t *testing.T) {
	good(t, pair+"verify: true", withPair(tlsconf.Config{Verify: true}))
	good(t, pair+"verify: off, verify_and_map: yes", withPair(tlsconf.Config{VerifyAndMap: true}))
	good(t, pair+"insecure: true", withPair(tlsconf.Config{Role: tlsconf.Both, Insecure: true}))
	good(t, pair+"verify_cert_and_check_known_urls: true", withPair(tlsconf.Config{Role: tlsconf.Both, KnownURLs: true}))
	good(t, pair+"verify_cert_and_check_known_urls: false", withPair(tlsconf.Config{}))
	bad(t, `verify: "yes"`, `f:3:2: verify expects a boolean, but "yes" is a string: leave out the quotes`)
	bad(t, "verify_and_map: 1", "f:3:2: verify_and_map expects a boolean, but 1 is an integer")
	bad(t, "insecure: {}", "f:3:2: insecure expects a boolean, but the value is a map")
	const context = "f:3:2: verify_cert_and_check_known_urls not supported in this context: only the tls of cluster and gateway can have it"
	bad(t, "verify_cert_and_check_known_urls: true", context)

	lower, upper := strings.Repeat("0123456789abcdef", 4), strings.Repeat("0123456789ABCDEF", 4)
	good(t, pair+"pinned_certs: ["+lower+", "+upper+"]", withPair(tlsconf.Config{PinnedCerts: []string{lower, upper}}))
	good(t, pair+"pinned_certs: "+lower, withPair(tlsconf.Config{PinnedCerts: []string{lower}}))
	good(t, pair+"pinned_certs: []", withPair(tlsconf.Config{}))
	const usage = ": expected 64 hexadecimal digits, the SHA-256 of the public key of a certificate in DER"
	bad(t, "pinned_certs: [x, "+lower+", "+lower[1:]+"]", `f:3:2: pinned_certs has "x"`+usage, `f:3:2: pinned_certs has "`+lower[1:]+`"`+usage)
	bad(t, `pinned_certs: ["`+lower+`00"]`, `f:3:2: pinned_certs has "`+lower+`00"`+usage)
	bad(t, `pinned_certs: [""]`, `f:3:2: pinned_certs has ""`+usage)
	bad(t, "pinned_certs: [5]", "f:3:17: error parsing pinned_certs: unsupported type in array int64: put it in quotes, \"5\"")
}

func TestHandshakeFromKeys(t *testing.T) {
	good(t, pair+"timeout: 5", withPair(tlsconf.Config{Timeout: 5 * time.Second}))
	good(t, pair+"timeout: 0.5", withPair(tlsconf.Config{Timeout: 500 * time.Millisecond}))
	good(t, pair+`timeout: "3m"`, withPair(tlsconf.Config{Timeout: 3 * time.Minute}))
	bad(t, "timeout: []", "f:3:2: error parsing tls config, 'timeout' wrong type: expected seconds or a duration such as \"2s\", but the value is an array")
	bad(t, "timeout: -1", "f:3:2: timeout value can not be negative, but is -1")

	good(t, pair+`min_version: "1.2"`, withPair(tlsconf.Config{MinVersion: "1.2"}))
	good(t, pair+`min_version: "1.3"`, withPair(tlsconf.Config{MinVersion: "1.3"}))
	const versions = `, it must be "1.2" or "1.3"`
	bad(t, `min_version: "1.1"`, "f:3:2: error parsing tls config: unsupported TLS version: TLS 1.1"+versions)
	bad(t, `min_version: "1.0"`, "f:3:2: error parsing tls config: unsupported TLS version: TLS 1.0"+versions)
	bad(t, "min_version: foo", "f:3:2: error parsing tls config: unknown version: foo"+versions)
	bad(t, "min_version: 1.3", "f:3:2: error parsing tls config: 'min_version' wrong type: 1.3: put it in quotes, \"1.3\"")
	bad(t, "min_version: [1.3]", "f:3:2: error parsing tls config: 'min_version' wrong type: an array")

	good(t, pair+"connection_rate_limit: 100", withPair(tlsconf.Config{RateLimit: 100}))
	good(t, pair+"connection_rate_limit: 0", withPair(tlsconf.Config{}))
	bad(t, "connection_rate_limit: -1", "f:3:2: connection_rate_limit value can not be negative, but is -1")
	bad(t, `connection_rate_limit: "1"`, `f:3:2: connection_rate_limit expects an integer, but "1" is a string: leave out the quotes`)
}

func TestHandshakeFirstFromKeys(t *testing.T) {
	first := withPair(tlsconf.Config{HandshakeFirst: true})
	good(t, pair+"handshake_first: true", first)
	good(t, pair+"first: on", first)
	good(t, pair+`immediate: "On"`, first)
	good(t, pair+"handshake_first: false", withPair(tlsconf.Config{}))
	good(t, pair+`handshake_first: "off"`, withPair(tlsconf.Config{}))
	first.HandshakeWait = 50 * time.Millisecond
	good(t, pair+"handshake_first: auto", first)
	good(t, pair+`handshake_first: "AUTO_FALLBACK"`, first)
	first.HandshakeWait = 300 * time.Millisecond
	good(t, pair+`handshake_first: "300ms"`, first)

	const usage = ` is invalid: write true, false, auto or a duration such as "300ms"`
	bad(t, "handshake_first: foo", `f:3:2: field "handshake_first"'s value "foo"`+usage)
	bad(t, "First: 5", `f:3:2: field "first"'s value "5"`+usage)
	bad(t, `handshake_first: "-1s"`, `f:3:2: field "handshake_first"'s value "-1s"`+usage)
	bad(t, `handshake_first: "0s"`, `f:3:2: field "handshake_first"'s value "0s"`+usage)
	bad(t, "immediate: {}", `f:3:2: field "immediate"'s value "a map"`+usage)
}

func TestAlgorithmsFromKeys(t *testing.T) {
	const modern, old = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"
	const rc4, des = "TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"
	good(t, pair+"cipher_suites: ["+modern+"]", withPair(tlsconf.Config{CipherSuites: []string{modern}}))
	good(t, pair+"cipher_suites: ["+old+"]", withPair(tlsconf.Config{CipherSuites: []string{old}}))
	good(t, pair+"cipher_suites: ["+rc4+"], allow_insecure_cipher_suites: true", withPair(tlsconf.Config{CipherSuites: []string{rc4}, AllowInsecure: true}))
	bad(t, "cipher_suites: [foo, "+modern+", bar]", "f:3:2: unrecognized cipher foo", "f:3:2: unrecognized cipher bar")
	bad(t, "cipher_suites: []", "f:3:2: error parsing tls config, 'cipher_suites' cannot be empty")
	bad(t, "cipher_suites: {}", "f:3:2: error parsing cipher_suites: unsupported type map[string]interface {}")
	bad(t, "cipher_suites: ["+rc4+", "+modern+", "+des+"]",
		"f:2:2: insecure cipher suites configured without 'allow_insecure_cipher_suites' option set: "+rc4+", "+des)
	bad(t, "allow_insecure_cipher_suites: 5", "f:3:2: allow_insecure_cipher_suites expects a boolean, but 5 is an integer")

	all := []string{"X25519MLKEM768", "X25519", "CurveP256", "CurveP384", "CurveP521"}
	good(t, pair+"curve_preferences: ["+strings.Join(all, ", ")+"]", withPair(tlsconf.Config{CurvePreferences: all}))
	bad(t, "curve_preferences: [X25519, foo]", "f:3:2: unrecognized curve preference foo")
	bad(t, "curve_preferences: []", "f:3:2: error parsing tls config, 'curve_preferences' cannot be empty")
}

func TestKeysWithoutFeature(t *testing.T) {
	for _, key := range []string{"ocsp_peer", "cert_store", "cert_match_by", "cert_match", "ca_certs_match", "cert_match_skip_invalid"} {
		bad(t, key+": x", `f:3:2: "`+key+`" is not supported by this version`)
	}
	good(t, pair+"ocsp_peer: false, cert_match_skip_invalid: false", withPair(tlsconf.Config{}))
}

func TestOtherKeys(t *testing.T) {
	bad(t, "foo: 1", `f:3:2: error parsing tls config, unknown field "foo"`)
	bad(t, "verfy: true", `f:3:2: error parsing tls config, unknown field "verfy", did you mean "verify"?`)
	bad(t, "timeout: 1, timeot: 2", `f:3:14: error parsing tls config, unknown field "timeot", did you mean "timeout"?`)
	bad(t, "foo: 1, timeout: $foo", `f:3:2: error parsing tls config, unknown field "foo"`) // no variables here
}

func TestWarning(t *testing.T) {
	var c tlsconf.Config
	r := decode(t, &c, pair+"timeout: 2m")
	want := []string{`f:3:2: invalid use of field "timeout": timeout of 2m (2000000.000000 seconds) is high, consider keeping it under 60 seconds. possibly caused by unquoted duration; use '1m' instead of 1m, for example`}
	if diff := cmp.Diff(want, r.Warnings()); diff != "" || r.Err() != nil {
		t.Errorf("%v %s", r.Err(), diff)
	}
}

// A key that does nothing where it is does not pass in silence.
func TestUselessKeys(t *testing.T) {
	f := func(role tlsconf.Role, text, want string) {
		t.Helper()
		r := decode(t, &tlsconf.Config{Role: role}, pair+text)
		if got := strings.Join(r.Warnings(), "\n"); !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: warned %q, want %q", text, got, want)
		}
		if err := r.Err(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	says := func(key string) string {
		return `f:3:2: invalid use of field "` + key + `": ` + key + " has no effect here: "
	}
	f(tlsconf.Accepts, "insecure: true", says("insecure"))
	f(tlsconf.Accepts, "insecure: false", "")
	f(tlsconf.Dials, "insecure: true", "")
	f(tlsconf.Both, "first: auto", says("handshake_first"))
	f(tlsconf.Both, "first: off", "")
	f(tlsconf.Dials, "first: auto", "")
	f(tlsconf.Both, "connection_rate_limit: 1", says("connection_rate_limit"))
	f(tlsconf.Dials, "connection_rate_limit: 1", says("connection_rate_limit"))
	f(tlsconf.Both, "connection_rate_limit: 0", "")
}

// A reload compares what tables show.
func TestChanges(t *testing.T) {
	f := func(old, next, name, before, after string, change keys.Change) {
		t.Helper()
		settings := func(text string) []keys.Setting {
			c := tlsconf.Config{Role: tlsconf.Both}
			if err := decode(t, &c, pair+text).Err(); err != nil {
				t.Fatal(err)
			}
			return keys.Table{{Name: "tls", Value: c.Block()}}.Settings(nil)
		}
		got := keys.Compare(settings(old), settings(next))
		if len(got) != 1 || got[0].Name != name || got[0].Old != before || got[0].New != after || got[0].Change != change {
			t.Errorf("%q to %q: %+v", old, next, got)
		}
		if same := keys.Compare(settings(next), settings(next)); len(same) > 0 {
			t.Errorf("%q has changed into itself: %+v", next, same)
		}
	}
	pin := strings.Repeat("ab", 32)
	f("", "ca_file: x", "tls ca_file", `""`, `"x"`, keys.NewClients)
	f("", "verify: true", "tls verify", "false", "true", keys.NewClients)
	f("", "verify_and_map: true", "tls verify_and_map", "false", "true", keys.Restart)
	f("", "verify_cert_and_check_known_urls: true", "tls verify_cert_and_check_known_urls", "false", "true", keys.NewClients)
	f("", "insecure: true", "tls insecure", "false", "true", keys.NewClients)
	f("", "pinned_certs: "+pin, "tls pinned_certs", "[]", `["`+pin+`"]`, keys.Live)
	f("", "timeout: 3", "tls timeout", "0s", "3s", keys.NewClients)
	f("", `min_version: "1.3"`, "tls min_version", `""`, `"1.3"`, keys.NewClients)
	f("", "handshake_first: true", "tls handshake_first", "false", "true", keys.NewClients)
	f("first: auto", "first: on", "tls handshake_first", "50ms", "true", keys.NewClients)
	f("", "connection_rate_limit: 3", "tls connection_rate_limit", "0", "3", keys.NewClients)
	f("", "curve_preferences: X25519", "tls curve_preferences", "[]", `["X25519"]`, keys.NewClients)
	f("", "cipher_suites: TLS_AES_128_GCM_SHA256", "tls cipher_suites", "[]", `["TLS_AES_128_GCM_SHA256"]`, keys.NewClients)
	f("", "cert_file: d", "tls cert_file", `"c"`, `"d"`, keys.NewClients)
}
