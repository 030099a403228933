package delivery

import (
	"math/rand/v2"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/conn"
	"nats-server/internal/interest"
	"nats-server/internal/subject"
	"nats-server/internal/wire"
)

// stagedMost is how many bytes a Sender stages before it hands them over in the
// middle of a read: enough for full writes, little enough to stay in the cache.
const stagedMost = 1 << 20

// Sender is the publishing half of one connection. It belongs to the connection's
// reader goroutine.
type Sender struct {
	acct   *account.Account
	self   *interest.Subscriber
	own    *stage
	echo   bool
	routed bool             // what it sends came from another server, and goes to none
	rights *interest.Rights // as last told

	lanes   lanes
	last    *lane // of the message before
	bundled *lane // whose bundles hold messages; nil or last
	scratch lane  // of subjects without a lane

	stages    map[*conn.Queue]*stage
	sweepAt   int    // number of stages at which closed queues are looked for
	lastStage *stage // the one last asked for
	dirty     []*stage
	flush     []*stage
	fed       []*stage         // took messages in this read
	staged    int              // bytes in dirty stages
	choosing  *account.Account // the one between BeginChoice and EndChoice, or nil

	found   []*interest.Sub // scratch of plan
	byName  map[string]int  // scratch of plan
	plain   []byte          // scratch: a message without its header
	between []byte          // scratch of relay

	held func(time.Duration) // told when the publisher was held back
}

// NewSender returns the publishing half of the connection that self belongs to,
// in account acct. held is called after a read whose publisher was made to wait.
func NewSender(acct *account.Account, self *interest.Subscriber, held func(time.Duration)) *Sender {
	s := &Sender{acct: acct, self: self, own: newStage(self.Queue), echo: true, held: held}
	return s
}

// SetAccount lets the messages that follow be of another account.
func (s *Sender) SetAccount(a *account.Account) { s.acct = a }

// SetEcho says whether messages go to subscriptions of their own connection.
func (s *Sender) SetEcho(echo bool) {
	if s.echo != echo {
		s.echo = echo
		s.forget()
	}
}

// SetRights says what the connection may publish, nil meaning everything. It is told,
// and does not look itself, so that all lanes are of the same rights.
func (s *Sender) SetRights(r *interest.Rights) {
	s.rights = r
	s.forget()
}

// forget drops what is remembered about subjects.
func (s *Sender) forget() {
	s.spread()
	s.lanes, s.last = lanes{}, nil
}

// Route is what Find found out about a message. It is valid until the Sender is used
// for another message.
type Route struct{ lane *lane }

// Find works out where m goes, and reports whether this connection may publish it.
func (s *Sender) Find(m *wire.Msg) (r Route, allowed bool) {
	l := s.lane(m.Subject)
	return Route{l}, !l.refused || s.answers(m.Subject)
}

// answers reports whether a message may be published as the answer to one that was
// delivered to this connection, and counts it.
func (s *Sender) answers(subj []byte) bool {
	r := s.rights
	return r != nil && r.Replies != nil && r.Replies.Use(subj, time.Now())
}

// Publish stages m for everybody who wants it and reports whether there was
// anybody.
func (s *Sender) Publish(m *wire.Msg) (delivered bool) { return s.Deliver(Route{s.lane(m.Subject)}, m) }

// Deliver stages m, for which Find has given the route, and reports whether there was
// anybody who wants it.
func (s *Sender) Deliver(r Route, m *wire.Msg) (delivered bool) {
	l := r.lane
	if len(l.groups) > 0 {
		s.choose(l, m)
	}
	for i := range l.bundles {
		s.sendBundle(&l.bundles[i], m)
		delivered = true
	}
	for i := range l.plain {
		if s.send(&l.plain[i], m) {
			delivered = true
		}
	}
	for i := range l.groups {
		if s.sendToOne(l, &l.groups[i], m) {
			delivered = true
		}
	}
	for i := range l.links {
		if s.relay(&l.links[i], m) {
			delivered = true
		}
	}
	s.relieve()
	return delivered
}

