package perms

import "nats-server/internal/subject"

// found tells which kinds of entries a query has come upon.
type found uint8

const (
	plain  found = 1 << iota // without a queue
	queued                   // with a queue, if the query is for a group
	member                   // with a queue that the group of the query belongs to
)

// query is a question to a list.
type query struct {
	group  []byte // empty: entries with a queue are none of its business
	stop   found  // it ends early when it has found any of these
	strict bool   // '*' in an entry does not stand for the token '>'
}

// lookup returns what the entries say that match subj. Wildcards in subj are
// ordinary token values. A subject with an empty token is matched by none.
func (q *query) lookup(l *list, subj []byte) found { return q.lookupAt(&l.level, subj) }

func (q *query) lookupAt(l *level, subj []byte) found {
	if l.empty() || subject.HasEmptyToken(subj) {
		return 0
	}
	return q.match(l, subj)
}

func (l *level) empty() bool { return len(l.next) == 0 && l.one == nil && l.rest == nil }

// match is lookup for the rest of a subject without empty tokens.
func (q *query) match(l *level, subj []byte) (got found) {
	for {
		if l.rest != nil {
			got |= q.end(l.rest)
		}
		token, tail, more := subject.Next(subj)
		if l.one != nil && got&q.stop == 0 && !(q.strict && subject.IsRest(token)) {
			if more {
				got |= q.match(&l.one.then, tail)
			} else {
				got |= q.end(l.one)
			}
		}
		if got&q.stop != 0 {
			return got
		}
		n := l.literal(token)
		switch {
		case n == nil:
			return got
		case !more:
			return got | q.end(n)
		}
		l, subj = &n.then, tail
	}
}

// end returns what the entries say that end at n.
func (q *query) end(n *node) (got found) {
	if n.plain {
		got |= plain
	}
	if n.queues != nil && len(q.group) > 0 {
		got |= queued
		name := query{stop: plain}
		if name.lookupAt(n.queues, q.group) != 0 {
			got |= member
		}
	}
	return got
}

// overlap returns what those entries below l say that match any subject which the
// rest of a filter matches.
func (q *query) overlap(l *level, filter []byte) (got found) {
	token, tail, more := subject.Next(filter)
	if !more && subject.IsRest(token) {
		return q.all(l)
	}
	if l.rest != nil {
		got |= q.end(l.rest)
	}
	follow := func(n *node) {
		switch {
		case n == nil || got&q.stop != 0:
		case more:
			got |= q.overlap(&n.then, tail)
		default:
			got |= q.end(n)
		}
	}
	follow(l.one)
	if !subject.IsOne(token) {
		follow(l.literal(token))
		return got
	}
	for _, b := range l.next {
		follow(b.node)
	}
	return got
}

// all returns what the entries below l say.
func (q *query) all(l *level) (got found) {
	if l.rest != nil {
		got |= q.end(l.rest)
	}
	follow := func(n *node) {
		if n != nil && got&q.stop == 0 {
			got |= q.end(n) | q.all(&n.then)
		}
	}
	follow(l.one)
	for _, b := range l.next {
		follow(b.node)
	}
	return got
}
