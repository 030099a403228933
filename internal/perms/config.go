package perms

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nats-server/internal/subject"
)

// Config is the rules as configured. The zero value restricts nothing.
type Config struct {
	Publish, Subscribe *Rules     // nil: no restriction
	Responses          *Responses // nil: none
}

// Rules are the entries of one direction. An Allow that is nil allows everything,
// one that is empty nothing. Entries of Subscribe may be "subject queue", where the
// queue may have wildcards too (spec: configuration 10.2.2).
type Rules struct {
	Allow, Deny []string
}

// Responses lets a connection answer the requests that are delivered to it.
type Responses struct {
	Max     int           // answers to one request; 0: 1, negative: unlimited
	Expires time.Duration // from the delivery; 0: 2 minutes, negative: never
}

// Compile returns the permissions that c describes, never nil without an error. The
// error names the first entry that is not a subject, or whose queue is none. Where
// there are Responses, a connection without an allow list for publishing may
// publish nothing else (spec: accounts-and-auth 2.1).
func (c *Config) Compile() (*Permissions, error) {
	p := new(Permissions)
	var err error
	if p.publish, err = c.Publish.compile(false); err != nil {
		return nil, err
	}
	if p.subscribe, err = c.Subscribe.compile(true); err != nil {
		return nil, err
	}
	if c.Responses != nil {
		p.responses = c.Responses.compile()
		p.publish.limited = true
	}
	return p, nil
}

func (r *Rules) compile(queues bool) (rules, error) {
	if r == nil {
		return rules{}, nil
	}
	allow, err := newList(r.Allow, queues)
	if err != nil {
		return rules{}, err
	}
	deny, err := newList(r.Deny, queues)
	if err != nil {
		return rules{}, err
	}
	return rules{limited: r.Allow != nil, allow: allow, deny: deny}, nil
}

func (r *Responses) compile() limits {
	l := limits{max: r.Max, expires: r.Expires}
	if l.max == 0 {
		l.max = 1
	}
	if l.expires == 0 {
		l.expires = 2 * time.Minute
	}
	return limits{max: max(l.max, -1), expires: max(l.expires, -1)}
}

// newList returns the list of the given entries; queues tells whether these may name
// a queue.
func newList(entries []string, queues bool) (l list, err error) {
	for _, e := range entries {
		if e, err = normal(e, queues); err != nil {
			return list{}, err
		}
		l.entries = append(l.entries, e)
	}
	slices.Sort(l.entries)
	l.entries = slices.Compact(l.entries)
	for _, e := range l.entries {
		filter, queue, _ := strings.Cut(e, " ")
		l.insert(filter).add(queue)
	}
	return l, nil
}

// normal returns the one spelling of an entry: "subject" or "subject queue".
func normal(entry string, queues bool) (string, error) {
	fields, most := strings.FieldsFunc(entry, blank), 1
	if queues {
		most = 2
	}
	switch {
	case len(fields) == 0 || len(fields) > most:
		return "", fmt.Errorf("subject %q is not a valid subject", entry)
	case !subject.ValidFilter(fields[0]):
		return "", fmt.Errorf("subject %q is not a valid subject", fields[0])
	case len(fields) == 2 && !subject.ValidFilter(fields[1]):
		return "", fmt.Errorf("queue %q is not a valid queue", fields[1])
	}
	return strings.Join(fields, " "), nil
}

// blank reports whether no subject can hold c (spec: client-protocol 7).
func blank(c rune) bool { return strings.ContainsRune(" \t\r\n", c) }