// choose begins a choice in the account of l. One in another account ends first: those
// who wait for the end of choices in either could otherwise wait for each other.
func (s *Sender) choose(l *lane, m *wire.Msg) {
	if s.choosing == l.acct {
		return
	}
	if s.choosing != nil {
		s.Commit()
	}
	s.choosing = l.acct
	l.acct.BeginChoice()
	if !l.stamp.Current() { // now that no member can leave unnoticed
		s.spread()
		s.renew(l, m.Subject)
	}
}

// relieve hands over when much is staged in the middle of a read.
func (s *Sender) relieve() {
	if s.staged > stagedMost {
		s.own.Queue.Lengthy() // there may be much more to come
		s.handOver()
	}
}

// send stages m for one receiver and reports whether it is taken.
func (s *Sender) send(t *target, m *wire.Msg) bool {
	prefix, tail, payload := t.prefix, m.Tail, len(m.Body)
	switch {
	case m.Header == 0:
		prefix = prefix[1:] // MSG
	case t.sub.To().NoHeaders.Load():
		s.plain = m.AppendPlainTail(s.plain[:0])
		prefix, tail, payload = prefix[1:], s.plain, payload-m.Header
	}
	if t.notes != nil && m.Reply != nil {
		t.notes.Note(m.Reply, time.Now())
	}
	if t.sub.Limited() {
		return s.sendNow(t, prefix, tail, payload)
	}
	dst := s.reserve(t.stage, t.sub, len(prefix)+len(tail), 1, payload)
	copy(dst[copy(dst, prefix):], tail)
	return true
}

// sendNow hands over a message to a subscription that ends after a number of
// them, to learn whether it was still taken. What was staged before goes first.
func (s *Sender) sendNow(t *target, prefix, tail []byte, payload int) bool {
	st := t.stage
	if !st.Empty() {
		s.commit(st)
	}
	dst := s.reserve(st, t.sub, len(prefix)+len(tail), 1, payload)
	copy(dst[copy(dst, prefix):], tail)
	o := st.Queue.Commit(&st.Stage)
	s.committed(st, &o)
	return len(o.Lost) == 0
}

// sendToOne stages m for one member of a queue group, chosen at random; the others are
// tried in turn should it not be taken, and leafnodes of other servers at last (spec:
// client-protocol 9, cluster-routes 15.1).
func (s *Sender) sendToOne(l *lane, g *group, m *wire.Msg) bool {
	n, far := len(g.members), &g.remotes
	at := pick(n + far.weight)
	switch {
	case at >= n:
		return l.appoint(g, far, at-n) || s.sendToLocal(g.members, 0, m) || l.appointAny(g)
	case far.weight == 0:
		return s.sendToLocal(g.members, at, m) || l.appointAny(g)
	}
	return s.sendToLocal(g.members[at:], 0, m) || l.appoint(g, far, 0) || s.sendToLocal(g.members[:at], 0, m) || l.appointAny(g)
}

// pick returns a random number below n, or 0.
func pick(n int) int {
	if n <= 1 {
		return 0
	}
	return int(rand.Uint32N(uint32(n)))
}

// sendToLocal stages m for one of the members, tried in turn from at on.
func (s *Sender) sendToLocal(members []target, at int, m *wire.Msg) bool {
	for range members {
		if t := &members[at]; !t.stage.Queue.Refuses() && s.send(t, m) {
			return true
		}
		if at++; at == len(members) {
			at = 0
		}
	}
	return false
}

// Control stages a line for the connection itself.
func (s *Sender) Control(line []byte) { copy(s.reserve(s.own, nil, len(line), 0, 0), line) }

// NoResponders stages the status message that says nobody took a request to subj,
// if the connection has a plain subscription that gets the reply.
func (s *Sender) NoResponders(subj, reply []byte) {
	if subject.HasEmptyToken(reply) {
		return
	}
	s.found, _ = s.acct.Match(interest.Hash(reply), reply, s.found[:0])
	for _, sub := range s.found {
		if sub.To() == s.self && sub.Group() == "" {
			s.plain = wire.AppendNoResponders(s.plain[:0], reply, sub.Sid(), subj)
			s.Control(s.plain)
			break
		}
	}
	clear(s.found)
}
