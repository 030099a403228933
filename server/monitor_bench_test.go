package server_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// BenchmarkReports measures whole requests while 20,000 clients are connected. At the
// goal, /varz takes less than 2 ms, and /connz?limit=1024 less than 20 ms.
func BenchmarkReports(b *testing.B) {
	const clients = 20_000
	s, base := watched(b, server.Options{})
	for i := range clients {
		nc, err := s.InProcessConn()
		noErr(b, err)
		b.Cleanup(func() { nc.Close() })
		introduce(b, nc, i)
	}
	testkit.Eventually(b, 6*patience, "all are there", func() bool { return s.NumSubscriptions() == clients })
	for _, path := range []string{
		"/varz", "/metrics", "/accstatz", "/connz?limit=1", "/connz?limit=1024", "/connz?limit=1024&subs=1&auth=1",
		"/connz?limit=1024&sort=bytes_to", "/subsz?subs=1",
	} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				r, err := http.Get(base + path)
				noErr(b, err)
				n, err := io.Copy(io.Discard, r.Body)
				noErr(b, err)
				r.Body.Close()
				b.SetBytes(n)
			}
		})
	}
	http.DefaultClient.CloseIdleConnections()
}

func introduce(b *testing.B, nc net.Conn, i int) {
	_, err := fmt.Fprintf(nc, "CONNECT {\"name\":\"client %d\",\"lang\":\"go\",\"version\":\"1.0\"}\r\nSUB subject.%d 1\r\n", i, i)
	noErr(b, err)
}
