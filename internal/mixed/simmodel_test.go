//go:build unix

package mixed_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// parcel is one message of the simulation, as its publisher knows it.
type parcel struct {
	From    int  // client
	Seq     int  // counts the messages of the client
	ID      int  // counts all
	Strict  bool // arrives before anything changes
	Filling string
}

func (p parcel) String() string {
	return fmt.Sprintf("number %d of client %d (%d)", p.Seq, p.From, p.ID)
}

func (p parcel) bytes() []byte {
	b, _ := json.Marshal(p)
	return b
}

// interest is one subscription, in the simulation and in the server.
type interest struct {
	sub    *nats.Subscription
	client *simClient
	filter string
	queue  string
	max    int // 0 = none

	received int // under the ledger's mutex
}

func (i *interest) matches(subject string) bool {
	f, s := strings.Split(i.filter, "."), strings.Split(subject, ".")
	for n, token := range f {
		if token == ">" {
			return len(s) > n
		}
		if n >= len(s) || token != "*" && token != s[n] {
			return false
		}
	}
	return len(f) == len(s)
}

// ledger keeps what has arrived, and what is wrong with it.
type ledger struct {
	mu       sync.Mutex
	byTarget map[target]int // deliveries of a parcel to a subscription
	byGroup  map[group]int  // deliveries of a parcel to a group
	answers  map[int]int    // answers to a request
	refusals map[int]int    // "no responders" for a request
	wrong    []string
}

type target struct {
	to *interest
	id int
}

type group struct {
	queue string
	id    int
}

func newLedger() *ledger {
	return &ledger{byTarget: map[target]int{}, byGroup: map[group]int{}, answers: map[int]int{}, refusals: map[int]int{}}
}

func (l *ledger) complain(format string, args ...any) {
	if len(l.wrong) < 20 {
		l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
	}
}

// failed is what has been found wrong so far.
func (l *ledger) failed() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wrong
}

// loose reports whether a parcel may reach plain subscriptions more than once, and late:
// when a member leaves while a message is on its way to it, its server sends the message
// on to another (spec: cluster-routes 15.3).
func loose(p parcel, subject string) bool { return !p.Strict && strings.HasPrefix(subject, "q.") }

// deliver notes that a parcel has arrived, and checks what holds at any time.
func (l *ledger) deliver(to *interest, m *nats.Msg, p parcel, last map[int]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	to.received++
	if !to.matches(m.Subject) {
		l.complain("%v got %s: %v", to, m.Subject, p)
	}
	if to.max > 0 && to.received > to.max {
		l.complain("%v got %d messages of at most %d", to, to.received, to.max)
	}
	l.byTarget[target{to, p.ID}]++
	if n := l.byTarget[target{to, p.ID}]; n > 1 && (to.queue != "" || !loose(p, m.Subject)) {
		l.complain("%v got %v on %s %d times", to, p, m.Subject, n)
	}
	if to.queue != "" {
		l.byGroup[group{to.queue, p.ID}]++
		if n := l.byGroup[group{to.queue, p.ID}]; n > 1 {
			l.complain("the group %s got %v on %s %d times", to.queue, p, m.Subject, n)
		}
	}
	if !loose(p, m.Subject) {
		if p.Seq < last[p.From] {
			l.complain("%v got %d of client %d after %d", to, p.Seq, p.From, last[p.From])
		}
		last[p.From] = p.Seq
	}
}

// reply notes an answer, or that there is none.
func (l *ledger) reply(id int, refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if refused {
		l.refusals[id]++
	} else {
		l.answers[id]++
	}
	if l.refusals[id] > 1 || l.refusals[id] > 0 && l.answers[id] > 0 {
		l.complain("request %d: %d answers and %d times no responders", id, l.answers[id], l.refusals[id])
	}
}

// forget drops what has been checked.
func (l *ledger) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.byTarget)
	clear(l.byGroup)
	clear(l.answers)
	clear(l.refusals)
}

func (i *interest) String() string {
	return fmt.Sprintf("client %d on %s, subscribed to %q (group %q)", i.client.id, i.client.node.name, i.filter, i.queue)
}

// exact sends while everything is known, and expects that everybody gets it who is to.
func (s *sim) exact() {
	c, ok := pick(s, s.clients)
	if !ok {
		return
	}
	var ids []int
	var where []string
	s.checking = true
	defer func() { s.checking = false }()
	reply := [2]string{"", "ask"}[s.random.IntN(2)]
	for range 1 + s.random.IntN(30) {
		subject, _ := pick(s, subjects)
		where = append(where, subject)
		ids = append(ids, c.send(subject, reply))
	}
	s.note("client %d sends %d messages that are checked, reply %q", c.id, len(ids), reply)
	s.fence(c)
	s.ledger.mu.Lock()
	for n, id := range ids {
		s.expect(c, where[n], id, reply != "")
	}
	s.ledger.mu.Unlock()
	s.dropSpent()
	if len(s.ledger.failed()) == 0 {
		s.ledger.forget()
	}
}

// expect checks one message that was sent while everything was known.
func (s *sim) expect(from *simClient, subject string, id int, asked bool) {
	l := s.ledger
	groups, deliveries, limited := map[string]bool{}, 0, false
	for _, c := range s.clients {
		for _, i := range c.interests {
			if !i.matches(subject) {
				continue
			}
			got := l.byTarget[target{i, id}]
			deliveries += got
			limited = limited || i.max > 0 && c.user == from.user // other servers learn later that it has ended
			switch {
			case !s.reaches(from, c):
				if got > 0 {
					l.complain("%v got %d on %s of client %d, which does not reach it", i, id, subject, from.id)
				}
			case i.queue != "":
				groups[i.queue] = true
			case i.max > 0: // checked on arrival, and by the next
				if got == 0 && i.received < i.max {
					l.complain("%v did not get %d on %s, but only %d of %d", i, id, subject, i.received, i.max)
				}
			case got != 1:
				l.complain("%v got %d on %s %d times", i, id, subject, got)
			}
		}
	}
	for g := range groups {
		if n := l.byGroup[group{g, id}]; n != 1 {
			l.complain("the group %s got %d on %s %d times", g, id, subject, n)
		}
	}
	if asked && l.answers[id] != deliveries {
		l.complain("request %d on %s: %d deliveries and %d answers", id, subject, deliveries, l.answers[id])
	}
	if asked && !limited && (l.refusals[id] > 0) != (deliveries == 0) {
		l.complain("request %d on %s: %d deliveries and %d times no responders", id, subject, deliveries, l.refusals[id])
	}
}
