package perms_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nats-server/internal/perms"
)

// model answers the questions to Permissions as the text of the rules does, entry
// by entry.
type model struct{ c perms.Config }

// matches tells whether the tokens of a pattern match those of a subject.
func matches(pattern, subj string) bool {
	if slices.Contains(strings.Split(subj, "."), "") {
		return false
	}
	return matchTokens(strings.Split(pattern, "."), strings.Split(subj, "."))
}

func matchTokens(p, s []string) bool {
	if len(p) == 1 && p[0] == ">" {
		return len(s) > 0
	}
	if len(p) == 0 || len(s) == 0 {
		return len(p) == len(s)
	}
	return (p[0] == "*" || p[0] == s[0]) && matchTokens(p[1:], s[1:])
}

// overlaps tells whether any subject is matched by both.
func overlaps(a, b string) bool {
	return overlapTokens(strings.Split(a, "."), strings.Split(b, "."))
}

func overlapTokens(a, b []string) bool {
	switch {
	case len(a) == 0 || len(b) == 0:
		return len(a) == len(b)
	case slices.Equal(a, []string{">"}) || slices.Equal(b, []string{">"}):
		return true
	}
	return (a[0] == "*" || b[0] == "*" || a[0] == b[0]) && overlapTokens(a[1:], b[1:])
}

func anyEntry(entries []string, f func(filter, queue string) bool) bool {
	return slices.ContainsFunc(entries, func(e string) bool {
		filter, queue, _ := strings.Cut(e, " ")
		return f(filter, queue)
	})
}

func (m model) mayPublish(subj string) bool {
	r, limited := m.c.Publish, m.c.Responses != nil
	if r == nil {
		return !limited
	}
	match := func(filter, _ string) bool { return matches(filter, subj) }
	if (limited || r.Allow != nil) && !anyEntry(r.Allow, match) {
		return false
	}
	return !anyEntry(r.Deny, match)
}

func (m model) maySubscribe(filter, group string) bool {
	r := m.c.Subscribe
	if r == nil {
		return true
	}
	// allowed is the rule of the specification with some idea of what matches.
	allowed := func(match func(pattern, filter string) bool) bool {
		ours := func(pattern, queue string) bool { return match(pattern, filter) && matches(queue, group) }
		if group != "" && anyEntry(r.Allow, func(p, q string) bool { return match(p, filter) && q != "" }) {
			return anyEntry(r.Allow, func(p, q string) bool { return q != "" && ours(p, q) })
		}
		return anyEntry(r.Allow, func(p, q string) bool { return q == "" && match(p, filter) })
	}
	strict := func(pattern, filter string) bool {
		return matches(pattern, filter) && (!strings.HasSuffix("."+filter, ".>") || strings.HasSuffix("."+pattern, ".>"))
	}
	return (r.Allow == nil || allowed(matches) && allowed(strict)) && m.mayReceive(filter, group)
}

func (m model) mayReceive(subj, group string) bool {
	return m.c.Subscribe == nil || !anyEntry(m.c.Subscribe.Deny, func(p, q string) bool {
		return matches(p, subj) && (q == "" || group != "" && matches(q, group))
	})
}

func (m model) filters(filter, group string) bool {
	return m.c.Subscribe != nil && anyEntry(m.c.Subscribe.Deny, func(p, q string) bool {
		return overlaps(p, filter) && (q == "" || group != "" && matches(q, group))
	})
}

// source makes random rules and what to ask of them.
type source struct{ *rand.Rand }

func (s source) words(tokens ...string) string {
	var words []string
	for range 1 + s.IntN(4) {
		words = append(words, tokens[s.IntN(len(tokens))])
	}
	return strings.Join(words, ".")
}

// subj returns any text that can be published to.
func (s source) subj() string { return s.words("a", "b", "c", "a", "b", "c", "*", ">", "") }

// filter returns a valid filter.
func (s source) filter() string {
	f := s.words("a", "b", "c", "*")
	if s.IntN(3) > 0 {
		return f
	}
	if i := strings.LastIndexByte(f, '.'); i >= 0 {
		return f[:i] + ".>"
	}
	return ">"
}

func (s source) group() string { return []string{"", "", "q", "r", "q.x", "*", "q..x"}[s.IntN(7)] }

func (s source) entries(queues bool) (entries []string) {
	for range s.IntN(6) {
		e := s.filter()
		if queues && s.IntN(2) == 0 {
			e += " " + []string{"q", "r", "q.*", "*.x", ">", "*"}[s.IntN(6)]
		}
		entries = append(entries, e)
	}
	return entries
}

