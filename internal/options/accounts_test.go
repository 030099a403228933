package options_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/options"
)

const (
	accountKey = "AAQ5H6IYUH4SKD7Z3DXJQDKMEXJSPQDJNC7G4XXBRDX525HRLIEYFPQH"
	userKey    = "UBPP6TXOMCGWGAM5TNQA6WXDYBOEOO4CGLKNQULKOJ2774ZCT4DUEZ5V"
)

// What embedding programs may get wrong, and what no key alone tells.
func TestWrongAccounts(t *testing.T) {
	f := func(o options.Options, want string) {
		t.Helper()
		_, err := o.Complete()
		if got := strings.TrimPrefix(errorText(err), "no error"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	accounts := func(list ...*options.Account) options.Options { return options.Options{Accounts: list} }
	system := func(name string, o options.Options) options.Options { o.SystemAccount = name; return o }
	a, u := &options.Account{Name: "A"}, &options.User{Username: "u"}
	f(accounts(a, &options.Account{Name: "a"}), "")
	f(accounts(a, a), "Duplicate Account Entry: A")
	f(accounts(&options.Account{Name: "$G"}), `"$G" is a Reserved Account`)
	f(accounts(&options.Account{}), "an account requires a name")
	f(accounts(&options.Account{Name: "a b"}), `account name "a b" cannot contain spaces`)
	f(accounts(&options.Account{Name: "A", Nkey: userKey}), `Not a valid public nkey for an account: "`+userKey+`"`)
	f(system("A", accounts(a)), "")
	f(system("$SYS", accounts(a)), "")
	f(system("$G", accounts(a)), "error resolving system account: account missing")
	f(system("B", accounts(a)), "error resolving system account: account missing")
	f(options.Options{SystemAccount: "$SYS", NoSystemAccount: true}, "error resolving system account: account missing")
	f(options.Options{Users: []*options.User{u}, Accounts: []*options.Account{{Name: "A", Users: []*options.User{u}}}},
		`Duplicate user "u" detected, in account "A"`)
	f(options.Options{NoAuthUser: "u", Accounts: []*options.Account{{Name: "A", Users: []*options.User{u}}}}, "")
	f(options.Options{NoAuthUser: "v", Accounts: []*options.Account{{Name: "A", Users: []*options.User{u}}}},
		`no_auth_user: "v" not present as user or nkey in authorization block or account configuration`)
}

func errorText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}

func TestAccountsInForce(t *testing.T) {
	f := func(text, system, names string, open bool) {
		t.Helper()
		o, err := decode(t, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		o, err = o.Complete()
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		got := []any{o.System(), strings.Join(o.AccountNames(), " "), o.OpenToAll()}
		if diff := cmp.Diff([]any{system, names, open}, got); diff != "" {
			t.Errorf("%q: -want +got\n%s", text, diff)
		}
	}
	const users = "{users: [{user: a, password: b}]}"
	f("", "$SYS", "$SYS", false)
	f("no_sys_acc: true", "", "", false)
	f("accounts: [A, B]", "$SYS", "A B $SYS", false)
	f("accounts: [A, B]\nsystem: B", "B", "A B", false)
	f("accounts: {$SYS "+users+"}", "$SYS", "$SYS", true)
	f("accounts: {$SYS "+users+"}\nno_system: true", "$SYS", "$SYS", true)
	f("accounts: {S "+users+"}\nsystem: S", "S", "S", true)
	// One more account, an authorization block, or one who stands for everybody.
	f("accounts: {$SYS "+users+", A {}}", "$SYS", "$SYS A", false)
	f("accounts: {A "+users+"}", "$SYS", "A $SYS", false)
	f("accounts: {$SYS "+users+"}\nauthorization {}", "$SYS", "$SYS", false)
	f("accounts: {$SYS "+users+"}\nauthorization {timeout: 3}", "$SYS", "$SYS", false)
	f("accounts: {$SYS "+users+"}\nauthorization {users: []}", "$SYS", "$SYS", false)
	f("accounts: {$SYS "+users+"}\nno_auth_user: a", "$SYS", "$SYS", false)
}
