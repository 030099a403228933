package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// tlsSize is the payload of the TLS scenario.
const tlsSize = 1 << 10

// runTLS measures 1→1 with both sides over TLS. The load generator has to decrypt, so
// that it and the server compete for the processors more than elsewhere.
func runTLS(e *env) (measurement, error) {
	cert, key, err := makeCertificate(e.dir)
	if err != nil {
		return measurement{}, err
	}
	p, err := e.startServer("--tls", "--tlscert", cert, "--tlskey", key)
	if err != nil {
		return measurement{}, err
	}
	sub, err := dialTLS(p.port, true)
	if err != nil {
		return measurement{}, err
	}
	defer sub.Close()
	pub, err := dialTLS(p.port, true)
	if err != nil {
		return measurement{}, err
	}
	defer pub.Close()
	hello := string(connectLine(sockOptions{}))
	if err := ask(sub, hello+"SUB "+hotSubject+" "+hotSid+"\r\n"+pingLine, 2); err != nil {
		return measurement{}, err
	}
	if err := ask(pub, hello+pingLine, 2); err != nil {
		return measurement{}, err
	}
	return e.measureStream(pub, sub, uniformChunk(hotSubject, hotSid, tlsSize, 1, blockSize))
}

// limitTLS measures the relay with the same bytes over TLS.
func limitTLS(e *env) (measurement, error) {
	cert, key, err := makeCertificate(e.dir)
	if err != nil {
		return measurement{}, err
	}
	p, err := e.startRelay("tls", cert, key)
	if err != nil {
		return measurement{}, err
	}
	out, err := dialTLS(p.port, false)
	if err != nil {
		return measurement{}, err
	}
	defer out.Close()
	in, err := dialTLS(p.port, false)
	if err != nil {
		return measurement{}, err
	}
	defer in.Close()
	return e.measureStream(in, out, deliveredChunk(hotSubject, hotSid, tlsSize, 1, blockSize))
}

// relayTLS accepts the output first, then the input.
func relayTLS(l net.Listener, cert, key string) error {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return err
	}
	l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}})
	out, err := l.Accept()
	if err != nil {
		return err
	}
	if err := out.(*tls.Conn).Handshake(); err != nil { // the input waits for that
		return err
	}
	in, err := l.Accept()
	if err != nil {
		return err
	}
	return relayCopy(in, []net.Conn{out})
}

// makeCertificate makes the files of a server's certificate for this run.
func makeCertificate(dir string) (cert, key string, err error) {
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		return "", "", err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		return "", "", err
	}
	if err := os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return "", "", err
	}
	return cert, key, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600)
}

// dialTLS connects and shakes hands; greeted tells whether INFO comes before.
func dialTLS(port int, greeted bool) (*tls.Conn, error) {
	nc, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", port), socketTimeout)
	if err != nil {
		return nil, err
	}
	nc.SetDeadline(time.Now().Add(maxScenario))
	if greeted {
		info := make([]byte, 4096) // all of it, since the server waits for the client after it
		if n, err := nc.Read(info); err != nil || !strings.HasSuffix(string(info[:n]), "\r\n") {
			nc.Close()
			return nil, fmt.Errorf("the server greets with %.200q, %w", info[:n], err)
		}
	}
	over := tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	if err := over.Handshake(); err != nil {
		nc.Close()
		return nil, err
	}
	return over, nil
}

// ask sends text and waits for as many PONGs.
func ask(nc net.Conn, text string, pongs int) error {
	if _, err := io.WriteString(nc, text); err != nil {
		return err
	}
	got, b := "", make([]byte, 4096)
	for strings.Count(got, "PONG\r\n") < pongs {
		n, err := nc.Read(b)
		if err != nil {
			return err
		}
		if got += string(b[:n]); strings.Contains(got, "-ERR") {
			return fmt.Errorf("the server sent %.200q", got)
		}
	}
	return nil
}

// measureStream warms up, then measures one publisher and one receiver.
func (e *env) measureStream(pub io.Writer, sub io.Reader, c chunk) (measurement, error) {
	var sent, received, deliveries atomic.Int64
	var stop atomic.Bool
	e.spawn(func() error {
		b := make([]byte, relayBlock)
		for {
			n, err := sub.Read(b)
			received.Add(int64(n))
			if stop.Load() {
				return nil
			}
			if err != nil {
				return fmt.Errorf("subscriber: %w", err)
			}
		}
	})
	defer stop.Store(true) // what ends the receiver is that its connection is closed
	pump := func(length time.Duration) error {
		for deadline := time.Now().Add(length); time.Now().Before(deadline) && !e.failed.Load(); {
			sent.Add(c.bytes)
			for sent.Load()-received.Load() > window && !e.failed.Load() {
				nap(100 * time.Microsecond)
			}
			if _, err := pub.Write(c.data); err != nil {
				return fmt.Errorf("publisher: %w", err)
			}
			deliveries.Add(c.deliveries)
		}
		return e.waitUntil(func() bool { return received.Load() >= sent.Load() })
	}
	if err := pump(e.length / 6); err != nil {
		return measurement{}, err
	}
	before, err := e.quietCPU()
	if err != nil {
		return measurement{}, err
	}
	already, start := deliveries.Load(), time.Now()
	if err := pump(e.length); err != nil {
		return measurement{}, err
	}
	wall := time.Since(start)
	after, err := e.quietCPU()
	if err != nil {
		return measurement{}, err
	}
	if received.Load() > sent.Load()+100*int64(len(pingLine)) {
		return measurement{}, errors.New("a receiver got more than expected")
	}
	n := float64(deliveries.Load() - already)
	return measurement{
		Figure: float64(after-before) / n,
		Wall:   float64(wall) / n,
		Rate:   n / wall.Seconds(),
		RSS:    e.peakMB(),
	}, e.firstError()
}
