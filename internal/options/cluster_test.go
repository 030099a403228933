package options_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nats-server/internal/keys"
	"nats-server/internal/options"
	"nats-server/internal/perms"
)

// Everything that a cluster block may say (spec: configuration 10.4).
func TestClusterBlock(t *testing.T) {
	good(t, `cluster {
		name: C1, listen: 127.0.0.1:4248, advertise: "x:1", no_advertise: true
		routes: [ nats-route://a:1, nats://u:p@b:2 ]
		authorization { user: u, password: p, timeout: 0.5 }
		permissions { import: ["in.>"], export { allow: ["in.>", "out.>"], deny: "out.no" } }
		connect_retries: 3, connect_backoff: true, ping_interval: "1m", ping_max: 4
		write_deadline: "5s", write_timeout: close
	}`, options.Options{Cluster: options.Cluster{
		Name: "C1", Host: "127.0.0.1", Port: 4248, Advertise: "x:1", NoAdvertise: true,
		Routes:   []string{"nats-route://a:1", "nats://u:p@b:2"},
		Username: "u", Password: "p", AuthTimeout: 500 * time.Millisecond,
		Import:         &perms.Rules{Allow: []string{"in.>"}},
		Export:         &perms.Rules{Allow: []string{"in.>", "out.>"}, Deny: []string{"out.no"}},
		ConnectRetries: 3, ConnectBackoff: true, PingInterval: time.Minute, MaxPingsOut: 4,
		WriteDeadline: 5 * time.Second, WriteTimeout: "close",
	}})
	good(t, "cluster { pool_size: -1, accounts: [A, B] }",
		options.Options{Cluster: options.Cluster{PoolSize: -1, Accounts: []string{"A", "B"}}})
	for text, want := range map[string]options.Compression{
		"off": {Mode: "off"}, "on": {Mode: "s2_fast"}, "enabled": {Mode: "s2_fast"}, "S2_Best": {Mode: "s2_best"}, `"not supported"`: {Mode: "not supported"},
		"{ mode: better }":                           {Mode: "s2_better"},
		`{ mode: auto, rtt_thresholds: ["5ms", 0] }`: {Mode: "s2_auto", RTTThresholds: []time.Duration{5 * time.Millisecond, 0}},
		`{ rtt_thresholds: ["5ms"] }`:                {Mode: "s2_auto", RTTThresholds: []time.Duration{5 * time.Millisecond}},
	} {
		good(t, "cluster { compression: "+text+" }", options.Options{Cluster: options.Cluster{Compression: want}})
	}
	good(t, "cluster { port: -1, host: h, cluster_advertise: y, pool_size: 0 }",
		options.Options{Cluster: options.Cluster{Host: "h", Port: -1, Advertise: "y"}})
}

