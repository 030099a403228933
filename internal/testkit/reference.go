package testkit

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait of the kit. It is generous because test machines
// are shared: a wait that succeeds never takes this long.
const patience = 10 * time.Second

var (
	versionLine = regexp.MustCompile(`\bv(\d+\.\d+\.\d+\S*)`)
	listenLine  = regexp.MustCompile(`Listening for client connections on (\S+)`)
)

// lookup is done once per test process: the executable does not change.
var lookup = sync.OnceValues(findReference)

type reference struct{ path, version string }

func findReference() (reference, error) {
	path := os.Getenv("NATS_REFERENCE")
	if path == "" {
		found, err := exec.LookPath("nats-server")
		if err != nil {
			return reference{}, fmt.Errorf("no reference nats-server on the PATH and NATS_REFERENCE is not set: %w", err)
		}
		path = found
	}
	out, err := exec.Command(path, "-v").CombinedOutput()
	if err != nil {
		return reference{}, fmt.Errorf("reference %s -v: %w", path, err)
	}
	m := versionLine.FindSubmatch(out)
	switch {
	case m == nil:
		return reference{}, fmt.Errorf("reference %s -v prints no version: %q", path, out)
	case bytes.HasPrefix(m[1], []byte("3.")):
		// Comparing us with ourselves would prove nothing.
		return reference{}, fmt.Errorf("%s is version %s, which is this project and not the reference", path, m[1])
	}
	return reference{path, string(m[1])}, nil
}

func needReference(t testing.TB) reference {
	t.Helper()
	ref, err := lookup()
	if err == nil {
		return ref
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("the reference nats-server must be installed in CI: %v", err)
	}
	t.Skipf("not compared with the reference server: %v (Debian: apt-get install nats-server)", err)
	return reference{}
}

// Reference returns the path of the reference executable: $NATS_REFERENCE, or
// nats-server on the PATH. Without one the test is skipped, but fails in CI.
func Reference(t testing.TB) string {
	t.Helper()
	return needReference(t).path
}

// ReferenceVersion returns the version the reference executable prints, such as
// "2.9.10". Without one the test is skipped, but fails in CI.
func ReferenceVersion(t testing.TB) string {
	t.Helper()
	return needReference(t).version
}

// ReferenceHas reports whether the reference is of this release of version 2, or a later
// one. Without a reference the test is skipped, but fails in CI.
func ReferenceHas(t testing.TB, release int) bool {
	t.Helper()
	var major, minor int
	version := ReferenceVersion(t)
	if _, err := fmt.Sscanf(version, "%d.%d.", &major, &minor); err != nil {
		t.Fatalf("version %q of the reference: %v", version, err)
	}
	return major == 2 && minor >= release
}

// StartReference runs the reference server with a free port on 127.0.0.1 and the
// arguments given, and returns its client address once clients get their INFO
// there. It ends with the test.
func StartReference(t testing.TB, args ...string) (addr string) {
	t.Helper()
	path := Reference(t)
	// The server picks the port itself: a port picked here could be taken by
	// somebody else before the server binds it.
	cmd := exec.Command(path, append([]string{"-a", "127.0.0.1", "-p", "-1"}, args...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatalf("reference: %v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("reference: %v", err)
	}
	log := &processLog{listening: make(chan string, 1), ended: make(chan struct{})}
	go log.follow(stderr)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-log.ended // Wait closes the pipe, so the reader has to be through first
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("log of the reference server:\n%s", log.text())
		}
	})
	select {
	case addr = <-log.listening:
	case <-log.ended:
		t.Fatalf("the reference server ended at once:\n%s", log.text())
	case <-time.After(patience):
		t.Fatalf("the reference server does not listen:\n%s", log.text())
	}
	// It accepts from here on. A probe would prove no more, and would count as a
	// connection while a test already looks at limits and ids.
	return addr
}

// StartReferenceConfig is StartReference with the text of a configuration file.
func StartReferenceConfig(t testing.TB, config string, args ...string) (addr string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "reference.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return StartReference(t, append([]string{"-c", file}, args...)...)
}

// processLog keeps what a child writes, for the report of a failed test, and
// finds the address it listens on.
type processLog struct {
	listening chan string
	ended     chan struct{}

	mu  sync.Mutex
	buf strings.Builder
}

func (l *processLog) follow(r io.Reader) {
	defer close(l.ended)
	in := bufio.NewReader(r)
	for found := false; ; {
		line, err := in.ReadString('\n')
		l.mu.Lock()
		l.buf.WriteString(line)
		l.mu.Unlock()
		if m := listenLine.FindStringSubmatch(line); m != nil && !found {
			found = true
			l.listening <- m[1]
		}
		if err != nil {
			return
		}
	}
}

func (l *processLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
