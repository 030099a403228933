package subject

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestNext(t *testing.T) {
	f := func(s string, tokens ...string) {
		t.Helper()
		var got []string
		for tail, more := s, true; more; {
			var token string
			token, tail, more = Next(tail)
			got = append(got, token)
		}
		if !slices.Equal(got, tokens) {
			t.Errorf("%q: %q", s, got)
		}
	}
	f("", "")
	f("a", "a")
	f("a.b.c", "a", "b", "c")
	f(".a", "", "a")
	f("a.", "a", "")
	f("..", "", "", "")
}

func TestWildcardTokens(t *testing.T) {
	for _, token := range []string{"", "a", "*", ">", "**", ">>", "*a", "a>", "*>"} {
		if got := IsOne(token); got != (token == "*") {
			t.Errorf("IsOne(%q) = %v", token, got)
		}
		if got := IsRest([]byte(token)); got != (token == ">") {
			t.Errorf("IsRest(%q) = %v", token, got)
		}
	}
}

func TestHasEmptyToken(t *testing.T) {
	f := func(s string, want bool) {
		t.Helper()
		if got := HasEmptyToken([]byte(s)); got != want {
			t.Errorf("HasEmptyToken(%q) = %v", s, got)
		}
	}
	f("a", false)
	f("a.b", false)
	f(" . ", false)
	f("", true)
	f(".", true)
	f(".a", true)
	f("a.", true)
	f("a..b", true)
}

func TestHasWildcard(t *testing.T) {
	f := func(s string, want bool) {
		t.Helper()
		if got := HasWildcard(s); got != want {
			t.Errorf("HasWildcard(%q) = %v", s, got)
		}
	}
	f("*", true)
	f(">", true)
	f("a.*.b", true)
	f("a.>", true)
	f("a..>", true)
	f("", false)
	f("a.b", false)
	f("a*.b>.**.>>", false)
}

// expression is the filter as a regular expression.
func expression(filter string) *regexp.Regexp {
	var parts []string
	tokens := strings.Split(filter, ".")
	for i, token := range tokens {
		switch {
		case token == "*":
			parts = append(parts, `[^.]+`)
		case token == ">" && i == len(tokens)-1:
			parts = append(parts, `.+`)
		default:
			parts = append(parts, regexp.QuoteMeta(token))
		}
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, `\.`) + `$`)
}

func TestRandomSubjects(t *testing.T) {
	tokens := []string{"a", "b", "*", ">", "", "a*", "\n", "a longer one", "®/-\x00"}
	random := func() string {
		s := tokens[rand.IntN(len(tokens))]
		for range rand.IntN(4) {
			s += "." + tokens[rand.IntN(len(tokens))]
		}
		return s
	}
	for range 20_000 {
		s, filter := random(), random()
		split := strings.Split(s, ".")
		shape := Shape{Tokens: len(split), Last: strings.LastIndexByte(s, '.') + 1, Empty: slices.Contains(split, "")}
		if got := ShapeOf([]byte(s)); got != shape {
			t.Fatalf("ShapeOf(%q) = %v", s, got)
		}
		if got, want := HasWildcard(s), slices.Contains(split, "*") || slices.Contains(split, ">"); got != want {
			t.Fatalf("HasWildcard(%q) = %v", s, got)
		}
		if !ValidFilter(filter) {
			continue
		}
		want := !slices.Contains(split, "") && expression(filter).MatchString(s)
		if got := Match(filter, s); got != want {
			t.Fatalf("Match(%q, %q) = %v", filter, s, got)
		}
	}
}

func ExampleMatch() {
	fmt.Println(Match("orders.*.new", "orders.eu.new"), Match("orders.>", "orders"))
	// Output: true false
}
