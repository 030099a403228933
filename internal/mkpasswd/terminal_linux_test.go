package mkpasswd

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// limit ends a test that waits for something that does not happen.
const limit = 20 * time.Second

// screen collects what the tool prints while it waits for input.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// session is a call of Main at a pseudo terminal.
type session struct {
	keyboard, terminal *os.File
	stdout, stderr     screen
	code               chan int
}

func startSession(t *testing.T) *session {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { terminal.Close() })
	s := &session{keyboard: keyboard, terminal: terminal, code: make(chan int, 1)}
	go func() { s.code <- Main([]string{"-p", "-c", "4"}, terminal, &s.stdout, &s.stderr) }()
	return s
}

func (s *session) echo(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(s.terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// prompted waits for a prompt and for the echo to be off. A terminal reports
// neither, so all there is to do is to look again.
func (s *session) prompted(t *testing.T, prompt string) {
	t.Helper()
	for deadline := time.Now().Add(limit); !strings.HasSuffix(s.stdout.String(), prompt) || s.echo(t); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("no %q without echo in %q", prompt, s.stdout.String())
		}
	}
}

func (s *session) types(t *testing.T, line string) {
	t.Helper()
	if _, err := s.keyboard.WriteString(line + "\n"); err != nil {
		t.Fatal(err)
	}
}

func (s *session) ends(t *testing.T) result {
	t.Helper()
	select {
	case code := <-s.code:
		if !s.echo(t) {
			t.Error("the terminal is left without echo")
		}
		return result{code, s.stdout.String(), s.stderr.String()}
	case <-time.After(limit):
		t.Fatal("does not end")
		return result{}
	}
}

func TestTerminal(t *testing.T) {
	s := startSession(t)
	s.prompted(t, "Enter Password: ")
	s.types(t, "12345678")
	s.prompted(t, "Reenter Password: ")
	s.types(t, "12345678")
	s.ends(t).hashes(t, "Enter Password: \nReenter Password: \n", "12345678", 4)

	// What the terminal shows is what was echoed, and then this.
	if _, err := s.terminal.WriteString("end"); err != nil {
		t.Fatal(err)
	}
	shown := make([]byte, 100)
	n, err := s.keyboard.Read(shown)
	if err != nil || string(shown[:n]) != "end" {
		t.Errorf("the terminal shows %q, %v", shown[:n], err)
	}
}

func TestInterruptRestoresTerminal(t *testing.T) {
	f := func(sig syscall.Signal, name string) {
		t.Helper()
		s := startSession(t)
		s.prompted(t, "Enter Password: ")
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		want := result{1, "Enter Password: \n", "Error reading password: " + name + "\n"}
		if got := s.ends(t); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		s.types(t, "") // lets the abandoned read end
	}
	f(syscall.SIGINT, "interrupt")
	f(syscall.SIGTERM, "terminated")
}
