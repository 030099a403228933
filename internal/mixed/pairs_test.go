//go:build unix

package mixed_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
)

// limits is the configuration of all clusters here.
const limits = "max_payload: 4MB\n"

// TestClusters has clients of each server do what clients do with those of each other.
func TestClusters(t *testing.T) {
	for _, s := range shapes {
		t.Run(string(s), func(t *testing.T) {
			c := s.run(t, limits)
			c.each(t, func(t *testing.T, from, to *node) {
				a, b := connect(t, from), connect(t, to)
				for name, f := range behaviours {
					t.Run(name, func(t *testing.T) {
						a.t, b.t = t, t
						f(t, a, b)
					})
				}
			})
			t.Run("queue over all", c.queue)
			t.Run("plain to all", c.plain)
		})
	}
}

// behaviours are what a publishes and b subscribes to.
var behaviours = map[string]func(t *testing.T, a, b person){
	"plain":         plain,
	"wildcards":     wildcards,
	"queue groups":  queueGroups,
	"request-reply": requestReply,
	"old requests":  oldRequests,
	"headers":       headers,
	"auto-unsub":    autoUnsubscribe,
	"no responders": noResponders,
	"large":         large,
	"empty":         empty,
}

func plain(t *testing.T, a, b person) {
	subject := unique("plain")
	far, twice, near := b.on(subject, ""), b.on(subject, ""), a.on(subject, "")
	a.knows(b)
	a.send(subject, 200)
	for _, sub := range []*nats.Subscription{far, twice, near} {
		gets(t, sub, subject, 200)
	}
	nothingMore(t, a, b, far, twice, near)
}

// One message crosses, whatever the number of subscriptions; each gets it once.
func wildcards(t *testing.T, a, b person) {
	root := unique("wild")
	subs := []*nats.Subscription{
		b.on(root+".x.y", ""), b.on(root+".*.y", ""), b.on(root+".x.*", ""), b.on(root+".>", ""), b.on("wild.>", ""), b.on("*.*.x.y", ""),
	}
	none := []*nats.Subscription{b.on(root+".y.*", ""), b.on(root+".*", ""), b.on(root+".x.y.>", "")}
	a.knows(b)
	a.send(root+".x.y", 50)
	for _, sub := range subs {
		gets(t, sub, root+".x.y", 50)
	}
	nothingMore(t, a, b, append(subs, none...)...)
}

// Each group gets each message once, and plain subscriptions beside them.
func queueGroups(t *testing.T, a, b person) {
	const n = 300
	subject := unique("queue")
	plain := b.on(subject, "")
	one := []*nats.Subscription{a.on(subject, "one"), b.on(subject, "one"), b.on(subject, "one")}
	two := []*nats.Subscription{b.on(subject, "two"), b.on(subject, "two")}
	a.knows(b)
	a.send(subject, n)
	gets(t, plain, subject, n)
	shared(t, one, n)
	shared(t, two, n)
	nothingMore(t, a, b, append(one, two...)...)
}

// shared expects that the members get each of n numbers once altogether, and nobody
// nothing: with a hundred messages for each that does not happen by chance.
func shared(t *testing.T, members []*nats.Subscription, n int) (counts []int) {
	t.Helper()
	seen := make([]int, n)
	testkit.Within(patience, func() bool {
		all := 0
		for _, m := range members {
			have, _, _ := m.Pending()
			all += have
		}
		return all >= n
	})
	for _, m := range members {
		have, _, _ := m.Pending()
		counts = append(counts, have)
		for range have {
			msg, err := m.NextMsg(patience)
			if err != nil {
				t.Fatal(err)
			}
			i, _ := strconv.Atoi(string(msg.Data))
			seen[i]++
		}
	}
	for i, times := range seen {
		if times != 1 {
			t.Errorf("message %d of the group %s came %d times (%v)", i, members[0].Queue, times, counts)
		}
	}
	for _, have := range counts {
		if have == 0 && n >= 100*len(members) {
			t.Errorf("a member of the group %s gets nothing: %v", members[0].Queue, counts)
		}
	}
	return counts
}

func requestReply(t *testing.T, a, b person) {
	subject := unique("ask")
	b.serve(subject, "", func(m *nats.Msg) *nats.Msg { return &nats.Msg{Data: append(m.Data, '!')} })
	a.knows(b)
	for i := range 50 {
		m, err := a.Request(subject, fmt.Append(nil, i), patience)
		if err != nil || string(m.Data) != fmt.Sprint(i)+"!" {
			t.Fatalf("request %d: %v", i, err)
		}
	}
}

