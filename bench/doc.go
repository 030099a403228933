// Command bench measures this server against a reference executable that
// speaks the same protocol, scenario by scenario, on one machine.
//
//	go run ./bench                         all scenarios, 3 alternating runs
//	go run ./bench -list                   names, titles and targets
//	go run ./bench -run '1to1|reqrep'      only the scenarios that match
//	go run ./bench -ref /path/to/server    another reference (default: PATH)
//	go run ./bench -server /path/to/ours   do not build, use this executable
//	go run ./bench -markdown > table.md    the table of docs/benchmarks.md
//	go run ./bench -time 3s -runs 5        longer measurements, more rounds
//	go run ./bench -only ours              one side only: ours, ref or limit
//
// # Method
//
// Every measurement starts a fresh server process on a random port of
// 127.0.0.1, loads it, and ends that process again. The servers take turns
// (ours, reference, limit, ours, reference, limit, …) and never run at the
// same time. The ratio is formed between the two runs of one round, so that
// a slow phase of the machine hits both sides; the table gives the median of
// these ratios with the smallest and the largest.
//
// The load generator wants to be nearly free, so that the server dominates.
// Publishers write pre-built blocks of complete PUB commands from locked
// threads with blocking sockets. Receivers know how many bytes each message
// brings and only count; the kernel discards the bytes without copying them
// (MSG_TRUNC). Several receivers share one epoll thread, so that the server
// is not charged for waking one thread per subscriber. At the end of a run a
// PING on each receiving connection proves that no byte is missing or extra.
//
// Throughput runs are lossless: a publisher stops when 8 MB of deliveries are
// on their way to any one subscriber. Without that window the reference would
// hold up its publishers, or a server would cut off its subscribers, and the
// CPU time would tell about that instead of about delivering.
//
// CPU time is the process CPU clock of the server, in nanoseconds, user and
// system, over all threads including ended ones (the same figure as in
// /proc/<pid>/stat, but finer). It contains the kernel's work of sending over
// the loopback. A warm-up before each measurement is not counted.
//
// In the cluster scenarios the CPU times of both servers are added up. Probes
// prove that the interest is known on the other side before the load starts.
//
// The limit is the same load through a bare relay (this program, started once
// more): it reads blocks of 64 KB and writes each to all receivers. No server
// which moves these bytes with plain reads and writes can cost much less. For
// tls-1k the relay decrypts and encrypts with crypto/tls; a server should cost at
// most 1.1 times that and what it takes for 1to1-1k without TLS.
//
// # Reading the output
//
// "figure" says what the columns ours, reference, ratio and limit are about.
// A ratio above 1 is always in favour of our server. Latencies depend on where
// the kernel puts the threads and on any other load of the machine much more
// than CPU times do: look at their spread before believing a ratio. "ok" and "MISS" compare
// the median with the target. "also" holds further figures as ours/reference.
// A run which cannot be finished counts as FAILED, with the reason; then the
// exit status is 1.
package main
