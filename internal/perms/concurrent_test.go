package perms_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nats-server/internal/perms"
)

// Many deliver while one publishes: nobody answers more often than permitted, and
// all that is noted once can be answered.
func TestRepliesConcurrently(t *testing.T) {
	const goroutines, each, most = 8, 2000, 3
	p := compile(t, responses(most, time.Minute))
	r := perms.NewReplies(p)
	var answered [goroutines * each]atomic.Int32
	noted := make(chan int, 64)
	var deliveries, publishes sync.WaitGroup
	for g := range goroutines {
		deliveries.Go(func() {
			for i := range each {
				n := g*each + i
				r.Note(fmt.Appendf(nil, "rep.%d", n), time.Now())
				// All of them deliver this one, some while it is used.
				r.Note([]byte("same"), time.Now())
				noted <- n
			}
		})
	}
	for range 2 {
		publishes.Go(func() {
			for n := range noted {
				text := fmt.Appendf(nil, "rep.%d", n)
				for range most + 1 {
					if r.Use(text, time.Now()) {
						answered[n].Add(1)
					}
				}
				r.Use([]byte("same"), time.Now())
				p.MayPublish(text)
			}
		})
	}
	deliveries.Wait()
	close(noted)
	publishes.Wait()
	for n := range answered {
		if got := answered[n].Load(); got != most {
			t.Fatalf("rep.%d was answered %d times", n, got)
		}
	}
}

// Answers that compete for one reply share what it permits.
func TestUsesCompete(t *testing.T) {
	const most = 100
	r := perms.NewReplies(compile(t, responses(most, -1)))
	r.Note([]byte("rep"), start)
	var yes atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range most {
				if r.Use([]byte("rep"), start) {
					yes.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if got := yes.Load(); got != most {
		t.Errorf("%d answers", got)
	}
}