func (s source) rules(queues bool) *perms.Rules {
	if s.IntN(8) == 0 {
		return nil
	}
	r := &perms.Rules{Allow: s.entries(queues), Deny: s.entries(queues)}
	if s.IntN(4) == 0 {
		r.Allow = []string{}
	}
	return r
}

func (s source) config() perms.Config {
	c := perms.Config{Publish: s.rules(false), Subscribe: s.rules(true)}
	if s.IntN(8) == 0 {
		c.Responses = &perms.Responses{}
	}
	return c
}

// compare asks p and the model of what it was made from the same questions.
func compare(t *testing.T, p *perms.Permissions, m model, subj, filter, group string) {
	t.Helper()
	f := func(question string, got, want bool) {
		t.Helper()
		if got != want {
			t.Fatalf("%s: %v, subject %q filter %q group %q\npublish %+v\nsubscribe %+v",
				question, got, subj, filter, group, m.c.Publish, m.c.Subscribe)
		}
	}
	s, w, g := []byte(subj), []byte(filter), []byte(group)
	f("MayPublish", p.MayPublish(s), m.mayPublish(subj))
	f("MaySubscribe", p.MaySubscribe(w, g), m.maySubscribe(filter, group))
	f("MayReceive", p.MayReceive(s, g), m.mayReceive(subj, group))
	f("Filters", p.Filters(w, g), m.filters(filter, group))
	if matches(filter, subj) && !p.MayReceive(s, g) {
		f("Filters what MayReceive refuses", p.Filters(w, g), true)
	}
}

func TestRandomRules(t *testing.T) {
	s := source{rand.New(rand.NewPCG(1, 2))}
	yes := map[string]int{}
	const rules, questions = 3000, 50
	for range rules {
		c := s.config()
		p, m := compile(t, c), model{c}
		for range questions {
			subj, filter, group := s.subj(), s.filter(), s.group()
			compare(t, p, m, subj, filter, group)
			for question, answer := range map[string]bool{
				"publish": m.mayPublish(subj), "subscribe": m.maySubscribe(filter, group),
				"receive": m.mayReceive(subj, group), "filters": m.filters(filter, group),
			} {
				if answer {
					yes[question]++
				}
			}
		}
	}
	// A comparison in which one answer is rare shows little.
	for question, n := range yes {
		if part := float64(n) / (rules * questions); part < 0.1 || part > 0.9 {
			t.Errorf("%.2f of the answers to %q are yes", part, question)
		}
	}
}

// Lists with many tokens at one depth, of any length, answer as short ones do.
func TestManyTokens(t *testing.T) {
	s := source{rand.New(rand.NewPCG(5, 6))}
	tokens := []string{"*"}
	for i := range 60 {
		tokens = append(tokens, strings.Repeat("token", i%5)+strings.Repeat("x", i/5))
	}
	tokens = slices.DeleteFunc(tokens, func(s string) bool { return s == "" })
	entries := func() (entries []string) {
		for range s.IntN(100) {
			entries = append(entries, s.words(tokens...))
		}
		return entries
	}
	published := 0
	const rules, questions = 30, 100
	for range rules {
		c := perms.Config{
			Publish:   &perms.Rules{Allow: append(entries(), "*.*", "token.>"), Deny: entries()},
			Subscribe: &perms.Rules{Allow: entries(), Deny: entries()},
		}
		p, m := compile(t, c), model{c}
		for range questions {
			subj := s.words(tokens...)
			compare(t, p, m, subj, s.words(tokens...), "")
			if m.mayPublish(subj) {
				published++
			}
		}
	}
	if part := float64(published) / (rules * questions); part < 0.1 || part > 0.9 {
		t.Errorf("%.2f of the answers are yes", part)
	}
}

// Filters is neither wrong nor overcautious: it says yes if and only if there is a
// subject of the filter that may not be received.
func TestFiltersKnowsWhenMayReceiveSaysNo(t *testing.T) {
	// Where two filters of up to four tokens overlap, it is in one of these.
	subjs, last := []string{}, []string{"a", "b", "c"}
	for range 4 {
		subjs = append(subjs, last...)
		var longer []string
		for _, subj := range last {
			longer = append(longer, subj+".a", subj+".b", subj+".c")
		}
		last = longer
	}
	s := source{rand.New(rand.NewPCG(3, 4))}
	for range 300 {
		c := s.config()
		p := compile(t, c)
		for range 20 {
			filter, group := s.filter(), s.group()
			refused := slices.ContainsFunc(subjs, func(subj string) bool {
				return matches(filter, subj) && !p.MayReceive([]byte(subj), []byte(group))
			})
			if got := p.Filters([]byte(filter), []byte(group)); got != refused {
				t.Fatalf("%+v filters %q, group %q: %v", c.Subscribe, filter, group, got)
			}
		}
	}
}
