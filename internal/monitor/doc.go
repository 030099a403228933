// Package monitor tells over HTTP what a server does (spec: monitoring).
//
// Three parts build on each other. A Source is what the package wants to know of a
// server, as plain values. Reports turns them into the JSON objects that tools of NATS
// read: Varz, Connz and so on; package metrics and the dashboard use these, too. A
// Server is the HTTP around: listeners that come and go with a reload, the gate, and
// limits on what a request may cost.
//
// No report holds a lock that messages wait for longer than it takes to copy a few
// numbers, and of connections one at a time.
package monitor
