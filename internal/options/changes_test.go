package options_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/keys"
	"nats-server/internal/options"
)

func completed(t testing.TB, o options.Options) *options.Options {
	t.Helper()
	o, err := o.Complete()
	if err != nil {
		t.Fatal(err)
	}
	return &o
}

// Every key shows up as itself when it changes, and its row says what becomes of it.
func TestChangesOfEveryKey(t *testing.T) {
	before := completed(t, options.Options{})
	if d := options.Changes(before, before); d != nil {
		t.Errorf("no change: %v", d)
	}
	shown := map[string]string{ // where the name is not the key's
		"port": "listen", "host": "listen", "logfile": "log_file", "authorization": "authorization token",
		"http_port": "http", "https_port": "https", "http_auth": "http_auth token",
		"no_system_account": "system_account",
	}
	for _, row := range supported() {
		var want []string
		switch row.Name {
		case "no_auth_user", "system_account", "cluster": // need others, see TestChangesOfCredentials
			continue
		case "https", "https_port": // need a certificate
			continue
		case "tls":
			want = []string{"tls cert_file", "tls key_file", "tls timeout", "authorization timeout", "tls"} // defaults, too
		case "disable_sublist_cache": // has no effect
		case "trace_verbose", "trace_headers":
			want = []string{"trace", row.Name}
		default:
			want = []string{row.Name}
			if name := shown[row.Name]; name != "" {
				want[0] = name
			}
		}
		var got []string
		for _, d := range options.Changes(before, completed(t, samples[row.Name].want)) {
			got = append(got, d.Name)
			if row.Name != "tls" && (d.Change != row.Change || d.Why != row.Why) {
				t.Errorf("%s: %v (%s), but its row says %v (%s)", row.Name, d.Change, d.Why, row.Change, row.Why)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", row.Name, got, want)
		}
	}
}

func TestWhatNeedsARestart(t *testing.T) {
	var got []string
	for _, row := range supported() {
		if row.Change == keys.Restart {
			got = append(got, row.Name)
			if row.Why == "" {
				t.Errorf("%s does not say why", row.Name)
			}
		}
	}
	if want := []string{"listen", "port", "host", "system_account", "no_system_account"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChangesOfCredentials(t *testing.T) {
	f := func(old, next options.Options, want ...keys.Difference) {
		t.Helper()
		a, b := completed(t, old), completed(t, next)
		if diff := cmp.Diff(want, options.Changes(a, b)); diff != "" {
			t.Errorf("%+v to %+v: -want +got\n%s", old, next, diff)
		}
		for _, pair := range [][2]*options.Options{{a, b}, {b, a}} {
			if got := options.CredentialsDiffer(pair[0], pair[1]); got != (want != nil) {
				t.Errorf("%+v, %+v: credentials differ: %v", old, next, got)
			}
		}
	}
	one := func(name string) keys.Difference { return keys.Difference{Name: "authorization " + name} }
	users := func(list ...string) options.Options {
		o := options.Options{Users: []*options.User{}}
		for i := 0; i < len(list); i += 2 {
			o.Users = append(o.Users, &options.User{Username: list[i], Password: list[i+1]})
		}
		return o
	}
	f(options.Options{}, options.Options{})
	f(options.Options{Username: "a"}, options.Options{Username: "b"}, one("username"))
	f(options.Options{Username: "a", Password: "p"}, options.Options{Username: "a", Password: "q"}, one("password"))
	f(options.Options{Authorization: "t"}, options.Options{}, one("token"))
	f(options.Options{Username: "a", Password: "p"}, options.Options{Authorization: "t"}, one("username"), one("password"), one("token"))
	f(users("a", "b"), users("a", "b"))
	f(users("a", "b"), users("a", "c"), one("users"))
	f(users("a", "b"), users("a", "b", "c", "d"), one("users"))
	f(users("a", `b"`), users(`a"`, "b"), one("users"))
	f(users("a", "b"), options.Options{}, one("users"))

	accounts := keys.Difference{Name: "accounts"}
	a := func(limit int, users ...*options.User) options.Options {
		return options.Options{Accounts: []*options.Account{{Name: "A", Users: users, Limits: options.AccountLimits{MaxConnections: limit}}}}
	}
	f(options.Options{}, a(0), accounts)
	f(a(0), a(1), accounts)
	f(a(1), a(1))
	f(a(0, &options.User{Username: "u"}), a(0, &options.User{Username: "v"}), accounts)
	f(a(0, &options.User{Username: "u"}), options.Options{Users: []*options.User{{Username: "u"}}}, one("users"), accounts)
}

// Which account is that of the servers can not change, but it may be spelt out.
func TestChangesOfTheSystemAccount(t *testing.T) {
	f := func(old, next options.Options, want string) {
		t.Helper()
		old.Accounts, next.Accounts = []*options.Account{{Name: "A"}}, []*options.Account{{Name: "A"}}
		got := ""
		for _, d := range options.Changes(completed(t, old), completed(t, next)) {
			got += fmt.Sprintf("%s %s %s %v", d.Name, d.Old, d.New, d.Change)
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(options.Options{}, options.Options{SystemAccount: "$SYS"}, "")
	f(options.Options{SystemAccount: "A"}, options.Options{SystemAccount: "A", NoSystemAccount: true}, "")
	f(options.Options{}, options.Options{SystemAccount: "A"}, `system_account "$SYS" "A" needs a restart`)
	f(options.Options{NoSystemAccount: true}, options.Options{}, `system_account "" "$SYS" needs a restart`)
}

// The time that clients have for their credentials is not part of them.
func TestAuthTimeoutIsNoCredential(t *testing.T) {
	a, b := completed(t, options.Options{}), completed(t, options.Options{AuthTimeout: 5})
	want := []keys.Difference{{Name: "authorization timeout", Old: "2s", New: "5ns", Change: keys.NewClients}}
	if diff := cmp.Diff(want, options.Changes(a, b)); diff != "" {
		t.Error("-want +got\n", diff)
	}
	if options.CredentialsDiffer(a, b) {
		t.Error("credentials differ")
	}
}

func BenchmarkChanges10000Users(b *testing.B) {
	load := func(last string) *options.Options {
		o, _, err := options.Load(writeUsers(b, 10_000, last))
		if err != nil {
			b.Fatal(err)
		}
		return completed(b, *o)
	}
	before, after := load("secret"), load("changed")
	b.ReportAllocs()
	for b.Loop() {
		if len(options.Changes(before, after)) != 1 || !options.CredentialsDiffer(before, after) {
			b.Fatal("one password has changed")
		}
	}
}