// A new inbox for each request: its interest has to be there before the answer.
func oldRequests(t *testing.T, a, b person) {
	subject := unique("ask")
	b.serve(subject, "", func(m *nats.Msg) *nats.Msg { return &nats.Msg{Data: m.Data} })
	a.knows(b)
	for i := range 50 {
		inbox := nats.NewInbox()
		sub, err := a.SubscribeSync(inbox)
		if err == nil {
			err = errors.Join(sub.AutoUnsubscribe(1), a.PublishRequest(subject, inbox, fmt.Append(nil, i)))
		}
		if err != nil {
			t.Fatal(err)
		}
		m, err := sub.NextMsg(patience)
		if err != nil || string(m.Data) != fmt.Sprint(i) {
			t.Fatalf("request %d: %v", i, err)
		}
	}
}

func headers(t *testing.T, a, b person) {
	subject := unique("headers")
	sub, group := b.on(subject, ""), b.on(subject, "group")
	b.serve(subject+".ask", "", func(m *nats.Msg) *nats.Msg {
		m.Header.Add("Seen", "yes")
		return &nats.Msg{Header: m.Header, Data: m.Data}
	})
	a.knows(b)
	want := nats.Header{"One": {"1"}, "Two": {"a", "b"}, "empty": {""}}
	for _, data := range []string{"", "with a body"} {
		sent := &nats.Msg{Subject: subject, Reply: "somewhere", Header: want, Data: []byte(data)}
		if err := a.PublishMsg(sent); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*nats.Subscription{sub, group} {
			m, err := s.NextMsg(patience)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, m.Header); d != "" || string(m.Data) != data || m.Reply != "somewhere" {
				t.Errorf("got %q, reply %q, headers %s", m.Data, m.Reply, d)
			}
		}
		answer, err := a.RequestMsg(&nats.Msg{Subject: subject + ".ask", Header: want, Data: []byte(data)}, patience)
		if err != nil {
			t.Fatal(err)
		}
		with := nats.Header{"One": {"1"}, "Two": {"a", "b"}, "empty": {""}, "Seen": {"yes"}}
		if d := cmp.Diff(with, answer.Header); d != "" || string(answer.Data) != data {
			t.Errorf("the answer is %q, headers %s", answer.Data, d)
		}
	}
}

func autoUnsubscribe(t *testing.T, a, b person) {
	subject := unique("max")
	sub := b.on(subject, "")
	if err := sub.AutoUnsubscribe(5); err != nil {
		t.Fatal(err)
	}
	inGroup := b.on(subject, "group")
	if err := inGroup.AutoUnsubscribe(3); err != nil {
		t.Fatal(err)
	}
	a.knows(b)
	a.send(subject, 20)
	gets(t, sub, subject, 5)
	gets(t, inGroup, subject, 3)
	nothingMore(t, a, b)
	for _, s := range []*nats.Subscription{sub, inGroup} {
		if _, err := s.NextMsg(patience); !errors.Is(err, nats.ErrMaxMessages) && !errors.Is(err, nats.ErrBadSubscription) {
			t.Errorf("one message too many: %v", err)
		}
	}
	a.unanswered(subject)
}

func noResponders(t *testing.T, a, b person) {
	subject := unique("nobody")
	if _, err := a.Request(subject, nil, patience); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("with nobody there: %v", err)
	}
	sub := b.serve(subject, "group", func(*nats.Msg) *nats.Msg { return new(nats.Msg) })
	a.answered(subject)
	if err := sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	a.knows(b)
	if _, err := a.Request(subject, nil, patience); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("when the responder has left: %v", err)
	}
}

func large(t *testing.T, a, b person) {
	subject := unique("large")
	sub := b.on(subject, "")
	a.knows(b)
	for _, size := range []int{64 << 10, 1<<20 + 1, 2 << 20} {
		want := bytes.Repeat([]byte("0123456789abcde\n"), size/16+1)[:size]
		for range 3 {
			if err := a.Publish(subject, want); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			m, err := sub.NextMsg(patience)
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			if !bytes.Equal(m.Data, want) {
				t.Errorf("%d bytes arrive as %d others", size, len(m.Data))
			}
		}
	}
}

func empty(t *testing.T, a, b person) {
	subject := unique("empty")
	sub, group := b.on(subject, ""), b.on(subject, "group")
	a.knows(b)
	for _, reply := range []string{"", "back"} {
		if err := a.PublishMsg(&nats.Msg{Subject: subject, Reply: reply}); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*nats.Subscription{sub, group} {
			if m, err := s.NextMsg(patience); err != nil || len(m.Data) != 0 || m.Reply != reply {
				t.Errorf("got %v, %v", m, err)
			}
		}
	}
}

