package interest

import (
	"math"
	"sync/atomic"

	"nats-server/internal/conn"
	"nats-server/internal/perms"
)

// Subscriber is what all subscriptions of one connection share.
type Subscriber struct {
	Queue *conn.Queue
	// Ended is called after a subscription has taken its last message, by the
	// reader that delivered it and with no locks held.
	Ended func(*Sub)
	// NoHeaders tells that the peer wants messages without their headers.
	NoHeaders atomic.Bool
	// Rights is what the connection may do, nil meaning everything. A change must be
	// followed by account.Changed for each of its subscriptions.
	Rights atomic.Pointer[Rights]
	// Link is set for another server, whose subscriptions are remote interest.
	Link *Link
}

// Link is what the remote interest over one connection has in common.
type Link struct {
	// Tap counts the messages that went over the connection, whatever subscription
	// they were for: a message goes over it once.
	Tap conn.Tap
	// Pinned tells that the connection is for one account, which messages do not name.
	Pinned bool
}

// Rights are the permissions of a connection.
type Rights struct {
	*perms.Permissions
	Replies *perms.Replies // to which it may answer; nil if it has no such permission
}

// Sub is one subscription. Everything but the Tap is set before Insert and
// belongs to the Table until Remove. There may be millions: fields are ordered
// and packed to fit 64 bytes.
type Sub struct {
	conn.Tap
	pos     uint32        // index in peers.subs
	nFilter uint32        // length of the filter in text
	nGroup  uint32        // length of the group in text
	extra   atomic.Uint32 // 1 after Limit; weight of remote interest
	text    string        // filter, group and sid, one after the other
	to      *Subscriber
	peers   *set // the set that holds this Sub, nil for a lone literal subscription
}

// NewSub makes a subscription of to; group is empty for a plain one.
func NewSub(to *Subscriber, filter, group, sid []byte) *Sub {
	text := make([]byte, 0, 64) // does not escape: the string below has its own size
	text = append(append(append(text, filter...), group...), sid...)
	return &Sub{
		Tap:     conn.Tap{Chosen: len(group) > 0},
		nFilter: uint32(len(filter)),
		nGroup:  uint32(len(group)),
		text:    string(text),
		to:      to,
	}
}

// Filter is the subject subscribed to.
func (s *Sub) Filter() string { return s.text[:s.nFilter] }

// Group is the queue group, or "".
func (s *Sub) Group() string { return s.text[s.nFilter : s.nFilter+s.nGroup] }

// Sid is the subscription's id on its connection.
func (s *Sub) Sid() string { return s.text[s.nFilter+s.nGroup:] }

// To is the subscriber.
func (s *Sub) To() *Subscriber { return s.to }

// NewRemote makes the interest of another server. For a queue group the weight is how
// many members the server has; below 1 means that none is to be chosen. Other interest
// with a weight is for one message, see Once. The origin is
// empty but for interest of leafnodes, to be told apart from that of clients.
func NewRemote(to *Subscriber, filter, group, origin []byte, weight int) *Sub {
	s := NewSub(to, filter, group, origin)
	s.SetWeight(weight)
	return s
}

// Origin is the cluster of the leafnodes that remote interest is of, or "". It stands
// where other subscriptions have their id.
func (s *Sub) Origin() string { return s.Sid() }

// Remote reports whether s is the interest of another server.
func (s *Sub) Remote() bool { return s.to.Link != nil }

// Once reports whether s is remote interest that ends with the first message. Whoever has
// delivered that calls Subscriber.Ended.
func (s *Sub) Once() bool { return s.Remote() && s.nGroup == 0 && s.extra.Load() != 0 }

// SetWeight changes how many members of the queue group another server has.
// account.Changed must follow.
func (s *Sub) SetWeight(n int) { s.extra.Store(uint32(min(max(n, 0), math.MaxInt32))) }

// Weight is how many members of its queue group s stands for: 1 if it is not remote.
func (s *Sub) Weight() int {
	if !s.Remote() {
		return 1
	}
	return int(s.extra.Load())
}

// Limit tells that the subscription, which is not remote, ends after a number of
// messages, so that each must be handed over at once to know whether it was still
// taken. The number itself is in the Tap. account.Changed must follow.
func (s *Sub) Limit() { s.extra.Store(1) }

// Limited reports whether Limit was called.
func (s *Sub) Limited() bool { return s.extra.Load() != 0 && !s.Remote() }

// set is all subscriptions with one filter.
type set struct {
	subs []*Sub
	tally
}

// tally counts the subscriptions of a set that are not remote. It is kept while
// somebody wants to know.
type tally struct {
	plain  int
	groups map[string]int // by name; nil if there are none
}

// count notes that s has come (by 1) or gone (by -1), and returns how many there are
// of its kind.
func (t *tally) count(s *Sub, by int) int {
	group := s.Group()
	if group == "" {
		t.plain += by
		return t.plain
	}
	n := t.groups[group] + by
	switch {
	case n == 0:
		delete(t.groups, group)
		return 0
	case t.groups == nil:
		t.groups = make(map[string]int, 1)
	}
	t.groups[group] = n
	return n
}

func (x *set) add(s *Sub) {
	s.peers, s.pos = x, uint32(len(x.subs))
	x.subs = append(x.subs, s)
}

func (x *set) remove(s *Sub) {
	last := len(x.subs) - 1
	moved := x.subs[last]
	x.subs[s.pos], moved.pos = moved, s.pos
	x.subs[last] = nil
	x.subs = x.subs[:last]
	s.peers = nil
}
