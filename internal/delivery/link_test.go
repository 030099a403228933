package delivery_test

import (
	"strings"
	"testing"

	"nats-server/internal/account"
	"nats-server/internal/conn"
	"nats-server/internal/delivery"
	"nats-server/internal/interest"
	"nats-server/internal/perms"
	"nats-server/internal/wire"
)

// server is a peer that is another server.
func (w *world) server() *peer {
	p := w.peer()
	p.self.Link = new(interest.Link)
	p.sender = delivery.NewRouted(&p.self)
	return p
}

// wants is the interest of another server; a weight of 0 is for no queue group.
func (p *peer) wants(filter, group string, weight int) *interest.Sub {
	return p.wantsOf(filter, group, "", weight)
}

// wantsOf is the same of leafnodes of another server, if the origin is not empty.
func (p *peer) wantsOf(filter, group, origin string, weight int) *interest.Sub {
	s := interest.NewRemote(&p.self, []byte(filter), []byte(group), []byte(origin), weight)
	p.w.acct.Subscribe(s)
	return s
}

// forward takes what another server would send in an account, and ends the read.
func (p *peer) forward(a *account.Account, lines string) {
	p.w.t.Helper()
	parser := wire.RouteParser{Pinned: true}
	parser.Limits.ControlLine = 4096
	for b := []byte(lines); len(b) > 0; {
		verb, n := parser.Next(b)
		if verb != wire.RMsg {
			p.w.t.Fatalf("%.80q is no message: %+v", b, parser.Fault)
		}
		p.sender.Forward(a, &parser.Msg)
		b = b[n:]
	}
	p.settle()
}

// The forms of messages to other servers (spec: cluster-routes 14, 21.6).
func TestFormsForOtherServers(t *testing.T) {
	w := newWorld(t)
	pub, server, plain, pinned := w.peer(), w.server(), w.server(), w.server()
	plain.self.NoHeaders.Store(true)
	pinned.self.Link.Pinned = true
	for _, p := range []*peer{server, plain, pinned} {
		p.wants("foo", "", 0)
		p.wants("foo", "", 0) // as with another filter: still one message
		p.wants("fo*", "", 0)
	}
	for _, group := range []string{"q1", "q2"} {
		server.wants("work", group, 1)
	}
	f := func(in, want, wantPlain, wantPinned string) {
		t.Helper()
		if !pub.send(in) {
			t.Errorf("%q is not delivered", in)
		}
		server.hears(want)
		plain.hears(wantPlain)
		pinned.hears(wantPinned)
	}
	f("PUB foo 5\r\nhello\r\n", "RMSG A foo 5|hello|", "RMSG A foo 5|hello|", "RMSG foo 5|hello|")
	f("PUB foo 0\r\n\r\n", "RMSG A foo 0||", "RMSG A foo 0||", "RMSG foo 0||")
	f("PUB foo r 2\r\nhi\r\n", "RMSG A foo r 2|hi|", "RMSG A foo r 2|hi|", "RMSG foo r 2|hi|")
	f("HPUB foo 2 4\r\nH:hi\r\n", "HMSG A foo 2 4|H:hi|", "RMSG A foo 2|hi|", "HMSG foo 2 4|H:hi|")
	f("HPUB foo r 2 4\r\nH:hi\r\n", "HMSG A foo r 2 4|H:hi|", "RMSG A foo r 2|hi|", "HMSG foo r 2 4|H:hi|")
	f("PUB work 2\r\nhi\r\n", "RMSG A work | q1 q2 2|hi|", "", "")
	f("PUB work r 2\r\nhi\r\n", "RMSG A work + r q1 q2 2|hi|", "", "")
	f("HPUB work 2 4\r\nH:hi\r\n", "HMSG A work | q1 q2 2 4|H:hi|", "", "")
	f("HPUB work r 2 4\r\nH:hi\r\n", "HMSG A work + r q1 q2 2 4|H:hi|", "", "")
	server.wants("work", "", 0)
	f("PUB work r 2\r\nhi\r\n", "RMSG A work + r q1 q2 2|hi|", "", "")
	plain.wants("work", "q3", 1)
	f("HPUB work r 2 4\r\nH:hi\r\n", "HMSG A work + r q1 q2 2 4|H:hi|", "RMSG A work + r q3 2|hi|", "")
	f("PUB foo 1\r\na\r\nPUB work 1\r\nb\r\nPUB foo 1\r\nc\r\n",
		"RMSG A foo 1|a|RMSG A work | q1 q2 1|b|RMSG A foo 1|c|",
		"RMSG A foo 1|a|RMSG A work | q3 1|b|RMSG A foo 1|c|", "RMSG foo 1|a|RMSG foo 1|c|")
	if pub.send("PUB bar r 1\r\nx\r\n") {
		t.Error("nobody wants it, but it is delivered")
	}
}

