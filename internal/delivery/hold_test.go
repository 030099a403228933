package delivery_test

import (
	"strings"
	"testing"
	"time"
)

// The queue of a peer is full to the brim above this many bytes.
const limit = 1_000_000

// fill queues so much for a peer which does not listen that it is behind.
func (w *world) fill(from, to *peer) {
	w.t.Helper()
	sub := to.sub("fill", "", "0")
	to.ear.listen(false)
	for range 9 {
		from.pub(message("fill", strings.Repeat("x", 100_000)))
		from.sender.Settle()
	}
	to.unsub(sub)
}

func TestPublishersAreHeldBack(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxPending = limit
	filler, p, slow, quick := w.peer(), w.peer(), w.peer(), w.peer()
	settle := func(in string, want bool, why string) (hold func()) {
		t.Helper()
		p.pub(in)
		hold = p.sender.Settle()
		equal(t, why, hold != nil, want)
		return hold
	}
	settle(message("foo", "x"), false, "held back without receivers")
	slow.sub("foo", "", "1")
	settle(message("foo", "x"), false, "held back though all keep up")
	w.fill(filler, slow)

	// A receiver that goes on taking nothing soon costs nobody any time.
	hold := settle(message("foo", "x"), true, "held back when its only receiver is behind")
	eventually(t, "nobody waits for one that does not move", func() bool {
		before := len(p.held)
		hold()
		return len(p.held) == before
	})

	// One that is behind does not hold up those that are not.
	quick.sub("foo", "", "1")
	settle(message("foo", "x"), false, "held back though one receiver keeps up")
	settle(message("bar", "x"), false, "held back by a receiver of other messages")

	// Nor by its own lines.
	p.sender.Control([]byte("+OK\r\n"))
	equal(t, "held back by its own line", p.sender.Settle() != nil, false)

	slow.ear.listen(true)
	slow.heard()
	settle(message("foo", "x"), false, "held back though all have caught up")
	equal(t, "closed", slow.Closed() || quick.Closed(), false)
}

// A receiver that takes its time, but takes, slows its publisher down for a moment.
func TestPublishersWaitForReceiversThatMove(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxPending = 10 * limit
	p, slow := w.peer(), w.peer()
	slow.sub("foo", "", "1")
	slow.ear.listen(false)
	var hold func()
	for slow.Out.Pending() < 95*limit/10 {
		p.pub(message("foo", strings.Repeat("x", 50_000)))
		hold = p.sender.Settle()
	}
	if hold == nil {
		t.Fatal("not to be held back")
	}
	before := slow.Out.Pending()
	slow.ear.allow(20)
	eventually(t, "it moves", func() bool { return slow.Out.Pending() < before })
	hold()
	if len(p.held) != 1 || p.held[0] <= 0 || p.held[0] > time.Second {
		t.Errorf("held back for %v", p.held)
	}
}

// One that does not read what it is told itself is not held back for that.
func TestPublishersAreNotHeldBackByTheirOwnQueue(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxPending = limit
	filler, p := w.peer(), w.peer()
	w.fill(filler, p)
	p.sub("foo", "", "1")
	p.sender.Control([]byte("+OK\r\n"))
	p.pub(message("foo", "x"))
	equal(t, "held back", p.sender.Settle() != nil, false)
}

func TestPublishersThatDropAreNotHeldBack(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxPending, w.cfg.DropWhenSlow = limit, true
	filler, p, slow := w.peer(), w.peer(), w.peer()
	w.fill(filler, slow)
	slow.sub("foo", "", "1")
	for range 3 {
		p.pub(message("foo", "x"))
		equal(t, "held back", p.sender.Settle() != nil, false)
	}
	slow.ear.listen(true)
	equal(t, "messages", len(slow.bodies()), 8) // those that fitted under the mark
}

func TestOverflowEndsTheReceiver(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxPending = limit
	p, slow, quick := w.peer(), w.peer(), w.peer()
	slow.ear.listen(false)
	slow.sub("foo", "", "1")
	quick.sub("foo", "", "1")
	body := strings.Repeat("x", 10_000)
	for range 150 {
		p.send(message("foo", body))
		eventually(t, "the other keeps up", func() bool { return quick.Out.Pending() == 0 })
	}
	equal(t, "reason", slow.Reason().String(), "Slow Consumer (Pending Bytes)")
	equal(t, "slow consumers", w.stats.SlowConsumers.Load(), 1)
	equal(t, "messages to the other", len(quick.bodies()), 150)
	equal(t, "the other is closed", quick.Closed(), false)
}
