package subject

import "testing"

func TestValidFilter(t *testing.T) {
	f := func(s string, want bool) {
		t.Helper()
		if got := ValidFilter(s); got != want {
			t.Errorf("ValidFilter(%q) = %v", s, got)
		}
		if got := ValidFilter([]byte(s)); got != want {
			t.Errorf("ValidFilter([]byte(%q)) = %v", s, got)
		}
	}
	f("foo", true)
	f("foo.bar", true)
	f("foo.*", true)
	f("*.*", true)
	f("foo.>", true)
	f(">", true)
	f("a*b", true)
	f("foo.>>", true)
	f("\x00.\xff", true)
	f("", false)
	f(".", false)
	f(".a", false)
	f("a.", false)
	f("a..b", false)
	f(">.a", false)
	f("a.>.b", false)
}

func TestLiteral(t *testing.T) {
	f := func(s string, want bool) {
		t.Helper()
		if got := Literal([]byte(s)); got != want {
			t.Errorf("Literal(%q) = %v", s, got)
		}
	}
	f("foo.bar", true)
	f("foo.b*r", true)
	f("foo.>>", true)
	f("foo.*", false)
	f(">", false)
	f("foo..bar", false)
	f("foo.", false)
	f("", false)
}

func TestTokens(t *testing.T) {
	f := func(s string, want int) {
		t.Helper()
		if got := Tokens([]byte(s)); got != want {
			t.Errorf("Tokens(%q) = %d", s, got)
		}
	}
	f("a", 1)
	f("a.b.c", 3)
	f("a.", 2)
}

func TestMatch(t *testing.T) {
	f := func(filter, subj string, want bool) {
		t.Helper()
		if got := Match(filter, subj); got != want {
			t.Errorf("Match(%q, %q) = %v", filter, subj, got)
		}
	}
	f("foo", "foo", true)
	f("foo", "bar", false)
	f("foo", "foo.bar", false)
	f("foo.bar", "foo", false)
	f("*", "foo", true)
	f("*", "foo.bar", false)
	f("foo.*", "foo.bar", true)
	f("foo.*", "foo.*", true)
	f("foo.bar", "foo.*", false)
	f("foo.>", "foo", false)
	f("foo.>", "foo.bar", true)
	f("foo.>", "foo.bar.baz", true)
	f(">", "a.b.c", true)
	f(">", "a..c", false)
	f("*.b.>", "a.b.c.d", true)
	f("*.b.>", "a.b", false)
	f("foo.>>", "foo.>>", true)
	f("foo.>>", "foo.x", false)
}
