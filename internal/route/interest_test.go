package route_test

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"nats-server/internal/facts"
	"nats-server/internal/interest"
	"nats-server/internal/testkit"
)

// What others are told of local interest (spec: cluster-routes 21.5).
func TestInterestIsTold(t *testing.T) {
	w := newWorld(t, false).start()
	p := w.join("NPEER", "")
	first := w.local("APP", "foo", "")
	second := w.local("APP", "foo", "")
	w.local("APP", "foo.*", "")
	w.local("$G", "foo", "")
	p.sees(t, "RS+ APP foo", "RS+ APP foo.*", "RS+ $G foo")
	q1 := w.local("APP", "work", "q1")
	w.local("APP", "work", "q1")
	q2 := w.local("APP", "work", "q2")
	p.sees(t, "RS+ APP work q1 1", "RS+ APP work q1 2", "RS+ APP work q2 1")
	first()
	q1()
	q2()
	p.sees(t, "RS+ APP work q1 1", "RS- APP work q2")
	second()
	p.sees(t, "RS- APP foo")
	p.quiet(t)
}

// A server that joins is told of everything there is, and of nothing that another server
// wants (spec: cluster-routes 1, 13.3).
func TestSnapshot(t *testing.T) {
	w := newWorld(t, false).start()
	w.local("$G", "foo", "q")
	w.local("$G", "foo", "q")
	p := w.join("NFIRST", "")
	p.sees(t, "RS+ $G foo q 2")
	p.Send("RS+ $G bar\r\nRS+ APP baz q 1\r\n")
	p.quiet(t)
	second := w.join("NSECOND", "")
	second.sees(t, "RS+ $G foo q 2")
	second.quiet(t)
	p.quiet(t)
}

