package tlsconf_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"

	"nats-server/internal/tlsconf"
)

// problem is the error of a server that cannot start.
func problem(t *testing.T, c tlsconf.Config) string {
	t.Helper()
	s, err := tlsconf.NewServer(&c, new(recorder))
	if err == nil || s != nil {
		t.Fatalf("%+v is accepted", c)
	}
	return err.Error()
}

func TestProblemsOfPairs(t *testing.T) {
	ca := newAuthority(t, "CA")
	cert, key := ca.issue(t, "localhost")
	_, other := ca.issue(t, "other")
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("secret")})
	legacy := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("secret"),
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}})

	d := newFolder(t)
	f := func(cert, key []byte, want string) {
		t.Helper()
		c := d.pair(cert, key)
		want = "error parsing X509 certificate/key pair: " + strings.NewReplacer("$CERT", c.CertFile, "$KEY", c.KeyFile).Replace(want)
		if got := problem(t, c); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	const files = " (cert_file $CERT, key_file $KEY)"
	f(cert, other, "tls: private key does not match public key"+files)
	f(cert, cert, "tls: found a certificate rather than a key in the PEM for the private key"+files)
	f(key, cert, "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"+files)
	const passphrase = "the private key in $KEY is encrypted, and there is nobody to ask for the passphrase; use the output of: openssl pkey -in $KEY"
	f(cert, encrypted, passphrase)
	f(cert, legacy, passphrase)
	f(cert, append(bytes.Clone(cert), encrypted...), passphrase)

	f(nil, key, "$CERT is empty")
	f(cert, nil, "$KEY is empty")
	f(decodePEM(t, cert), key, "$CERT is not PEM, which is text with lines like -----BEGIN CERTIFICATE-----; openssl can convert it")
	f(cert, decodePEM(t, key), "$KEY is not PEM, which is text with lines like -----BEGIN CERTIFICATE-----; openssl can convert it")
	const incomplete = " is incomplete: a PEM block in it is broken or has no end"
	f(cert[:len(cert)/2], key, "$CERT"+incomplete)
	f(cert, key[:len(key)-5], "$KEY"+incomplete)
	f(append(bytes.Clone(cert), ca.pem[:len(ca.pem)/2]...), key, "$CERT"+incomplete)
	f(append(ca.pem[:len(ca.pem)/2:len(ca.pem)/2], cert...), key, "$CERT"+incomplete)
}

func TestProblemsOfAuthorities(t *testing.T) {
	ca := newAuthority(t, "CA")
	cert, key := ca.issue(t, "localhost")
	junk := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("junk")})
	d := newFolder(t)
	c := d.pair(cert, key)
	f := func(data []byte, want string) {
		t.Helper()
		c.CAFile = d.write("ca.pem", data)
		got := problem(t, c)
		if want = "failed to parse root ca certificate: " + c.CAFile + want; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f(nil, " is empty")
	f([]byte("hello"), " is not PEM, which is text with lines like -----BEGIN CERTIFICATE-----; openssl can convert it")
	f(ca.pem[:100], " is incomplete: a PEM block in it is broken or has no end")
	f(key, " has no certificate, but PRIVATE KEY")
	f(junk, ": block 1 is left out: x509: malformed certificate")

	// Other certificates than the first may be of any kind.
	c.CAFile = d.write("ca.pem", append(append([]byte("some text\n"), ca.pem...), junk...))
	log := new(recorder)
	if _, err := tlsconf.NewServer(&c, log); err != nil {
		t.Error(err)
	}
	if got, want := log.take(), "WRN Certificate authorities of "+c.CAFile+": block 2 is left out: x509: malformed certificate"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	ca := newAuthority(t, "CA")
	d := newFolder(t)
	good := d.pair(ca.issue(t, "localhost"))
	f := func(change func(*tlsconf.Config), want string) {
		t.Helper()
		c := good
		change(&c)
		if got := problem(t, c); !strings.HasPrefix(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	const prefix = "error parsing X509 certificate/key pair: "
	_, err = os.Open("nowhere.pem")
	missing := err.Error() + "; relative names start at the working directory, " + dir
	f(func(c *tlsconf.Config) { c.CertFile = "nowhere.pem" }, prefix+missing)
	f(func(c *tlsconf.Config) { c.KeyFile = "nowhere.pem" }, prefix+missing)
	f(func(c *tlsconf.Config) { c.CAFile = "nowhere.pem" }, missing)
	_, err = os.Open(d.file("x"))
	f(func(c *tlsconf.Config) { c.CAFile = d.file("x") }, err.Error())
	if runtime.GOOS != "windows" {
		f(func(c *tlsconf.Config) { c.CAFile = d.path }, "read "+d.path+": is a directory")
	}

	large, err := os.Create(d.file("large"))
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	if err := large.Truncate(16<<20 + 1); err != nil {
		t.Fatal(err)
	}
	f(func(c *tlsconf.Config) { c.CAFile = large.Name() }, "read "+large.Name()+": more than 16 MB, which is no certificate")
}

func TestFileOfAnotherUser(t *testing.T) {
	denied := fmt.Errorf("open x: %w", fs.ErrPermission)
	want := fmt.Sprintf("; the server runs as user %d, who has to be able to read it", os.Geteuid())
	if runtime.GOOS == "windows" {
		want = "; the user that the server runs as has to be able to read it"
	}
	if got := tlsconf.Advice("x", denied); got != want {
		t.Error(got)
	}
	if got := tlsconf.Advice("x", errors.New("other")); got != "" {
		t.Error(got)
	}
	if os.Geteuid() <= 0 {
		t.Skip("this user may read everything")
	}
	ca := newAuthority(t, "CA")
	c := newFolder(t).pair(ca.issue(t, "localhost"))
	if err := os.Chmod(c.KeyFile, 0); err != nil {
		t.Fatal(err)
	}
	if got := problem(t, c); got != "error parsing X509 certificate/key pair: open "+c.KeyFile+": permission denied"+want {
		t.Error(got)
	}
}

// Whatever is wrong with a key, no message shows anything of it.
func TestSecretsStaySecret(t *testing.T) {
	ca := newAuthority(t, "CA")
	cert, key := ca.issue(t, "localhost")
	lines := strings.Split(strings.TrimSpace(string(key)), "\n")
	d := newFolder(t)
	f := func(cert, key []byte) {
		t.Helper()
		got := problem(t, d.pair(cert, key))
		for _, secret := range lines[1 : len(lines)-1] {
			if strings.Contains(got, secret[:16]) {
				t.Errorf("%s shows %s", got, secret)
			}
		}
	}
	f(key, cert)
	f(key, key)
	text := string(key)
	for i := range len(text) - 1 {
		f(cert, []byte(text[:i]))
		f(cert, []byte(text[:i]+"!"+text[i+1:]))
	}
	f(cert, bytes.ReplaceAll(key, []byte("PRIVATE KEY"), []byte("ENCRYPTED PRIVATE KEY")))
	f(cert, bytes.ReplaceAll(key, []byte("PRIVATE KEY"), []byte("RSA PRIVATE KEY X")))
}
