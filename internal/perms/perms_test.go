package perms_test

import (
	"testing"

	"nats-server/internal/perms"
)

// list makes a list of entries; of none, an empty one, where nil is no list.
func list(entries ...string) []string { return append([]string{}, entries...) }

func TestNilAllowsEverything(t *testing.T) {
	f := func(name string, p *perms.Permissions) {
		t.Helper()
		b := []byte("a.b")
		if !p.MayPublish(b) || !p.MaySubscribe(b, nil) || !p.MaySubscribe([]byte(">"), b) ||
			!p.MayReceive(b, b) || p.Filters([]byte(">"), b) || p.Responds() || perms.NewReplies(p) != nil {
			t.Errorf("%s restricts something", name)
		}
	}
	f("nil", nil)
	f("the zero Config", compile(t, perms.Config{}))
	f("empty rules", compile(t, perms.Config{Publish: &perms.Rules{}, Subscribe: &perms.Rules{}}))
}

func TestMayPublish(t *testing.T) {
	f := func(allow, deny []string, subj string, want bool) {
		t.Helper()
		p := compile(t, perms.Config{Publish: &perms.Rules{Allow: allow, Deny: deny}})
		if got := p.MayPublish([]byte(subj)); got != want {
			t.Errorf("allow %q deny %q: %q %v", allow, deny, subj, got)
		}
	}
	f(list("def.>"), nil, "x", false)
	f(list("p.>"), nil, "p.x", true)
	f(list("p.>"), nil, "foo", false)
	f(list("d.m1"), nil, "d.m1", true)
	f(list("d.m1"), nil, "m1", false)
	f(list(), nil, "foo", false)
	f(nil, list("foo"), "foo", false)
	f(nil, list("foo"), "bar", true)
	f(list("foo.*"), list("foo.bar"), "foo.bar", false)
	f(list("foo.*"), list("foo.bar"), "foo.baz", true)
	f(list("foo.bar"), list("foo.*"), "foo.bar", false)
	f(list("foo", "foo.a.b"), nil, "foo.a", false)

	// Wildcards of a published subject are values.
	f(list("foo.bar"), nil, "foo.*", false)
	f(list("foo.*"), nil, "foo.*", true)
	f(list("foo.*"), nil, "foo.>", true)
	f(list("foo.*"), nil, "foo.>.x", false)
	f(nil, list("foo.bar"), "foo.>", true)

	// An empty token matches no entry, as it matches no subscription.
	f(list(">"), nil, "a..b", false)
	f(list(">"), nil, "", false)
	f(list("a.*.b"), nil, "a..b", false)
	f(list("a.*"), nil, "a.", false)
	f(nil, list(">"), "a..b", true)
}

func TestMaySubscribe(t *testing.T) {
	f := func(allow, deny []string, filter, group string, want bool) {
		t.Helper()
		p := compile(t, perms.Config{Subscribe: &perms.Rules{Allow: allow, Deny: deny}})
		if got := p.MaySubscribe([]byte(filter), []byte(group)); got != want {
			t.Errorf("allow %q deny %q: %q, group %q, %v", allow, deny, filter, group, got)
		}
	}
	allowed := func(entry, filter string, want bool) { t.Helper(); f(list(entry), nil, filter, "", want) }
	allowed("def.>", "x", false)
	allowed("req.>", "req.a", true)
	allowed("req.>", "_INBOX.abc.*", false)
	allowed("_INBOX.>", "_INBOX.abc.*", true)
	allowed("s.>", "s.*", true)
	allowed("s.>", "s.x.*", true)
	allowed("s.>", "s.>", true)
	allowed("s.x", "s.*", false)
	allowed("foo.*", "foo.*", true)
	allowed("foo.*", "foo.bar", true)
	allowed("foo.*", ">", false)
	allowed("foo.*", "*.bar", false)
	allowed("foo.*", "foo", false)
	allowed("foo.*", "foo.>.x", false)
	allowed("foo.>", "foo.*", true)
	allowed("foo.>", "foo.a.*", true)
	f(list(), nil, "foo", "", false)

	// Other servers allow these, and then deliver foo.a.b for an entry foo.*.
	allowed("foo.*", "foo.>", false)
	allowed("s.*", "s.>", false)
	allowed("*", ">", false)
	allowed(">", ">", true)
	allowed("*.>", "*.>", true)
	f(list("foo.*", "foo.>"), nil, "foo.>", "", true)

	denied := func(entry, filter string, want bool) { t.Helper(); f(nil, list(entry), filter, "", !want) }
	denied("foo", "foo", true)
	denied("foo", "*", false)
	denied("foo", ">", false)
	denied("foo.bar", "foo.>", false)
	denied("s.no", "s.*", false)
	denied("s.*", "s.*", true)
	denied("s.*", "s.>", true)
	denied("s.*", ">", false)
	denied("s.*", "s.x.y", false)
	f(list("foo.*"), list("foo.bar"), "foo.bar", "", false)

	f(list("foo v1"), nil, "foo", "", false)
	f(list("foo v1"), nil, "foo", "v1", true)
	f(list("foo v1"), nil, "foo", "v2", false)
	f(list("foo"), nil, "foo", "v1", true)
	f(list("foo", "foo v1"), nil, "foo", "", true)
	f(list("foo", "foo v1"), nil, "foo", "v1", true)
	f(list("foo", "foo v1"), nil, "foo", "v2", false)
	f(list("foo", "bar v1"), nil, "foo", "v2", true)
	f(list("foo *.prod"), nil, "foo", "eu.prod", true)
	f(list("foo *.prod"), nil, "foo", "prod", false)
	f(list("foo *.prod"), nil, "foo", "*.prod", true)
	f(list("foo v1", "* v2"), nil, "foo", "v2", true)
	f(list("foo v1", "* v2"), nil, "foo", "v3", false)

	f(nil, list("foo v1"), "foo", "", true)
	f(nil, list("foo v1"), "foo", "v1", false)
	f(nil, list("foo v1"), "foo", "v2", true)
	f(nil, list("foo"), "foo", "v1", false)
	f(nil, list("foo >"), "foo", "any", false)
	f(list("foo.*"), list("foo.* v1"), "foo.a", "", true)
	f(list("foo.*"), list("foo.* v1"), "foo.a", "v1", false)
	f(list("foo.*"), list("foo.* v1"), "foo.a", "v2", true)

	// No less strict than other servers where an entry with a queue is for foo.>
	// only in their reading.
	f(list("foo.>", "foo.* v1"), nil, "foo.>", "v2", false)
	f(list("foo.>", "foo.* v1"), nil, "foo.>", "v1", true)
	f(list("foo.* v1"), nil, "foo.>", "v1", false)
	f(list("foo.> v1"), nil, "foo.>", "v1", true)
}

