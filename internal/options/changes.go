package options

import (
	"reflect"
	"slices"

	"nats-server/internal/keys"
)

// Changes returns which keys differ between two completed Options, and what a reload
// does about each.
func Changes(old, next *Options) []keys.Difference {
	all := keys.Compare(old.Keys().Settings(nil), next.Keys().Settings(nil))
	all = splitUsers(all, old, next)
	if (old.TLS == nil) != (next.TLS == nil) {
		state := map[bool]string{false: "disabled", true: "enabled"}
		all = append(all, keys.Difference{
			Name: "tls", Old: state[old.TLS != nil], New: state[next.TLS != nil], Change: keys.NewClients,
		})
	}
	return all
}

// CredentialsDiffer reports whether the two let in different clients, or let them do
// different things.
func CredentialsDiffer(a, b *Options) bool {
	return a.Username != b.Username || a.Password != b.Password || a.Authorization != b.Authorization ||
		a.NoAuthUser != b.NoAuthUser || !reflect.DeepEqual(a.Users, b.Users) || !reflect.DeepEqual(a.Accounts, b.Accounts)
}

// splitUsers puts changed nkeys in a line of their own, as operators know it.
func splitUsers(all []keys.Difference, old, next *Options) []keys.Difference {
	at := slices.IndexFunc(all, func(d keys.Difference) bool { return d.Name == "authorization users" })
	if at < 0 {
		return all
	}
	named := func(u *User) bool { return u.Nkey == "" }
	byNkey := func(u *User) bool { return u.Nkey != "" }
	var lines []keys.Difference
	for _, part := range []struct {
		name string
		has  func(*User) bool
	}{{"authorization nkey users", byNkey}, {"authorization users", named}} {
		if !reflect.DeepEqual(only(old.Users, part.has), only(next.Users, part.has)) {
			lines = append(lines, keys.Difference{Name: part.name, Change: all[at].Change})
		}
	}
	return slices.Replace(all, at, at+1, lines...)
}

func only(users []*User, want func(*User) bool) (some []*User) {
	for _, u := range users {
		if want(u) {
			some = append(some, u)
		}
	}
	return some
}