// Members count alike, wherever they are (spec: cluster-routes 15.1).
func TestGroupsAcrossServers(t *testing.T) {
	w := newWorld(t)
	pub, local, one, three, none := w.peer(), w.peer(), w.server(), w.server(), w.server()
	s := local.sub("work", "q", "7")
	one.wants("work", "q", 1)
	many := three.wants("work", "q", 3)
	none.wants("work", "q", 0)
	count := func(msgs int) (l, o, r, n int) {
		t.Helper()
		if !pub.send(strings.Repeat(message("work", "x"), msgs)) {
			t.Error("not delivered")
		}
		n = strings.Count(none.heard(), "RMSG")
		return strings.Count(local.heard(), "MSG"), strings.Count(one.heard(), "RMSG"), strings.Count(three.heard(), "RMSG"), n
	}
	near := func(what string, got, want int) {
		t.Helper()
		if got < want*7/10 || got > want*13/10 {
			t.Errorf("%s gets %d, not about %d", what, got, want)
		}
	}
	l, o, r, n := count(5000)
	near("the local member", l, 1000)
	near("the server with one", o, 1000)
	near("the server with three", r, 3000)
	if l+o+r != 5000 || n != 0 {
		t.Errorf("%d, %d, %d and %d of 5000", l, o, r, n)
	}
	many.SetWeight(0)
	w.acct.Changed(many)
	l, o, r, _ = count(2000)
	near("the local member, then", l, 1000)
	if l+o != 2000 || r != 0 {
		t.Errorf("%d, %d and %d of 2000", l, o, r)
	}
	one.Close(conn.ServerShutdown)
	if l, _, _, _ = count(100); l != 100 {
		t.Errorf("the member that is left gets %d of 100", l)
	}
	local.unsub(s)
	if pub.send(message("work", "x")) {
		t.Error("delivered though nobody is left")
	}
}

// Leafnodes of other servers get a message only if there is no other member that takes it
// (spec: cluster-routes 15.1, 15.2).
func TestLeafnodesOfServersComeLast(t *testing.T) {
	w := newWorld(t)
	pub, local, other, from := w.peer(), w.peer(), w.server(), w.server()
	leaf, away := w.server(), w.server()
	s := local.sub("work", "q", "7")
	direct := other.wants("work", "q", 1)
	leaf.wantsOf("work", "q", "LC", 50)
	away.wantsOf("work", "q", "LD", 50)
	f := func(hasLocal, hasOther, hasLeaves bool) {
		t.Helper()
		const n = 200
		if !pub.send(strings.Repeat(message("work", "x"), n)) {
			t.Error("not delivered")
		}
		counts := [3]int{strings.Count(local.heard(), "MSG"), strings.Count(other.heard(), "RMSG A work | q 1"),
			strings.Count(leaf.heard()+away.heard(), "RMSG A work | q 1")}
		if counts[0]+counts[1]+counts[2] != n || counts[0] > 0 != hasLocal || counts[1] > 0 != hasOther || counts[2] > 0 != hasLeaves {
			t.Errorf("%d get %d messages", counts, n)
		}
	}
	f(true, true, false)
	local.unsub(s)
	f(false, true, false)
	from.forward(w.acct, "RMSG work | q 1\r\nx\r\n")
	other.hears("RMSG A work | q 1|x|")
	w.acct.Unsubscribe(direct)
	f(false, false, true)
	from.forward(w.acct, "RMSG work | q 1\r\nx\r\n")
	if got := leaf.heard() + away.heard(); got != "RMSG A work | q 1|x|" && got != "RMSG A work | q 1\r\nx\r\n" {
		t.Errorf("leafnodes get %q", got)
	}
	leaf.Close(conn.ServerShutdown)
	s = local.sub("work", "q", "8")
	f(true, false, false)
	local.unsub(s)
	f(false, false, true)
}

