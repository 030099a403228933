package options

import (
	"fmt"
	"strings"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
	"nats-server/internal/perms"
)

func (o *Options) authKeys(known *people) keys.Table {
	defaults := new(*perms.Config)
	block := keys.Table{
		{Name: "user", Aliases: []string{"username"}, Value: keys.String(&o.Username), Label: "authorization username", Secret: true,
			Doc: "Name of the single user."},
		{Name: "pass", Aliases: []string{"password"}, Value: keys.String(&o.Password), Label: "authorization password", Secret: true,
			Doc: "Password of the single user, plain or a bcrypt hash."},
		{Name: "token", Value: keys.String(&o.Authorization), Label: "authorization token", Secret: true,
			Doc: "Token that clients present, plain or a bcrypt hash."},
		{Name: "users", Value: known.users(&o.Users, false), Label: "authorization users", Secret: true, Doc: "Users, instead of a single one."},
		{Name: "default_permissions", Aliases: []string{"default_permission", "permissions"}, Value: permissions(defaults).Quiet(),
			Doc: "Permissions of the users that have none of their own."},
		{Name: "timeout", Value: keys.Seconds(&o.AuthTimeout), Label: "authorization timeout", Default: `"2s"`,
			Change: keys.NewClients, Doc: "Time for clients to present their credentials."},
	}
	block = append(block, keys.Unsupported("auth_callout auth_hook", "proxy_required")...)
	finish := func(r *keys.Report, at conf.Pos) {
		o.checkAuth(r, at)
		giveDefaults(o.Users, *defaults)
		o.checkSingle(r, known)
		if o.Username == "" && o.Password == "" && o.Authorization == "" && o.Users == nil {
			o.Users = []*User{} // a list nevertheless: see OpenToAll
		}
	}
	return keys.Table{
		{Name: "authorization", Value: keys.Block(block).Then(finish),
			Doc: "Who may connect. Clients that a reload would not let in are closed."},
		{Name: "no_auth_user", Value: keys.String(&o.NoAuthUser), Since: "2.1.7",
			Doc: "User, or nkey, that clients without credentials are."},
	}
}

func (o *Options) checkAuth(r *keys.Report, at conf.Pos) {
	switch token := o.Authorization != ""; {
	case token && (o.Username != "" || o.Password != ""):
		r.Errorf(at, "Cannot have a user/pass and token")
	case o.Username != "" && len(o.Users) > 0:
		r.Errorf(at, "Can not have a single user/pass and a users array")
	case token && len(o.Users) > 0:
		r.Errorf(at, "Can not have a token and a users array")
	}
}

// checkSingle is done after each block that has to do with it: after the last one both
// sides are known.
func (o *Options) checkSingle(r *keys.Report, known *people) {
	if known.inAccounts == (conf.Pos{}) {
		return
	}
	if o.Username != "" {
		r.Errorf(known.inAccounts, "Can not have a single user/pass and accounts")
	}
	if o.Authorization != "" {
		r.Errorf(known.inAccounts, "Can not have a token and accounts")
	}
}

// checkUsers is for what only all keys together tell (spec: configuration.md 11).
func (o *Options) checkUsers() error {
	users, accounts := o.AllUsers()
	found := o.NoAuthUser == ""
	seen := make(map[string]bool, len(users))
	for i, u := range users {
		if u.Permissions != nil {
			if _, err := u.Permissions.Compile(); err != nil {
				return fmt.Errorf("invalid permissions for user %q: %w", u.id(), err)
			}
		}
		if seen[u.id()] {
			//lint:ignore ST1005 as the same mistake in a file
			return fmt.Errorf("Duplicate user %q detected, in account %q", u.id(), accounts[i])
		}
		seen[u.id()] = true
		found = found || u.id() == o.NoAuthUser
	}
	switch {
	case found:
		return nil
	case len(users) == 0:
		return fmt.Errorf("no_auth_user: %q present, but users/nkeys are not defined", o.NoAuthUser)
	}
	return fmt.Errorf("no_auth_user: %q not present as user or nkey in authorization block or account configuration", o.NoAuthUser)
}

// id is the name, or the nkey, of the user.
func (u *User) id() string {
	if u.Nkey != "" {
		return u.Nkey
	}
	return u.Username
}

func (u *User) keys() keys.Table {
	return append(keys.Table{
		{Name: "user", Aliases: []string{"username"}, Value: keys.String(&u.Username), Doc: "Name of the user."},
		{Name: "pass", Aliases: []string{"password"}, Value: keys.String(&u.Password), Doc: "Password, plain or a bcrypt hash."},
		{Name: "nkey", Value: keys.String(&u.Nkey), Doc: "Public nkey of the user, instead of name and password."},
		{Name: "permissions", Aliases: []string{"permission", "authorization"}, Value: permissions(&u.Permissions),
			Doc: "What the user may publish and subscribe to."},
		{Name: "allowed_connection_types", Aliases: []string{"connection_types", "clients"}, Value: u.connectionTypes(), Since: "2.2.0",
			Doc: "Kinds of connections that the user may use: `STANDARD`, `IN_PROCESS`, and those of features to come."},
	}, keys.Unsupported("proxy_required")...)
}

func (u *User) connectionTypes() keys.Value {
	return keys.Strings(&u.ConnectionTypes).Then(func(r *keys.Report, at conf.Pos) {
		var bad []string
		for i, t := range u.ConnectionTypes {
			u.ConnectionTypes[i] = strings.ToUpper(t)
			switch u.ConnectionTypes[i] {
			case "STANDARD", "IN_PROCESS", "WEBSOCKET", "LEAFNODE", "LEAFNODE_WS", "MQTT", "MQTT_WS":
			default:
				bad = append(bad, u.ConnectionTypes[i])
			}
		}
		if bad != nil {
			r.Errorf(at, "invalid connection types %q", bad)
		}
	})
}

// text is a value as messages quote it. A string may be a secret.
func text(v *conf.Value) string {
	if v.Kind == conf.Array || v.Kind == conf.Map || v.Kind == conf.String {
		return v.Kind.String()
	}
	return v.Raw
}
