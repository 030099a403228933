package testkit

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWithin(t *testing.T) {
	f := func(name string, holdsAfter, limit time.Duration, want bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			got := Within(limit, func() bool { return time.Since(start) >= holdsAfter })
			if got != want {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
			if took := time.Since(start); took > limit {
				t.Errorf("%s: took %v, the limit is %v", name, took, limit)
			}
		})
	}
	f("at once", 0, time.Second, true)
	f("later", 500*time.Millisecond, time.Second, true)
	f("at the last moment", time.Second, time.Second, true)
	f("too late", 1001*time.Millisecond, time.Second, false)
	f("no patience at all", 0, 0, true)
}
