// Package system answers requests in the system account: the reports of package monitor
// for whoever may connect there, from any server of a cluster (spec: monitoring 14,
// accounts-and-auth 7.4).
//
// A Responder is a client like any other, over a connection inside the process. So
// interest in its subjects reaches other servers, and requests and answers travel, by
// the means that there are for everybody. One goroutine reads, and answers what is
// quickly said; another makes the reports, one after the other.
package system
