package tlsconf_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nats-server/internal/tlsconf"
)

// reports returns a Rate, and what it has reported since the last call.
func reports(limit int) (r *tlsconf.Rate, took func() []int) {
	var mu sync.Mutex
	var all []int
	r = tlsconf.NewRate(func(n int) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, n)
	})
	r.SetLimit(limit)
	return r, func() (got []int) {
		mu.Lock()
		defer mu.Unlock()
		got, all = all, nil
		return got
	}
}

func TestRate(t *testing.T) {
	r, _ := reports(3)
	defer r.Stop()
	begin := time.Now()
	f := func(after time.Duration, want bool) {
		t.Helper()
		if got := r.Allow(begin.Add(after)); got != want {
			t.Errorf("after %v: %t", after, got)
		}
	}
	f(0, true)
	f(100*time.Millisecond, true)
	f(900*time.Millisecond, true)
	f(900*time.Millisecond, false)
	f(999*time.Millisecond, false)

	// The next window begins with its first connection, not at a full second.
	f(1500*time.Millisecond, true)
	f(2*time.Second, true)
	f(2499*time.Millisecond, true)
	f(2499*time.Millisecond, false)
	f(2500*time.Millisecond, true)
}

// What was rejected in a second is reported at its end, whether others come or not.
func TestRateReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, took := reports(1)
		f := func(connections int, wait time.Duration, want ...int) {
			t.Helper()
			for range connections {
				r.Allow(time.Now())
			}
			time.Sleep(wait)
			synctest.Wait()
			if got := took(); len(got) != len(want) || len(want) > 0 && got[0] != want[0] {
				t.Errorf("reported %d, want %d", got, want)
			}
		}
		f(1, 2*time.Second)
		f(5, 999*time.Millisecond)
		f(0, time.Millisecond, 4)
		f(0, time.Minute)
		f(3, 500*time.Millisecond)
		f(2, 500*time.Millisecond, 4)
		r.SetLimit(0)
		f(100, time.Minute)
		r.SetLimit(2)
		f(5, 0)
		r.Stop()
		f(0, 0, 3)
		f(5, time.Minute)
	})
}

func TestRateWithoutLimit(t *testing.T) {
	r, took := reports(0)
	now := time.Now()
	for range 100_000 {
		if !r.Allow(now) {
			t.Fatal("rejected")
		}
	}
	if r.Stop(); took() != nil {
		t.Error("something is reported")
	}
}

func TestRateOfManyAtOnce(t *testing.T) {
	const limit, each, workers = 50, 100, 8
	r, took := reports(limit)
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
	r.Stop()
	total := 0
	for _, n := range took() {
		total += n
	}
	if total != workers*each-limit {
		t.Errorf("%d were rejected", total)
	}
}
