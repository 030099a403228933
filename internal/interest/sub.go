package interest

import (
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
	pos     uint32      // index in peers.subs
	nFilter uint32      // length of the filter in text
	nGroup  uint32      // length of the group in text
	limited atomic.Bool // see Limit
	text    string      // filter, group and sid, one after the other
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

// Limit tells that the subscription ends after a number of messages, so that each
// must be handed over at once to know whether it was still taken. The number
// itself is in the Tap. account.Changed must follow.
func (s *Sub) Limit() { s.limited.Store(true) }

// Limited reports whether Limit was called.
func (s *Sub) Limited() bool { return s.limited.Load() }

// set is all subscriptions with one filter.
type set struct{ subs []*Sub }

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
