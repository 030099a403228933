package conn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nats-server/internal/conn"
	"nats-server/internal/listen"
	"nats-server/internal/logs"
	"nats-server/internal/pipe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long tests wait for what must happen.
const patience = 10 * time.Second

// lines keeps what is logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(level, format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, level+" "+fmt.Sprintf(format, v...))
}

func (l *lines) Noticef(format string, v ...any) { l.add("INF", format, v...) }
func (l *lines) Warnf(format string, v ...any)   { l.add("WRN", format, v...) }
func (l *lines) Errorf(format string, v ...any)  { l.add("ERR", format, v...) }
func (l *lines) Fatalf(format string, v ...any)  { l.add("FTL", format, v...) }
func (l *lines) Debugf(format string, v ...any)  { l.add("DBG", format, v...) }
func (l *lines) Tracef(format string, v ...any)  { l.add("TRC", format, v...) }

// with returns the lines of a level that contain text.
func (l *lines) with(level, text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.HasPrefix(line, level+" ") && strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// world is what the connections of one test have in common.
type world struct {
	t     *testing.T
	cfg   conn.Config
	log   lines
	stats conn.Stats
	track sync.WaitGroup

	poller *conn.Poller // of the connections over a listener
}

func newWorld(t *testing.T) *world {
	w := &world{t: t}
	w.cfg = conn.Config{
		Kind: "cid",
		Name: "Client",
		Limits: conn.Limits{
			MaxPending:    64 << 20,
			WriteDeadline: patience,
			PingInterval:  time.Hour,
			MaxPingsOut:   2,
		},
		PingLine: []byte("PING\r\n"),
		Stale:    conn.Verdict{Line: "-ERR 'Stale Connection'\r\n", Reason: conn.StaleConnection},
		Late:     conn.Verdict{Line: "-ERR 'Authentication Timeout'\r\n", Reason: conn.AuthenticationTimeout, Log: "authentication timeout", Quiet: true},
		Log:      new(logs.Log),
		Stats:    &w.stats,
		Track:    &w.track,
	}
	w.cfg.Log.Set(&w.log, true, false)
	t.Cleanup(func() {
		w.over()
		if w.poller != nil {
			w.poller.Close()
		}
	})
	return w
}

// over fails the test unless every connection comes to its end.
func (w *world) over() {
	w.t.Helper()
	done := make(chan struct{})
	go func() {
		w.track.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
		w.t.Error("some connection has not come to its end")
	}
}

// A transport makes the two ends of a connection.
type transport struct {
	name string
	open func(*world) (conn.Endpoint, net.Conn)
}

var transports = []transport{
	{"pipe", func(*world) (conn.Endpoint, net.Conn) {
		near, far := pipe.New(4 << 10)
		return conn.Stream(near), far
	}},
	{"net.Pipe", func(*world) (conn.Endpoint, net.Conn) {
		near, far := net.Pipe()
		return conn.Stream(near), far
	}},
	{"tcp", func(w *world) (conn.Endpoint, net.Conn) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		noErr(w.t, err)
		defer l.Close()
		far, err := net.Dial("tcp", l.Addr().String())
		noErr(w.t, err)
		near, err := l.Accept()
		noErr(w.t, err)
		return conn.Stream(near), far
	}},
	{"listener", (*world).accepted},
}

// accepted is a connection as the server accepts it.
func (w *world) accepted() (conn.Endpoint, net.Conn) {
	if w.poller == nil {
		p, err := conn.NewPoller()
		noErr(w.t, err)
		w.poller = p
	}
	l, err := listen.Bind(context.Background(), "127.0.0.1:0", w.poller, w.cfg.Log)
	noErr(w.t, err)
	defer l.Close()
	near := make(chan conn.Endpoint, 1)
	l.Serve(func(a listen.Accepted) { near <- a.Endpoint() })
	far, err := net.Dial("tcp", l.Addr().String())
	noErr(w.t, err)
	return <-near, far
}

