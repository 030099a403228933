// Package mixed has tests of clusters, and nothing else: of our executable, of the
// reference, of both in one cluster, and of servers of package server in the process.
// They look at clusters from outside, as clients see them. Nothing waits for time to
// pass: that a server knows of an interest on another is found out by messages.
//
//	go test ./internal/mixed                                   the short versions
//	go test ./internal/mixed -run TestRolling -rolls 20 -v     replacing servers, for long
//	go test ./internal/mixed -run TestSimulation -soak 2h -timeout 3h -v
//	go test ./internal/mixed -run TestSimulation -seed 17 -v   once more, what failed
//	go test ./internal/mixed -run TestMillion -million 1000000 -v
//	NATS_REFERENCE=/path/to/newer go test ./internal/mixed -run TestNewer
//	                                                           what references have since 2.10
//	go test ./internal/mixed -ours /path/to/nats-server        another executable as ours
//
// With the reference as -ours the tests prove themselves.
package mixed