func TestClusterBlockThatIsWrong(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		o, err := decode(t, "cluster {"+text+"}")
		if err == nil {
			_, err = o.Complete()
		}
		if err == nil {
			t.Errorf("%s: is accepted", text)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v, want %s", text, err, w)
			}
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: shows a secret: %v", text, err)
		}
	}
	f(`name: "a b", port: 1`, "cluster name cannot contain spaces")
	f("authorization { users: [{user: a, password: b}] }", "Cluster authorization does not allow multiple users")
	f("authorization { token: x }", "Cluster authorization does not support tokens")
	f("authorization { auth_callout {} }", "Cluster authorization does not support callouts")
	f("permissions { allow_responses: true }", "Cluster permissions do not support dynamic responses")
	f(`port: 1, permissions { export: "x y" }`, `cluster export allow: subject "x y" is not a valid subject`)
	f(`port: 1, permissions { import { deny: ["a", "b..c"] } }`, `cluster import deny: subject "b..c" is not a valid subject`)
	f(`port: 1, advertise: "x:y"`, "invalid Cluster.Advertise value of x:y, err=")
	f(`routes: ["nats://u:s3cret@h"]`, `error parsing a route URL: "h" is not host:port`)
	f(`routes: ["nats://u:s3cret@h:x"]`, `error parsing a route URL`)
	f("routes: [1]", "unsupported type")
	f("write_timeout: never", "write_timeout must be 'default', 'close' or 'retry'")
	f("pool_size: 1025", "pool_size value is too big: 1025, at most 1024 is possible")
	f("pool_size: x", "pool_size expects an integer")
	f("port: 1, pool_size: -1, accounts: [A]", "pool_size cannot be negative if pinned accounts are specified")
	f("port: 1, accounts: [A, B, A]", "found duplicate entries in the accounts of the cluster")
	f("compression: gzip", `unsupported compression mode "gzip"`)
	f("compression: 5", `compression expects a mode such as "s2_fast", but the value is an integer`)
	f("compression {}", "compression: a mode or rtt_thresholds are missing")
	f("compression { mode: 7 }", "mode expects a mode")
	f("compression { rtt_thresholds: 5 }", "rtt_thresholds expects an array of durations")
	f("compression { rtt_thresholds: [5] }", "rtt_thresholds expects durations")
	f("port: 1, compression { rtt_thresholds: [1ms, 2ms, 3ms, 4ms, 5ms] }", "at most 4 RTT thresholds")
	f("port: 1, compression { rtt_thresholds: [0, 0] }", "at least one RTT threshold")
	f("port: 1, compression { rtt_thresholds: [5ms, 1ms] }", "in ascending order")
	f("port: 1, compression { rtt_thresholds: [5ms, 5ms] }", "in ascending order")
	f("tls { cert_file: c }", "key_file")
}

// What works, but is probably not meant.
func TestClusterWarnings(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, warnings, err := options.Load(write(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if len(warnings) != 1 || !strings.Contains(warnings[0], want) {
			t.Errorf("%s: %q, want %s", text, warnings, want)
		}
	}
	f("cluster { port: 1, routes: [nats://h:1, nats://h:1] }", `invalid use of field "routes": Duplicate route entry detected`)
	f("cluster { routes: [nats://h:1] }", "routes have no effect")
	f("cluster { port: 1, authorization { permissions { import: a } } }", "beside authorization")
}

// What a reload does about a cluster.
func TestChangesOfCluster(t *testing.T) {
	base := options.Cluster{Port: 7, Routes: []string{"nats://u:s3cret@h:1"}, Password: "s3cret"}
	f := func(change func(*options.Cluster), want keys.Change, names ...string) {
		t.Helper()
		next := base
		change(&next)
		var got []string
		for _, d := range options.Changes(completed(t, options.Options{Cluster: base}), completed(t, options.Options{Cluster: next})) {
			got = append(got, d.Name)
			if d.Change != want || strings.Contains(d.Old+d.New, "s3cret") {
				t.Errorf("%+v", d)
			}
		}
		if !slices.Equal(got, names) {
			t.Errorf("%q, want %q", got, names)
		}
	}
	type c = options.Cluster
	f(func(c *c) { c.Port = 8 }, keys.Restart, "cluster listen")
	f(func(c *c) { c.Host = "h" }, keys.Restart, "cluster listen")
	f(func(c *c) { c.PoolSize = 5 }, keys.Live, "cluster pool_size")
	f(func(c *c) { c.Compression.Mode = "fast" }, keys.Live, "cluster compression")
	f(func(c *c) { c.Accounts = []string{"A"} }, keys.Live, "cluster accounts")
	f(func(c *c) { c.Routes = []string{"nats://u:s3cret2@h:1"} }, keys.Live, "cluster routes")
	f(func(c *c) { c.Name = "C" }, keys.Live, "cluster name")
	f(func(c *c) { c.Import = &perms.Rules{Allow: []string{"a"}} }, keys.Live, "cluster permissions")
	f(func(c *c) { c.Username, c.Password = "u", "s3cret2" }, keys.Live, "cluster authorization user", "cluster authorization pass")
	f(func(c *c) { c.NoAdvertise = true }, keys.Live, "cluster no_advertise")
}
