package server_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"nats-server/server"
)

// permissions are any, of a vocabulary that makes them meet what is asked.
func (m *matrix) permissions() (p server.Permissions) {
	p.Publish, p.Subscribe = m.rules(false), m.rules(true)
	if m.IntN(5) < 2 {
		p.Responses = &server.ResponsePermissions{
			Max:     []int{0, 1, 2, 3, -1}[m.IntN(5)],
			Expires: []time.Duration{0, time.Hour, -1}[m.IntN(3)],
		}
		if m.virtual && m.IntN(2) == 0 {
			p.Responses.Expires = time.Duration(1+m.IntN(5)) * time.Second
		}
	}
	return p
}

func (m *matrix) rules(queues bool) *server.SubjectPermission {
	if m.IntN(4) == 0 {
		return nil
	}
	r := new(server.SubjectPermission)
	if m.IntN(2) == 0 {
		r.Allow = append([]string{}, m.entries(queues, 5)...) // empty, but not nil
		if m.IntN(4) > 0 {
			r.Allow = append(r.Allow, []string{">", "*", "a.>", "*.*"}[m.IntN(4)])
		}
	}
	r.Deny = m.entries(queues, 3)
	return r
}

func (m *matrix) entries(queues bool, most int) (entries []string) {
	for range m.IntN(most + 1) {
		e := m.filter()
		if queues && m.IntN(3) == 0 {
			e += " " + []string{"q", "r", "q.*", "*", ">", "*.x"}[m.IntN(6)]
		}
		entries = append(entries, e)
	}
	return entries
}

func (m *matrix) words(tokens ...string) string {
	words := make([]string, 1+m.IntN(3))
	for i := range words {
		words[i] = tokens[m.IntN(len(tokens))]
	}
	return strings.Join(words, ".")
}

func (m *matrix) filter() string {
	f := m.words("a", "b", "c", "*")
	if m.IntN(3) > 0 {
		return f
	}
	if i := strings.LastIndexByte(f, '.'); i >= 0 {
		return f[:i] + ".>"
	}
	return ">"
}

func (m *matrix) subject() string {
	if m.IntN(8) == 0 {
		return m.words("a", "b", "*", ">", "")
	}
	return m.words("a", "b", "c")
}

func (m *matrix) reply() string {
	return []string{"a", "b.c", "rep.1", "rep.2", "rep.3", "c.c.c"}[m.IntN(6)]
}

// answer is a reply, mostly one to which the peer may respond.
func (m *matrix) answer(peer int) string {
	notes := slices.Sorted(maps.Keys(m.model.peers[peer].notes))
	if len(notes) == 0 || m.IntN(4) == 0 {
		return m.reply()
	}
	return notes[m.IntN(len(notes))]
}

func (m *matrix) group() string { return []string{"", "", "", "q", "r", "q.x"}[m.IntN(6)] }

func shown(p server.Permissions) string {
	b, _ := json.Marshal(p) // texts and numbers always encode
	return string(b)
}
