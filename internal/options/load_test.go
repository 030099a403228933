package options_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/options"
)

var update = flag.Bool("update", false, "write the golden files and the documentation anew")

// TestGolden compares what every configuration in testdata leads to with the file
// next to it.
func TestGolden(t *testing.T) {
	t.Setenv("GOLDEN_PORT", "4333")
	t.Setenv("GOLDEN_YES", "yes")
	t.Chdir("testdata") // for messages to name the files alone
	files, err := filepath.Glob("*.conf")
	if err != nil || len(files) == 0 {
		t.Fatal("no configurations", err)
	}
	for _, path := range files {
		got := outcome(path)
		golden := strings.TrimSuffix(path, ".conf") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: -want +got\n%s", path, diff)
		}
	}
	goldens, err := filepath.Glob("*.golden")
	if err != nil || len(goldens) != len(files) {
		t.Errorf("%d configurations, but %d golden files: %v", len(files), len(goldens), err)
	}
}

// outcome is what the operator gets to know about a file: what is wrong, or the
// fields that it sets, and whether a server would start with them.
func outcome(path string) string {
	o, warnings, err := options.Load(path)
	if err != nil {
		return "error:\n" + strings.TrimSuffix(err.Error(), "\n") + "\n"
	}
	var b strings.Builder
	for _, w := range warnings {
		fmt.Fprintf(&b, "warning:\n%s\n", w)
	}
	if _, err := o.Complete(); err != nil {
		fmt.Fprintf(&b, "refused at the start:\n%v\n", err)
	}
	b.WriteString("options:\n" + text(o))
	return b.String()
}

// text lists the fields that are not zero, and users.
func text(o *options.Options) string {
	var b strings.Builder
	v := reflect.ValueOf(*o)
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		switch value := f.Interface().(type) {
		case []*options.User:
			if value != nil {
				fmt.Fprintf(&b, "%s: %d\n", name, len(value))
			}
			listUsers(&b, value)
		case []*options.Account:
			for _, a := range value {
				fmt.Fprintf(&b, "Account %q: %+v %q\n", a.Name, a.Limits, a.Nkey)
				listUsers(&b, a.Users)
			}
		case string:
			if value != "" && name != "ConfigFile" && name != "ConfigDigest" {
				fmt.Fprintf(&b, "%s: %q\n", name, value)
			}
		default:
			if !f.IsZero() {
				fmt.Fprintf(&b, "%s: %v\n", name, value)
			}
		}
	}
	return b.String()
}

func listUsers(b *strings.Builder, users []*options.User) {
	for _, u := range users {
		fmt.Fprintf(b, "  %q %q%s\n", u.Username, u.Password, more(u))
	}
}

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What editors and other systems do to a file, without its being visible.
func TestInvisibleBytes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		path := write(t, text)
		if got := strings.ReplaceAll(outcome(path), path, "f"); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
	f("\ufeffport: 4333\r\ndebug: yes\r\n", "options:\nPort: 4333\nDebug: true\n")
	f("\ufeff{\r\n \"port\": 4333\r\n}\r\n", "options:\nPort: 4333\n")
	f("port: 4333\r\n prot: 1\r\n", "error:\nf:2:2: unknown field \"prot\", did you mean \"port\"?\n")
	f("port: 4333\n\x00debug: yes", "options:\nPort: 4333\n")
	f("port\u00a0: 4333", "options:\nPort: 4333\n")
	f("\xff\xfep\x00o\x00r\x00t\x00", "error:\nf:1:3: config is invalid (f:1:3) (the key began at f:1:0); "+
		"the file is not text in UTF-8 but in UTF-16: save it as UTF-8\n")
	f("", "warning:\nf: config has no values or is empty\noptions:\n")
	f("}\n", "warning:\nf: config has no values or is empty\noptions:\n")
}

func TestNoFile(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "nats.conf"), t.TempDir()} {
		_, want := os.ReadFile(path)
		o, warnings, err := options.Load(path)
		if o != nil || warnings != nil || err == nil || err.Error() != want.Error() {
			t.Errorf("%s: %v %q %v, want %v", path, o, warnings, err, want)
		}
	}
	path := write(t, "port: 4222\n  include nowhere.conf\n")
	_, missing := os.ReadFile(filepath.Join(filepath.Dir(path), "nowhere.conf"))
	_, _, err := options.Load(path)
	want := fmt.Sprintf("%s:2:3: error parsing include file 'nowhere.conf', %v; the path is taken from the directory of the including file, even if it begins with a slash", path, missing)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// An error leaves nothing to go on with, warnings do not matter then.
func TestErrorsAlone(t *testing.T) {
	path := write(t, "ping_interval: 5\nprot: 1\n")
	o, warnings, err := options.Load(path)
	want := path + ":1:0: invalid use of field \"ping_interval\": ping_interval should be converted to a duration: write \"5s\"\n" +
		path + ":2:1: unknown field \"prot\", did you mean \"port\"?\n"
	if o != nil || warnings != nil || err == nil || err.Error() != want {
		t.Errorf("%v %q %v", o, warnings, err)
	}
}

func TestFileAndDigest(t *testing.T) {
	path := write(t, "port: 11000")
	o, _, err := options.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want := &options.Options{Port: 11000, ConfigFile: path,
		ConfigDigest: "sha256:c901f8801acde3ce449033843d0bfb34bba547bc495ac38d41e3587ca53f2635"}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error("-want +got\n", diff)
	}
}

// more is what a user has beside name and password.
func more(u *options.User) string {
	rest := *u
	rest.Username, rest.Password = "", ""
	if reflect.ValueOf(rest).IsZero() {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(rest); err != nil {
		return err.Error()
	}
	return " " + strings.TrimSpace(b.String())
}

// writeUsers writes a configuration with n users, of which the last has the password
// given, and returns its path.
func writeUsers(t testing.TB, n int, last string) string {
	var b strings.Builder
	b.WriteString("authorization {\n  users = [\n")
	for i := range n - 1 {
		fmt.Fprintf(&b, "    {user: user%05d, password: \"$2a$11$0/1Qap2JZYgkNW6jbFl4N.FAOUDCL8A9iWN4u9gnACBwjwN%05d\"}\n", i, i)
	}
	fmt.Fprintf(&b, "    {user: last, password: %s}\n  ]\n}\n", last)
	return write(t, b.String())
}

func BenchmarkLoad10000Users(b *testing.B) {
	path := writeUsers(b, 10_000, "secret")
	b.ReportAllocs()
	for b.Loop() {
		if o, _, err := options.Load(path); err != nil || len(o.Users) != 10_000 {
			b.Fatal(err)
		}
	}
}
