//go:build unix

package ctl

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

var signals = map[string]syscall.Signal{
	"stop":   syscall.SIGKILL,
	"quit":   syscall.SIGINT,
	"term":   syscall.SIGTERM,
	"reopen": syscall.SIGUSR1,
	"reload": syscall.SIGHUP,
	"ldm":    syscall.SIGUSR2,
}

func send(command, target string) error { return sendTo(command, target, pgrep) }

// sendTo is send with any way to find the servers that run. The order of the
// checks is part of the format (spec: command-line 5).
func sendTo(command, target string, servers func() ([]int, error)) error {
	pids, err := resolve(target, servers)
	if err != nil {
		return err
	}
	sig, ok := signals[command]
	if !ok {
		return unknown(command)
	}
	var failed strings.Builder
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil {
			fmt.Fprintf(&failed, "\nsignal %q %d: %v", command, pid, err)
		}
	}
	if failed.Len() > 0 {
		return errors.New(failed.String())
	}
	return nil
}

// resolve finds out whom the target means. It looks for servers only if no single
// process is named. White space around the content of a pid file does not count:
// many tools end such a file with a newline.
func resolve(target string, servers func() ([]int, error)) ([]int, error) {
	if content, err := os.ReadFile(target); err == nil {
		target = strings.TrimSpace(string(content))
	}
	prefix, pattern := strings.CutSuffix(target, "*")
	if target != "" && !pattern {
		pid, ok := parsePid(target)
		if !ok {
			return nil, fmt.Errorf("invalid pid: %s", target)
		}
		return []int{pid}, nil
	}
	pids, err := servers()
	if err != nil {
		return nil, errors.New("unable to resolve pid, try providing one")
	}
	if pattern {
		return withPrefix(pids, prefix), nil
	}
	switch len(pids) {
	case 0:
		return nil, errors.New("no nats-server processes running")
	case 1:
		return pids, nil
	}
	text := "multiple nats-server processes running:"
	for _, pid := range pids {
		text += "\n" + strconv.Itoa(pid)
	}
	return nil, errors.New(text)
}

func withPrefix(pids []int, prefix string) (matching []int) {
	for _, pid := range pids {
		if strings.HasPrefix(strconv.Itoa(pid), prefix) {
			matching = append(matching, pid)
		}
	}
	return matching
}

// parsePid refuses what kill would take for something else than one process: zero
// and negative numbers mean whole groups, larger ones than 32 bits are cut off.
func parsePid(s string) (pid int, ok bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil && n > 0
}

// pgrep returns the processes, except for this one, with nats-server in their
// names. The error says that it cannot tell.
func pgrep() ([]int, error) {
	out, err := exec.Command("pgrep", "nats-server").Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return nil, nil // pgrep's way to say that there is none
	}
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, field := range strings.Fields(string(out)) {
		pid, ok := parsePid(field)
		if !ok {
			return nil, fmt.Errorf("pgrep printed %q", field)
		}
		if pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