// queue has members on all servers, publishers too. How much each server gets follows
// the number of its members, when that grows and when it shrinks.
func (c cluster) queue(t *testing.T) {
	subject := unique("everywhere")
	var people []person
	var members, surplus []*nats.Subscription
	for i, n := range c {
		p := connect(t, n)
		people = append(people, p)
		for j := range i + 1 {
			members = append(members, p.on(subject, "group"))
			if j > 0 {
				surplus = append(surplus, members[len(members)-1])
			}
		}
	}
	alike := func() {
		t.Helper()
		for _, from := range people {
			for _, to := range people {
				from.knows(to)
			}
			from.send(subject, 100*len(members))
			counts := shared(t, members, 100*len(members))
			if slices.Min(counts) < 50 || slices.Max(counts) > 160 { // five standard deviations
				t.Errorf("members get %v of 100 each: they are not treated alike", counts)
			}
			for _, to := range people {
				nothingMore(t, from, to, members...)
			}
		}
	}
	alike()
	for _, m := range surplus {
		if err := m.Unsubscribe(); err != nil {
			t.Fatal(err)
		}
	}
	members = slices.DeleteFunc(members, func(m *nats.Subscription) bool { return slices.Contains(surplus, m) })
	alike()
}

// plain has each server's client publish to subscribers everywhere.
func (c cluster) plain(t *testing.T) {
	subject := unique("everyone")
	var people []person
	var subs []*nats.Subscription
	for _, n := range c {
		p := connect(t, n)
		people = append(people, p)
		subs = append(subs, p.on(subject, ""), p.on("everyone.*", ""))
	}
	for _, from := range people {
		for _, to := range people {
			from.knows(to)
		}
		from.send(subject, 100)
		for _, sub := range subs {
			gets(t, sub, subject, 100)
		}
		for _, to := range people {
			nothingMore(t, from, to, subs...)
		}
	}
}

// accounts are two with the same subjects, of which a user is in each.
const accounts = limits + `accounts {
  RED { users: [ { user: red, password: x } ] }
  BLUE { users: [ { user: blue, password: x } ] }
}
`

func TestAccounts(t *testing.T) {
	for _, s := range []shape{"r r", "o o", "o r", "r o", "o r o", "r o r"} {
		t.Run(string(s), func(t *testing.T) {
			c := s.runAs(t, accounts, nats.UserInfo("red", "x"))
			c.each(t, func(t *testing.T, from, to *node) {
				red, blue := nats.UserInfo("red", "x"), nats.UserInfo("blue", "x")
				fromRed, fromBlue := connect(t, from, red), connect(t, from, blue)
				toRed, toBlue := connect(t, to, red), connect(t, to, blue)
				plain(t, fromRed, toRed)
				queueGroups(t, fromBlue, toBlue)
				requestReply(t, fromBlue, toBlue)
				subject := unique("same")
				redSub, blueSub := toRed.on(subject, ""), toBlue.on(subject, "")
				blueGroup := toBlue.on(subject, "group")
				fromRed.knows(toRed)
				fromBlue.knows(toBlue)
				fromRed.send(subject, 10)
				gets(t, redSub, subject, 10)
				nothingMore(t, fromBlue, toBlue, blueSub, blueGroup)
				fromBlue.send(subject, 20)
				gets(t, blueSub, subject, 20)
				gets(t, blueGroup, subject, 20)
				nothingMore(t, fromRed, toRed, redSub)
				// Who responds in the one account is nobody to the other.
				toRed.serve(subject+".ask", "", func(*nats.Msg) *nats.Msg { return new(nats.Msg) })
				fromRed.answered(subject + ".ask")
				if _, err := fromBlue.Request(subject+".ask", nil, patience); !errors.Is(err, nats.ErrNoResponders) {
					t.Errorf("another account's responder: %v", err)
				}
			})
		})
	}
}

// TestRestart ends each server in turn and starts it again; the others go on.
func TestRestart(t *testing.T) {
	t.Parallel()
	for _, s := range []shape{"r r r", "o r", "r o", "o r o", "r o r", "o o o"} {
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			c := s.run(t, limits)
			for i, n := range c {
				for _, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
					c.restart(t, i, n, how)
				}
			}
		})
	}
}

func (c cluster) restart(t *testing.T, i int, n *node, how syscall.Signal) {
	t.Helper()
	stays := c[(i+1)%len(c)]
	other := connect(t, stays)
	only, shared := unique("only"), unique("shared")
	echo := func(m *nats.Msg) *nats.Msg { return &nats.Msg{Data: m.Data} }
	gone := connect(t, n, comesBack, nats.IgnoreDiscoveredServers())
	gone.serve(only, "", echo)
	gone.serve(shared, "group", echo)
	other.answered(only)
	other.serve(shared, "group", echo)
	n.end(how)
	// Nobody is there any more, and the group has one member less.
	other.unanswered(only)
	for range 50 {
		_, err := other.Request(shared, nil, patience)
		if errors.Is(err, nats.ErrNoResponders) && !stays.program.isOurs() {
			continue // the reference chooses a server that is about to be forgotten
		}
		if err != nil {
			t.Fatalf("%s after %v: the member that is left does not answer: %v", n.name, how, err)
		}
	}
	if rest := append(append(cluster{}, c[:i]...), c[i+1:]...); len(rest) > 1 {
		rest.joined()
	}
	n.start(n.program)
	// The client comes back by itself, and its interest with it.
	other.answered(only)
	c.joined()
	gone.Close()
	other.Close()
}
