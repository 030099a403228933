package client_test

import (
	"runtime"
	"strings"
	"testing"

	"nats-server/internal/testkit"
	"nats-server/server"
)

func notUnderRace(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector needs memory of its own")
	}
}

// inUse returns the bytes of heap and stacks, after as much was given back as can
// be.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // what the pools let go in the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// What a client makes the server hold is bounded by what it has sent, whatever it
// announces, and before it is let in by 64 KB. The client's own end is part of the
// figures: some 70 KB of buffer.
func TestMemoryOfUnfinishedInput(t *testing.T) {
	notUnderRace(t)
	const clients, ownEnd = 100, 70 << 10
	f := func(name string, o server.Options, most int64, greeting, text string) {
		t.Helper()
		s := testkit.Start(t, &o)
		before := inUse()
		for range clients {
			r := testkit.Dial(t, s.Addr().String())
			if greeting != "" {
				r.Connect(greeting)
			}
			r.Send(text)
		}
		// A read of the server that lasts longer than it takes to look would not
		// show, so the look is repeated until it shows no more.
		var each int64
		if !testkit.Within(patience, func() bool {
			each = (inUse() - before) / clients
			return s.NumClients() == clients && each <= most+ownEnd
		}) {
			t.Errorf("%s: %d bytes per client, of %d clients", name, each, s.NumClients())
		}
		s.Shutdown()
	}
	const quiet = `{"verbose":false}`
	locked := server.Options{Authorization: "t"}
	f("nothing", locked, 10<<10, "", "")
	f("long CONNECT", locked, 64<<10, "", `CONNECT {"name":"`+strings.Repeat("x", 4000))
	f("announced payload", server.Options{}, 16<<10, quiet, "PUB x 1048576\r\nhello")
	f("half a payload", server.Options{}, 3*512<<10, quiet, "PUB x 1048576\r\n"+strings.Repeat("x", 512<<10))
	f("endless PING", server.Options{}, 16<<10, quiet, "PING"+strings.Repeat(" ", 1<<20))
}

// A peer that does not read costs the server its max_pending, and nothing once it
// is cut off.
func TestMemoryOfStuckSubscribers(t *testing.T) {
	notUnderRace(t)
	const maxPending, subscribers = 4 << 20, 8
	s := testkit.Start(t, &server.Options{MaxPending: maxPending})
	for range subscribers {
		r := testkit.Dial(t, s.Addr().String())
		r.Connect(`{"verbose":false}`)
		r.Send("SUB x 1\r\n")
		r.Sync()
	}
	pub := testkit.Dial(t, s.Addr().String())
	pub.Connect(`{"verbose":false}`)
	load := strings.Repeat("PUB x 1000\r\n"+strings.Repeat("x", 1000)+"\r\n", 100)
	before := inUse()
	var most int64
	for sent := 0; s.NumSlowConsumers() < subscribers; sent += len(load) {
		if sent > 64<<20 {
			t.Fatalf("%d slow consumers", s.NumSlowConsumers())
		}
		pub.Send(load)
		pub.Sync()
		if sent%(10*len(load)) == 0 {
			most = max(most, inUse()-before)
		}
	}
	if bound := int64(subscribers * maxPending * 5 / 4); most > bound {
		t.Errorf("%d subscribers held %d bytes, with a max_pending of %d", subscribers, most, maxPending)
	}
	testkit.Eventually(t, patience, "their memory is given back", func() bool { return inUse()-before < 1<<20 })
	testkit.Eventually(t, patience, "only the publisher is left", func() bool { return s.NumClients() == 1 })
}
