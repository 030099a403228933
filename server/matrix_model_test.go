package server_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"nats-server/server"
)

// matrixModel is what a server does with the operations of TestMatrix, as the text of
// the specification says it, subscription by subscription and entry by entry.
type matrixModel struct {
	users  []server.Permissions
	abroad []bool // by user: in the other account
	peers  []*modelPeer
}

// modelPeer is one connection.
type modelPeer struct {
	user   int
	echo   bool
	status bool // wants to know when nobody responds
	subs   []modelSub
	notes  map[string]*modelNote // by reply
}

type modelSub struct{ sid, filter, group string }

// modelNote is a reply that may be published to.
type modelNote struct {
	at   time.Time
	uses int
}

// outcome is what an operation has to lead to.
type outcome struct {
	errors []string             // lines for the one who acts, in order
	plain  []arrival            // that come
	groups map[string][]arrival // of each one comes
	status []arrival            // of which one comes, if there are any
}

// arrival is a message for a subscription.
type arrival struct {
	peer int
	sid  string
}

// modelMatches tells whether a pattern matches a subject, the tokens of which are
// taken as they are.
func modelMatches(pattern, subject string) bool {
	p, s := strings.Split(pattern, "."), strings.Split(subject, ".")
	if slices.Contains(s, "") {
		return false
	}
	for i, token := range p {
		switch {
		case token == ">":
			return i < len(s)
		case i >= len(s) || token != "*" && token != s[i]:
			return false
		}
	}
	return len(p) == len(s)
}

// asksMore tells whether a filter ends in '>' where a pattern does not.
func asksMore(pattern, filter string) bool {
	return strings.HasSuffix("."+filter, ".>") && !strings.HasSuffix("."+pattern, ".>")
}

func entry(e string) (filter, queue string) {
	fields := strings.Fields(e)
	return fields[0], strings.Join(fields[1:], " ")
}

func (m *matrixModel) mayPublish(user int, subject string) bool {
	u := m.users[user]
	var allow, deny []string
	limited := u.Responses != nil
	if u.Publish != nil {
		allow, deny = u.Publish.Allow, u.Publish.Deny
		limited = limited || allow != nil
	}
	allowed := !limited
	for _, e := range allow {
		allowed = allowed || modelMatches(e, subject)
	}
	for _, e := range deny {
		allowed = allowed && !modelMatches(e, subject)
	}
	return allowed
}

// denied tells whether deny entries for subscribing match, as they do for a filter
// that is asked for and for a subject that is to be delivered.
func (m *matrixModel) denied(user int, subject, group string) bool {
	if m.users[user].Subscribe == nil {
		return false
	}
	for _, e := range m.users[user].Subscribe.Deny {
		filter, queue := entry(e)
		if modelMatches(filter, subject) && (queue == "" || group != "" && modelMatches(queue, group)) {
			return true
		}
	}
	return false
}

func (m *matrixModel) maySubscribe(user int, filter, group string) bool {
	r := m.users[user].Subscribe
	if r == nil {
		return true
	}
	if r.Allow != nil {
		// Allowed both when '*' stands for '>' in what is asked for and when not.
		for _, strict := range []bool{false, true} {
			plain, queued, member := false, false, false
			for _, e := range r.Allow {
				pattern, queue := entry(e)
				switch {
				case !modelMatches(pattern, filter) || strict && asksMore(pattern, filter):
				case queue == "":
					plain = true
				case group != "":
					queued = true
					member = member || modelMatches(queue, group)
				}
			}
			if queued && !member || !queued && !plain {
				return false
			}
		}
	}
	return !m.denied(user, filter, group)
}

func (m *matrixModel) subscribe(peer int, sid, filter, group string) (o outcome) {
	p := m.peers[peer]
	if !m.maySubscribe(p.user, filter, group) {
		o.errors = []string{notSubscribe(filter, group)}
		return o
	}
	p.subs = append(p.subs, modelSub{sid, filter, group})
	return o
}

func (m *matrixModel) unsubscribe(peer int, sid string) outcome {
	p := m.peers[peer]
	p.subs = slices.DeleteFunc(p.subs, func(s modelSub) bool { return s.sid == sid })
	return outcome{}
}

