package keys_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
)

var located = regexp.MustCompile(`^[^\n]+:\d+:\d+: [^\n]+$`)

// FuzzDecode checks what holds for any tree: every problem is one line that says
// where, and decoding again gives the same.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		"", "on: yes\noff: no\nfine: x", "text: 5\ntxt: [x]", "mode: fast", "list: [x, 5, {}]", "max_size: 2MB\nlevel: -5\ncount: 1.5",
		"wait: 2m\nwait_text: 2m\nWAIT: -1s", "listen: '[::1]:5'\nport: 99999", "inner {name: 5, timeout: 1e, deep {deepest: \"\n\"}}",
		"members: [{name: a}, {pass: 5}, [], x, {rol: 1}]", "later: off\ncluster {x: 1}", "odd: $X", "X: [1]\ntext: $X\nX {a: $X}", "inner{\n x: 1",
		"\"a\nb\": 1", "\"A\nB\": 1", "max_size: (\n5\n)\n", "on: \"\u2028\xff\x1b\"", "listen: \"\x00\"", "timeout: 5", "text: $PATH", "inner: $inner",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") {
			t.Skip("would read whatever is on this machine")
		}
		parsed, err := conf.Parse([]byte(text), file)
		if err != nil {
			t.Skip()
		}
		var a, b fields
		r := keys.Decode(a.table(), parsed.Root)
		again := keys.Decode(b.table(), parsed.Root)
		problems, _ := r.Err().(keys.Problems)
		for _, p := range append(problems, r.Warnings()...) {
			if !located.MatchString(p) {
				t.Errorf("%q", p)
			}
		}
		if diff := cmp.Diff(r.Err(), again.Err()); diff != "" {
			t.Error("other problems the second time\n", diff)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Error("other fields the second time\n", diff)
		}
		if d := keys.Compare(a.table().Settings(nil), b.table().Settings(nil)); d != nil {
			t.Errorf("differs from itself: %v", d)
		}
	})
}
