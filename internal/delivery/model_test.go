package delivery_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nats-server/internal/interest"
	"nats-server/internal/subject"
)

// modelSub is a subscription and what there is to know about it.
type modelSub struct {
	*interest.Sub
	peer int
	left int // messages until it ends; negative = no limit
}

// model is an account with random subscriptions, and what each peer must hear.
type model struct {
	t     *testing.T
	r     *rand.Rand
	peers []*peer
	subs  []*modelSub
	sent  int
	// must holds for each peer and message the sids that get it for sure; may holds
	// for each message the groups of peers and sids of which one gets it.
	must map[string]int
	may  map[int][][]string
}

func delivered(peer, msg int, sid string) string { return fmt.Sprintf("%d/%d/%s", peer, msg, sid) }

// change subscribes, ends or limits at random.
func (m *model) change() {
	switch n := m.r.IntN(10); {
	case n < 6 || len(m.subs) == 0:
		at := m.r.IntN(len(m.peers))
		filter := []string{"a", "a.b", "a.*", "*", ">", "a.>", "*.b", "b"}[m.r.IntN(8)]
		group := []string{"", "", "", "q", "w"}[m.r.IntN(5)]
		sid := strconv.Itoa(m.r.IntN(6)) // the same for many, so that they share encodings
		for _, s := range m.subs {
			if s.peer == at && s.Sid() == sid {
				return
			}
		}
		m.subs = append(m.subs, &modelSub{m.peers[at].sub(filter, group, sid), at, -1})
	case n < 9:
		i := m.r.IntN(len(m.subs))
		m.peers[m.subs[i].peer].unsub(m.subs[i].Sub)
		m.subs = slices.Delete(m.subs, i, i+1)
	default:
		s := m.subs[m.r.IntN(len(m.subs))]
		if s.left < 0 && s.Group() == "" {
			s.left = 1 + m.r.IntN(4)
			var had uint64
			m.peers[s.peer].Out.Locked(func() { had = s.Delivered })
			m.peers[s.peer].limit(s.Sub, int(had)+s.left)
		}
	}
}

// publish sends a message and notes who must get it.
func (m *model) publish(p *peer) {
	subj := []string{"a", "a.b", "a.c", "b", "a.b.c", "*"}[m.r.IntN(6)]
	body := strconv.Itoa(m.sent) + strings.Repeat(" ", m.r.IntN(1<<m.r.IntN(15)))
	var in string
	switch m.r.IntN(4) {
	case 0:
		in = fmt.Sprintf("HPUB %s 2 %d\r\nhd%s\r\n", subj, 2+len(body), body)
	case 1:
		in = fmt.Sprintf("PUB %s  reply %d\n%s\r\n", subj, len(body), body)
	default:
		in = message(subj, body)
	}
	groups := make(map[string][]string)
	any := false
	for i := 0; i < len(m.subs); i++ {
		s := m.subs[i]
		if !subject.Match(s.Filter(), subj) {
			continue
		}
		any = true
		key := delivered(s.peer, m.sent, s.Sid())
		if g := s.Group(); g != "" {
			groups[g] = append(groups[g], key)
			continue
		}
		m.must[key]++
		if s.left--; s.left == 0 {
			m.subs = slices.Delete(m.subs, i, i+1)
			i--
		}
	}
	for _, g := range groups {
		m.may[m.sent] = append(m.may[m.sent], g)
	}
	if got := p.pub(in); got != any {
		m.t.Errorf("message %d to %s: delivered is %v, want %v", m.sent, subj, got, any)
	}
	m.sent++
}

// check compares what has been heard with what must have been.
func (m *model) check() {
	m.t.Helper()
	got := make(map[string]int)
	for i, p := range m.peers {
		last := -1
		for _, d := range p.deliveries() {
			text, _, _ := strings.Cut(d.body, " ")
			msg, err := strconv.Atoi(text)
			if err != nil {
				m.t.Fatalf("body %.40q", d.body)
			}
			if msg < last {
				m.t.Errorf("peer %d hears message %d after %d", i, msg, last)
			}
			last = msg
			got[delivered(i, msg, d.sid)]++
		}
	}
	for _, groups := range m.may {
		for _, members := range groups {
			chosen := 0
			for _, key := range members {
				chosen += got[key]
				delete(got, key)
			}
			if chosen != 1 {
				m.t.Errorf("%d of the members %v have it", chosen, members)
			}
		}
	}
	for key, n := range m.must {
		if got[key] != n {
			m.t.Errorf("%s (peer/message/sid) %d times, want %d", key, got[key], n)
		}
		delete(got, key)
	}
	for key, n := range got {
		m.t.Errorf("%s (peer/message/sid) %d times, want none", key, n)
	}
	clear(m.must)
	clear(m.may)
}

// One publisher, random subscriptions: everybody gets what the model says, in
// order, whatever is cached, staged or shared on the way.
func TestDeliveriesLikeTheModel(t *testing.T) {
	seed := rand.Uint64()
	m := &model{t: t, r: rand.New(rand.NewPCG(seed, 0)), must: make(map[string]int), may: make(map[int][][]string)}
	w := newWorld(t)
	m.peers = w.several(8)
	publisher := m.peers[0] // which also subscribes
	for _, p := range m.peers[6:] {
		p.self.NoHeaders.Store(true)
	}
	for range 400 {
		for range m.r.IntN(5) {
			m.change()
		}
		for range m.r.IntN(20) {
			m.publish(publisher)
		}
		publisher.settle()
		m.check()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
