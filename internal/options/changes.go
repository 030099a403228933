package options

import (
	"slices"

	"nats-server/internal/keys"
)

// Changes returns which keys differ between two completed Options, and what a reload
// does about each.
func Changes(old, next *Options) []keys.Difference {
	return keys.Compare(old.Keys().Settings(nil), next.Keys().Settings(nil))
}

// CredentialsDiffer reports whether the two let in different clients.
func CredentialsDiffer(a, b *Options) bool {
	return a.Username != b.Username || a.Password != b.Password || a.Authorization != b.Authorization ||
		(a.Users == nil) != (b.Users == nil) ||
		!slices.EqualFunc(a.Users, b.Users, func(x, y *User) bool { return *x == *y })
}
