package delivery_test

import (
	"fmt"
	"strings"
	"testing"

	"nats-server/internal/conn"
	"nats-server/internal/interest"
)

func TestOneMemberGetsAMessage(t *testing.T) {
	const count = 400
	w := newWorld(t)
	p, members := w.peer(), w.several(4)
	// One group, whatever the filters; another; and both on one connection.
	members[0].sub("foo.bar", "q", "1")
	members[1].sub("foo.*", "q", "1")
	members[2].sub(">", "q", "1")
	members[3].sub("foo.bar", "q", "1")
	members[3].sub("foo.bar", "q", "2")
	members[0].sub("foo.bar", "other", "3")
	members[1].sub("foo.>", "other", "3")
	members[2].sub("foo.baz", "other", "3")
	for i := range count {
		p.pub(message("foo.bar", fmt.Sprint(i)))
		if i%7 == 0 {
			p.settle()
		}
	}
	p.settle()
	q, other, share := make(map[string]int), make(map[string]int), make(map[string]int)
	for i, m := range members {
		for _, d := range m.deliveries() {
			if d.sid == "3" {
				other[d.body]++
			} else {
				q[d.body]++
				share[fmt.Sprint(i, " ", d.sid)]++
			}
		}
	}
	if len(q) != count || len(other) != count {
		t.Errorf("%d and %d of %d messages", len(q), len(other), count)
	}
	for body, n := range q {
		if n != 1 || other[body] != 1 {
			t.Errorf("message %s went to %d and %d members", body, n, other[body])
		}
	}
	// Chance may favour somebody, but it takes 10^-10 for one to get so little.
	for who, n := range share {
		if n < count/5/3 {
			t.Errorf("member %s got %d of %d", who, n, count)
		}
	}
	equal(t, "members with messages", len(share), 5)
}

func TestClosedMembersAreSkipped(t *testing.T) {
	w := newWorld(t)
	p, members := w.peer(), w.several(3)
	for _, m := range members {
		m.sub("foo", "q", "1")
	}
	p.send(message("foo", "warm") + message("foo", "warm"))
	for _, m := range members {
		m.heard()
	}
	// The interest of a closed connection goes a little later.
	members[0].Close(conn.ClientClosed)
	members[2].Close(conn.SlowConsumerPending)
	for i := range 50 {
		equal(t, "delivered", p.pub(message("foo", fmt.Sprint(i))), true)
	}
	p.settle()
	equal(t, "messages to the one left", len(members[1].bodies()), 50)
	members[1].Close(conn.ClientClosed)
	equal(t, "delivered", p.send(message("foo", "x")), false)
}

func TestMembersThatAreBehindAreSkippedIfMessagesAreDropped(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxPending, w.cfg.DropWhenSlow = 100_000, true
	p, slow, quick := w.peer(), w.peer(), w.peer()
	slow.ear.listen(false)
	slow.sub("fill", "", "1")
	p.send(message("fill", strings.Repeat("x", 90_000)))
	slow.sub("foo", "q", "2")
	quick.sub("foo", "q", "2")
	for range 50 {
		equal(t, "delivered", p.pub(message("foo", "x")), true)
	}
	p.settle()
	equal(t, "messages to the one that keeps up", len(quick.bodies()), 50)
	slow.sub("foo.plain", "", "3")
	p.send(message("foo.plain", "dropped"))
	slow.ear.listen(true)
	equal(t, "messages to the one behind", len(slow.bodies()), 1)
	p.send(message("foo.plain", "not dropped"))
	equal(t, "messages when it has caught up", len(slow.bodies()), 1)
}

// A member that has had its last message may still be found for a moment.
func TestMembersThatHaveHadEnoughAreSkipped(t *testing.T) {
	w := newWorld(t)
	p, members := w.peer(), w.several(3)
	for i, m := range members {
		m.self.Ended = func(*interest.Sub) {} // its interest stays
		m.limit(m.sub("foo", "q", "1"), []int{3, 1000, 5}[i])
	}
	for i := range 200 {
		equal(t, "delivered", p.pub(message("foo", fmt.Sprint(i))), true)
	}
	p.settle()
	equal(t, "messages to the first", len(members[0].bodies()), 3)
	equal(t, "messages to the second", len(members[1].bodies()), 192)
	equal(t, "messages to the third", len(members[2].bodies()), 5)

	// Alone it is nobody.
	alone := w.peer()
	alone.self.Ended = func(*interest.Sub) {}
	alone.limit(alone.sub("bar", "", "1"), 1)
	equal(t, "delivered", p.send(message("bar", "x")), true)
	equal(t, "delivered", p.send(message("bar", "y")), false)
	alone.hears("MSG bar 1 1|x|")
}

