package tlsconf

import (
	"sync"
	"time"
)

// Rate limits how many connections begin in a second. The first of them opens a
// window of one second, within which no more than the limit are allowed (spec:
// accounts-and-auth.md 9.3). All methods are safe for concurrent use.
type Rate struct {
	limit int

	mu       sync.Mutex
	began    time.Time // the current window
	allowed  int       // in it
	rejected int       // since Rejected was called
}

// NewRate returns a Rate of perSecond connections; 0 is no limit.
func NewRate(perSecond int) *Rate { return &Rate{limit: perSecond} }

// Allow reports whether one more connection may begin now.
func (r *Rate) Allow(now time.Time) bool {
	if r.limit <= 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.began) >= time.Second {
		r.began, r.allowed = now, 0
	}
	if r.allowed >= r.limit {
		r.rejected++
		return false
	}
	r.allowed++
	return true
}

// Rejected returns how many connections were not allowed since it was last called.
func (r *Rate) Rejected() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.rejected
	r.rejected = 0
	return n
}
