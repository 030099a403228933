//go:build !unix

package process

import (
	"os"
	"syscall"
)

// ignored is empty: consoles have no such signals.
var ignored []os.Signal

// actions says what the trapped signals mean: a console knows only these two.
var actions = map[os.Signal]action{
	os.Interrupt:    stop,
	syscall.SIGTERM: terminate,
}
