// Package perms knows what one connection may publish and receive. A Config is
// compiled into Permissions, which answer for subjects and filters; Replies
// remembers which answers a connection may give besides.
//
// Rules are lists of entries: filters, in subscribe rules also filters with the
// name of a queue group. To look something up among entries is to treat it as a
// published subject: its wildcards are ordinary token values. Deny goes before
// allow; a remembered reply goes before both (spec: accounts-and-auth 2,
// client-protocol 12).
//
// Reserved subjects, replies and group names are no matter of rules and are left
// to those who know the peer.
package perms
