package tlsconf

import (
	"sync"
	"time"
)

// Rate limits how many connections begin in a second. The first of them opens a
// window of one second, within which no more than the limit are allowed (spec:
// accounts-and-auth.md 9.3). All methods are safe for concurrent use.
type Rate struct {
	report func(rejected int)

	mu       sync.Mutex
	limit    int       // 0 = none
	began    time.Time // the current window
	allowed  int       // in it
	rejected int       // and not reported
	timer    *time.Timer
	stopped  bool
}

// NewRate returns a Rate without a limit. report is told how many connections were not
// allowed in the last second, if any, at most once a second.
func NewRate(report func(rejected int)) *Rate { return &Rate{report: report} }

// SetLimit sets how many connections may begin in a second; 0 is no limit.
func (r *Rate) SetLimit(perSecond int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limit = perSecond
}

// Allow reports whether one more connection may begin now.
func (r *Rate) Allow(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.limit <= 0 {
		return true
	}
	if now.Sub(r.began) >= time.Second {
		r.began, r.allowed = now, 0
	}
	if r.allowed < r.limit {
		r.allowed++
		return true
	}
	r.rejected++
	if r.timer == nil && !r.stopped {
		r.timer = time.AfterFunc(time.Second, r.tell)
	}
	return false
}

// tell reports what has been rejected since the timer began.
func (r *Rate) tell() {
	r.mu.Lock()
	n := r.rejected
	r.rejected, r.timer = 0, nil
	r.mu.Unlock()
	if n > 0 {
		r.report(n)
	}
}

// Stop reports what has not been reported, and from then on nothing any more.
func (r *Rate) Stop() {
	r.mu.Lock()
	if r.timer != nil {
		r.timer.Stop()
	}
	r.stopped = true
	r.mu.Unlock()
	r.tell()
}
