package delivery_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"nats-server/internal/interest"
)

func TestAutoUnsubscribe(t *testing.T) {
	f := func(before, most, after int) {
		t.Helper()
		w := newWorld(t)
		p, r, other := w.peer(), w.peer(), w.peer()
		other.sub("foo", "", "1")
		sub := r.sub("foo", "", "1")
		n := 0
		pub := func(count int) {
			for range count {
				p.pub(message("foo", fmt.Sprint(n)))
				n++
			}
		}
		pub(before)
		p.settle()
		r.limit(sub, most)
		pub(after)
		p.settle()
		var want []string
		for i := range min(most, n) {
			want = append(want, fmt.Sprint(i))
		}
		equalAll(t, fmt.Sprintf("%d before, at most %d, %d after", before, most, after), r.bodies(), want)
		equal(t, "messages to the other", len(other.bodies()), n)
		if n >= most {
			equal(t, "subscriptions", w.acct.NumSubscriptions(), 1)
			p.send(message("foo", "x"))
			equal(t, "messages afterwards", len(r.bodies()), 0)
		} else {
			equal(t, "subscriptions", w.acct.NumSubscriptions(), 2)
		}
	}
	f(0, 1, 1)
	f(0, 1, 5)
	f(0, 3, 2)
	f(0, 3, 3)
	f(2, 3, 10)
	f(2, 5, 1)
}

// The limit counts what others have staged but not handed over.
func TestAutoUnsubscribeAndStagedMessages(t *testing.T) {
	w := newWorld(t)
	p, r := w.peer(), w.peer()
	sub := r.sub("foo", "", "1")
	for i := range 10 {
		p.pub(message("foo", fmt.Sprint(i)))
	}
	r.limit(sub, 4)
	p.settle()
	equalAll(t, "heard", r.bodies(), []string{"0", "1", "2", "3"})
	equal(t, "subscriptions", w.acct.NumSubscriptions(), 0)
	equal(t, "delivered", p.send(message("foo", "x")), false)
}

func TestAutoUnsubscribeUnderConcurrentSenders(t *testing.T) {
	const senders, count, most = 4, 500, 300
	w := newWorld(t)
	r, all := w.peer(), w.peer()
	sub := r.sub("foo", "", "1")
	all.sub("foo", "", "1")
	r.limit(sub, most)
	var wg sync.WaitGroup
	for i, p := range w.several(senders) {
		wg.Go(func() {
			for n := range count {
				p.pub(message("foo", fmt.Sprint(i, n)))
				if n%(i+1) == 0 {
					p.settle()
				}
			}
			p.settle()
		})
	}
	wg.Wait()
	equal(t, "messages", len(r.bodies()), most)
	equal(t, "messages to the one without a limit", len(all.bodies()), senders*count)
	equal(t, "delivered", sub.Delivered, most)
	equal(t, "subscriptions", w.acct.NumSubscriptions(), 1)
}

// What is too much for one member of a group goes to the others.
func TestSurplusGoesToThePeers(t *testing.T) {
	const senders, count = 3, 300
	w := newWorld(t)
	limits := map[string]int{"1": 5, "2": 40, "3": 1 << 20}
	members := w.several(len(limits))
	for i, m := range members {
		sid := fmt.Sprint(i + 1)
		m.limit(m.sub([]string{"foo", "*", ">"}[i], "q", sid), limits[sid])
	}
	var wg sync.WaitGroup
	for i, p := range w.several(senders) {
		wg.Go(func() {
			for n := range count {
				if !p.pub(message("foo", fmt.Sprint(i, n))) {
					t.Errorf("message %d of %d was not delivered", n, i)
				}
				if n%10 == i {
					p.settle()
				}
			}
			p.settle()
		})
	}
	wg.Wait()
	seen := make(map[string]int)
	for i, m := range members {
		bodies := m.bodies()
		if most := limits[fmt.Sprint(i+1)]; len(bodies) > most || i < 2 && len(bodies) < most {
			t.Errorf("member %d got %d, with a limit of %d", i+1, len(bodies), most)
		}
		for _, b := range bodies {
			seen[b]++
		}
	}
	equal(t, "messages", len(seen), senders*count)
	for body, n := range seen {
		if n != 1 {
			t.Errorf("message %s was delivered %d times", body, n)
		}
	}
	equal(t, "subscriptions", w.acct.NumSubscriptions(), 1)
}

func TestGroupOfLimitedMembersRunsOut(t *testing.T) {
	w := newWorld(t)
	p, members := w.peer(), w.several(3)
	for _, m := range members {
		m.limit(m.sub("foo", "q", "1"), 2)
	}
	taken := 0
	for range 10 {
		if p.pub(message("foo", "x")) {
			taken++
		}
	}
	p.settle()
	equal(t, "taken", taken, 6)
	for _, m := range members {
		equal(t, "messages", len(m.bodies()), 2)
	}
}

// A subscription ends while its messages are staged elsewhere: nothing comes after
// what its connection was told last.
func TestLateMessagesAreDropped(t *testing.T) {
	w := newWorld(t)
	p, r := w.peer(), w.peer()
	ends, stays := r.sub("foo", "", "1"), r.sub("foo", "", "2")
	p.pub(message("foo", "a") + message("foo", "b"))
	r.unsub(ends)
	r.sender.Control([]byte("PONG\r\n"))
	r.settle()
	r.hears("PONG|")
	p.settle()
	r.hears("MSG foo 2 1|a|MSG foo 2 1|b|")
	equal(t, "delivered", ends.Delivered, 0)
	equal(t, "delivered to the other", stays.Delivered, 2)
}

// The same where several receivers share what is encoded.
func TestLateMessagesOfManyAreDropped(t *testing.T) {
	for _, size := range []int{1, 300, 3000, 30_000, 100_000} {
		w := newWorld(t)
		p, receivers := w.peer(), w.several(6)
		var subs []*interest.Sub
		for _, r := range receivers {
			subs = append(subs, r.sub("foo", "", "1"))
		}
		p.send(message("foo", "warm") + message("foo", "warm"))
		for _, r := range receivers {
			r.heard()
		}
		body := strings.Repeat("x", size)
		p.pub(message("foo", body+"1"))
		leaves, limited := receivers[2], receivers[4]
		leaves.unsub(subs[2])
		leaves.sender.Control([]byte("PONG\r\n"))
		leaves.settle()
		leaves.hears("PONG|")
		limited.limit(subs[4], 4) // two were to warm up
		p.send(message("foo", body+"2") + message("foo", body+"3"))
		for i, r := range receivers {
			want := []string{body + "1", body + "2", body + "3"}
			switch r {
			case leaves:
				want = nil
			case limited:
				want = want[:2]
			}
			equalAll(t, fmt.Sprintf("messages of %d bytes to %d", size, i), r.bodies(), want)
		}
	}
}
