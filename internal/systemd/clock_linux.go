package systemd

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is the clock that the manager reads too; package time does not show it.
func monotonic() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail: the clock exists and t is ours
	return time.Duration(t.Nano())
}
