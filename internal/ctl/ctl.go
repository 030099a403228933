package ctl

import (
	"fmt"
	"strings"
)

// Send carries out the argument of -sl, <command>[=<target>] (spec: command-line
// 5, 10). The error's text is what is printed after "nats-server: "; it begins
// with a newline, and has a line per process, if processes could not be signalled.
//
// On Unix the target is a process id, a file that holds one, or the beginning of
// one followed by "*": every server whose id begins so, even if there is none.
// Without a target it is the only server on this machine. Send returns as soon as
// the signals are sent.
//
// On Windows the target is the name of a service, by default nats-server. Send
// waits up to ten seconds for the service to reach the state it should end in.
func Send(arg string) error {
	parts := strings.Split(arg, "=")
	if len(parts) > 2 {
		return fmt.Errorf("invalid signal parameters: %v", parts[2:])
	}
	command, target, _ := strings.Cut(arg, "=")
	return send(command, target)
}

func unknown(command string) error { return fmt.Errorf("unknown signal %q", command) }
