package options

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nkeys"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
	"nats-server/internal/perms"
)

func (o *Options) authKeys() keys.Table {
	defaults := new(*perms.Config)
	block := keys.Table{
		{Name: "user", Aliases: []string{"username"}, Value: keys.String(&o.Username), Label: "authorization username", Secret: true,
			Doc: "Name of the single user."},
		{Name: "pass", Aliases: []string{"password"}, Value: keys.String(&o.Password), Label: "authorization password", Secret: true,
			Doc: "Password of the single user, plain or a bcrypt hash."},
		{Name: "token", Value: keys.String(&o.Authorization), Label: "authorization token", Secret: true,
			Doc: "Token that clients present, plain or a bcrypt hash."},
		{Name: "users", Value: o.users(), Label: "authorization users", Secret: true, Doc: "Users, instead of a single one."},
		{Name: "default_permissions", Aliases: []string{"default_permission", "permissions"}, Value: permissions(defaults).Quiet(),
			Doc: "Permissions of the users that have none of their own."},
		{Name: "timeout", Value: keys.Seconds(&o.AuthTimeout), Label: "authorization timeout", Default: `"2s"`,
			Change: keys.NewClients, Doc: "Time for clients to present their credentials."},
	}
	block = append(block, keys.Unsupported("auth_callout auth_hook", "proxy_required")...)
	finish := func(r *keys.Report, at conf.Pos) {
		o.checkAuth(r, at)
		for _, u := range o.Users {
			if u.Permissions == nil {
				u.Permissions = *defaults
			}
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
	single := o.Username != "" || o.Password != ""
	switch token := o.Authorization != ""; {
	case single && token:
		r.Errorf(at, "Cannot have a user/pass and token")
	case single && len(o.Users) > 0:
		r.Errorf(at, "Can not have a single user/pass and a users array")
	case token && len(o.Users) > 0:
		r.Errorf(at, "Can not have a token and a users array")
	}
}

// checkUsers is for what only all keys together tell (spec: configuration.md 11).
func (o *Options) checkUsers() error {
	found := o.NoAuthUser == ""
	for _, u := range o.Users {
		if u.Permissions != nil {
			if _, err := u.Permissions.Compile(); err != nil {
				return fmt.Errorf("invalid permissions for user %q: %w", u.id(), err)
			}
		}
		found = found || u.id() == o.NoAuthUser
	}
	switch {
	case found:
		return nil
	case len(o.Users) == 0:
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

func (o *Options) users() keys.Value {
	show := func() string {
		b, _ := json.Marshal(o.Users) // texts and numbers always encode
		return string(b)
	}
	return keys.List(new(User).keys(), show, func(r *keys.Report, key string, v *conf.Value) {
		if v.Kind != conf.Array {
			r.Errorf(v.Pos, "Expected users field to be an array, got %s: write users: [ { … } ]", text(v))
			return
		}
		o.Users = make([]*User, 0, len(v.List))
		seen := make(map[string]conf.Pos, len(v.List))
		for _, e := range v.List {
			u := new(User)
			if u.read(r, e, seen) {
				o.Users = append(o.Users, u)
			}
		}
	})
}

// read takes one entry of a list of users, and reports whether it is good.
func (u *User) read(r *keys.Report, v *conf.Value, seen map[string]conf.Pos) bool {
	if v.Kind != conf.Map {
		r.Errorf(v.Pos, "Expected user entry to be a map/struct, got %s", text(v))
		return false
	}
	if !r.Block("user", u.keys(), v) {
		return false
	}
	kind := "user"
	if u.Nkey != "" {
		kind = "nkey"
	}
	switch {
	case u.Nkey != "" && !nkeys.IsValidPublicUserKey(u.Nkey):
		r.Errorf(v.Pos, "Not a valid public nkey for a user")
	case u.Nkey != "" && (u.Username != "" || u.Password != ""):
		r.Errorf(v.Pos, "Nkey users do not take usernames or passwords")
	case u.id() == "":
		r.Errorf(v.Pos, "User entry requires a user")
	case seen[u.id()] != (conf.Pos{}):
		r.Errorf(v.Pos, "Duplicate %s %q detected: the first one is at %s", kind, u.id(), seen[u.id()])
	default:
		seen[u.id()] = v.Pos
		return true
	}
	return false
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
