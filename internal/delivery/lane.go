package delivery

import (
	"bytes"
	"slices"

	"nats-server/internal/account"
	"nats-server/internal/buf"
	"nats-server/internal/interest"
	"nats-server/internal/perms"
	"nats-server/internal/subject"
	"nats-server/internal/wire"
)

const (
	fewLanes  = 16   // slots a cache begins with
	mostLanes = 1024 // and ends with

	// mostTargets bounds what all lanes of a Sender hold together.
	mostTargets = 1 << 17
)

// target is one receiver of a lane's messages.
type target struct {
	stage  *stage
	sub    *interest.Sub
	prefix []byte         // what a delivery begins with, in the form for HMSG
	notes  *perms.Replies // where replies are noted, to which the receiver may answer; mostly nil
}

// group is the receivers of which one gets each message: local members, and other
// servers with members of theirs.
type group struct {
	name    string
	members []target
	remotes remotes
	leaves  remotes // leafnodes of other servers, for when nobody else takes a message
}

// bundle is receivers to whom a message of the lane looks the same, since they
// use the same sid, as instances of one program do. It is encoded once for all.
// None of them has another subscription that gets the lane's messages, so that
// what is kept in the bundle can not overtake, or be overtaken by, other messages.
type bundle struct {
	prefix  []byte
	headers bool // all take messages with headers
	targets []target
	chunk   *buf.Chunk // messages not yet given to the targets; nil if none
	msgs    int        // how many
	payload int        // bytes of the messages themselves
}

// bundleLeast is how many receivers make a bundle worth its while.
const bundleLeast = 4

// lane is what becomes of messages with one subject. It holds as long as its
// stamp is current.
type lane struct {
	acct    *account.Account
	subject []byte
	hash    uint64 // of the subject, salted by the account
	stamp   interest.Stamp
	plain   []target
	bundles []bundle
	groups  []group
	links   []link
	arena   []byte // backs the prefixes
	refused bool   // the publisher may not publish to the subject
}

func (l *lane) targets() int {
	n := len(l.plain) + len(l.links)
	for i := range l.bundles {
		n += len(l.bundles[i].targets)
	}
	for i := range l.groups {
		n += len(l.groups[i].members)
	}
	return n
}

// each calls f for every target.
func (l *lane) each(f func(*target)) {
	for i := range l.plain {
		f(&l.plain[i])
	}
	for i := range l.bundles {
		for j := range l.bundles[i].targets {
			f(&l.bundles[i].targets[j])
		}
	}
	for i := range l.groups {
		for j := range l.groups[i].members {
			f(&l.groups[i].members[j])
		}
	}
}

// lanes is a cache with sets of a few slots each. A subject gets a lane when it is
// seen a second time with few others of the same set between, so that subjects used
// once, as inboxes are, cost no memory and displace nothing.
//
// The cache grows to hold the subjects that come again, whose number is measured with
// a probe: one subject without a lane is remembered, and how many others without a
// lane pass until it comes again.
type lanes struct {
	slots   []*lane
	seen    []uint32 // tags of subjects without a lane
	targets int
	probe   uint32 // tag of the remembered subject
	passed  int    // how many subjects without a lane came since
}

const (
	// set is how many slots a subject may be in.
	set = 4

	// patience is how many subjects without a lane pass before a probe is replaced.
	// It is a prime number, so that no regular pattern always shows the wrong ones.
	patience = 2*mostLanes + 5
)

// find returns the lane of subj, or nil with the slot to fill if it is time to
// make one.
func (c *lanes) find(h uint64, subj []byte) (l *lane, slot int) {
	if len(c.slots) == 0 {
		c.resize(fewLanes)
	}
	at := c.set(h)
	for slot = at; slot < at+set; slot++ {
		if l = c.slots[slot]; l != nil && l.hash == h && bytes.Equal(l.subject, subj) {
			return l, slot
		}
	}
	return nil, c.miss(h)
}

// set returns the first slot of the set for the hash h.
func (c *lanes) set(h uint64) int { return int(h) & (len(c.slots) - set) }

// miss notes a subject without a lane and returns the slot for it, or -1 if it was not
// seen before.
func (c *lanes) miss(h uint64) (slot int) {
	tag := uint32(h >> 32)
	c.measure(tag)
	at, turn := c.set(h), c.passed%set // as good as random
	seen := c.seen[at : at+set]
	if i := slices.Index(seen, tag); i < 0 {
		seen[turn] = tag
		return -1
	}
	for i, l := range c.slots[at : at+set] {
		if l == nil || !l.stamp.Current() {
			return at + i
		}
	}
	return at + turn
}

// measure lets the cache grow if the subject with that tag, which has no lane, shows
// that there are too few. A probe that does not come again soon was a bad one.
func (c *lanes) measure(tag uint32) {
	if c.passed++; tag == c.probe {
		n := len(c.slots)
		for n < mostLanes && n < 4*c.passed {
			n *= 2
		}
		if n > len(c.slots) {
			c.resize(n)
		}
	} else if c.passed < patience {
		return
	}
	c.probe, c.passed = tag, 0
}

func (c *lanes) put(slot int, l *lane) {
	if old := c.slots[slot]; old != nil {
		c.count(-old.targets())
	}
	c.slots[slot] = l
	c.count(l.targets())
}