// overAll runs a test over every transport.
func overAll(t *testing.T, f func(*testing.T, transport)) {
	for _, tr := range transports {
		t.Run(tr.name, func(t *testing.T) { f(t, tr) })
	}
}

// overTCP runs a test over transports that buffer in the kernel.
func overTCP(t *testing.T, f func(*testing.T, transport)) {
	for _, tr := range transports[2:] {
		t.Run(tr.name, func(t *testing.T) { f(t, tr) })
	}
}

// session is a dialect that does what a test wants. Without anything set it takes
// all bytes as they come.
type session struct {
	*conn.Conn
	consume func(b []byte) (used, need int, err error)
	settle  func() func()
	onEnd   func()
	label   string
	ended   chan conn.Reason // gets the reason each time Ended is called

	mu     sync.Mutex
	traced []byte
}

func (s *session) Consume(b []byte) (used, need int, err error) {
	if s.consume == nil {
		return len(b), 0, nil
	}
	return s.consume(b)
}

func (s *session) Settle() func() {
	if s.settle == nil {
		return nil
	}
	return s.settle()
}

func (s *session) Ended(r conn.Reason) {
	s.ended <- r
	if s.onEnd != nil {
		s.onEnd()
	}
}

func (s *session) TraceOut(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.traced = append(s.traced, b...)
}

func (s *session) Label() (client, user string) { return s.label, "" }

// reason waits for the end of the session.
func (s *session) reason(t testing.TB) conn.Reason {
	t.Helper()
	select {
	case r := <-s.ended:
		return r
	case <-time.After(patience):
		t.Fatal("the session does not end")
		return 0
	}
}

// bind makes a connection that has not started.
func (w *world) bind(tr transport, s *session) net.Conn {
	w.t.Helper()
	near, far := tr.open(w)
	s.ended = make(chan conn.Reason, 2)
	s.Conn = conn.New(near, 7, &w.cfg)
	s.Bind(s)
	w.t.Cleanup(func() {
		far.Close()
		s.Close(conn.ServerShutdown)
	})
	return far
}

// connect makes a connection and returns its far end.
func (w *world) connect(tr transport, s *session) net.Conn {
	w.t.Helper()
	far := w.bind(tr, s)
	s.Start()
	return far
}

// say queues text for the peer and sends it.
func (s *session) say(text string) {
	s.Out.Append([]byte(text))
	s.Out.Flush(true)
}

// stage returns a stage for the queue of s, whose messages are lines.
func (s *session) stage() *conn.Stage {
	return &conn.Stage{Queue: &s.Out, First: func(b []byte) int { return bytes.IndexByte(b, '\n') + 1 }}
}

// add stages a message, or with a nil tap a line for the connection itself.
func add(st *conn.Stage, tap *conn.Tap, text string) {
	if !st.Fits(len(text)) {
		panic("does not fit")
	}
	msgs := 1
	if tap == nil {
		msgs = 0
	}
	dst, _ := st.Add(tap, len(text), msgs, len(text))
	copy(dst, text)
}

func noErr(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hears reads exactly want from the far end.
func hears(t testing.TB, far net.Conn, want string) {
	t.Helper()
	far.SetReadDeadline(time.Now().Add(patience)) // fails if it has ended, as the read does
	b := make([]byte, len(want))
	n, err := io.ReadFull(far, b)
	if string(b[:n]) != want {
		t.Fatalf("heard %q, want %q (%v)", b[:n], want, err)
	}
}

// everything reads from the far end until it ends, in whatever way.
func everything(t testing.TB, far net.Conn) string {
	t.Helper()
	far.SetReadDeadline(time.Now().Add(patience)) // fails if it has ended, as the read does
	b, err := io.ReadAll(far)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("does not end after %d bytes", len(b))
	}
	return string(b)
}

// eventually waits until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: never", what)
		}
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func equalAll[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
