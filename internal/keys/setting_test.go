package keys_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nats-server/internal/keys"
)

func TestSettings(t *testing.T) {
	f := fields{
		On: true, Text: `a "b"`, Mode: "safe", List: []string{"x", "y"}, Size: 1 << 20, Level: -1, Count: 2,
		Wait: 90 * time.Second, WaitText: time.Millisecond, Host: "::1", Port: 4222, Odd: "one",
		Inner: inner{Name: "n", Timeout: time.Second},
	}
	want := []keys.Setting{
		{Name: "on", Value: "true"},
		{Name: "off", Value: "true"},
		{Name: "text", Value: `"a \"b\""`},
		{Name: "mode", Value: `"safe"`},
		{Name: "list", Value: `["x" "y"]`},
		{Name: "max_size", Value: "1048576"},
		{Name: "level", Value: "-1"},
		{Name: "count", Value: "2"},
		{Name: "wait", Value: "1m30s"},
		{Name: "wait_text", Value: "1ms"},
		{Name: "address", Value: "[::1]:4222"},
		{Name: "inner name", Value: `"n"`},
		{Name: "inner pass", Secret: true},
		{Name: "inner timeout", Value: "1s"},
		{Name: "inner deep deepest", Value: `""`},
		{Name: "members", Secret: true},
		{Name: "odd", Value: "odd one"},
	}
	got := f.table().Settings([]byte("salt"))
	for i := range got {
		if got[i].Secret {
			if len(got[i].Value) != 64 {
				t.Errorf("%+v is no digest", got[i])
			}
			got[i].Value = ""
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(keys.Setting{})); diff != "" {
		t.Error("-want +got\n", diff)
	}
}

func TestSecretsInSettings(t *testing.T) {
	value := func(text, name, salt string) string {
		t.Helper()
		var f fields
		if err := keys.Decode(f.table(), parse(t, text)).Err(); err != nil {
			t.Fatal(err)
		}
		for _, s := range f.table().Settings([]byte(salt)) {
			if s.Name == name {
				return s.Value
			}
		}
		t.Fatalf("no setting %s", name)
		return ""
	}
	// openssl dgst -sha256 -hmac salt of the name, a NUL and the value in its quotes.
	const known = "ecbe839799564c00e95f70e19b497696004889f160d437f9683eaabf0f80bb65"
	a := value("inner {pass: secret}", "inner pass", "salt")
	if a != known {
		t.Errorf("digest %s", a)
	}
	if a != value("text: x\ninner {pass: 'secret'}", "inner pass", "salt") {
		t.Error("same secret, same salt, other digest")
	}
	if a == value("inner {pass: Secret}", "inner pass", "salt") {
		t.Error("other secret, same digest")
	}
	if a == value("inner {pass: secret}", "inner pass", "pepper") {
		t.Error("other salt, same digest")
	}

	// Neither do digests show that two secrets are the same, nor blocks what is in them.
	var x, y string
	table := keys.Table{
		{Name: "x", Value: keys.String(&x), Secret: true},
		{Name: "y", Value: keys.String(&y), Secret: true},
		{Name: "z", Secret: true, Value: keys.Block(keys.Table{{Name: "in", Value: keys.String(&y)}})},
	}
	x, y = "same", "same"
	s := table.Settings(nil)
	if s[0].Value == s[1].Value {
		t.Error("the same digest under two names")
	}
	if s[2].Name != "z in" || !s[2].Secret || s[2].Value == `"same"` {
		t.Errorf("%+v is a secret", s[2])
	}
}

func TestCompare(t *testing.T) {
	f := func(old, next string, want ...keys.Difference) {
		t.Helper()
		a, _ := decode(t, old)
		b, _ := decode(t, next)
		salt := []byte("salt")
		before := a.table().Settings(salt)
		if diff := cmp.Diff(want, keys.Compare(before, b.table().Settings(salt))); diff != "" {
			t.Errorf("%q to %q: -want +got\n%s", old, next, diff)
		}
		// The old settings may come from another process.
		sent, err := json.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		var received []keys.Setting
		if err := json.Unmarshal(sent, &received); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, keys.Compare(received, b.table().Settings(salt))); diff != "" {
			t.Errorf("%q to %q, as JSON: -want +got\n%s", old, next, diff)
		}
	}
	f("", "")
	f("text: a\ninner {pass: x}", "inner {PASS: 'x'}\ntxt: 'a'")
	f("", "on: yes", keys.Difference{Name: "on", Old: "false", New: "true"})
	f("off: no", "", keys.Difference{Name: "off", Old: "false", New: "true", Change: keys.NewClients})
	f("text: a", "text: ''", keys.Difference{Name: "text", Old: `"a"`, New: `""`})
	f("inner {pass: a}", "inner {pass: b}", keys.Difference{Name: "inner pass"})
	f("members: [{name: a}]", "", keys.Difference{Name: "members"})
	f("inner {deep {deepest: a}}", "", keys.Difference{Name: "inner deep deepest", Old: `"a"`, New: `""`})
	f("fine: yes", "fine: no")
	// In the order of the table, the port only as part of the address.
	f("", "inner {name: n}\nport: 5\ncount: 2\ntext: a",
		keys.Difference{Name: "text", Old: `""`, New: `"a"`},
		keys.Difference{Name: "count", Old: "0", New: "2", Change: keys.Restart, Why: "it is counted"},
		keys.Difference{Name: "address", Old: ":0", New: ":5", Change: keys.Restart, Why: "clients know it"},
		keys.Difference{Name: "inner name", Old: `""`, New: `"n"`})
}

func TestCompareVersions(t *testing.T) {
	old := []keys.Setting{{Name: "gone", Value: "1"}, {Name: "both", Value: "1"}}
	next := []keys.Setting{{Name: "new", Value: "1"}, {Name: "both", Value: "2"}}
	want := []keys.Difference{{Name: "both", Old: "1", New: "2"}}
	if diff := cmp.Diff(want, keys.Compare(old, next)); diff != "" {
		t.Error("-want +got\n", diff)
	}
}

func TestChangeTexts(t *testing.T) {
	f := func(c keys.Change, want string) {
		t.Helper()
		if c.String() != want {
			t.Errorf("got %s, want %s", c, want)
		}
	}
	f(keys.Live, "applied at once")
	f(keys.NewClients, "applied to new connections")
	f(keys.Restart, "needs a restart")
}

// What anybody may see has no secret, but tells whether there is one.
func TestShow(t *testing.T) {
	var none fields
	f := fields{On: true, Count: 3, Inner: inner{Name: "n", Pass: "canary"}}
	shown := make(map[string]keys.Shown)
	for _, s := range keys.Show(f.table().Settings(nil), none.table().Settings(nil)) {
		shown[s.Name] = s
	}
	want := map[string]keys.Shown{
		"on":         {Name: "on", Value: "true", Reload: "applied at once"},
		"off":        {Name: "off", Value: "true", Default: true, Reload: "applied to new connections"},
		"count":      {Name: "count", Value: "3", Reload: "needs a restart", Why: "it is counted"},
		"inner pass": {Name: "inner pass", Secret: true, Reload: "applied at once"},
		"members":    {Name: "members", Secret: true, Default: true, Reload: "applied at once"},
	}
	for name, s := range want {
		if diff := cmp.Diff(s, shown[name]); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	if n := len(f.table().Settings(nil)); len(shown) != n {
		t.Errorf("%d of %d keys are shown", len(shown), n)
	}
	if s := keys.Show(f.table().Settings(nil), nil); s[0].Default {
		t.Error("a key without a default has it")
	}
}
