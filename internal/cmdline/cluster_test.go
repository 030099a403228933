package cmdline

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/options"
)

// The flags of clusters (spec: command-line 1).
func TestClusterFlags(t *testing.T) {
	type c = options.Cluster
	file := filepath.Join(t.TempDir(), "c.conf")
	text := "cluster {\n listen: 10.0.0.1:1\n authorization {user: u, password: p}\n routes: [nats-route://h:9]\n no_advertise: true\n connect_retries: 7 }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	configured := c{Host: "10.0.0.1", Port: 1, Username: "u", Password: "p", Routes: []string{"nats-route://h:9"}, NoAdvertise: true, ConnectRetries: 7}
	with := func(change func(*c)) c {
		own := configured
		change(&own)
		return own
	}
	f := func(line string, want c) {
		t.Helper()
		cmd := Parse(split(line))
		o, _, err := cmd.Load()
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if diff := cmp.Diff(want, o.Cluster); diff != "" {
			t.Errorf("%q: -want +got\n%s", line, diff)
		}
	}
	f("--cluster nats://127.0.0.1:4248", c{Host: "127.0.0.1", Port: 4248})
	f("--cluster_listen nats://127.0.0.1:-1", c{Host: "127.0.0.1", Port: -1})
	f("--cluster nats://u:p@h:1", c{Host: "h", Port: 1, Username: "u", Password: "p"})
	f("--cluster nats://h:1 --routes nats-route://a:1,nats://u:p@b:2", c{Host: "h", Port: 1, Routes: []string{"nats-route://a:1", "nats://u:p@b:2"}})
	f("--cluster nats://h:1 --cluster_name C --cluster_advertise x:1 --no_advertise --connect_retries 3",
		c{Host: "h", Port: 1, Name: "C", Advertise: "x:1", NoAdvertise: true, ConnectRetries: 3})
	f("--cluster= --routes=", c{})
	f("-c "+file, configured)
	f("-c "+file+" --routes=", with(func(c *c) { c.Routes = nil }))
	f("-c "+file+" --routes nats://x:1", with(func(c *c) { c.Routes = []string{"nats://x:1"} }))
	f("-c "+file+" --cluster=", with(func(c *c) { c.Port = 0 }))
	f("-c "+file+" --cluster nats://h:2", with(func(c *c) { c.Host, c.Port, c.Username, c.Password = "h", 2, "", "" }))
	f("-c "+file+" --no_advertise=false --connect_retries 0", with(func(c *c) { c.NoAdvertise, c.ConnectRetries = false, 0 }))
}

func TestClusterFlagsThatAreWrong(t *testing.T) {
	f := func(flag, value, want string) {
		t.Helper()
		c := Parse([]string{flag, value})
		if _, _, err := c.Load(); err == nil || err.Error() != want {
			t.Errorf("%s %s: %v, want %s", flag, value, err, want)
		}
	}
	f("--routes", "nats://h:1", "solicited routes require cluster capabilities, e.g. --cluster")
	f("--cluster", "foo", "missing port in address")
	f("--cluster", ":bad", `parse ":bad": missing protocol scheme`)
	f("--cluster", "nats://u@h:1", "expected cluster password to be set")
	f("--cluster", "nats://h:99999", `could not parse cluster port "99999"`)
	f("--cluster", "nats://u:secret@h:x", `parse: invalid port ":x" after host`)
}
