package perms

import (
	"slices"
	"sort"

	"nats-server/internal/subject"
)

// list is a set of entries as a trie with one level per token. What follows a token
// is sorted and searched by halves: most lists are short, and there may be one for
// each of many users, for which maps would be too large.
type list struct {
	entries []string // sorted
	level
}

// level is what may come next at one depth of the trie.
type level struct {
	next []branch // literal tokens, sorted
	one  *node    // '*'
	rest *node    // '>'
}

type branch struct {
	token string
	*node
}

// node is one token in its place: the entries that end there, and what follows.
type node struct {
	plain  bool   // an entry without a queue ends here
	queues *level // of the entries that end here and have one; nil if none
	then   level
}

// add makes an entry with that queue, or none, end at n.
func (n *node) add(queue string) {
	if queue == "" {
		n.plain = true
		return
	}
	if n.queues == nil {
		n.queues = new(level)
	}
	n.queues.insert(queue).plain = true
}

// insert returns the node at which filter ends, made if it is missing.
func (l *level) insert(filter string) *node {
	for {
		token, tail, more := subject.Next(filter)
		n := l.child(token)
		if !more {
			return n
		}
		l, filter = &n.then, tail
	}
}

// child returns the node of token, made if it is missing.
func (l *level) child(token string) *node {
	var slot **node
	switch {
	case subject.IsOne(token):
		slot = &l.one
	case subject.IsRest(token):
		slot = &l.rest
	default:
		at := l.search([]byte(token))
		if at == len(l.next) || l.next[at].token != token {
			l.next = slices.Insert(l.next, at, branch{token: token})
		}
		slot = &l.next[at].node
	}
	if *slot == nil {
		*slot = new(node)
	}
	return *slot
}

// literal returns the node of a token that is not taken for a wildcard, or nil.
func (l *level) literal(token []byte) *node {
	if at := l.search(token); at < len(l.next) && l.next[at].token == string(token) {
		return l.next[at].node
	}
	return nil
}

// search returns the place of a literal token among those of l.
func (l *level) search(token []byte) int {
	return sort.Search(len(l.next), func(i int) bool { return l.next[i].token >= string(token) })
}
