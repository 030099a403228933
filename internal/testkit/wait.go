package testkit

import (
	"testing"
	"time"
)

// tick is the pause between two looks at a condition.
const tick = 2 * time.Millisecond

// Eventually waits until cond holds, and fails the test when it does not within
// d. It is for state that has no event to wait for, such as a counter of a
// server; what can be observed on a connection is read from the connection.
func Eventually(t testing.TB, d time.Duration, what string, cond func() bool) {
	t.Helper()
	if !Within(d, cond) {
		t.Fatalf("not within %v: %s", d, what)
	}
}

// Within reports whether cond came to hold before d had passed. The condition is
// looked at once more at the very end, so a late scheduler does not fail it.
func Within(d time.Duration, cond func() bool) bool {
	if cond() {
		return true
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	end := time.NewTimer(d)
	defer end.Stop()
	for {
		select {
		case <-ticker.C:
			if cond() {
				return true
			}
		case <-end.C:
			return cond()
		}
	}
}
