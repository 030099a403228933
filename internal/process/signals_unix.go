//go:build unix

package process

import (
	"os"
	"syscall"
)

// actions says what the trapped signals mean (spec: command-line 6).
var actions = map[os.Signal]action{
	syscall.SIGINT:  stop,
	syscall.SIGTERM: terminate,
	syscall.SIGUSR2: lameDuck,
	syscall.SIGUSR1: reopenLog,
	syscall.SIGHUP:  reload,
}
