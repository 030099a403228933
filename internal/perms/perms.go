package perms

import (
	"slices"
	"time"

	"nats-server/internal/subject"
)

// Permissions are compiled rules. A nil *Permissions allows everything. They are
// immutable and safe for concurrent use; no question allocates.
type Permissions struct {
	publish, subscribe rules
	responses          limits
}

// rules are the lists of one direction. Without limited the allow list is empty and
// everything is allowed.
type rules struct {
	limited     bool
	allow, deny list
}

// limits are those of Responses, with defaults filled in and -1 for what is
// unlimited. A max of 0 means that there are no responses.
type limits struct {
	max     int
	expires time.Duration
}

// MayPublish reports whether the rules let the connection publish to subj. If not,
// it may still be a reply that Replies knows.
func (p *Permissions) MayPublish(subj []byte) bool {
	return p == nil || p.MayPublishTo(subj, subject.ShapeOf(subj))
}

// MayPublishTo is MayPublish for who knows the shape of subj.
func (p *Permissions) MayPublishTo(subj []byte, shape subject.Shape) bool {
	if p == nil {
		return true
	}
	q, r := query{stop: plain}, &p.publish
	if shape.Empty { // no entry matches
		return !r.limited
	}
	last := tailOf(subj[shape.Last:])
	allowed := !r.limited || q.match(&r.allow.level, subj, shape.Tokens, last) != 0
	return allowed && q.match(&r.deny.level, subj, shape.Tokens, last) == 0
}

// MaySubscribe reports whether the rules let the connection subscribe to a filter,
// as a member of a queue group unless group is empty. Where there are allow entries
// for the filter that name a queue, the group must be that of one of them, and
// other entries do not count. A deny entry narrower than the filter does not refuse
// it: see Filters.
//
// One answer is meant to differ from that of other servers: a '>' in the filter is
// not allowed by a '*' in an entry, which would let in what the entry does not say
// (spec: client-protocol 12).
func (p *Permissions) MaySubscribe(filter, group []byte) bool {
	if p == nil {
		return true
	}
	r := &p.subscribe
	return (!r.limited || r.allow.permits(filter, group)) && !r.denies(filter, group)
}

// permits needs a yes from the loose reading of '>' and from the strict one: to
// overlook an entry that names a queue may also allow more.
func (l *list) permits(filter, group []byte) bool {
	loose, strict := query{group: group}, query{group: group, strict: true}
	return loose.lookup(&l.level, filter).permit() && strict.lookup(&l.level, filter).permit()
}

func (f found) permit() bool {
	if f&queued != 0 {
		return f&member != 0
	}
	return f&plain != 0
}

// denies reports whether a deny entry is for subj, with no queue or that of group.
func (r *rules) denies(subj, group []byte) bool {
	q := query{group: group, stop: plain | member}
	return q.lookup(&r.deny.level, subj)&q.stop != 0
}

// MayReceive reports whether a message with that subject may be delivered to a
// subscription of the connection, which has accepted it; group is that of the
// subscription, or empty. Only deny entries count.
func (p *Permissions) MayReceive(subj, group []byte) bool {
	return p == nil || !p.subscribe.denies(subj, group)
}

// Filters reports whether MayReceive can say no to anything that a subscription to
// filter matches: whether some subject is matched by it and by a deny entry.
func (p *Permissions) Filters(filter, group []byte) bool {
	if p == nil {
		return false
	}
	q := query{group: group, stop: plain | member}
	return q.overlap(&p.subscribe.deny.level, filter)&q.stop != 0
}

// Responds reports whether the connection may answer requests that are delivered to
// it.
func (p *Permissions) Responds() bool { return p != nil && p.responses.max != 0 }

// Equal reports whether p and q are the same rules, whatever the order and the
// spelling of their entries.
func (p *Permissions) Equal(q *Permissions) bool {
	if p == nil {
		p = new(Permissions)
	}
	if q == nil {
		q = new(Permissions)
	}
	return p == q || p.responses == q.responses &&
		p.publish.equal(&q.publish) && p.subscribe.equal(&q.subscribe)
}

func (r *rules) equal(o *rules) bool {
	return r.limited == o.limited &&
		slices.Equal(r.allow.entries, o.allow.entries) &&
		slices.Equal(r.deny.entries, o.deny.entries)
}