func TestMayReceive(t *testing.T) {
	f := func(deny, filter, group, subj string, want bool) {
		t.Helper()
		p := compile(t, perms.Config{Subscribe: &perms.Rules{Deny: list(deny)}})
		if !p.MaySubscribe([]byte(filter), []byte(group)) {
			t.Errorf("deny %q: no subscription to %q, group %q", deny, filter, group)
		}
		if got := p.MayReceive([]byte(subj), []byte(group)); got != want {
			t.Errorf("deny %q: %q for %q, group %q, %v", deny, subj, filter, group, got)
		}
		if !want && !p.Filters([]byte(filter), []byte(group)) {
			t.Errorf("deny %q filters nothing of %q, group %q", deny, filter, group)
		}
	}
	f("foo", "*", "", "bar", true)
	f("foo", "*", "", "foo", false)
	f("foo", ">", "", "foo", false)
	f("*.b", "s.*", "", "s.b", false)
	f("*.b", "s.*", "", "s.c", true)
	f("foo v1", "*", "v1", "bar", true)
	f("foo v1", "*", "v1", "foo", false)
	f("foo v1", "*", "v2", "foo", true)
	f("foo v1", ">", "", "foo", true)
	f("foo *.prod", ">", "eu.prod", "foo", false)

	p := compile(t, perms.Config{Subscribe: &perms.Rules{Allow: list("a")}})
	if !p.MayReceive([]byte("b"), nil) || p.Filters([]byte(">"), nil) {
		t.Error("an allow list is a matter of subscribing only")
	}
}

func TestFilters(t *testing.T) {
	f := func(deny, filter, group string, want bool) {
		t.Helper()
		p := compile(t, perms.Config{Subscribe: &perms.Rules{Deny: list(deny)}})
		if got := p.Filters([]byte(filter), []byte(group)); got != want {
			t.Errorf("deny %q: filters %q, group %q, %v", deny, filter, group, got)
		}
	}
	f("foo", "*", "", true)
	f("foo", ">", "", true)
	f("foo", "*.*", "", false)
	f("foo", "foo", "", true)
	f("foo", "bar", "", false)
	f("*.b", "a.*", "", true)
	f("*.b.c", "a.*", "", false)
	f("a.>", "*.b.*", "", true)
	f("a.>", "*", "", false)
	f("*.*.>", "a.>", "", true)
	f(">", "a", "", true)
	f("foo v1", "*", "", false)
	f("foo v1", "*", "v1", true)
	f("foo v1", "*", "v2", false)
	f("foo.bar *.prod", "foo.>", "eu.prod", true)
}

func TestResponsesEmptyTheAllowList(t *testing.T) {
	f := func(rules *perms.Rules, subj string, want bool) {
		t.Helper()
		p := compile(t, perms.Config{Publish: rules, Responses: &perms.Responses{}})
		if got := p.MayPublish([]byte(subj)); got != want {
			t.Errorf("%+v: %q %v", rules, subj, got)
		}
		if !p.Responds() || !p.MaySubscribe([]byte(subj), nil) {
			t.Errorf("%+v: responses do more or less than they should", rules)
		}
	}
	f(nil, "foo", false)
	f(&perms.Rules{}, "foo", false)
	f(&perms.Rules{Deny: list("bar")}, "foo", false)
	f(&perms.Rules{Allow: list("foo")}, "foo", true)
	f(&perms.Rules{Allow: list("foo")}, "bar", false)
}