// count notes that there are n more targets. Beyond the bound it empties the cache.
func (c *lanes) count(n int) {
	if c.targets += n; c.targets > mostTargets {
		clear(c.slots)
		c.targets = 0
	}
}

// resize makes n slots, more than there are. What was one set becomes several, so that
// each lane has its place.
func (c *lanes) resize(n int) {
	old := c.slots
	c.slots, c.seen = make([]*lane, n), make([]uint32, n)
	for i, l := range old {
		if l != nil {
			c.slots[c.set(l.hash)+i%set] = l
		}
	}
}

// prune drops the lanes that are outdated.
func (c *lanes) prune() {
	for i, l := range c.slots {
		if l != nil && !l.stamp.Current() {
			c.targets -= l.targets()
			c.slots[i] = nil
		}
	}
}

// lane returns the lane for a message to subj, made or renewed if necessary.
func (s *Sender) lane(subj []byte) *lane {
	if l := s.last; l != nil && l.acct == s.acct && bytes.Equal(l.subject, subj) && l.stamp.Current() {
		return l
	}
	s.spread()
	h := interest.Hash(subj) ^ s.acct.Salt
	l, slot := s.lanes.find(h, subj)
	switch {
	case l != nil:
		if l.acct != s.acct || !l.stamp.Current() {
			s.renew(l, subj)
		}
	case slot >= 0:
		l = &lane{subject: bytes.Clone(subj), hash: h}
		s.plan(l)
		s.bundle(l)
		s.lanes.put(slot, l)
	default:
		s.scratch.hash = h
		s.renew(&s.scratch, subj)
		return &s.scratch
	}
	s.last = l
	return l
}

// renew works out anew who gets the messages to subj, the subject of l. Nothing
// may be kept in the lane's bundles.
func (s *Sender) renew(l *lane, subj []byte) {
	if l == &s.scratch {
		l.subject = subj
		s.plan(l)
		l.subject = nil // points into the reader's buffer
		return
	}
	before := l.targets()
	s.plan(l)
	s.bundle(l)
	s.lanes.count(l.targets() - before)
}

// plan works out who gets the messages of l.
func (s *Sender) plan(l *lane) {
	l.reset()
	l.acct = s.acct
	shape := subject.ShapeOf(l.subject)
	if r := s.rights; r != nil {
		l.refused = !r.MayPublishTo(l.subject, shape)
	}
	if shape.Empty {
		l.stamp = interest.Stamp{}
		return
	}
	s.found, l.stamp = s.acct.Match(l.hash^s.acct.Salt, l.subject, s.found[:0])
	size := 0
	for _, sub := range s.found {
		size += len(sub.Sid())
		if sub.Remote() {
			size += len(s.acct.Name)
		}
	}
	const around = len("HMSG   ")
	if size += len(s.found) * (around + len(l.subject)); cap(l.arena) < size {
		l.arena = make([]byte, 0, size)
	}
	for _, sub := range s.found {
		s.include(l, sub)
	}
	clear(s.found)
	clear(s.byName)
}

// include lets sub, whose filter matches, get the messages of l, if it may.
func (s *Sender) include(l *lane, sub *interest.Sub) {
	to := sub.To()
	if !s.echo && to == s.self {
		return
	}
	var notes *perms.Replies
	if r := to.Rights.Load(); r != nil {
		if !r.MayReceive(l.subject, []byte(sub.Group())) {
			return
		}
		notes = r.Replies
	}
	if sub.Remote() {
		s.includeRemote(l, sub)
		return
	}
	at := len(l.arena)
	l.arena = wire.AppendPrefix(l.arena, l.subject, sub.Sid())
	t := target{s.stageOf(to.Queue), sub, l.arena[at:], notes}
	if name := sub.Group(); name != "" {
		g := s.groupOf(l, name)
		g.members = append(g.members, t)
	} else {
		l.plain = append(l.plain, t)
	}
}

// reset empties the lane and keeps its memory.
func (l *lane) reset() {
	clear(l.plain)
	for i := range l.groups {
		g := &l.groups[i]
		clear(g.members)
		g.members = g.members[:0]
		g.remotes.reset()
		g.leaves.reset()
	}
	clear(l.bundles)
	for i := range l.links {
		l.links[i] = link{chosen: l.links[i].chosen[:0]}
	}
	l.refused, l.links = false, l.links[:0]
	l.plain, l.bundles, l.groups, l.arena = l.plain[:0], l.bundles[:0], l.groups[:0], l.arena[:0]
}

// groupOf returns the group of l with that name. A map takes over where walking through
// the groups would take long.
func (s *Sender) groupOf(l *lane, name string) *group {
	const walk = 8
	if len(l.groups) <= walk {
		for i := range l.groups {
			if l.groups[i].name == name {
				return &l.groups[i]
			}
		}
	} else if i, ok := s.byName[name]; ok {
		return &l.groups[i]
	}
	i := len(l.groups)
	if i < cap(l.groups) {
		l.groups = l.groups[:i+1] // with the memory of an earlier group
		l.groups[i].name = name
	} else {
		l.groups = append(l.groups, group{name: name})
	}
	if i >= walk {
		s.index(l)
	}
	return &l.groups[i]
}

// index enters the groups of l that are missing in the map of names.
func (s *Sender) index(l *lane) {
	if s.byName == nil {
		s.byName = make(map[string]int)
	}
	for i := len(s.byName); i < len(l.groups); i++ {
		s.byName[l.groups[i].name] = i
	}
}
