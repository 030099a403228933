//go:build linux || darwin

package client_test

import (
	"bufio"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// manyFiles lets the process open n files, or as many as it may, and returns how
// many that is.
func manyFiles(t *testing.T, n uint64) uint64 {
	t.Helper()
	var limit unix.Rlimit
	noErr(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	if uint64(limit.Cur) < n {
		wanted := unix.Rlimit{Cur: n, Max: max(n, limit.Max)}
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &wanted) != nil {
			wanted = unix.Rlimit{Cur: limit.Max, Max: limit.Max} // only root may have more
			_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &wanted)
		}
		noErr(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	}
	return min(n, uint64(limit.Cur))
}

// Thousands of connections with a subscription each, then gone. Where so many
// files may not be open, some of them are within the process.
func TestIdleConnections(t *testing.T) {
	clients := 10000
	if raceEnabled {
		clients = 1000
	}
	const spare = 200
	overTCP := min(clients, (int(manyFiles(t, uint64(2*clients+spare)))-spare)/2)
	if overTCP < clients {
		t.Logf("only %d of %d connections are over TCP: the limit of open files is too low", overTCP, clients)
	}
	s := testkit.Start(t, nil)
	before := inUse()
	began := time.Now()

	conns := make([]net.Conn, clients)
	var all sync.WaitGroup
	const workers = 8
	for w := range workers {
		all.Go(func() {
			in := bufio.NewReader(nil)
			for i := w; i < clients; i += workers {
				nc, err := open(s, i < overTCP)
				if err == nil {
					conns[i] = nc
					err = settle(nc, in)
				}
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
			}
		})
	}
	all.Wait()
	if s.NumClients() != clients || int(s.NumSubscriptions()) != clients {
		t.Errorf("%d clients, %d subscriptions", s.NumClients(), s.NumSubscriptions())
	}
	if !raceEnabled && overTCP > clients*9/10 {
		const most = 10 << 10
		var each int64
		if !testkit.Within(patience, func() bool {
			each = (inUse() - before) / int64(clients)
			return each <= most
		}) {
			t.Errorf("an idle connection costs %d bytes, with the client's end", each)
		}
		t.Logf("%d connections in %v, %d bytes each, with the client's end", clients, time.Since(began), each)
	}
	for i, nc := range conns {
		if nc == nil {
			continue
		}
		if i%3 == 0 { // some go without a word
			if tcp, ok := nc.(*net.TCPConn); ok {
				noErr(t, tcp.SetLinger(0))
			}
		}
		nc.Close()
	}
	gone(t, s)
	testkit.Eventually(t, patience, "the subscriptions are gone", func() bool { return s.NumSubscriptions() == 0 })
	if n := s.NumPanics(); n != 0 {
		t.Errorf("%d panics", n)
	}
	testkit.Dial(t, s.Addr().String()).Sync() // it is as it was before
}

func open(s *server.Server, overTCP bool) (net.Conn, error) {
	if overTCP {
		return net.Dial("tcp", s.Addr().String())
	}
	return s.InProcessConn()
}

// settle makes a connection one that is known and has a subscription.
func settle(nc net.Conn, in *bufio.Reader) error {
	in.Reset(nc)
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	if _, err := io.WriteString(nc, "CONNECT {\"verbose\":false}\r\nSUB x 1\r\nPING\r\n"); err != nil {
		return err
	}
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	return nc.SetDeadline(time.Time{})
}
