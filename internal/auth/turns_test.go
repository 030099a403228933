package auth

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// Those from one place stand in a line, and the lines take turns.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns turns
		var order []string
		var all sync.WaitGroup
		if turns.take("first") {
			t.Error("nobody was before")
		}
		for _, place := range strings.Fields("a a a a b c b a") {
			all.Go(func() {
				if !turns.take(place) {
					t.Error("did not wait")
				}
				order = append(order, place) // the race detector sees whether it is alone
				turns.pass()
			})
			synctest.Wait() // it stands in line
		}
		turns.pass()
		all.Wait()
		if got := strings.Join(order, " "); got != "a b c a b a a a" {
			t.Errorf("the order is %s", got)
		}
		if turns.busy || len(turns.lines) != 0 || len(turns.order) != 0 {
			t.Errorf("somebody is left: %+v", &turns)
		}
	})
}
