package perms

import (
	"math"
	"strings"

	"nats-server/internal/subject"
)

// list is a set of entries as a trie with one level per token.
type list struct {
	entries []string // sorted
	level
}

// level is what may come next at one depth of the trie.
type level struct {
	next        children // literal tokens
	one         *node    // '*'
	rest        *node    // '>'
	tails       tail     // of the subjects that the entries from here on can match
	least, most uint8    // how many tokens of a subject they can match
}

// endless is the most of a level with an entry that has no end, or a very long one.
const endless = math.MaxUint8

// tail is a set of last tokens, each of which is one of 64 bits, by its length and its
// first byte. Most subjects end in another way than the entries they are compared with,
// which saves walking down to the end.
type tail uint64

const anyTail = ^tail(0)

// tailOf returns the tail of a token, which is not empty.
func tailOf[S []byte | string](token S) tail {
	return 1 << ((uint(len(token))*8 ^ uint(token[0])) % 64)
}

// admits reports whether any entry can match so many tokens, of which the last has that
// tail. An empty level admits none.
func (l *level) admits(tokens int, last tail) bool {
	return tokens >= int(l.least) && (tokens <= int(l.most) || l.most == endless) && l.tails&last != 0
}

// widen makes l admit an entry of so many tokens.
func (l *level) widen(tokens int, last string) {
	n := uint8(min(tokens, endless))
	if l.most == 0 || n < l.least {
		l.least = n
	}
	switch {
	case subject.IsRest(last):
		n, l.tails = endless, anyTail
	case subject.IsOne(last):
		l.tails = anyTail
	default:
		l.tails |= tailOf(last)
	}
	l.most = max(l.most, n)
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
	last := filter[strings.LastIndexByte(filter, '.')+1:]
	for {
		l.widen(1+strings.Count(filter, "."), last)
		token, after, more := subject.Next(filter)
		n := l.child(token)
		if !more {
			return n
		}
		l, filter = &n.then, after
	}
}

// child returns the node of token, made if it is missing.
func (l *level) child(token string) *node {
	switch {
	case subject.IsOne(token):
		return made(&l.one)
	case subject.IsRest(token):
		return made(&l.rest)
	}
	text := []byte(token)
	_, key := first(text)
	if n := l.next.find(text, key); n != nil {
		return n
	}
	n := new(node)
	l.next.add(branch{key, token, n})
	return n
}

// made returns the node in a slot, new if there is none.
func made(slot **node) *node {
	if *slot == nil {
		*slot = new(node)
	}
	return *slot
}
