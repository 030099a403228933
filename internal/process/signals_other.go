//go:build !unix

package process

import (
	"os"
	"syscall"
)

// actions says what the trapped signals mean: a console knows only these two.
var actions = map[os.Signal]action{
	os.Interrupt:    stop,
	syscall.SIGTERM: terminate,
}
