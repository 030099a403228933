// Package route is the cluster: the connections between this server and the others of
// its cluster, which are routes, and what flows over them (spec: cluster-routes).
//
// Every server has one route to every other. A route tells what local subscribers want
// (interest.go) and takes in what those of the other server want (remote.go), so that
// messages go to servers that want them, and only over one hop. The rules, by section of
// the protocol notes:
//
//	3 dialing             dial.go
//	4 handshake           handshake.go, info.go, auth.go, tls.go
//	5 duplicates, 7       register.go
//	6 cluster name        name.go
//	8 gossip              gossip.go
//	9 clients' URLs       urls.go
//	12 liveness, errors   session.go
//	13 interest           interest.go, remote.go
//	16 permissions        permissions.go
//	18 leaving, reload    leave.go, reload.go
//
// # Ownership
//
// A Session's handshake, parser and sender belong to its reader. Cluster.mu guards which
// routes there are, and the fields of a Session that say so. Settings, the import rules
// and the list of links are immutable values behind atomic pointers, so that those who
// subscribe never take Cluster.mu.
//
// # Lock order
//
//	Cluster.telling → Cluster.mu → Session.mu → interest shard → Queue.mu
//
// The locks of clients' hubs come after Cluster.telling, never together with Cluster.mu.
// Connections are closed with none of these held.
package route
