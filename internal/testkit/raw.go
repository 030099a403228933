package testkit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Raw is a client that knows nothing: what a test sends goes out as it is, and
// what arrives is read only when the test asks for it. Its methods fail the test
// on anything unexpected, including silence for too long; the Try methods return
// an error instead, for callers that can say more about it.
//
// A Raw belongs to one goroutine.
type Raw struct {
	Conn net.Conn // for deadlines, half-closing and the like
	Info string   // the greeting, without the line end; "" if it was not read

	t       testing.TB
	in      *bufio.Reader
	timeout time.Duration
}

// Dial connects to addr and reads the greeting. The connection ends with the test.
func Dial(t testing.TB, addr string) *Raw {
	t.Helper()
	r := DialSilent(t, addr)
	r.Greeting()
	return r
}

// DialSilent connects to addr and reads nothing.
func DialSilent(t testing.TB, addr string) *Raw {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	return Attach(t, conn)
}

// Attach makes a client of an open connection, which it takes over.
func Attach(t testing.TB, conn net.Conn) *Raw {
	r := &Raw{Conn: conn, t: t, in: bufio.NewReaderSize(conn, 64<<10), timeout: patience}
	t.Cleanup(func() { _ = conn.Close() })
	return r
}

// SetTimeout changes how long one wait of this client may take.
func (r *Raw) SetTimeout(d time.Duration) { r.timeout = d }

// Close closes the connection.
func (r *Raw) Close() error { return r.Conn.Close() }

// Greeting reads the first line, which has to be an INFO, into r.Info.
func (r *Raw) Greeting() string {
	r.t.Helper()
	line, err := r.TryLine()
	if err != nil {
		r.t.Fatalf("waiting for INFO: %v", err)
	}
	if !strings.HasPrefix(line, "INFO {") {
		r.t.Fatalf("the greeting is %q", line)
	}
	r.Info = strings.TrimSuffix(line, "\r\n")
	return r.Info
}

// Connect sends CONNECT with the JSON given, and PING, and waits for the PONG, so
// the server knows the client. An INFO that follows the first PONG is not read.
func (r *Raw) Connect(json string) {
	r.t.Helper()
	r.Send("CONNECT " + json + "\r\nPING\r\n")
	if before := r.ReadUntil("PONG"); before != "" && before != "+OK\r\n" {
		r.t.Fatalf("after CONNECT came %q", before)
	}
}

// Send writes the bytes as they are. That the server has closed is no failure
// here: what a test expects to read decides.
func (r *Raw) Send(data string) {
	r.t.Helper()
	if err := r.TrySend([]byte(data)); err != nil && !hungUp(err) {
		r.t.Fatalf("sending %s: %v", Quote(data), err)
	}
}

// TrySend writes the bytes as they are.
func (r *Raw) TrySend(data []byte) error {
	if err := r.Conn.SetWriteDeadline(time.Now().Add(r.timeout)); err != nil {
		return err
	}
	_, err := r.Conn.Write(data)
	return err
}

// HalfClose says that nothing more will be sent; reading goes on.
func (r *Raw) HalfClose() error {
	half, ok := r.Conn.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("a %T cannot be closed in one direction: %w", r.Conn, errors.ErrUnsupported)
	}
	return half.CloseWrite()
}

// TryLine reads up to and including the next LF. An error carries what had
// arrived of the line.
func (r *Raw) TryLine() (string, error) {
	if err := r.Conn.SetReadDeadline(time.Now().Add(r.timeout)); err != nil {
		return "", err
	}
	line, err := r.in.ReadString('\n')
	if err != nil {
		return "", r.explain(err, line)
	}
	return line, nil
}

// TryExact reads exactly the bytes of want. It stops at the first byte that
// differs, so it does not wait for bytes that will not come.
func (r *Raw) TryExact(want string) error {
	if err := r.Conn.SetReadDeadline(time.Now().Add(r.timeout)); err != nil {
		return err
	}
	for i := range len(want) {
		c, err := r.in.ReadByte()
		if err != nil {
			return r.explain(err, want[:i])
		}
		if c != want[i] {
			return fmt.Errorf("got %s", Quote(want[:i]+string([]byte{c})+r.buffered()))
		}
	}
	return nil
}