// answers tells whether the rules for responses let p publish, and counts it.
func (m *matrixModel) answers(p *modelPeer, subject string, now time.Time) bool {
	note, r := p.notes[subject], m.users[p.user].Responses
	if note == nil || r == nil {
		return false
	}
	most, expires := r.Max, r.Expires
	if most == 0 {
		most = 1
	}
	if expires == 0 {
		expires = 2 * time.Minute
	}
	note.uses++
	if most > 0 && note.uses > most || expires > 0 && now.Sub(note.at) > expires {
		delete(p.notes, subject)
		return false
	}
	return true
}

// publish is told afterwards, by noted, who got the message.
func (m *matrixModel) publish(peer int, subject, reply string, now time.Time) (o outcome) {
	p := m.peers[peer]
	if !m.mayPublish(p.user, subject) && !m.answers(p, subject, now) {
		o.errors = []string{notPublish(subject)}
		return o
	}
	o.groups = map[string][]arrival{}
	for i, to := range m.peers {
		if i == peer && !p.echo || m.apart(p, to) {
			continue
		}
		for _, s := range to.subs {
			switch {
			case !modelMatches(s.filter, subject) || m.denied(to.user, subject, s.group):
			case s.group == "":
				o.plain = append(o.plain, arrival{i, s.sid})
			default:
				o.groups[s.group] = append(o.groups[s.group], arrival{i, s.sid})
			}
		}
	}
	if len(o.plain) == 0 && len(o.groups) == 0 && reply != "" && p.status {
		for _, s := range p.subs {
			if s.group == "" && modelMatches(s.filter, reply) {
				o.status = append(o.status, arrival{peer, s.sid})
			}
		}
	}
	return o
}

// apart tells whether two peers are in different accounts.
func (m *matrixModel) apart(a, b *modelPeer) bool { return m.abroad[a.user] != m.abroad[b.user] }

// noted tells that a message with that reply has reached a peer.
func (m *matrixModel) noted(peer int, reply string, now time.Time) {
	p := m.peers[peer]
	if reply != "" && m.users[p.user].Responses != nil && !m.mayPublish(p.user, reply) {
		p.notes[reply] = &modelNote{at: now}
	}
}

// connect is a CONNECT as another user, or the same.
func (m *matrixModel) connect(peer, user int, echo, status bool) outcome {
	m.peers[peer] = &modelPeer{user: user, echo: echo, status: status, notes: map[string]*modelNote{}}
	return outcome{}
}

// reload gives a user other permissions. It returns what each peer is told, in any
// order.
func (m *matrixModel) reload(user int, p server.Permissions) (told [][]string) {
	same := spelt(m.users[user]) == spelt(p)
	m.users[user] = p
	told = make([][]string, len(m.peers))
	for i, peer := range m.peers {
		if peer.user != user || same {
			continue
		}
		clear(peer.notes)
		peer.subs = slices.DeleteFunc(peer.subs, func(s modelSub) bool {
			if m.maySubscribe(user, s.filter, s.group) {
				return false
			}
			line := strings.TrimSuffix(notSubscribe(s.filter, s.group), "'\r\n")
			told[i] = append(told[i], fmt.Sprintf("%s (sid %q)'\r\n", line, s.sid))
			return true
		})
		slices.Sort(told[i])
	}
	return told
}

// spelt writes permissions so that equal ones are the same text.
func spelt(p server.Permissions) string {
	text := func(r *server.SubjectPermission, limited bool) string {
		var allow, deny []string
		if r != nil {
			allow, deny = r.Allow, r.Deny
			limited = limited || allow != nil
		}
		set := func(entries []string) []string {
			entries = slices.Clone(entries)
			slices.Sort(entries)
			return slices.Compact(entries)
		}
		return fmt.Sprintf("%v %q %q ", limited, set(allow), set(deny))
	}
	s := text(p.Publish, p.Responses != nil) + text(p.Subscribe, false)
	if r := p.Responses; r != nil {
		s += fmt.Sprint(cmp.Or(max(r.Max, -1), 1), cmp.Or(max(r.Expires, -1), 2*time.Minute))
	}
	return s
}
