package systemd

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit ends a test that waits for something that does not happen.
const limit = 10 * time.Second

// manager is a service manager that listens.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

func listen(t *testing.T, socket string) *manager {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: socket})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &manager{t, c}
}

// socketPath is short, unlike those below t.TempDir on some systems.
func socketPath(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no datagram sockets with a path")
	}
	dir, err := os.MkdirTemp("", "sd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func (m *manager) hear() string {
	m.t.Helper()
	m.conn.SetReadDeadline(time.Now().Add(limit))
	b := make([]byte, 1024)
	n, err := m.conn.Read(b)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(b[:n])
}

// environment makes a Notifier as a manager's child would.
func environment(t *testing.T, socket, usec, pid string) *Notifier {
	t.Helper()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", usec)
	t.Setenv("WATCHDOG_PID", pid)
	n := New()
	t.Cleanup(func() {
		if n.conn != nil {
			n.conn.Close()
		}
	})
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if v, ok := os.LookupEnv(name); ok {
			t.Errorf("children inherit %s=%s", name, v)
		}
	}
	return n
}

func testMessages(t *testing.T, socket string) {
	m := listen(t, socket)
	n := environment(t, socket, "", "")
	f := func(send func() error, want string) {
		t.Helper()
		if err := send(); err != nil {
			t.Fatal(err)
		}
		if got := m.hear(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(n.Ready, "READY=1")
	f(n.Stopping, "STOPPING=1")
	f(func() error { return n.Status("12 clients") }, "STATUS=12 clients")
	f(func() error { return n.Status("a\nREADY=1") }, "STATUS=a READY=1")
}

func TestMessagesToPath(t *testing.T) { testMessages(t, socketPath(t)) }

func TestMessagesToAbstractName(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has such names")
	}
	testMessages(t, "@nats-server-test-"+strconv.Itoa(os.Getpid()))
}

func TestReloadingTellsTheTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no clock")
	}
	m := listen(t, socketPath(t))
	n := environment(t, m.conn.LocalAddr().String(), "", "")
	before := monotonic().Microseconds()
	if err := n.Reloading(); err != nil {
		t.Fatal(err)
	}
	got := m.hear()
	text, ok := strings.CutPrefix(got, "RELOADING=1\nMONOTONIC_USEC=")
	at, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || at < before || at > monotonic().Microseconds() || before == 0 {
		t.Errorf("got %q, and it was %d before", got, before)
	}
}

func TestNobodyListens(t *testing.T) {
	f := func(n *Notifier) {
		t.Helper()
		if err := errors.Join(n.Ready(), n.Reloading(), n.Stopping(), n.Status("x")); err != nil {
			t.Error(err)
		}
		n.Watchdog(t.Context(), func() bool { t.Error("asked"); return true }, nil)
	}
	f(new(Notifier))
	f(environment(t, "", "1000", "")) // nobody to tell
	f(environment(t, "", "", ""))
}

func TestManagerComesBack(t *testing.T) {
	socket := socketPath(t)
	n := environment(t, socket, "", "")
	if err := n.Ready(); err == nil {
		t.Error("no error without a socket")
	}
	m := listen(t, socket)
	if err := n.Ready(); err != nil {
		t.Fatal(err)
	}
	m.conn.Close()
	if err := n.Ready(); err == nil {
		t.Error("no error after the socket's end")
	}
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	m = listen(t, socket)
	if err := n.Stopping(); err != nil {
		t.Fatal(err)
	}
	if got := m.hear(); got != "STOPPING=1" {
		t.Errorf("got %q", got)
	}
}

func TestManagerDoesNotRead(t *testing.T) {
	m := listen(t, socketPath(t))
	n := environment(t, m.conn.LocalAddr().String(), "", "")
	var err error
	for range 100000 { // more than any queue holds
		if err = n.Ready(); err != nil {
			break
		}
	}
	if runtime.GOOS == "linux" && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want a missed deadline", err)
	}
	if err == nil {
		t.Error("no error with a full queue")
	}
}

func TestWatchdogLimit(t *testing.T) {
	f := func(usec, pid string, want time.Duration) {
		t.Helper()
		if got := environment(t, "x", usec, pid).limit; got != want {
			t.Errorf("WATCHDOG_USEC=%s WATCHDOG_PID=%s: %v, want %v", usec, pid, got, want)
		}
	}
	self := strconv.Itoa(os.Getpid())
	f("30000000", "", 30*time.Second)
	f("30000000", self, 30*time.Second)
	f("1", self, time.Microsecond)
	f("30000000", self+"0", 0)
	f("", self, 0)
	f("0", self, 0)
	f("-5", self, 0)
	f("x", self, 0)
	f("9223372036854776", self, 0)     // too long for a Duration
	f("18446744073709551615", self, 0) // infinite
}

func TestNoWatchdogWanted(t *testing.T) {
	m := listen(t, socketPath(t))
	n := environment(t, m.conn.LocalAddr().String(), "", "")
	n.Watchdog(t.Context(), func() bool { t.Error("asked"); return true }, nil)
}

func TestWatchdogIsSilentWhileNotAlive(t *testing.T) {
	m := listen(t, socketPath(t))
	n := environment(t, m.conn.LocalAddr().String(), "2000", "")
	asked := make(chan int, 10000)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		calls := 0
		alive := func() bool {
			calls++
			asked <- calls
			return calls%5 == 0
		}
		n.Watchdog(ctx, alive, func(err error) { t.Error(err) })
	}()
	for i := range 3 {
		if got := m.hear(); got != "WATCHDOG=1" {
			t.Errorf("got %q", got)
		}
		for range 5 { // each of which comes after five questions
			select {
			case <-asked:
			default:
				t.Fatalf("message %d came too early", i)
			}
		}
	}
	cancel()
	<-ended
}

func TestWatchdogReportsTheFirstFailureOfARow(t *testing.T) {
	socket := socketPath(t)
	n := environment(t, socket, "2000", "")
	ctx, cancel := context.WithCancel(t.Context())
	failures, calls := make(chan error, 100), make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		alive := func() bool { calls <- struct{}{}; return true }
		n.Watchdog(ctx, alive, func(err error) { failures <- err })
	}()
	for range 4 {
		<-calls
	}
	m := listen(t, socket)
	<-calls // the fourth message or this one arrives
	if got := m.hear(); got != "WATCHDOG=1" {
		t.Errorf("got %q", got)
	}
	m.conn.Close()
	for range 4 {
		<-calls
	}
	cancel()
	for {
		select {
		case <-calls:
			continue
		case <-ended:
		}
		break
	}
	if n := len(failures); n != 2 {
		t.Errorf("%d failures reported, want 2", n)
	}
}
