package client_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/client"
	"nats-server/internal/conn"
	"nats-server/internal/logs"
	"nats-server/internal/testkit"
	"nats-server/internal/wire"
	"nats-server/server"
)

// patience bounds every wait of these tests; one that succeeds takes far less.
const patience = 10 * time.Second

func noErr(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
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

// clear forgets the lines so far.
func (r *recorder) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = nil
}

// with returns the lines that contain text.
func (r *recorder) with(text string) (found []string) {
	for _, line := range r.lines() {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// start runs a server whose lines are kept, traces included if asked for.
func start(t testing.TB, o server.Options, trace bool) (*server.Server, *recorder) {
	t.Helper()
	s := testkit.Start(t, &o)
	log := new(recorder)
	s.SetLogger(log, true, trace)
	return s, log
}

// gone waits until the server has no clients.
func gone(t testing.TB, s *server.Server) {
	t.Helper()
	testkit.Eventually(t, patience, "the clients are gone", func() bool { return s.NumClients() == 0 })
}

// house is a Hub of a test's own, for connections that no real server would get.
type house struct {
	*client.Hub
	cfg   client.Config
	log   logs.Log
	stats conn.Stats
	track sync.WaitGroup
}

func newHouse(t testing.TB, change func(*client.Config, *client.Settings)) *house {
	t.Helper()
	h := new(house)
	h.cfg = client.Config{
		Global: account.New(account.Global),
		Log:    &h.log,
		Stats:  &h.stats,
		Track:  &h.track,
	}
	set := client.Settings{
		MaxConnections: 1000,
		MaxControlLine: 512,
		MaxPayload:     4096,
		Auth:           auth.New(auth.Config{}),
		AuthTimeout:    time.Minute,
		Conn: conn.Limits{
			MaxPending:    64 << 20,
			WriteDeadline: time.Minute,
			PingInterval:  time.Hour,
			MaxPingsOut:   2,
		},
	}
	if change != nil {
		change(&h.cfg, &set)
	}
	h.Hub = client.NewHub(h.cfg)
	info := wire.ServerInfo{ServerID: "N", Version: server.Version, Proto: 1, Headers: !set.NoHeaders, MaxPayload: set.MaxPayload}
	template, err := info.Template()
	noErr(t, err)
	set.Info = template
	h.Apply(set)
	return h
}

// serve begins the session of nc.
func (h *house) serve(nc net.Conn) { h.Serve(conn.Stream(nc)) }

// ended waits until all sessions have ended, and reports what is not as it was.
func (h *house) ended(t testing.TB) {
	t.Helper()
	over := make(chan struct{})
	go func() {
		h.track.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(patience):
		t.Fatal("a session does not end")
	}
	if n := h.Len(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	if n := h.cfg.Global.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}

// script is a connection that is read in given pieces, and then ends. It keeps
// what is written to it.
type script struct {
	pieces   [][]byte
	writeErr error

	mu     sync.Mutex
	closed bool
	out    []byte
}

func (s *script) Read(b []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; len(s.pieces[0]) == 0 {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

func (s *script) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return 0, net.ErrClosed
	case s.writeErr != nil:
		return 0, s.writeErr
	}
	s.out = append(s.out, b...)
	return len(b), nil
}

func (s *script) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// written returns what was written before the connection was closed, and whether
// it was.
func (s *script) written() (out []byte, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out, s.closed
}
