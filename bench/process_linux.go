package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one child: a server or the relay.
type process struct {
	cmd   *exec.Cmd
	pid   int
	port  int
	ended chan struct{}
	logs  []string // files with what it said
}

// children are the processes to end when the benchmark itself is ended.
var children struct {
	sync.Mutex
	live map[*process]bool
}

// launch starts a child. It must be called on the main thread, which lives as
// long as this program: the kernel ends the child with the starting thread.
func launch(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, pid: cmd.Process.Pid, ended: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
	children.Lock()
	defer children.Unlock()
	if children.live == nil {
		children.live = map[*process]bool{}
	}
	children.live[p] = true
	return p, nil
}

// kill ends this child. A hard kill: nothing is measured after it.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
	children.Lock()
	defer children.Unlock()
	delete(children.live, p)
}

// hasEnded reports whether the child ends by itself within some time.
func (p *process) hasEnded(within time.Duration) bool {
	select {
	case <-p.ended:
		return true
	case <-time.After(within):
		return false
	}
}

// lastWords returns the ends of its logs.
func (p *process) lastWords() string {
	var words []string
	for _, path := range p.logs {
		text, _ := os.ReadFile(path)
		text = text[max(0, len(text)-400):]
		words = append(words, strings.Join(strings.Fields(string(text)), " "))
	}
	return strings.Join(words, " … ")
}

// killChildren is for the signal handler; it does not wait.
func killChildren() {
	children.Lock()
	defer children.Unlock()
	for p := range children.live {
		p.cmd.Process.Kill()
	}
}

// startServer runs the program under test and waits for its first INFO. The
// port may have been taken meanwhile, so there are some attempts.
func (e *env) startServer(args ...string) (p *process, err error) {
	for range 3 {
		if p, err = e.tryServer(args); err == nil {
			e.procs = append(e.procs, p)
			return p, nil
		}
	}
	return nil, err
}

func (e *env) tryServer(args []string) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	log := filepath.Join(e.dir, fmt.Sprintf("server-%d.log", port))
	args = append([]string{"-a", "127.0.0.1", "-p", strconv.Itoa(port), "-l", log}, args...)
	cmd := exec.Command(e.program, args...)
	out, err := os.Create(log + ".out") // where a panic would show
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	p, err := launch(cmd)
	if err != nil {
		return nil, err
	}
	p.port = port
	p.logs = []string{log, log + ".out"}
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) && !p.hasEnded(10*time.Millisecond) {
		if greets(port) {
			return p, nil
		}
	}
	p.kill()
	return nil, fmt.Errorf("%s does not answer on port %d: %s", e.program, port, p.lastWords())
}

// freePort asks the kernel for a port and gives it back.
func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func greets(port int) bool {
	c, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * time.Second))
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "INFO ")
}

// startRelay runs this very program as a relay.
func (e *env) startRelay(args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, append([]string{relayCommand}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p, err := launch(cmd)
	if err != nil {
		return nil, err
	}
	e.procs = append(e.procs, p)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	p.port, err = strconv.Atoi(strings.TrimSpace(line))
	return p, err
}

// buildServer compiles the module's root package into dir.
func buildServer(dir string) (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	root := filepath.Dir(strings.TrimSpace(string(out)))
	if err != nil || root == "." || root == filepath.Dir(os.DevNull) {
		return "", errors.New("not inside a Go module; give the executable with -server")
	}
	path := filepath.Join(dir, "nats-server")
	cmd := exec.Command("go", "build", "-buildvcs=auto", "-o", path, ".")
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, text)
	}
	return path, nil
}
