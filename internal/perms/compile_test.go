package perms_test

import (
	"testing"
	"time"

	"nats-server/internal/perms"
)

func compile(t testing.TB, c perms.Config) *perms.Permissions {
	t.Helper()
	p, err := c.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCompileErrors(t *testing.T) {
	f := func(entry, pub, sub string) {
		t.Helper()
		g := func(what string, c perms.Config, want string) {
			t.Helper()
			p, err := c.Compile()
			if got := text(err); got != want || (p == nil) != (want != "") {
				t.Errorf("%s %q: %q with %v, want %q", what, entry, got, p, want)
			}
		}
		list := []string{"fine", entry}
		g("publish allow", perms.Config{Publish: &perms.Rules{Allow: list}}, pub)
		g("publish deny", perms.Config{Publish: &perms.Rules{Deny: list}}, pub)
		g("subscribe allow", perms.Config{Subscribe: &perms.Rules{Allow: list}}, sub)
		g("subscribe deny", perms.Config{Subscribe: &perms.Rules{Deny: list}}, sub)
	}
	both := func(entry, want string) { t.Helper(); f(entry, want, want) }

	both("foo", "")
	both("foo.*.>", "")
	both(">", "")
	both("a*b.>>", "")
	both(" foo\t", "")
	both("caf\u00a0\u00e9", "")
	both("\xff.\x00", "")
	f("foo q", `subject "foo q" is not a valid subject`, "")
	f("foo.> *.prod", `subject "foo.> *.prod" is not a valid subject`, "")
	f("foo\t q", `subject "foo\t q" is not a valid subject`, "")

	both("foo..bar", `subject "foo..bar" is not a valid subject`)
	both("", `subject "" is not a valid subject`)
	both(" ", `subject " " is not a valid subject`)
	both("foo.>.bar", `subject "foo.>.bar" is not a valid subject`)
	both(".", `subject "." is not a valid subject`)
	both("a b c", `subject "a b c" is not a valid subject`)
	f("a..b q", `subject "a..b q" is not a valid subject`, `subject "a..b" is not a valid subject`)
	f("foo q..a", `subject "foo q..a" is not a valid subject`, `queue "q..a" is not a valid queue`)
	f("foo >.a", `subject "foo >.a" is not a valid subject`, `queue ">.a" is not a valid queue`)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// What is done to a Config after Compile does not matter.
func TestCompileCopies(t *testing.T) {
	c := perms.Config{
		Publish:   &perms.Rules{Allow: []string{"foo"}},
		Responses: &perms.Responses{Max: 2},
	}
	p, same := compile(t, c), compile(t, c)
	c.Publish.Allow[0] = "bar"
	c.Responses.Max = 3
	if !p.MayPublish([]byte("foo")) || p.MayPublish([]byte("bar")) || !p.Equal(same) {
		t.Error("permissions follow the Config they were made from")
	}
}

func TestEqual(t *testing.T) {
	f := func(a, b perms.Config, want bool) {
		t.Helper()
		p, q := compile(t, a), compile(t, b)
		if p.Equal(q) != want || q.Equal(p) != want {
			t.Errorf("Equal is not %v", want)
		}
		if !p.Equal(p) || !q.Equal(q) {
			t.Error("not equal to itself")
		}
	}
	pub := func(allow, deny []string) perms.Config {
		return perms.Config{Publish: &perms.Rules{Allow: allow, Deny: deny}}
	}
	sub := func(allow, deny []string) perms.Config {
		return perms.Config{Subscribe: &perms.Rules{Allow: allow, Deny: deny}}
	}
	responses := func(max int, expires time.Duration) perms.Config {
		return perms.Config{Responses: &perms.Responses{Max: max, Expires: expires}}
	}
	list := func(entries ...string) []string { return entries }

	f(perms.Config{}, perms.Config{}, true)
	f(perms.Config{}, pub(nil, nil), true)
	f(perms.Config{}, pub(nil, []string{}), true)
	f(perms.Config{}, pub([]string{}, nil), false)
	f(perms.Config{}, responses(1, 0), false)
	f(pub(list("a", "b"), nil), pub(list("b", "a", "b"), nil), true)
	f(pub(list("a"), nil), pub(list("a", "b"), nil), false)
	f(pub(list("a"), nil), pub(nil, list("a")), false)
	f(pub(list("a"), nil), sub(list("a"), nil), false)
	f(sub(nil, list("a q")), sub(nil, list(" a  q")), true)
	f(sub(nil, list("a q")), sub(nil, list("a")), false)
	f(sub(nil, list("a q")), sub(nil, list("a r")), false)
	f(responses(0, 0), responses(1, 2*time.Minute), true)
	f(responses(-1, -1), responses(-7, -time.Hour), true)
	f(responses(1, 0), responses(2, 0), false)
	f(responses(1, time.Second), responses(1, time.Minute), false)

	var none *perms.Permissions
	if !none.Equal(nil) || !none.Equal(compile(t, perms.Config{})) || !compile(t, perms.Config{}).Equal(nil) {
		t.Error("nil is not equal to what restricts nothing")
	}
	if none.Equal(compile(t, pub(list(">"), nil))) {
		t.Error("nil is equal to a list")
	}
}
