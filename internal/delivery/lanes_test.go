package delivery_test

import (
	"fmt"
	"runtime"
	"testing"
	"weak"

	"nats-server/internal/conn"
	"nats-server/internal/interest"
)

// Every change of interest is in force for the next message, whatever the sender
// remembers of earlier ones.
func TestChangesOfInterestAreSeenAtOnce(t *testing.T) {
	w := newWorld(t)
	p, r := w.peer(), w.peer()
	filters := []string{"foo.bar", "foo.*", "foo.>", "*.bar", ">", "*.*"}
	for _, always := range []bool{false, true} {
		if always { // with an interest that is always there
			w.peer().sub("foo.bar", "", "1")
		}
		for _, group := range []string{"", "q"} {
			for _, filter := range filters {
				for range 3 {
					equal(t, filter+" before", p.send(message("foo.bar", "a")), always)
					sub := r.sub(filter, group, "1")
					equal(t, filter, p.send(message("foo.bar", "b")), true)
					r.hears("MSG foo.bar 1 1|b|")
					second := r.sub(filter, group, "2")
					p.send(message("foo.bar", "c"))
					want := 2
					if group != "" {
						want = 1
					}
					equal(t, filter+": messages to both", len(r.bodies()), want)
					r.unsub(second)
					p.send(message("foo.bar", "d"))
					r.hears("MSG foo.bar 1 1|d|")
					var had uint64
					r.Out.Locked(func() { had = sub.Delivered })
					r.limit(sub, int(had)+1)
					p.send(message("foo.bar", "e"))
					r.hears("MSG foo.bar 1 1|e|")
					equal(t, filter+" after", p.send(message("foo.bar", "f")), always)
					r.hears("")
				}
			}
		}
	}
}

func TestManySubjectsInTurn(t *testing.T) {
	w := newWorld(t)
	p, r := w.peer(), w.peer()
	const subjects = 3000 // more than are remembered
	for i := range subjects {
		r.sub(fmt.Sprintf("s.%d", i), "", fmt.Sprint(i))
	}
	for range 4 {
		for i := range subjects {
			p.pub(message(fmt.Sprintf("s.%d", i), fmt.Sprint(i)))
		}
		p.settle()
		got := r.deliveries()
		if len(got) != subjects {
			t.Fatalf("%d messages", len(got))
		}
		for i, d := range got {
			if want := fmt.Sprint(i); d.sid != want || d.body != want || d.subject != "s."+want {
				t.Fatalf("message %d is %+v", i, d)
			}
		}
	}
}

// The cache of lanes is as large as it has to be for the subjects that come again.
func TestLanesFitTheSubjectsThatComeAgain(t *testing.T) {
	f := func(what string, subject func(i int) string, leastLanes, mostLanes, mostSlots int) {
		t.Helper()
		w := newWorld(t)
		p := w.peer()
		for i := range 20_000 {
			p.pub(message(subject(i), "x"))
		}
		lanes, slots := p.sender.Lanes()
		if lanes < leastLanes || lanes > mostLanes || slots > mostSlots {
			t.Errorf("%s: %d lanes in %d slots", what, lanes, slots)
		}
	}
	rotating := func(n int) func(int) string {
		return func(i int) string { return fmt.Sprintf("s.%d", i%n) }
	}
	f("one subject", rotating(1), 1, 1, 16)
	f("10 subjects", rotating(10), 10, 10, 64)
	f("250 subjects", rotating(250), 240, 250, 1024)
	f("700 subjects", rotating(700), 500, 700, 1024)
	f("subjects used once", rotating(20_000), 0, 0, 16)
	f("subjects used twice", func(i int) string { return fmt.Sprintf("s.%d", i/2) }, 1, 16, 16)
	f("100 subjects among others used once", func(i int) string {
		if i%2 == 0 {
			return fmt.Sprintf("s.%d", i/2%100)
		}
		return fmt.Sprintf("t.%d", i)
	}, 90, 100, 1024)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestRandomSubjectsTakeNoMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	w := newWorld(t)
	p, r := w.peer(), w.peer()
	r.sub("s.>", "", "1")
	r.sub(">", "q", "2")
	n := 0
	send := func(count, twice int) {
		for range count {
			for range 1 + twice {
				p.pub(message(fmt.Sprintf("s.%d.%0500d", n, n), "x"))
			}
			if n++; n%100 == 0 {
				p.settle()
				r.heard()
			}
		}
	}
	send(2000, 0)
	before := heap()
	send(8_000, 0)
	if grown := heap() - before; grown > 100<<10 {
		t.Errorf("subjects used once have cost %d bytes", grown)
	}
	send(6_000, 1)
	before = heap()
	send(12_000, 1)
	if grown := heap() - before; grown > 200<<10 {
		t.Errorf("subjects used twice have cost %d bytes", grown)
	}
	runtime.KeepAlive(p)
}

// A sender forgets connections that have ended, of which nobody tells it.
func TestEndedReceiversAreForgotten(t *testing.T) {
	const waves, size = 40, 20
	w := newWorld(t)
	p, stays := w.peer(), w.peer()
	stays.sub("foo", "", "1")
	var ended []weak.Pointer[conn.Conn]
	for range waves {
		peers := w.several(size)
		var subs []*interest.Sub
		for _, r := range peers {
			subs = append(subs, r.sub("foo", "", "1"))
		}
		p.send(message("foo", "x"))
		for i, r := range peers {
			r.unsub(subs[i])
			r.Close(conn.ClientClosed)
			ended = append(ended, weak.Make(r.Conn))
			delete(w.open, r)
		}
		p.send(message("foo", "x"))
	}
	var alive int
	eventually(t, "most of those that have ended are forgotten", func() bool {
		runtime.GC()
		alive = 0
		for _, c := range ended {
			if c.Value() != nil {
				alive++
			}
		}
		return alive < 200
	})
	t.Logf("%d of %d are remembered", alive, waves*size)
	equal(t, "messages", len(stays.bodies()), 2*waves)
	runtime.KeepAlive(p)
}
