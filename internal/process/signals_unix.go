//go:build unix

package process

import (
	"os"
	"syscall"
)

// ignored are signals that would end the process for no good reason: nobody reads its
// standard error any more.
var ignored = []os.Signal{syscall.SIGPIPE}

// actions says what the trapped signals mean (spec: command-line 6).
var actions = map[os.Signal]action{
	syscall.SIGINT:  stop,
	syscall.SIGTERM: terminate,
	syscall.SIGUSR2: lameDuck,
	syscall.SIGUSR1: reopenLog,
	syscall.SIGHUP:  reload,
}
