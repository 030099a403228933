package monitor

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"nats-server/internal/logs"
)

// listening starts a server with a handler for "/".
func listening(t *testing.T, h http.HandlerFunc) *Listener {
	t.Helper()
	s := NewServer(map[string]http.Handler{"/": h}, new(logs.Log))
	s.Apply(Settings{})
	l, err := s.Listen("127.0.0.1:0", nil)
	noErr(t, err)
	l.Serve()
	t.Cleanup(func() {
		l.Close()
		s.Wait()
	})
	return l
}

func connect(t *testing.T, l *Listener) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", l.Addr().String())
	noErr(t, err)
	t.Cleanup(func() { nc.Close() })
	noErr(t, nc.SetDeadline(time.Now().Add(patience)))
	return nc
}

func fine(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "fine") }

// say sends a request and returns the status of the answer.
func say(t *testing.T, nc net.Conn, request string) int {
	t.Helper()
	_, err := io.WriteString(nc, request)
	noErr(t, err)
	r, err := http.ReadResponse(bufio.NewReader(nc), nil)
	noErr(t, err)
	return r.StatusCode
}

const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// complaints is a logger that keeps errors.
type complaints struct {
	logs.Logger
	lines []string
}

func (c *complaints) Errorf(format string, v ...any) {
	c.lines = append(c.lines, fmt.Sprintf(format, v...))
}

// That it ends is no error.
func TestEndIsNotLogged(t *testing.T) {
	log, kept := new(logs.Log), new(complaints)
	log.Set(kept, false, false)
	s := NewServer(map[string]http.Handler{"/": http.HandlerFunc(fine)}, log)
	s.Apply(Settings{})
	l, err := s.Listen("127.0.0.1:0", nil)
	noErr(t, err)
	l.Serve()
	say(t, connect(t, l), request)
	l.Close()
	s.Wait()
	if len(kept.lines) > 0 {
		t.Errorf("logged %q", kept.lines)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	l := listening(t, fine)
	all := make([]net.Conn, maxConns)
	for i := range all {
		all[i] = connect(t, l)
		if status := say(t, all[i], request); status != http.StatusOK {
			t.Fatalf("%d at %d", status, i)
		}
	}
	over := connect(t, l)
	if b, _ := io.ReadAll(over); len(b) > 0 { // nothing, or a reset
		t.Errorf("one too many gets %q", b)
	}
	all[0].Close()
	deadline := time.Now().Add(patience)
	for {
		nc := connect(t, l)
		io.WriteString(nc, request)
		b, _ := bufio.NewReader(nc).ReadString('\n')
		if strings.Contains(b, "200") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no room after one has left")
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	l := listening(t, fine)
	if status := say(t, connect(t, l), "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 2*maxHeader)+"\r\n\r\n"); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a large header: %d", status)
	}
}

// Close ends at once what waits, and gives what is under way a moment.
func TestCloseEndsRequests(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := NewServer(map[string]http.Handler{"/": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
		fine(w, r)
	})}, new(logs.Log))
	s.Apply(Settings{})
	l, err := s.Listen("127.0.0.1:0", nil)
	noErr(t, err)
	l.Serve()
	nc := connect(t, l)
	_, err = io.WriteString(nc, request)
	noErr(t, err)
	<-entered
	l.Close()
	if other, err := net.Dial("tcp", l.Addr().String()); err == nil {
		other.Close()
		t.Error("still accepts")
	}
	close(leave)
	if r, err := http.ReadResponse(bufio.NewReader(nc), nil); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("%v %v", r, err)
	}
	nc.Close()
	s.Wait()
}
