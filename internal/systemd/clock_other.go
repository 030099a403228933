//go:build !linux

package systemd

import "time"

// monotonic is of use to systemd only, which is a manager for Linux.
func monotonic() time.Duration { return 0 }
