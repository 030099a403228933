package version

import (
	"regexp"
	"testing"
)

func TestNumberIsASemanticVersion(t *testing.T) {
	// Clients take it apart; some refuse to work without three numbers.
	if !regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`).MatchString(Number) {
		t.Errorf("%q", Number)
	}
}

func TestCommit(t *testing.T) {
	f := func(set, want string) {
		t.Helper()
		old := commit
		defer func() { commit = old }()
		commit = set
		if got := Commit(); got != want {
			t.Errorf("%q: got %q, want %q", set, got, want)
		}
	}
	f("0123456789abcdef0123456789abcdef01234567", "0123456")
	f("abc", "abc")
	f("0123456", "0123456")
	if got := Commit(); !regexp.MustCompile(`^([0-9a-f]{7})?$`).MatchString(got) {
		t.Errorf("%q as built", got)
	}
}
