package tlsconf

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// parse makes a certificate of the contents of the two files.
func (p Pair) parse(contents [][]byte) (*tls.Certificate, error) {
	if _, err := blocks(p.CertFile, contents[0]); err != nil {
		return nil, err
	}
	key, err := blocks(p.KeyFile, contents[1])
	if err != nil {
		return nil, err
	}
	if isEncrypted(key) {
		return nil, fmt.Errorf("the private key in %s is encrypted, and there is nobody to ask for the passphrase; use the output of: openssl pkey -in %[1]s", p.KeyFile)
	}
	cert, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return nil, fmt.Errorf("%w (cert_file %s, key_file %s)", err, p.CertFile, p.KeyFile)
	}
	return &cert, nil
}

// isEncrypted reports whether the first key needs a passphrase.
func isEncrypted(all []*pem.Block) bool {
	for _, b := range all {
		if strings.HasSuffix(b.Type, "PRIVATE KEY") {
			return b.Type == "ENCRYPTED PRIVATE KEY" || b.Headers["DEK-Info"] != ""
		}
	}
	return false
}

// parseCA makes the function that makes a pool of the contents of a file. What is
// in there besides good certificates is left out; systems ship such files.
func (s *Server) parseCA(file string) func(contents [][]byte) (*x509.CertPool, error) {
	return func(contents [][]byte) (*x509.CertPool, error) {
		pool, leftOut, err := authorities(file, contents[0])
		if err != nil {
			return nil, fmt.Errorf("failed to parse root ca certificate: %w", err)
		}
		for _, problem := range leftOut {
			s.log.Warnf("Certificate authorities of %s: %s", file, problem)
		}
		return pool, nil
	}
}

func authorities(file string, data []byte) (pool *x509.CertPool, leftOut []string, err error) {
	all, err := blocks(file, data)
	if err != nil {
		return nil, nil, err
	}
	pool = x509.NewCertPool()
	good := 0
	for i, b := range all {
		if b.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			leftOut = append(leftOut, fmt.Sprintf("block %d is left out: %v", i+1, err))
			continue
		}
		pool.AddCert(cert)
		good++
	}
	switch {
	case good == 0 && len(leftOut) > 0:
		return nil, nil, errors.New(file + ": " + leftOut[0])
	case good == 0:
		return nil, nil, fmt.Errorf("%s has no certificate, but %s", file, all[0].Type)
	}
	return pool, leftOut, nil
}

// blocks returns the PEM blocks of a file, of which there is at least one. A block
// without an end is an error: the file is still being written, or was copied in part.
func blocks(file string, data []byte) ([]*pem.Block, error) {
	var all []*pem.Block
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		all = append(all, block)
	}
	begin := []byte("-----BEGIN ")
	begun := bytes.Count(data, append([]byte("\n"), begin...))
	if bytes.HasPrefix(data, begin) {
		begun++
	}
	switch {
	case len(data) == 0:
		return nil, errors.New(file + " is empty")
	case begun > len(all):
		return nil, errors.New(file + " is incomplete: a PEM block in it is broken or has no end")
	case len(all) == 0:
		return nil, errors.New(file + " is not PEM, which is text with lines like -----BEGIN CERTIFICATE-----; openssl can convert it")
	}
	return all, nil
}