// TryClosed waits for the end of the connection and returns the bytes that came
// before it. Being reset is an end like any other: a server that closes with
// unread input resets.
func (r *Raw) TryClosed() (before string, err error) {
	if err := r.Conn.SetReadDeadline(time.Now().Add(r.timeout)); err != nil {
		return "", err
	}
	all, err := io.ReadAll(r.in)
	switch {
	case err == nil || hungUp(err):
		return string(all), nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return string(all), errors.New("the connection is still open")
	default:
		return string(all), err
	}
}

// ExpectBytes reads exactly the bytes of want.
func (r *Raw) ExpectBytes(want string) {
	r.t.Helper()
	if err := r.TryExact(want); err != nil {
		r.t.Fatalf("want %s: %v", Quote(want), err)
	}
}

// ExpectLine reads one line, which has to be want followed by CR LF.
func (r *Raw) ExpectLine(want string) {
	r.t.Helper()
	r.ExpectBytes(want + "\r\n")
}

// Expect reads one line, which without its CR LF has to match the whole regular
// expression, and returns its submatches.
func (r *Raw) Expect(pattern string) []string {
	r.t.Helper()
	line, err := r.TryLine()
	if err != nil {
		r.t.Fatalf("want a line like %q: %v", pattern, err)
	}
	m := regexp.MustCompile(`\A(?:` + pattern + `)\r\n\z`).FindStringSubmatch(line)
	if m == nil {
		r.t.Fatalf("want a line like %q, got %s", pattern, Quote(line))
	}
	return m
}

// ReadUntil reads lines up to the first one that is want, and returns all before it.
func (r *Raw) ReadUntil(want string) (before string) {
	r.t.Helper()
	var all strings.Builder
	for {
		line, err := r.TryLine()
		if err != nil {
			r.t.Fatalf("waiting for %q: %v, after %s", want, err, Quote(all.String()))
		}
		if line == want+"\r\n" {
			return all.String()
		}
		all.WriteString(line)
	}
}

// Sync sends PING and returns what arrives before the PONG: with that, everything
// sent before has been dealt with.
func (r *Raw) Sync() (before string) {
	r.t.Helper()
	r.Send("PING\r\n")
	return r.ReadUntil("PONG")
}

// ExpectEOF waits for the end of the connection; no byte may come before it.
func (r *Raw) ExpectEOF() {
	r.t.Helper()
	before, err := r.TryClosed()
	if before != "" || err != nil {
		r.t.Fatalf("want the end of the connection, got %s (%v)", Quote(before), err)
	}
}

// Peek waits until n bytes have arrived and returns them without reading them.
func (r *Raw) Peek(n int) ([]byte, error) {
	if err := r.Conn.SetReadDeadline(time.Now().Add(r.timeout)); err != nil {
		return nil, err
	}
	return r.in.Peek(n)
}

// Arrived reports whether something has arrived, or does within d. It reads nothing.
func (r *Raw) Arrived(d time.Duration) bool {
	if r.Conn.SetReadDeadline(time.Now().Add(d)) != nil {
		return false
	}
	_, err := r.in.Peek(1)
	return err == nil
}

// buffered returns what has arrived and is not read yet, for reports.
func (r *Raw) buffered() string {
	rest, _ := r.in.Peek(r.in.Buffered())
	return string(rest)
}

func (r *Raw) explain(err error, got string) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("nothing more within %v, got %s", r.timeout, Quote(got))
	case errors.Is(err, io.EOF) || hungUp(err):
		return fmt.Errorf("the connection is closed, got %s", Quote(got))
	default:
		return fmt.Errorf("%w, got %s", err, Quote(got))
	}
}

// hungUp reports whether err says that the peer has ended the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, errReset) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}

// Quote shows bytes in a report: quoted, and only the ends of something long.
func Quote(s string) string {
	const keep = 300
	if len(s) <= 2*keep {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q … %d bytes … %q", s[:keep], len(s)-2*keep, s[len(s)-keep:])
}
