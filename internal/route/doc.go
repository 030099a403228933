// Package route is the cluster: the connections between this server and the others of
// its cluster, which are routes, and what flows over them (spec: cluster-routes).
//
// Every server has routes to every other: a pool of them, over which accounts are spread,
// and one each for accounts that are to have their own. Servers without pools have a single
// one. A route tells what local subscribers of its accounts want (interest.go) and takes in
// what those of the other server want (remote.go), so that messages go to servers that want
// them, and only over one hop. What an account wants, and what it gets, flows over the same
// connection, so that a request never overtakes the interest in its answer. The rules, by
// section of the protocol notes:
//
//	3 dialing             dial.go
//	4 handshake           handshake.go, info.go, auth.go, tls.go
//	5 duplicates, 10      pool.go, view.go
//	6 cluster name        name.go
//	7 registration        register.go
//	8 gossip              gossip.go
//	9 clients' URLs       urls.go
//	11 compression        compress.go
//	12 liveness, errors   session.go
//	13 interest           interest.go, remote.go
//	16 permissions        permissions.go
//	18 leaving, reload    leave.go, reload.go
//	20 older servers      replies.go
//
// # Ownership
//
// A Session's handshake, parser and sender belong to its reader. Cluster.mu guards which
// routes there are, and the fields of a Session that say so. Settings, the import rules
// and the view of which routes carry which account are immutable values behind atomic
// pointers, so that those who subscribe never take Cluster.mu.
//
// # Lock order
//
//	Cluster.telling → Cluster.mu → Session.mu → interest shard → Queue.mu
//
// The locks of clients' hubs come after Cluster.telling, never together with Cluster.mu.
// Connections are closed with none of these held.
package route
