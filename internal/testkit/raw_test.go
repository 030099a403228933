package testkit

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// serve answers one connection with the script and returns its address.
func serve(t *testing.T, script func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		script(conn)
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

func TestRaw(t *testing.T) {
	addr := serve(t, func(c net.Conn) {
		fmt.Fprint(c, "INFO {\"x\":1} \r\n")
		in := make([]byte, 100)
		for _, answer := range []string{"PONG\r\n", "MSG a 1 2\r\nhi\r\n+OK\r\nPONG\r\n", "-ERR 'x'\r\n"} {
			if _, err := c.Read(in); err != nil {
				return
			}
			fmt.Fprint(c, answer)
		}
	})
	r := Dial(t, addr)
	if want := `INFO {"x":1} `; r.Info != want {
		t.Errorf("INFO is %q, want %q", r.Info, want)
	}
	r.Connect("{}")
	r.Send("PING\r\n")
	if m := r.Expect(`MSG (\w+) 1 (\d)`); m[1] != "a" || m[2] != "2" {
		t.Errorf("submatches %q", m)
	}
	r.ExpectLine("hi")
	if before := r.ReadUntil("PONG"); before != "+OK\r\n" {
		t.Errorf("before PONG came %q", before)
	}
	if r.Arrived(time.Millisecond) {
		t.Error("something arrived unasked")
	}
	r.Send("PING\r\n")
	r.ExpectBytes("-ERR 'x'\r\n")
	r.ExpectEOF()
}

func TestRawErrors(t *testing.T) {
	release := make(chan struct{})
	addr := serve(t, func(c net.Conn) {
		fmt.Fprint(c, "+OK\r\nPONX\r\nhalf")
		<-release
	})
	r := DialSilent(t, addr)
	f := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if err := r.TryExact("+OK\r\n"); err != nil {
		t.Fatal(err)
	}
	f(r.TryExact("PONG\r\n"), `got "PONX\r\nhalf`)
	if _, err := r.TryLine(); err != nil {
		t.Fatal(err)
	}
	r.SetTimeout(20 * time.Millisecond)
	_, err := r.TryLine()
	f(err, `nothing more within 20ms, got "half"`)
	_, err = r.TryClosed()
	f(err, "still open")
	close(release)
	r.SetTimeout(patience)
	_, err = r.TryLine()
	f(err, "the connection is closed")
}

// A peer that closes with unread input resets the connection, which is an end like
// any other and does not swallow what it had said before.
func TestRawReset(t *testing.T) {
	sent := make(chan struct{})
	addr := serve(t, func(c net.Conn) {
		<-sent
		fmt.Fprint(c, "-ERR 'x'\r\n")
	})
	r := DialSilent(t, addr)
	r.Send("never read")
	close(sent)
	r.ExpectLine("-ERR 'x'")
	r.ExpectEOF()
	r.Send("too late, which is for others to notice")
}

func TestHungUp(t *testing.T) {
	for err, want := range map[error]bool{
		io.EOF:                 true,
		errReset:               true,
		net.ErrClosed:          true,
		os.ErrDeadlineExceeded: false,
		errors.New("x"):        false,
	} {
		if got := hungUp(fmt.Errorf("read: %w", err)); got != want {
			t.Errorf("hungUp(%v) = %v", err, got)
		}
	}
}

func TestQuote(t *testing.T) {
	if got, want := Quote("a\r\n"), `"a\r\n"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	long := Quote(strings.Repeat("x", 5000))
	if len(long) > 700 || !strings.Contains(long, "4400 bytes") {
		t.Errorf("got %s", long)
	}
}
