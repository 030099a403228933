//go:build unix

package blackbox_test

import (
	"strings"
	"testing"
)

// Configurations of the kinds that the documentation of NATS servers shows are valid for
// both servers.
func TestDocumentedConfigurations(t *testing.T) {
	cert, key := certificate(t)
	tls := `cert_file: "` + cert + `", key_file: "` + key + `", ca_file: "` + cert + `"`
	const hash = "$2a$11$W2zko751KUvVy59mUTWmpOdWjpEm5qhcCZRd05GjI/sSOT.xtiHyG"
	both(t, func(t *testing.T, b binary) {
		f := func(config string) {
			t.Helper()
			if r := b.run(t, "-t", "-c", file(t, "x.conf", config)); r.Code != 0 || !strings.Contains(r.Stderr+r.Stdout, "is valid") {
				t.Errorf("%s:\n%d %s%s", config, r.Code, r.Stdout, r.Stderr)
			}
		}
		f(`
listen: localhost:4242
http: localhost:8222
authorization { user: derek
  password: ` + hash + `
  timeout: 1
}
cluster {
  listen: localhost:4244
  authorization { user: route_user
    password: ` + hash + `
    timeout: 0.5
  }
  routes = [
    nats-route://user1:pass1@127.0.0.1:4245
    nats-route://user2:pass2@127.0.0.1:4246
  ]
}
debug: false
trace: true
logtime: false
log_file: "/tmp/nats-server.log"
pid_file: "/tmp/nats-server.pid"
max_connections: 100
max_subscriptions: 1000
max_control_line: 512
max_payload: 65536
write_deadline: "2s"
`)
		f(`
listen: 127.0.0.1:4222
http: 8222
cluster {
  listen: 127.0.0.1:4248
}
`)
		f(`cluster {
  host: 127.0.0.1
  port: 4248
}`)
		f(`authorization {
  token: S3Cr3T0k3n!
  timeout: 1
}`)
		// PASS is a variable here, not the password of a single user.
		f(`authorization {
  ADMIN = { publish = ">", subscribe = ">" }
  REQUESTOR = { publish = ["req.foo", "req.bar"], subscribe = "_INBOX.>" }
  RESPONDER = { subscribe = ["req.foo", "req.bar"], publish = "_INBOX.>" }
  DEFAULT_PERMISSIONS = { publish = "SANDBOX.*", subscribe = ["PUBLIC.>", "_INBOX.>"] }
  PASS: abcdefghijklmnopqrstuvwxwz0123456789
  users = [
    {user: joe,     password: foo,   permissions: $ADMIN}
    {user: alice,   password: bar,   permissions: $REQUESTOR}
    {user: bob,     password: $PASS, permissions: $RESPONDER}
    {user: charlie, password: bar}
  ]
}`)
		f(`cluster {
  listen: 4244
  authorization { user: ruser
    password: ` + hash + `
    timeout: 3
  }
  permissions {
    import: ["_INBOX.>", "global.>"]
    export: ["_INBOX.>", "global.>", "sensors.>"]
  }
  routes = [
    nats-route://ruser:top_secret@cloudserver:4344
  ]
}`)
		f("tls { " + tls + ", timeout: 2 }")
		f("tls { " + tls + ", verify: true }")
		f("tls { " + tls + `, verify_and_map: true }
authorization {
  users = [
    {user: "user@example.com", permissions: { publish: "foo" }}
    { user = "CN=example.com,OU=CNCF", permissions = {
        publish { allow = ["public.>"] }
        subscribe { allow = ["public.>"] }
    } }
  ]
}`)
		f("cluster { listen: 127.0.0.1:4244, tls { " + tls + ` }
  routes = [
    nats-route://127.0.0.1:4246
  ]
}`)
	})
}
