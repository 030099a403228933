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
	strict bool   // '*' in an entry does not stand for a last '>'
}

// lookup returns what the entries below l say that match subj. Wildcards in subj are
// ordinary token values. A subject with an empty token is matched by none.
func (q *query) lookup(l *level, subj []byte) found {
	f := subject.ShapeOf(subj)
	if f.Empty {
		return 0
	}
	return q.match(l, subj, f.Tokens, tailOf(subj[f.Last:]))
}

// match is lookup for a subject of so many tokens, none of them empty, the last of
// which has that tail.
func (q *query) match(l *level, subj []byte, tokens int, last tail) (got found) {
	for ; l.admits(tokens, last); tokens-- {
		if l.rest != nil {
			if got |= q.end(l.rest); got&q.stop != 0 {
				return got
			}
		}
		n, key := first(subj)
		literal, one := l.next.find(subj[:n], key), l.one
		if n == len(subj) {
			if q.strict && subject.IsRest(subj) {
				one = nil
			}
			return got | q.end(literal) | q.end(one)
		}
		subj = subj[n+1:]
		switch {
		case one == nil && literal == nil:
			return got
		case one == nil:
			l = &literal.then
		case literal == nil:
			l = &one.then
		default:
			if got |= q.match(&literal.then, subj, tokens-1, last); got&q.stop != 0 {
				return got
			}
			l = &one.then
		}
	}
	return got
}

// end returns what the entries say that end at n, if there is such a node.
func (q *query) end(n *node) (got found) {
	if n == nil {
		return 0
	}
	if n.plain {
		got |= plain
	}
	if n.queues != nil && len(q.group) > 0 {
		got |= queued
		name := query{stop: plain}
		if name.lookup(n.queues, q.group) != 0 {
			got |= member
		}
	}
	return got
}

// overlap returns what those entries below l say that match any subject which the
// rest of a filter matches.
func (q *query) overlap(l *level, filter []byte) (got found) {
	token, after, more := subject.Next(filter)
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
			got |= q.overlap(&n.then, after)
		default:
			got |= q.end(n)
		}
	}
	follow(l.one)
	if !subject.IsOne(token) {
		_, key := first(token)
		follow(l.next.find(token, key))
		return got
	}
	for _, b := range l.next.slots {
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
	for _, b := range l.next.slots {
		follow(b.node)
	}
	return got
}
