package keys_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
)

// fields are what the table of these tests is bound to.
type fields struct {
	On, Off  bool
	Text     string
	Mode     string
	List     []string
	Size     int64
	Level    int32
	Count    int
	Wait     time.Duration
	WaitText time.Duration
	Host     string
	Port     int
	Inner    inner
	Members  []member
	Odd      string
}

type inner struct {
	Name, Pass string
	Timeout    time.Duration
	Deep       string
}

type member struct{ Name, Pass string }

// table has every form of value.
func (f *fields) table() keys.Table {
	return append(keys.Table{
		{Name: "on", Aliases: []string{"enabled"}, Value: keys.Bool(&f.On), Default: "false", Doc: "Bool."},
		{Name: "off", Value: keys.Not(&f.Off), Default: "true", Change: keys.NewClients, Since: "2.1.0", Doc: "Not."},
		{Name: "fine", Value: keys.Satisfied().Quiet(), Doc: "Satisfied."},
		{Name: "text", Aliases: []string{"txt", "words"}, Value: keys.String(&f.Text), Doc: "String."},
		{Name: "mode", Value: keys.OneOf(&f.Mode, "fast", "safe", "slow"), Default: "safe", Doc: "OneOf."},
		{Name: "list", Value: keys.Strings(&f.List), Doc: "Strings."},
		{Name: "max_size", Value: keys.Int(&f.Size, 0, 1<<20), Default: "10", Doc: "Int, with a|b."},
		{Name: "level", Value: keys.Int(&f.Level, -1, 9), Doc: "Int32."},
		{Name: "count", Value: keys.Int(&f.Count, 2, 3), Change: keys.Restart, Why: "it is counted", Doc: "Int."},
		{Name: "wait", Value: keys.Duration(&f.Wait), Doc: "Duration."},
		{Name: "wait_text", Value: keys.DurationText(&f.WaitText), Doc: "DurationText."},
		{Name: "listen", Value: keys.Address(&f.Host, &f.Port), Label: "address", Change: keys.Restart, Why: "clients know it", Doc: "Address."},
		{Name: "port", Value: keys.Port(&f.Port).Quiet(), Change: keys.Restart, Why: "clients know it", Doc: "Port."},
		{Name: "inner", Value: keys.Block(f.Inner.table()), Doc: "Block."},
		{Name: "members", Value: f.members(), Secret: true, Doc: "List."},
		{Name: "odd", Value: keys.Custom("odd", func() string { return "odd " + f.Odd }, func(r *keys.Report, key string, v *conf.Value) {
			f.Odd = v.Raw
		}), Doc: "Custom."},
	}, keys.Unsupported("later", "cluster clusters", "prot")...)
}

func (n *inner) table() keys.Table {
	return keys.Table{
		{Name: "name", Aliases: []string{"username"}, Value: keys.String(&n.Name), Doc: "Name."},
		{Name: "pass", Value: keys.String(&n.Pass), Secret: true, Doc: "Pass."},
		{Name: "timeout", Value: keys.Seconds(&n.Timeout), Doc: "Seconds."},
		{Name: "deep", Value: keys.Block(keys.Table{
			{Name: "deepest", Value: keys.String(&n.Deep), Doc: "Deepest."},
		}), Doc: "Deep."},
	}
}

func (f *fields) members() keys.Value {
	show := func() string {
		s := "" // of names only
		for _, m := range f.Members {
			s += strconv.Quote(m.Name)
		}
		return "[" + s + "]"
	}
	return keys.List(new(member).table(), show, func(r *keys.Report, key string, v *conf.Value) {
		f.Members = nil
		for _, e := range v.List {
			var m member
			if r.Block("member", m.table(), e) {
				f.Members = append(f.Members, m)
			}
		}
	})
}

func (m *member) table() keys.Table {
	return keys.Table{
		{Name: "name", Value: keys.String(&m.Name), Doc: "Name."},
		{Name: "pass", Value: keys.String(&m.Pass), Doc: "Pass."},
		{Name: "role", Value: keys.Satisfied(), Doc: "Role."},
	}
}

const file = "f"

func parse(t testing.TB, text string) *conf.Value {
	t.Helper()
	parsed, err := conf.Parse([]byte(text), file)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return parsed.Root
}

// decode reads a text into fields.
func decode(t testing.TB, text string) (f fields, r *keys.Report) {
	t.Helper()
	return f, keys.Decode(f.table(), parse(t, text))
}

// good checks that a text sets exactly the fields given, without a complaint.
func good(t *testing.T, text string, want fields) {
	t.Helper()
	var got fields
	r := keys.Decode(got.table(), parse(t, text))
	if err := r.Err(); err != nil || len(r.Warnings()) > 0 {
		t.Errorf("%q: %v %q", text, err, r.Warnings())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q: -want +got\n%s", text, diff)
	}
}

// bad checks the problems of a text, warnings first.
func bad(t *testing.T, text string, want ...string) {
	t.Helper()
	_, r := decode(t, text)
	got := ""
	if err := r.Err(); err != nil {
		got = err.Error()
	}
	if want := strings.Join(want, "\n") + "\n"; got != want {
		t.Errorf("%q:\n got %q\nwant %q", text, got, want)
	}
}

// warned checks that a text sets the fields, with one complaint.
func warned(t *testing.T, text string, want fields, warning string) {
	t.Helper()
	var got fields
	r := keys.Decode(got.table(), parse(t, text))
	if err := r.Err(); err != nil {
		t.Errorf("%q: %v", text, err)
	}
	if diff := cmp.Diff([]string{warning}, r.Warnings()); diff != "" {
		t.Errorf("%q: -want +got\n%s", text, diff)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q: -want +got\n%s", text, diff)
	}
}
