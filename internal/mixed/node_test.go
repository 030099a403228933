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
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nats-server/internal/options"
	"nats-server/internal/testkit"
	"nats-server/server"
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

	clusterName string // "" = none
	inCluster   string // more configuration of the cluster
	file        string // of the configuration it runs with
	log         *output
	deliver     func(os.Signal) error // see signal
	ending      *atomic.Bool          // of this run: a signal has been sent
	ended       chan struct{}
	at          atomic.Pointer[string] // cluster, for other goroutines
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

func (o *output) line(level, format string, v ...any) {
	fmt.Fprintf(o, "["+level+"] "+format+"\n", v...)
}

func (o *output) Noticef(format string, v ...any) { o.line("INF", format, v...) }
func (o *output) Warnf(format string, v ...any)   { o.line("WRN", format, v...) }
func (o *output) Errorf(format string, v ...any)  { o.line("ERR", format, v...) }
func (o *output) Fatalf(format string, v ...any)  { o.line("FTL", format, v...) }
func (o *output) Debugf(format string, v ...any)  { o.line("DBG", format, v...) }
func (o *output) Tracef(format string, v ...any)  { o.line("TRC", format, v...) }

func newNode(t testing.TB, name, extra string, routes ...string) *node {
	n := &node{t: t, name: name, extra: extra, routes: routes, clusterName: "mixed"}
	t.Cleanup(func() {
		if n.ended != nil {
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
	fmt.Fprintf(&text, "cluster {\n  listen: %q\n  %s\n", orRandom(n.cluster), n.inCluster)
	if n.clusterName != "" {
		fmt.Fprintf(&text, "  name: %q\n", n.clusterName)
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
			log := n.log.String() // in which the reference may be ready before it binds the last port
			return n.over() || readyLine.MatchString(log) && routeLine.MatchString(log)
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
			n.at.Store(&r[1])
		}
		return c != nil && r != nil
	})
}

func (n *node) launch(p program) {
	n.t.Helper()
	n.file = filepath.Join(n.t.TempDir(), n.name+".conf")
	if err := os.WriteFile(n.file, []byte(n.config()), 0o600); err != nil {
		n.t.Fatal(err)
	}
	n.program, n.log, n.ending, n.ended = p, new(output), new(atomic.Bool), make(chan struct{})
	log := n.log
	run := n.execute
	if p == inside {
		run = n.embed
	}
	if err := run(p, n.file, log, n.ended); err != nil {
		n.t.Fatalf("%s: %v", n.name, err)
	}
	n.t.Cleanup(func() {
		if n.t.Failed() {
			n.t.Logf("%s (%s) logged\n%s", n.name, p.name, shorten(log.String()))
		}
	})
}

// execute runs an executable.
func (n *node) execute(p program, file string, log *output, ended chan struct{}) error {
	args := []string{"-c", file}
	if *debugFlag {
		args = append(args, "-DV")
	}
	cmd := exec.Command(p.path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	n.deliver = cmd.Process.Signal
	go func() {
		defer close(ended)
		_ = cmd.Wait() // that it has ended is enough
	}()
	return nil
}

// embed runs a server of package server in this process. Signals do what they do to
// the executable, but that SIGKILL is a shutdown like SIGTERM.
func (n *node) embed(_ program, file string, log *output, ended chan struct{}) error {
	o, _, err := options.Load(file)
	if err != nil {
		return err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.SetLogger(log, *debugFlag, *debugFlag)
	n.deliver = func(sig os.Signal) error {
		if sig == syscall.SIGUSR2 {
			go s.LameDuckShutdown()
		} else {
			go s.Shutdown()
		}
		return nil
	}
	go func() {
		defer close(ended)
		if err := s.Start(); err != nil {
			log.Errorf("%v", err)
			s.Shutdown()
		}
		s.WaitForShutdown()
	}()
	return nil
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

// signal has the process end, in the way of the signal.
func (n *node) signal(s os.Signal) error {
	n.ending.Store(true)
	return n.deliver(s)
}

// end sends a signal and waits until the process has ended.
func (n *node) end(s syscall.Signal) {
	n.t.Helper()
	if err := n.signal(s); err != nil {
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
	_ = n.signal(os.Kill)
	<-n.ended
}

// address is where other servers connect, "" if that is not known yet. Any goroutine
// may ask.
func (n *node) address() string {
	if at := n.at.Load(); at != nil {
		return *at
	}
	return ""
}

func (n *node) url() string { return "nats://" + n.client }
