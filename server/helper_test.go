package server_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// patience bounds every wait of these tests; one that succeeds takes far less.
const patience = 10 * time.Second

// noErr fails the test on an error that must not be.
func noErr(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dial connects nats.go to s. The connection ends with the test.
func dial(t testing.TB, s *server.Server, opts ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL(), append([]nats.Option{nats.Timeout(patience)}, opts...)...)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// listener starts a server on the port of addr, which a server had before.
func listener(t testing.TB, addr net.Addr) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: addr.(*net.TCPAddr).Port})
	noErr(t, err)
	noErr(t, s.Start())
	t.Cleanup(s.Shutdown)
	return s
}

// flush waits until the server has dealt with everything nc has sent.
func flush(t testing.TB, nc *nats.Conn) {
	t.Helper()
	noErr(t, nc.FlushTimeout(patience))
}

// next returns the next message of a synchronous subscription.
func next(t testing.TB, sub *nats.Subscription) *nats.Msg {
	t.Helper()
	m, err := sub.NextMsg(patience)
	if err != nil {
		t.Fatalf("waiting for a message: %v", err)
	}
	return m
}

// receive waits for a value of ch.
func receive[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("not within %v: %s", patience, what)
		panic("not reached")
	}
}

// recorder is a Logger that keeps the lines.
type recorder struct {
	mu  sync.Mutex
	all []string
}

func (r *recorder) add(level, format string, v ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, level+" "+fmt.Sprintf(format, v...))
}

func (r *recorder) Noticef(format string, v ...any) { r.add("INF", format, v...) }
func (r *recorder) Warnf(format string, v ...any)   { r.add("WRN", format, v...) }
func (r *recorder) Errorf(format string, v ...any)  { r.add("ERR", format, v...) }
func (r *recorder) Fatalf(format string, v ...any)  { r.add("FTL", format, v...) }
func (r *recorder) Debugf(format string, v ...any)  { r.add("DBG", format, v...) }
func (r *recorder) Tracef(format string, v ...any)  { r.add("TRC", format, v...) }

func (r *recorder) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.all...)
}

// has reports whether a line contains text.
func (r *recorder) has(text string) bool {
	for _, line := range r.lines() {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

// startLogged starts a server whose lines are kept.
func startLogged(t testing.TB, o server.Options, debug bool) (*server.Server, *recorder) {
	t.Helper()
	o.Host, o.Port = "127.0.0.1", server.RandomPort
	s, err := server.NewServer(&o)
	noErr(t, err)
	log := new(recorder)
	s.SetLogger(log, debug, false)
	noErr(t, s.Start())
	t.Cleanup(s.Shutdown)
	return s, log
}

// eventually is testkit.Eventually with the patience of these tests.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	testkit.Eventually(t, patience, what, cond)
}
