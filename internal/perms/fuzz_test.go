package perms_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"nats-server/internal/perms"
)

// lines are the entries of a fuzzed list; the zero line is no list.
func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// Entries as they are accepted, at least when they hold no unusual bytes.
var (
	validFilter = `([^\s.>][^\s.]*|>[^\s.]+)(\.([^\s.>][^\s.]*|>[^\s.]+))*(\.>)?|>`
	validEntry  = regexp.MustCompile(`^[ \t\r]*(` + validFilter + `)([ \t\r]+(` + validFilter + `))?[ \t\r]*$`)
	validPlain  = regexp.MustCompile(`^[ \t\r]*(` + validFilter + `)[ \t\r]*$`)
	usual       = regexp.MustCompile(`^[\n\r\t -~]*$`)
)

func FuzzPermissions(f *testing.F) {
	f.Add("foo.*\nbar", "foo.bar", "foo\nfoo v1", "*.b\nfoo.> *.prod", "foo.bar", "foo.>", "eu.prod")
	f.Add("", ">", "s.*", "", "a..b", "s.>", "")
	f.Add("", "", "*.b", "", "b", ">.b", "")
	f.Add("a.>.b", "", "", "a q..r", ".", "", "..")
	f.Fuzz(func(t *testing.T, pubAllow, pubDeny, subAllow, subDeny, subj, filter, group string) {
		c := perms.Config{
			Publish:   &perms.Rules{Allow: lines(pubAllow), Deny: lines(pubDeny)},
			Subscribe: &perms.Rules{Allow: lines(subAllow), Deny: lines(subDeny)},
		}
		p, err := c.Compile()
		if usual.MatchString(pubAllow + pubDeny + subAllow + subDeny) {
			bad := func(entries []string, valid *regexp.Regexp) bool {
				return slices.ContainsFunc(entries, func(e string) bool { return !valid.MatchString(e) })
			}
			want := bad(c.Publish.Allow, validPlain) || bad(c.Publish.Deny, validPlain) ||
				bad(c.Subscribe.Allow, validEntry) || bad(c.Subscribe.Deny, validEntry)
			if want != (err != nil) {
				t.Fatalf("%q %q %q %q: %v", pubAllow, pubDeny, subAllow, subDeny, err)
			}
		}
		if err != nil {
			return
		}
		for _, rules := range []*perms.Rules{c.Publish, c.Subscribe} {
			rules.Allow, rules.Deny = spelled(rules.Allow), spelled(rules.Deny)
		}
		if q, err := c.Compile(); err != nil || !p.Equal(q) {
			t.Fatalf("not equal when spelled otherwise: %v", err)
		}
		compare(t, p, model{c}, subj, filter, group)
	})
}

// spelled returns entries with the blanks that the model expects, in other order.
func spelled(entries []string) (out []string) {
	for _, e := range slices.Backward(entries) {
		fields := strings.FieldsFunc(e, func(c rune) bool { return strings.ContainsRune(" \t\r\n", c) })
		out = append(out, strings.Join(fields, " "))
	}
	return out
}