// A million subscriptions are announced in a few seconds.
func TestAMillionSubscriptions(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	n := 1_000_000
	if raceEnabled {
		n /= 20
	}
	w := newWorld(t, true).start()
	w.logger.SetLevels(false, false)
	a := w.accounts.Global()
	to := new(interest.Subscriber)
	subs := make([]*interest.Sub, n)
	for i := range subs {
		subs[i] = interest.NewSub(to, fmt.Appendf(nil, "some.subject.%d", i), nil, nil)
		a.Subscribe(subs[i])
	}
	t.Cleanup(func() {
		for _, s := range subs {
			a.Unsubscribe(s)
		}
	})
	began := time.Now()
	nc, err := net.Dial("tcp", w.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Write([]byte(connectC1 + infoOf("NPEER", "B", 1, ""))); err != nil {
		t.Fatal(err)
	}
	nc.SetReadDeadline(time.Now().Add(time.Minute))
	b, lines := make([]byte, 1<<20), 0
	for lines <= n {
		k, err := nc.Read(b)
		if err != nil {
			t.Fatalf("after %d lines: %v", lines, err)
		}
		lines += strings.Count(string(b[:k]), "\n")
	}
	t.Logf("took %v", time.Since(began))
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
}

// Messages go to local subscribers, and a group that is named to one of its members
// (spec: cluster-routes 14, 15.3): what nobody here wants any more goes to another server.
func TestReroute(t *testing.T) {
	w := newWorld(t, false).start()
	first, second := w.join("NFIRST", ""), w.join("NSECOND", "")
	second.Send("RS+ $G work q 1\r\n")
	testkit.Eventually(t, patience, "interest", func() bool { return w.wanted() == 1 })
	first.Send("RMSG $G work | q 1\r\na\r\nRMSG $G work 1\r\nb\r\nRMSG $G work + rep q other 1\r\nc\r\n")
	second.sees(t, "RMSG $G work | q 1", "a", "RMSG $G work + rep q 1", "c")
	first.Send("RS+ $G mine q 1\r\nRMSG $G mine | q 1\r\nd\r\n")
	first.sees(t, "RMSG $G mine | q 1", "d")
	second.quiet(t)
}

// When a route is lost its interest is, and so is what clients were told (spec:
// cluster-routes 9, 18.1).
func TestLoss(t *testing.T) {
	w := newWorld(t, false).start()
	p := w.join("NFIRST", `,"connect_urls":["h:1","h:2"]`)
	if got := w.clientsKnow(); got != "true [C1 h:1 h:2]" && got != "true [C1 h:2 h:1]" {
		t.Errorf("clients know %s", got)
	}
	second := w.join("NSECOND", `,"connect_urls":["h:1"]`)
	p.Send("RS+ $G a\r\nRS+ APP b q 3\r\n")
	p.quiet(t)
	p.Close()
	testkit.Eventually(t, patience, "loss", func() bool { return w.clientsKnow() == "true [C1 h:1]" })
	testkit.Eventually(t, patience, "removal", func() bool { return w.accounts.NumSubscriptions() == 0 })
	w.logs(`Removing 1 subscriptions for account "APP"`)
	second.Send(infoOf("NSECOND", "name-NSECOND", 1, `,"ldm":true`))
	testkit.Eventually(t, patience, "lame duck", func() bool { return w.clientsKnow() == "true [C1]" })
	second.quiet(t)
	if w.Len() != 1 {
		t.Errorf("%d routes", w.Len())
	}
}

// With no_advertise nothing is told either way (spec: cluster-routes 9).
func TestNoAdvertise(t *testing.T) {
	w := newWorld(t, false)
	w.set.NoAdvertise = true
	w.start()
	p := w.dialIn()
	if i, _ := p.info(t); i.ConnectURLs != nil {
		t.Errorf("tells %q", i.ConnectURLs)
	}
	w.join("NPEER", `,"connect_urls":["h:1"]`)
	if got := w.clientsKnow(); got != "false [C1]" {
		t.Errorf("clients know %s", got)
	}
}

// Others hear that this server is about to go (spec: cluster-routes 18.1, 21.13).
func TestLameDuckIsAnnounced(t *testing.T) {
	w := newWorld(t, false).start()
	p := w.join("NPEER", "")
	w.AnnounceLameDuck()
	if i, line := p.info(t); !i.LameDuck || i.Nonce != "" || i.ServerID != ownID {
		t.Errorf("%s", line)
	}
}

// To tell others of a subscription allocates nothing.
func TestTellingAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	w := newWorld(t, true).start()
	w.logger.SetLevels(false, false)
	p := w.join("NPEER", "")
	go io.Copy(io.Discard, p.Conn)
	p.Conn.SetReadDeadline(time.Time{})
	a := w.accounts.Global()
	if n := testing.AllocsPerRun(1000, func() {
		w.LocalInterest(a, "some.subject", "", 1)
		w.Settle()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Interest of leafnodes and of clients is told apart if the other server does so, too
// (spec: cluster-routes 13.4): else what one withdraws the other has lost as well.
func TestOriginOfInterest(t *testing.T) {
	w := newWorld(t, false).start()
	p := w.join("NPEER", `,"lnocu":true`)
	f := func(in string, wanted int) {
		t.Helper()
		p.Send(in)
		p.quiet(t)
		if got := w.wanted(); got != wanted {
			t.Errorf("after %q %d remote subscriptions, want %d", in, got, wanted)
		}
	}
	f("RS+ $G a\r\nLS+ L1 $G a\r\nLS+ L2 $G a\r\nLS+ L2 $G a\r\n", 3)
	f("RS+ $G a q 1\r\nLS+ L1 $G a q 2\r\n", 5)
	if subs := w.Routes(9)[0].Subs; len(subs) != 5 || !slices.ContainsFunc(subs, func(s facts.Subscription) bool { return s.SID == "L L1 $G a q" }) {
		t.Errorf("%+v", subs)
	}
	f("RS- $G a\r\nRS- $G a q\r\n", 3)
	f("LS- L3 $G a\r\nLS- L1 $G a\r\n", 2)
	f("LS- L2 $G a\r\nLS- L1 $G a q\r\n", 0)
	p.Send("LS- $G a\r\n")
	p.closes(t, "")
	w.logs("processRemoteUnsub parse error")

	p = w.join("NOLD", "")
	f("RS+ $G a\r\nLS+ L1 $G a\r\n", 1)
	f("LS-  $G a\r\n", 0)
}
