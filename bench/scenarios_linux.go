package main

// scenarios is what is measured, in the order of the report.
func scenarios() []scenario {
	const cpu = "CPU/delivery"
	return []scenario{
		simple("pub-16", "publish only, 16 B", 3.0, shape{pubs: 1, size: 16}),
		simple("1to1-16", "1→1, 16 B", 4.0, shape{pubs: 1, subs: 1, size: 16}),
		simple("1to1-128", "1→1, 128 B", 3.0, shape{pubs: 1, subs: 1, size: 128}),
		simple("1to1-1k", "1→1, 1 KB", 2.3, shape{pubs: 1, subs: 1, size: 1 << 10}),
		simple("1to1-16k", "1→1, 16 KB", 1.8, shape{pubs: 1, subs: 1, size: 16 << 10}),
		simple("1to10-16", "1→10, 16 B", 3.0, shape{pubs: 1, subs: 10, size: 16}),
		simple("1to100-1k", "1→100, 1 KB", 2.5, shape{pubs: 1, subs: 100, size: 1 << 10}),
		withoutLimit("10to1-128", "10→1, 128 B", 2.0, shape{pubs: 10, subs: 1, size: 128}),
		withoutLimit("pairs8-128", "8 independent pairs, 128 B", 2.0, shape{pubs: 8, subs: 8, size: 128, pairs: true}),
		withoutLimit("queue8-128", "queue group of 8, 128 B", 3.0, shape{pubs: 1, subs: 8, queue: "q", size: 128}),
		{name: "tls-1k", title: "1→1 over TLS, 1 KB", figure: cpu, unit: "ns", target: 1.5, run: runTLS, limit: limitTLS},
		{name: "random100k-128", title: "100,000 subjects, 128 B", figure: cpu, unit: "ns", target: 3.0, run: runSubjects},
		{name: "subunsub", title: "SUB+UNSUB of inboxes", figure: "CPU/pair", unit: "ns", target: 3.0, run: runChurn},
		{name: "connects", title: "new connections", figure: "CPU/connection", unit: "ns", target: 1.5, run: runConnects},
		{name: "reqrep", title: "request-reply, one at a time", figure: "median RTT", unit: "µs", target: 2.5,
			run: runReqRep, limit: relayReqRep},
		{name: "paced50", title: "1→50 at 2,000/s", figure: "p99 latency", unit: "µs", target: 1.3, run: runPaced},
		{name: "slow", title: "healthy beside 20 MB/s, 1 KB", figure: "healthy receives", unit: "msg/s", higher: true,
			target: 8, run: runSlow},
		{name: "slow-loss", title: "loss by a slow or deaf one", figure: "loss", unit: "%", target: 10, absolute: true,
			oursOnly: true, run: runSlowLoss},
		{name: "mem-idle", title: "idle connection with one SUB", figure: "RSS/connection", unit: "B", target: 8192,
			absolute: true, run: runIdle},
		{name: "mem-subs", title: "literal SUB, at one million", figure: "RSS/subscription", unit: "B", target: 250,
			absolute: true, run: runSubs},
		routed("route-128", "1→1 across a route, 128 B", 2.5, shape{pubs: 1, subs: 1, size: 128}),
		routed("route-1k", "1→1 across a route, 1 KB", 2.0, shape{pubs: 1, subs: 1, size: 1 << 10}),
		routed("route-fan20", "1→20 across a route, 128 B", 2.5, shape{pubs: 1, subs: 20, size: 128}),
		{name: "route-reqrep", title: "request-reply across a route", figure: "median RTT", unit: "µs", target: 1.67,
			run: runRoutedReqRep},
		{name: "accounts-128", title: "1→1, 128 B, with accounts", figure: "more CPU/delivery", unit: "%", target: 3,
			absolute: true, oursOnly: true, run: runAccounts},
	}
}

// simple is a throughput scenario which a relay can imitate.
func simple(name, title string, target float64, sh shape) scenario {
	s := withoutLimit(name, title, target, sh)
	s.limit = sh.limit
	return s
}

func withoutLimit(name, title string, target float64, sh shape) scenario {
	figure := "CPU/delivery"
	if sh.subs == 0 {
		figure = "CPU/message"
	}
	return scenario{name: name, title: title, figure: figure, unit: "ns", target: target, run: sh.run}
}