// Whether a member took a message does not depend on what was staged for the same
// connection before.
func TestEarlierLossesDoNotCount(t *testing.T) {
	w := newWorld(t)
	p, member := w.peer(), w.peer()
	plain := member.sub("plain", "", "1")
	member.limit(member.sub("foo", "q", "2"), 100)
	p.pub(message("plain", "late"))
	member.unsub(plain)
	equal(t, "delivered", p.pub(message("foo", "a")), true)
	p.settle()
	member.hears("MSG foo 2 1|a|")
}

// A member that leaves first gets, or another gets, everything it was chosen for;
// then it hears no more.
func TestLeavingMembersLoseNothing(t *testing.T) {
	const rounds, batch = 200, 10
	w := newWorld(t)
	p, stays, goes := w.peer(), w.peer(), w.peer()
	stays.sub("foo", "q", "1")
	next := 0
	for range rounds {
		sub := goes.sub("foo", "q", "2")
		left, published := make(chan bool), make(chan bool)
		go func() {
			<-published
			goes.unsub(sub)
			goes.sender.Control([]byte("PONG\r\n"))
			goes.settle()
			close(left)
		}()
		for i := range batch {
			p.pub(message("foo", fmt.Sprint(next+i)))
			if i == 0 {
				close(published)
			}
		}
		p.settle()
		<-left
		p.send(message("foo", fmt.Sprint(next+batch)))

		var got [2][]string
		got[0] = stays.bodies()
		text, after, found := strings.Cut(goes.heard(), "PONG\r\n")
		if !found || after != "" {
			t.Fatalf("heard %q after its PONG", after)
		}
		for line := range strings.SplitSeq(text, "\r\n") {
			if line != "" && !strings.HasPrefix(line, "MSG ") {
				got[1] = append(got[1], line)
			}
		}
		seen := make(map[int]int)
		for _, bodies := range got {
			last := -1
			for _, body := range bodies {
				var n int
				fmt.Sscan(body, &n)
				if n <= last {
					t.Errorf("message %d after %d", n, last)
				}
				last = n
				seen[n]++
			}
		}
		for i := range batch + 1 {
			if seen[next+i] != 1 {
				t.Fatalf("message %d was delivered %d times", next+i, seen[next+i])
			}
		}
		next += batch + 1
	}
}

// Members join and leave, and interest changes, at any moment; plain receivers and
// the group miss nothing.
func TestGroupsUnderConstantChange(t *testing.T) {
	const count = 20_000
	w := newWorld(t)
	p, plain, member, other := w.peer(), w.several(5), w.peer(), w.peer()
	for _, r := range plain {
		r.sub("foo", "", "1") // the same sid: they may share what is encoded
	}
	stable := member.sub("foo", "q", "2")
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				w.acct.Changed(stable)
				other.unsub(other.sub("foo", "q", "3"))
			}
		}
	}()
	for i := range count {
		p.pub(message("foo", fmt.Sprint(i)))
		p.pub(message(fmt.Sprintf("once.%d", i), "x"))
		p.settle()
	}
	close(stop)
	<-stopped
	for i, r := range plain {
		if got := r.bodies(); len(got) != count {
			t.Errorf("plain receiver %d got %d of %d", i, len(got), count)
		}
	}
	if n := len(member.bodies()) + len(other.bodies()); n != count {
		t.Errorf("the group got %d of %d", n, count)
	}
}

// The same for subjects that are used once.
func TestGroupsOfOneOffSubjectsUnderConstantChange(t *testing.T) {
	const count = 20_000
	w := newWorld(t)
	p, member, other := w.peer(), w.peer(), w.peer()
	stable := member.sub("once.*", "q", "2")
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				w.acct.Changed(stable)
				other.unsub(other.sub("once.*", "q", "3"))
			}
		}
	}()
	for i := range count {
		if !p.send(message(fmt.Sprintf("once.%d", i), "x")) {
			t.Errorf("message %d was not delivered", i)
			break
		}
	}
	close(stop)
	<-stopped
	if n := len(member.bodies()) + len(other.bodies()); !t.Failed() && n != count {
		t.Errorf("the group got %d of %d", n, count)
	}
}

func TestManyGroups(t *testing.T) {
	w := newWorld(t)
	p, r := w.peer(), w.several(3)
	for g := range 40 {
		for i, x := range r {
			x.sub([]string{"foo", "*", ">"}[i], fmt.Sprintf("group-%d", g), fmt.Sprint(g))
		}
	}
	for range 3 {
		p.send(message("foo", "x"))
		seen := make(map[string]int)
		for _, x := range r {
			for _, d := range x.deliveries() {
				seen[d.sid]++
			}
		}
		for g := range 40 {
			if n := seen[fmt.Sprint(g)]; n != 1 {
				t.Errorf("%d members of group %d have it", n, g)
			}
		}
	}
}
