package process

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nats-server/internal/logs"
	"nats-server/internal/options"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit ends a test that waits for something that does not happen.
const limit = 10 * time.Second

// screen collects output and lets a test wait for a text in it.
type screen struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	written chan struct{} // one token: something is new
}

func newScreen() *screen { return &screen{written: make(chan struct{}, 1)} }

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.written <- struct{}{}:
	default:
	}
	return s.buf.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func (s *screen) waitFor(t *testing.T, text string) {
	t.Helper()
	timeout := time.After(limit)
	for !strings.Contains(s.String(), text) {
		select {
		case <-s.written:
		case <-timeout:
			t.Fatalf("no %q in %q", text, s.String())
		}
	}
}

// fake is a server that logs the calls it gets.
type fake struct {
	newErr, startErr error
	options          options.Options
	debug, trace     bool
	pidAtStart       string // content of the pid file when Start was called
	reloadErr        error
	reloaded         *options.Options

	log   logs.Log
	ready chan struct{}
	ended chan struct{}
	once  sync.Once
}

func newFake() *fake {
	return &fake{ready: make(chan struct{}), ended: make(chan struct{})}
}

func (f *fake) create(o *options.Options) (Server, error) {
	f.options = *o
	return f, f.newErr
}

func (f *fake) SetLogger(l logs.Logger, debug, trace bool) {
	f.log.Set(l, true, true)
	if l != nil {
		f.debug, f.trace = debug, trace
	}
}

func (f *fake) Start() error {
	if f.options.PidFile != "" {
		b, _ := os.ReadFile(f.options.PidFile)
		f.pidAtStart = string(b)
	}
	f.log.Noticef("fake: start")
	close(f.ready)
	return f.startErr
}

func (f *fake) Shutdown() {
	f.log.Noticef("fake: shutdown")
	f.end()
}

func (f *fake) LameDuckShutdown() {
	f.log.Noticef("fake: lame duck")
	<-f.ended
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711} }

func (f *fake) ClusterAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4712} }

func (f *fake) MonitorAddr() net.Addr {
	if f.options.HTTPPort == 0 {
		return nil
	}
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: f.options.HTTPPort}
}

func (f *fake) ProfileAddr() net.Addr { return nil }

func (f *fake) CheckReload(*options.Options) error { return f.reloadErr }

func (f *fake) ReloadOptions(o *options.Options) error {
	f.log.Noticef("fake: reload")
	if f.reloadErr == nil {
		f.reloaded = o
	}
	return f.reloadErr
}

func (f *fake) WaitForShutdown() { <-f.ended }

func (f *fake) end() { f.once.Do(func() { close(f.ended) }) }

// execution is a call of Main that is under way with a fake server.
type execution struct {
	server *fake
	stdout *screen
	stderr *screen
	code   chan int
}

func start(t *testing.T, args ...string) *execution {
	t.Helper()
	return startWith(t, newFake(), args...)
}

func startWith(t *testing.T, server *fake, args ...string) *execution {
	t.Helper()
	x := &execution{server: server, stdout: newScreen(), stderr: newScreen(), code: make(chan int, 1)}
	go func() { x.code <- Main(args, x.stdout, x.stderr, server.create) }()
	return x
}

// started waits until the server has been started, hence signals are trapped.
func (x *execution) started(t *testing.T) *execution {
	t.Helper()
	select {
	case <-x.server.ready:
	case <-time.After(limit):
		t.Fatalf("not started: %s", x.stderr)
	}
	return x
}

// exits waits for the end and checks the status and that stdout stayed empty.
func (x *execution) exits(t *testing.T, code int) {
	t.Helper()
	select {
	case got := <-x.code:
		if got != code {
			t.Errorf("exit status %d, want %d: %s", got, code, x.stderr)
		}
	case <-time.After(limit):
		t.Fatalf("does not end: %s", x.stderr)
	}
	if out := x.stdout.String(); out != "" {
		t.Errorf("stdout has %q", out)
	}
}

var errFake = errors.New("it did not please")

// missing is a path in a directory that does not exist.
func missing(t *testing.T) string {
	return filepath.Join(t.TempDir(), "no", "file")
}