// What comes from another server goes to local subscribers and, of queue groups, to
// those named (spec: cluster-routes 14, 15.2, 15.3).
func TestForward(t *testing.T) {
	w := newWorld(t)
	from, other, local := w.server(), w.server(), w.peer()
	from.wants(">", "", 0)
	other.wants(">", "", 0)
	plain := local.sub("work", "", "1")
	member := local.sub("work", "q", "2")
	local.sub("work", "q2", "3")
	f := func(in, want, wantFrom, wantOther string) {
		t.Helper()
		from.forward(w.acct, in)
		local.hears(want)
		from.hears(wantFrom)
		other.hears(wantOther)
	}
	f("RMSG work 2\r\nhi\r\n", "MSG work 1 2|hi|", "", "")
	f("RMSG work r 2\r\nhi\r\n", "MSG work 1 r 2|hi|", "", "")
	f("RMSG work | q 2\r\nhi\r\n", "MSG work 1 2|hi|MSG work 2 2|hi|", "", "")
	f("RMSG work + r q2 none q 2\r\nhi\r\n", "MSG work 1 r 2|hi|MSG work 3 r 2|hi|MSG work 2 r 2|hi|", "", "")
	f("RMSG other 2\r\nhi\r\n", "", "", "")
	local.unsub(plain)
	// A local member comes first, whatever others have.
	other.wants("work", "q", 100)
	f("RMSG work | q 1\r\na\r\n", "MSG work 2 1|a|", "", "")
	local.unsub(member)
	f("RMSG work | q 1\r\na\r\n", "", "", "RMSG A work | q 1|a|")
	f("RMSG work + rep q other 1\r\nc\r\n", "", "", "RMSG A work + rep q 1|c|")
	f("RMSG work 1\r\nb\r\n", "", "", "")
	other.Close(conn.ServerShutdown)
	from.wants("work", "q", 1)
	from.forward(w.acct, "RMSG work | q 1\r\na\r\n")
	from.hears("RMSG A work | q 1|a|")
}

// Equal subjects of two accounts on one connection are kept apart.
func TestForwardInSeveralAccounts(t *testing.T) {
	w := newWorld(t)
	from, inA, inB := w.server(), w.peer(), w.peer()
	a, b := w.acct, account.New("B")
	inA.sub("foo", "", "1")
	inA.sub("foo", "q", "2")
	w.acct = b
	inB.sub("foo", "", "3")
	inB.sub("foo", "q", "4")
	for range 3 { // lanes are made, and then used
		for range 2 {
			from.forward(a, "RMSG foo | q 1\r\na\r\n")
			from.forward(b, "RMSG foo | q 1\r\nb\r\n")
		}
		inA.hears("MSG foo 1 1|a|MSG foo 2 1|a|MSG foo 1 1|a|MSG foo 2 1|a|")
		inB.hears("MSG foo 3 1|b|MSG foo 4 1|b|MSG foo 3 1|b|MSG foo 4 1|b|")
	}
	done := make(chan bool)
	go func() {
		a.AwaitChoices()
		b.AwaitChoices()
		close(done)
	}()
	<-done // no choice is left open
}

// What another server may not have is left out, though a wildcard of its asks for it.
func TestWhatOtherServersMayHave(t *testing.T) {
	w := newWorld(t)
	pub, server := w.peer(), w.server()
	p, err := (&perms.Config{Subscribe: &perms.Rules{Deny: []string{"no.>"}}}).Compile()
	if err != nil {
		t.Fatal(err)
	}
	server.self.Rights.Store(&interest.Rights{Permissions: p})
	server.wants(">", "", 0)
	pub.send(message("no.1", "a") + message("yes", "b"))
	server.hears("RMSG A yes 1|b|")
}

// A message goes to another server while its bytes are counted as one.
func TestMessagesToOtherServersAreCounted(t *testing.T) {
	w := newWorld(t)
	pub, server := w.peer(), w.server()
	server.wants("foo", "", 0)
	server.wants("*", "q", 2)
	pub.send(strings.Repeat(message("foo", "x"), 10))
	if msgs := server.Traffic().OutMsgs; msgs != 10 {
		t.Errorf("%d messages are counted", msgs)
	}
}

func TestRelayAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	lo := newLoopback(t)
	pub, server, local := lo.peer(), lo.peer(), lo.peer()
	server.self.Link = new(interest.Link)
	server.wants("foo", "", 0)
	server.wants("work", "q", 2)
	local.sub("work", "q", "1")
	steady := func(what string, run func()) {
		t.Helper()
		for range 50 {
			run()
		}
		if n := testing.AllocsPerRun(100, run); n > 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	in := []byte(strings.Repeat(message("foo", "x")+"PUB work reply 2\r\nhi\r\n", 20))
	steady("to a server", func() {
		pub.parser.Begin()
		for rest := in; len(rest) > 0; {
			_, n := pub.parser.Next(rest)
			pub.sender.Publish(&pub.parser.Msg)
			rest = rest[n:]
		}
		pub.settle()
		drained([]*peer{server, local})
	})
	from := lo.peer()
	from.self.Link = new(interest.Link)
	from.sender = delivery.NewRouted(&from.self)
	parser := wire.RouteParser{}
	parser.Limits.ControlLine = 4096
	lines := []byte(strings.Repeat("RMSG A work + reply q 2\r\nhi\r\nRMSG A other 1\r\nx\r\n", 20))
	b := make([]byte, len(lines))
	steady("from a server", func() {
		parser.Begin()
		for rest := b[:copy(b, lines)]; len(rest) > 0; {
			_, n := parser.Next(rest)
			from.sender.Forward(lo.acct, &parser.Msg)
			rest = rest[n:]
		}
		from.settle()
		drained([]*peer{server, local})
	})
}
