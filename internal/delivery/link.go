package delivery

import (
	"nats-server/internal/account"
	"nats-server/internal/interest"
	"nats-server/internal/wire"
)

// link is another server that is to get messages of a lane, over one connection. It
// gets each message once, however many of its filters match.
type link struct {
	stage  *stage
	to     *interest.Subscriber
	prefix []byte        // what a message begins with, in the form for HMSG
	plain  bool          // it gets every message, besides those for its queue groups
	once   *interest.Sub // that ends with this message; mostly nil
	chosen []byte        // names of the groups for which it is to take the message at hand
}

// remote is the members that another server has in a queue group.
type remote struct{ link, weight int }

// remotes are members on other servers.
type remotes struct {
	all    []remote
	weight int // of all together
}

func (r *remotes) add(link, weight int) {
	r.all = append(r.all, remote{link, weight})
	r.weight += weight
}

func (r *remotes) reset() { r.all, r.weight = r.all[:0], 0 }

// NewRouted returns the Sender of a connection from another server of the cluster: what
// came from there goes to local subscribers, and not to other servers (spec:
// cluster-routes 14). Nobody is held back for it.
func NewRouted(self *interest.Subscriber) *Sender {
	return &Sender{self: self, own: newStage(self.Queue), echo: true, routed: true}
}

// includeRemote lets another server get the messages of l, as its interest says.
func (s *Sender) includeRemote(l *lane, sub *interest.Sub) {
	name := sub.Group()
	if name == "" {
		if !s.routed {
			k := &l.links[s.linkOf(l, sub.To())]
			k.plain = true
			if sub.Once() {
				k.once = sub
			}
		}
		return
	}
	if w := sub.Weight(); w > 0 {
		g := s.groupOf(l, name)
		of := &g.remotes
		if sub.Origin() != "" {
			of = &g.leaves
		}
		of.add(s.linkOf(l, sub.To()), w)
	}
}

// linkOf returns the index of the link to a server, made if it is missing.
func (s *Sender) linkOf(l *lane, to *interest.Subscriber) int {
	for i := range l.links {
		if l.links[i].to == to {
			return i
		}
	}
	name := l.acct.Name
	if to.Link.Pinned {
		name = ""
	}
	at := len(l.arena)
	l.arena = wire.AppendRoutedPrefix(l.arena, name, l.subject)
	n := len(l.links)
	if n == cap(l.links) {
		l.links = append(l.links, link{})
	}
	l.links = l.links[:n+1] // with the memory of an earlier link
	k := &l.links[n]
	k.stage, k.to, k.prefix = s.stageOf(to.Queue), to, l.arena[at:]
	return n
}

// appoint lets the server with the member at that place of r take the message at hand
// for the group, or the next one that can. It reports false if none can.
func (l *lane) appoint(g *group, r *remotes, at int) bool {
	first := 0
	for first < len(r.all) && at >= r.all[first].weight {
		at -= r.all[first].weight
		first++
	}
	for i := range r.all {
		k := &l.links[r.all[(first+i)%len(r.all)].link]
		if !k.stage.Queue.Refuses() {
			k.chosen = append(append(k.chosen, g.name...), ' ')
			return true
		}
	}
	return false
}

// appointAny lets any server with a member take the message at hand for the group.
func (l *lane) appointAny(g *group) bool {
	return l.appoint(g, &g.remotes, pick(g.remotes.weight)) || l.appoint(g, &g.leaves, pick(g.leaves.weight))
}

// relay stages m for another server, if it wants it or was chosen, and reports whether
// it did.
func (s *Sender) relay(k *link, m *wire.Msg) bool {
	if !k.plain && len(k.chosen) == 0 {
		return false
	}
	verb, tail, payload := byte('H'), m.Tail, len(m.Body)
	switch {
	case m.Header == 0:
		verb = 'R'
	case k.to.NoHeaders.Load():
		s.plain = m.AppendPlainTail(s.plain[:0])
		verb, tail, payload = 'R', s.plain, payload-m.Header
	}
	s.between = s.between[:0]
	if n := len(k.chosen); n > 0 {
		s.between = wire.AppendGroups(s.between, m.Reply, k.chosen[:n-1])
		k.chosen = k.chosen[:0]
		if len(m.Reply) > 0 {
			tail = tail[len(m.Reply)+1:]
		}
	}
	dst := s.reserveLink(k, len(k.prefix)+len(s.between)+len(tail), payload)
	at := copy(dst, k.prefix)
	at += copy(dst[at:], s.between)
	copy(dst[at:], tail)
	dst[0] = verb
	if k.once != nil {
		k.to.Ended(k.once)
	}
	return true
}

// Forward stages m, which came from another server, for the local subscribers in its
// account, and for one member of each queue group that it names: a local one if there
// is any (spec: cluster-routes 14, 15.2). If there is none any more, the message goes to
// another server that has one (15.3).
func (s *Sender) Forward(a *account.Account, m *wire.RoutedMsg) {
	s.acct = a
	l := s.lane(m.Subject)
	if len(l.groups) > 0 && m.Queues != nil {
		s.choose(l, &m.Msg)
	}
	for i := range l.bundles {
		s.sendBundle(&l.bundles[i], &m.Msg)
	}
	for i := range l.plain {
		s.send(&l.plain[i], &m.Msg)
	}
	if m.Queues != nil {
		s.forwardToGroups(l, m)
	}
	s.relieve()
}

func (s *Sender) forwardToGroups(l *lane, m *wire.RoutedMsg) {
	for name, rest := wire.NextQueue(m.Queues); len(name) > 0; name, rest = wire.NextQueue(rest) {
		g := l.groupNamed(name)
		if g == nil {
			continue
		}
		at := pick(len(g.members))
		if !s.sendToLocal(g.members, at, &m.Msg) {
			l.appointAny(g)
		}
	}
	for i := range l.links {
		s.relay(&l.links[i], &m.Msg)
	}
}

func (l *lane) groupNamed(name []byte) *group {
	for i := range l.groups {
		if l.groups[i].name == string(name) {
			return &l.groups[i]
		}
	}
	return nil
}
