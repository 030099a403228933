package systemd

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// patience is how long a message may wait for a place in the manager's queue,
// which is full while the manager is busy. A lost READY=1 would cost the service
// its life, so it is not zero.
const patience = time.Second

// Notifier talks to the service manager that started the process. If there is
// none, as with the zero value, every method does nothing and reports no error.
// An error means that one message has not arrived; the next may. Methods are safe
// for concurrent use.
type Notifier struct {
	socket string        // a path, or @name in the abstract namespace; "" = nobody listens
	limit  time.Duration // silence after which the manager takes the process for dead; 0 = never

	mu   sync.Mutex
	conn *net.UnixConn // nil until the first message and after a failed one
}

// New takes the manager's wishes from the environment and removes them from it,
// so that child processes do not speak for this one.
func New() *Notifier {
	n := &Notifier{
		socket: os.Getenv("NOTIFY_SOCKET"),
		limit:  watchdogLimit(os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID")),
	}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		os.Unsetenv(name)
	}
	return n
}

// Ready says that the server has started, or has finished a reload.
func (n *Notifier) Ready() error { return n.send("READY=1") }

// Reloading says that a reload begins. Ready must follow, whatever its outcome.
func (n *Notifier) Reloading() error {
	// The time lets the manager match this with the reload that it asked for.
	return n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic().Microseconds()))
}

// Stopping says that the server is on its way out.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Status sets the line that "systemctl status" shows.
func (n *Notifier) Status(text string) error {
	// A line break would begin another variable.
	return n.send("STATUS=" + strings.ReplaceAll(text, "\n", " "))
}

// send delivers one datagram. The socket stays open, so that messages get through
// when the process has run out of file descriptors.
func (n *Notifier) send(message string) error {
	if n.socket == "" {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.sendLocked(message); err != nil {
		return fmt.Errorf("cannot notify the service manager: %w", err)
	}
	return nil
}

func (n *Notifier) sendLocked(message string) error {
	if n.conn == nil {
		c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: n.socket})
		if err != nil {
			return err
		}
		n.conn = c
	}
	n.conn.SetWriteDeadline(time.Now().Add(patience))
	_, err := n.conn.Write([]byte(message))
	if err != nil {
		n.conn.Close()
		n.conn = nil
	}
	return err
}
