package options

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/nats-io/nkeys"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
	"nats-server/internal/perms"
)

// Names of accounts that there are without being asked for.
const (
	globalAccount = "$G"
	systemAccount = "$SYS"
)

// Account is a subject space of its own, with those who may connect to it.
type Account struct {
	Name   string  // without blanks
	Users  []*User // all names and nkeys of a server are different
	Limits AccountLimits
	Nkey   string // public key of the account; "" = none
}

// AccountLimits are what the clients of one account may use. The server's own limits
// hold besides. 0 is no limit; a negative number lets nothing pass.
type AccountLimits struct {
	MaxConnections   int // at a time
	MaxSubscriptions int // per connection
	MaxPayload       int // bytes of one message, headers included
}

// System is the name of the system account, "" if there is none. The options are
// complete.
func (o *Options) System() string {
	switch {
	case o.SystemAccount != "":
		return o.SystemAccount
	case o.NoSystemAccount && !slices.ContainsFunc(o.Accounts, func(a *Account) bool { return a.Name == systemAccount }):
		return ""
	}
	return systemAccount
}

// AccountNames are the names of all accounts but the global one, in no order.
func (o *Options) AccountNames() (names []string) {
	system := o.System()
	for _, a := range o.Accounts {
		if names = append(names, a.Name); a.Name == system {
			system = ""
		}
	}
	if system != "" {
		names = append(names, system)
	}
	return names
}

// AllUsers are those who may connect, with the names of their accounts.
func (o *Options) AllUsers() (users []*User, accounts []string) {
	for _, u := range o.Users {
		users, accounts = append(users, u), append(accounts, globalAccount)
	}
	for _, a := range o.Accounts {
		for _, u := range a.Users {
			users, accounts = append(users, u), append(accounts, a.Name)
		}
	}
	return users, accounts
}

// OpenToAll reports whether clients without credentials may come in, into the global
// account, although there are users: those of the system account are no reason to shut
// anybody else out (spec: accounts-and-auth 3.3). The options are complete.
func (o *Options) OpenToAll() bool {
	system := o.System()
	return o.Username == "" && o.Password == "" && o.Authorization == "" && o.Users == nil &&
		o.NoAuthUser == "" && o.CustomAuth == nil &&
		len(o.Accounts) == 1 && o.Accounts[0].Name == system && len(o.Accounts[0].Users) > 0
}

// copyAccounts returns copies that nobody else changes.
func copyAccounts(accounts []*Account) []*Account {
	accounts = slices.Clone(accounts)
	for i, a := range accounts {
		own := *a
		own.Users = copyUsers(a.Users)
		accounts[i] = &own
	}
	return accounts
}

func copyUsers(users []*User) []*User {
	users = slices.Clone(users)
	for i, u := range users {
		own := *u
		users[i] = &own
	}
	return users
}

// checkAccounts is for what embedding programs may have got wrong, and what only all
// keys together tell.
func (o *Options) checkAccounts() error {
	seen := make(map[string]bool)
	for _, a := range o.Accounts {
		if problem := a.problem(); problem != "" {
			return errors.New(problem)
		}
		if seen[a.Name] {
			//lint:ignore ST1005 scripts look for this text
			return fmt.Errorf("Duplicate Account Entry: %s", a.Name)
		}
		seen[a.Name] = true
	}
	switch {
	case o.SystemAccount == "" || seen[o.SystemAccount]:
		return nil
	case o.SystemAccount == systemAccount && !o.NoSystemAccount:
		return nil
	}
	return errors.New("error resolving system account: account missing")
}

// problem is what is wrong with the account itself, or "".
func (a *Account) problem() string {
	switch {
	case a.Name == globalAccount:
		return fmt.Sprintf("%q is a Reserved Account", a.Name)
	case a.Name == "":
		return "an account requires a name"
	case strings.ContainsAny(a.Name, " \t\r\n"):
		return fmt.Sprintf("account name %q cannot contain spaces", a.Name)
	case a.Nkey != "" && !nkeys.IsValidPublicAccountKey(a.Nkey):
		return fmt.Sprintf("Not a valid public nkey for an account: %q", a.Nkey)
	}
	return ""
}

// accountKeys are about accounts. known is what the blocks with users have in common.
func (o *Options) accountKeys(known *people) keys.Table {
	show := func() string {
		b, _ := json.Marshal(o.Accounts) // texts and numbers always encode
		return string(b)
	}
	return keys.Table{
		{Name: "accounts", Value: keys.Nested(new(Account).keys(known, new(*perms.Config)), show, func(r *keys.Report, key string, v *conf.Value) {
			o.readAccounts(r, known, v)
		}), Secret: true,
			Doc: "Subject spaces of their own, by name: a map of each, or an array of names. Clients of accounts that a reload takes away are closed."},
		{Name: "system_account", Aliases: []string{"system"}, Value: o.systemAccount(), Default: `"$SYS"`,
			Change: keys.Restart, Why: "what is in that account goes to other servers",
			Doc: "Name of the account for what servers tell each other. `$SYS` is made if it is not configured."},
		{Name: "no_system_account", Aliases: []string{"no_system", "no_sys_acc"}, Value: keys.Bool(&o.NoSystemAccount).Quiet(), Default: "false",
			Since: "2.2.0", Change: keys.Restart, Why: "what is in that account goes to other servers",
			Doc: "Do not make an account `$SYS`."},
	}
}

