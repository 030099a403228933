//go:build !race

package server_test

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// What a child of TestTLSBurst is told: where the server is, and who signs for it.
const (
	burstAddr = "NATS_TEST_BURST_ADDR"
	burstCA   = "NATS_TEST_BURST_CA"
)

const burst = 2000

// TestTLSBurstClients is what the child does: as many clients as a burst has come in
// at the same time. It writes how many have been let in, and keeps them until it ends.
func TestTLSBurstClients(t *testing.T) {
	addr := os.Getenv(burstAddr)
	if addr == "" {
		t.Skip("this is a part of TestTLSBurst")
	}
	text, err := os.ReadFile(os.Getenv(burstCA))
	noErr(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	cfg := &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", CurvePreferences: []tls.CurveID{tls.X25519}} // the cheapest for clients
	enter := func() error {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		t.Cleanup(func() { nc.Close() })
		noErr(t, nc.SetDeadline(time.Now().Add(2*time.Minute)))
		if _, err := readLine(nc); err != nil {
			return err
		}
		over := tls.Client(nc, cfg)
		if err := over.Handshake(); err != nil {
			return err
		}
		if _, err := over.Write([]byte("CONNECT {\"verbose\":false," + as("in") + "}\r\nPING\r\n")); err != nil {
			return err
		}
		if line, err := readLine(over); err != nil || line != "PONG\r\n" {
			return fmt.Errorf("got %q, %w", line, err)
		}
		return nil
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for range burst {
		all.Go(func() {
			err := enter()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				in++
			} else {
				fmt.Fprintln(os.Stderr, err)
			}
		})
	}
	all.Wait()
	fmt.Println(in)
}

// readLine reads a line after which nothing comes.
func readLine(nc net.Conn) (line string, err error) {
	b := make([]byte, 4096)
	for err == nil && !strings.HasSuffix(line, "\n") {
		var n int
		n, err = nc.Read(b)
		line += string(b[:n])
	}
	return line, err
}

// rsaServer is a server's identity with an RSA key, which makes a handshake five times
// as expensive as one with ECDSA.
func rsaServer(t *testing.T, ca *authority) (id identity) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	noErr(t, err)
	der, err := x509.CreateCertificate(rand.Reader, ca.server(t).leaf, ca.leaf, key.Public(), ca.pair.PrivateKey)
	noErr(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	noErr(t, err)
	id = identity{cert: filepath.Join(t.TempDir(), "cert.pem"), key: filepath.Join(t.TempDir(), "key.pem")}
	noErr(t, os.WriteFile(id.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	noErr(t, os.WriteFile(id.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return id
}

// However many shake hands at once, all are let in, though the last ones wait for much
// longer than a handshake may take; and those who are in hardly notice. The clients of
// the burst have one processor, since clients usually have machines of their own.
//
//	go test ./server -run '^TestTLSBurst$' -v
func TestTLSBurst(t *testing.T) {
	if testing.Short() {
		t.Skip("measures latencies")
	}
	const tries = 5
	ca := newAuthority(t)
	id := rsaServer(t, ca)
	s := testkit.Start(t, &server.Options{
		AllowNonTLS: true,
		AuthTimeout: time.Minute,
		Users:       []*server.User{{Username: "in", Password: "p"}},
		TLS:         &server.TLSConfig{CertFile: id.cert, KeyFile: id.key},
	})
	latency := pinger(t, s)
	for n := range tries {
		before := latency()
		cmd := exec.Command(os.Args[0], "-test.run=^TestTLSBurstClients$")
		cmd.Env = append(os.Environ(), burstAddr+"="+s.Addr().String(), burstCA+"="+ca.cert, "GOMAXPROCS=1")
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		noErr(t, err)
		began := time.Now()
		noErr(t, cmd.Start())
		testkit.Eventually(t, time.Minute, "the burst has begun", func() bool { return s.NumClients() > burst/10 })
		ended := make(chan string)
		go func() {
			line, _ := bufio.NewReader(out).ReadString('\n')
			ended <- strings.TrimSpace(line)
		}()
		during := []time.Duration{latency()}
		in := ""
		for in == "" {
			select {
			case in = <-ended:
			default:
				during = append(during, latency())
			}
		}
		took := time.Since(began)
		_ = cmd.Wait()
		slices.Sort(during)
		median, worst := during[len(during)/2], during[len(during)-1]
		t.Logf("round %d: the median answer to a PING takes %v, in a burst of handshakes %v (at worst %v of %d measurements); %s of %d are let in, within %v",
			n+1, before, median, worst, len(during), in, burst, took)
		if in != fmt.Sprint(burst) {
			t.Fatalf("%s of %d are let in", in, burst)
		}
		if median <= 3*before {
			return
		}
		testkit.Eventually(t, time.Minute, "all have left", func() bool { return s.NumClients() == 1 })
	}
	t.Errorf("in none of %d rounds a PING was answered within three times the usual time", tries)
}
