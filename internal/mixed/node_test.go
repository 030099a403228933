//go:build unix

package mixed_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nats-server/internal/testkit"
)

// node is a place in a cluster. It keeps its name and its ports, while the program
// that runs there may end and another begin.
type node struct {
	t       testing.TB
	name    string
	extra   string   // more configuration
	routes  []string // what it dials, host:port
	program program
	client  string // where clients connect, host:port; "" before the first start
	cluster string // where other servers connect

	advertise string // what others are told instead of cluster; "" = the same
	cmd       *exec.Cmd
	log       *output
	ended     chan struct{}
}

// output takes what a process writes, while others read it.
type output struct {
	mu  sync.Mutex
	buf []byte
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = append(o.buf, b...)
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.buf)
}

func newNode(t testing.TB, name, extra string, routes ...string) *node {
	n := &node{t: t, name: name, extra: extra, routes: routes}
	t.Cleanup(func() {
		if n.cmd != nil {
			n.kill()
		}
	})
	return n
}

func orRandom(addr string) string {
	if addr == "" {
		return "127.0.0.1:-1"
	}
	return addr
}

// config is the file that the node runs with.
func (n *node) config() string {
	var text strings.Builder
	fmt.Fprintf(&text, "listen: %q\nserver_name: %q\n%s\n", orRandom(n.client), n.name, n.extra)
	fmt.Fprintf(&text, "cluster {\n  name: mixed\n  listen: %q\n", orRandom(n.cluster))
	if n.advertise != "" {
		fmt.Fprintf(&text, "  cluster_advertise: %q\n", n.advertise)
	}
	if len(n.routes) > 0 {
		text.WriteString("  routes: [\n")
		for _, r := range n.routes {
			fmt.Fprintf(&text, "    \"nats-route://%s\"\n", r)
		}
		text.WriteString("  ]\n")
	}
	text.WriteString("}\n")
	return text.String()
}

var (
	clientLine = regexp.MustCompile(`Listening for client connections on (127\.0\.0\.1:\d+)`)
	routeLine  = regexp.MustCompile(`Listening for route connections on (127\.0\.0\.1:\d+)`)
	readyLine  = regexp.MustCompile(`Server is ready`)
)

// start runs a program in the place. Another process may have taken a port while the
// place was empty, but for no longer than a connection lasts.
func (n *node) start(p program) {
	n.t.Helper()
	for end := time.Now().Add(patience); ; {
		n.launch(p)
		testkit.Eventually(n.t, patience, n.name+" is ready or has ended", func() bool {
			return n.over() || readyLine.MatchString(n.log.String())
		})
		if !n.over() {
			break
		}
		if text := n.log.String(); !strings.Contains(text, "address already in use") || time.Now().After(end) {
			n.t.Fatalf("%s (%s) does not start:\n%s\n%s", n.name, p.name, n.config(), text)
		}
	}
	testkit.Eventually(n.t, patience, n.name+" listens", func() bool {
		c, r := clientLine.FindStringSubmatch(n.log.String()), routeLine.FindStringSubmatch(n.log.String())
		if c != nil && r != nil {
			n.client, n.cluster = c[1], r[1]
		}
		return c != nil && r != nil
	})
}

func (n *node) launch(p program) {
	n.t.Helper()
	file := filepath.Join(n.t.TempDir(), n.name+".conf")
	if err := os.WriteFile(file, []byte(n.config()), 0o600); err != nil {
		n.t.Fatal(err)
	}
	args := []string{"-c", file}
	if testing.Verbose() && os.Getenv("MIXED_DEBUG") != "" {
		args = append(args, "-DV")
	}
	cmd, ended := exec.Command(p.path, args...), make(chan struct{})
	n.program, n.cmd, n.log, n.ended = p, cmd, new(output), ended
	cmd.Stdout, cmd.Stderr = n.log, n.log
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	go func() {
		defer close(ended)
		_ = cmd.Wait() // ProcessState says it
	}()
	log := n.log
	n.t.Cleanup(func() {
		if n.t.Failed() {
			n.t.Logf("%s (%s) logged\n%s", n.name, p.name, shorten(log.String()))
		}
	})
}

// shorten cuts the middle out of a long log.
func shorten(text string) string {
	const most = 6000
	if len(text) <= most {
		return text
	}
	return text[:most/2] + "\n…\n" + text[len(text)-most/2:]
}

func (n *node) over() bool {
	select {
	case <-n.ended:
		return true
	default:
		return false
	}
}

// end sends a signal and waits until the process has ended.
func (n *node) end(s syscall.Signal) {
	n.t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		n.t.Fatalf("%s: %v", s, err)
	}
	select {
	case <-n.ended:
	case <-time.After(3 * patience): // lame duck takes its time
		n.t.Fatalf("%s (%s) does not end", n.name, n.program.name)
	}
}

// kill ends the process at once.
func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	<-n.ended
}

func (n *node) url() string { return "nats://" + n.client }
