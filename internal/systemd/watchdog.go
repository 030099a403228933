package systemd

import (
	"context"
	"math"
	"os"
	"strconv"
	"time"
)

// watchdogLimit reads the manager's watchdog variables: microseconds, and the
// process they are meant for, "" meaning whoever reads them.
func watchdogLimit(usec, pid string) time.Duration {
	if pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	// The manager's word for "infinite" does not fit, which is fine.
	us, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || us <= 0 || us > math.MaxInt64/int64(time.Microsecond) {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}

// Watchdog keeps the manager from taking the process for dead: twice in the time
// that it allows, it calls alive and passes the good news on. If alive is false, or
// hangs, the manager hears nothing and in the end kills the process. Watchdog
// blocks until ctx is done; it returns at once if the manager wants no such news.
// failed gets the first error of each row of failed messages.
func (n *Notifier) Watchdog(ctx context.Context, alive func() bool, failed func(error)) {
	if n.socket == "" || n.limit == 0 {
		return
	}
	tick := time.NewTicker(n.limit / 2)
	defer tick.Stop()
	var before error
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !alive() {
			continue
		}
		err := n.send("WATCHDOG=1")
		if err != nil && before == nil {
			failed(err)
		}
		before = err
	}
}
