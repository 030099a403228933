package tlsconf_test

import (
	"sync"
	"testing"
	"time"

	"nats-server/internal/tlsconf"
)

func TestRate(t *testing.T) {
	r := tlsconf.NewRate(3)
	begin := time.Now()
	f := func(after time.Duration, want bool) {
		t.Helper()
		if got := r.Allow(begin.Add(after)); got != want {
			t.Errorf("after %v: %t", after, got)
		}
	}
	rejected := func(want int) {
		t.Helper()
		if got := r.Rejected(); got != want {
			t.Errorf("%d were rejected, want %d", got, want)
		}
	}
	rejected(0)
	f(0, true)
	f(100*time.Millisecond, true)
	f(900*time.Millisecond, true)
	f(900*time.Millisecond, false)
	f(999*time.Millisecond, false)
	rejected(2)
	rejected(0)

	// The next window begins with its first connection, not at a full second.
	f(1500*time.Millisecond, true)
	f(2*time.Second, true)
	f(2499*time.Millisecond, true)
	f(2499*time.Millisecond, false)
	f(2500*time.Millisecond, true)
	rejected(1)
}

func TestRateWithoutLimit(t *testing.T) {
	r := tlsconf.NewRate(0)
	now := time.Now()
	for range 100_000 {
		if !r.Allow(now) {
			t.Fatal("rejected")
		}
	}
}

func TestRateOfManyAtOnce(t *testing.T) {
	const limit, each, workers = 50, 100, 8
	r := tlsconf.NewRate(limit)
	now := time.Now()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				r.Allow(now)
			}
		})
	}
	wg.Wait()
	if got := r.Rejected(); got != workers*each-limit {
		t.Errorf("%d were rejected", got)
	}
}
