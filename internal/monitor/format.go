package monitor

import (
	"strconv"
	"time"
)

// uptime is whole seconds from the largest unit that is not zero down: 2d0h0m1s (spec:
// monitoring 5).
func uptime(d time.Duration) string {
	s := max(int64(d/time.Second), 0)
	b := make([]byte, 0, 24)
	for _, u := range []struct {
		name    string
		seconds int64
	}{{"y", 365 * 86400}, {"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}} {
		if n := s / u.seconds; n > 0 || len(b) > 0 || u.name == "s" {
			b = append(strconv.AppendInt(b, n, 10), u.name...)
		}
		s %= u.seconds
	}
	return string(b)
}

// rtt is a round trip, "0s" if it is unknown (spec: monitoring 5).
func rtt(d time.Duration) string {
	if d < time.Millisecond && d > time.Microsecond {
		d = d.Truncate(time.Microsecond)
	}
	return d.String()
}