func (o *Options) systemAccount() keys.Value {
	return keys.Custom("string", func() string { return fmt.Sprintf("%q", o.System()) }, func(r *keys.Report, key string, v *conf.Value) {
		if v.Kind != conf.String {
			r.Errorf(v.Pos, "system account name must be a string")
			return
		}
		o.SystemAccount = v.Str
	})
}

// readAccounts takes a map of accounts or an array of names.
func (o *Options) readAccounts(r *keys.Report, known *people, v *conf.Value) {
	o.Accounts = nil
	known.forget(func(s sighting) bool { return s.inAccount })
	switch v.Kind {
	case conf.Array:
		for _, e := range v.List {
			if e.Kind != conf.String {
				r.Errorf(e.Pos, "Expected the name of an account, got %s", text(e))
				continue
			}
			o.addAccount(r, &Account{Name: e.Str}, e.Pos)
		}
	case conf.Map:
		for i := range v.Map {
			e := &v.Map[i]
			if e.Value.UsedAsVariable() {
				continue
			}
			a := &Account{Name: e.Key}
			if e.Value.Kind != conf.Map {
				r.Errorf(e.Value.Pos, "Expected map entries for accounts, got %s: write %s { … }", text(e.Value), e.Key)
				continue
			}
			if o.addAccount(r, a, e.Pos) {
				defaults := new(*perms.Config)
				r.Block("accounts", a.keys(known, defaults), e.Value)
				giveDefaults(a.Users, *defaults)
			}
		}
	default:
		r.Errorf(v.Pos, "Expected accounts to be a map, or an array of names, got %s", text(v))
	}
	o.checkSingle(r, known)
}

// addAccount reports whether it is a new one. Its name is all that is known so far.
func (o *Options) addAccount(r *keys.Report, a *Account, at conf.Pos) bool {
	problem := a.problem()
	if slices.ContainsFunc(o.Accounts, func(b *Account) bool { return b.Name == a.Name }) {
		problem = "Duplicate Account Entry: " + a.Name
	}
	if problem != "" {
		r.Errorf(at, "%s", problem)
		return false
	}
	o.Accounts = append(o.Accounts, a)
	return true
}

func (a *Account) keys(known *people, defaults **perms.Config) keys.Table {
	t := keys.Table{
		{Name: "users", Value: known.users(&a.Users, true), Doc: "Users of the account. Every name and nkey is used once in a file."},
		{Name: "default_permissions", Value: permissions(defaults).Quiet(), Since: "2.2.0",
			Doc: "Permissions of the account's users that have none of their own."},
		{Name: "limits", Value: keys.Block(a.Limits.keys()), Since: "2.7.0", Doc: "What its clients may use."},
		{Name: "nkey", Value: keys.String(&a.Nkey).Then(func(r *keys.Report, at conf.Pos) {
			if problem := a.problem(); problem != "" {
				r.Errorf(at, "%s", problem)
			}
		}), Doc: "Public nkey of the account."},
	}
	return append(t, keys.Unsupported("exports", "imports", "mappings maps", "jetstream", "msg_trace trace_dest")...)
}

func (l *AccountLimits) keys() keys.Table {
	return keys.Table{
		{Name: "max_connections", Aliases: []string{"max_conn"}, Value: limit(&l.MaxConnections), Default: "-1",
			Doc: "Connections at a time; -1 is no limit. When it is lowered, the newest surplus ones are closed."},
		{Name: "max_subscriptions", Aliases: []string{"max_subs"}, Value: limit(&l.MaxSubscriptions), Default: "-1",
			Doc: "Subscriptions per connection; -1 is no limit. When it is lowered, connections with more are closed."},
		{Name: "max_payload", Aliases: []string{"max_pay"}, Value: limit(&l.MaxPayload), Default: "-1",
			Doc: "Bytes of a message with its headers; -1 is no limit but the server's."},
		{Name: "max_leafnodes", Aliases: []string{"max_leafs"}, Value: noLeafnodes(), Default: "-1",
			Doc: "-1 is the only value: there are no leafnodes in this version."},
	}
}

// limit is a number, of which any below 0 is no limit.
func limit(p *int) keys.Value {
	return keys.Int(p, math.MinInt32, math.MaxInt32).Then(func(*keys.Report, conf.Pos) {
		switch {
		case *p == 0: // written, and therefore nothing
			*p = -1
		case *p < 0:
			*p = 0
		}
	})
}

func noLeafnodes() keys.Value {
	n := new(int)
	return keys.Int(n, math.MinInt32, math.MaxInt32).Then(func(r *keys.Report, at conf.Pos) {
		if *n != -1 {
			r.Errorf(at, `"max_leafnodes" is not supported by this version`)
		}
	})
}
