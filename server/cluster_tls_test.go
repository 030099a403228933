package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// routeTLS is what secures the routes of a server, with a certificate of its own.
func routeTLS(t testing.TB, ca *authority, change func(*server.TLSConfig)) *server.TLSConfig {
	id := ca.server(t)
	c := &server.TLSConfig{CertFile: id.cert, KeyFile: id.key, CAFile: ca.cert}
	if change != nil {
		change(c)
	}
	return c
}

// Routes over TLS, with both directions verified (spec: cluster-routes 4.6).
func TestClusterTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	a := clustered(t, server.ClusterOptions{Name: "C1", TLS: routeTLS(t, ca, nil)}, server.Options{ServerName: "A"})
	seed := []string{"nats://" + a.ClusterAddr().String()}
	join := func(c *server.TLSConfig) (*server.Server, *recorder) {
		log := new(recorder)
		o := server.Options{Host: "127.0.0.1", Port: server.RandomPort,
			Cluster: server.ClusterOptions{Name: "C1", Host: "127.0.0.1", Port: server.RandomPort, Routes: seed, TLS: c}}
		s, err := server.NewServer(&o)
		noErr(t, err)
		s.SetLogger(log, true, false)
		noErr(t, s.Start())
		t.Cleanup(s.Shutdown)
		return s, log
	}
	b, log := join(routeTLS(t, ca, nil))
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(strings.Join(log.lines(), "\n"))
		}
	})
	meshed(t, node{"A", a.Addr().String(), ""}, node{"B", b.Addr().String(), ""})

	f := func(c *server.TLSConfig, want string) {
		t.Helper()
		s, log := join(c)
		testkit.Eventually(t, patience, want, func() bool { return log.has(want) })
		if s.NumRoutes() != 0 {
			t.Errorf("%s: there is a route", want)
		}
		s.Shutdown()
	}
	f(routeTLS(t, other, nil), "TLS route handshake error: ")
	f(routeTLS(t, ca, func(c *server.TLSConfig) { c.PinnedCerts = []string{strings.Repeat("0", 64)} }), "TLS route handshake error: certificate not pinned")
	f(nil, "Router connection closed: ")
}

// The reference server and ours over TLS, in both directions.
func TestClusterTLSWithReference(t *testing.T) {
	ca := newAuthority(t)
	id := ca.server(t)
	a := clustered(t, server.ClusterOptions{Name: "C1", TLS: routeTLS(t, ca, nil)}, server.Options{ServerName: "A"})
	config := func(routes string) string {
		path := filepath.Join(t.TempDir(), "x.conf")
		text := "cluster {\n name: C1\n listen: \"127.0.0.1:-1\"\n routes: [ \"" + routes + "\" ]\n tls {\n cert_file: \"" + id.cert + "\"\n key_file: \"" + id.key + "\"\n ca_file: \"" + ca.cert + "\"\n }\n}\n"
		noErr(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	addr := testkit.StartReference(t, "-n", "B", "-c", config("nats://"+a.ClusterAddr().String()))
	meshed(t, node{"A", a.Addr().String(), ""}, node{"B", addr, ""})
}

// Credentials that are not right, and names that do not fit (spec: cluster-routes 4.5, 6).
func TestStrangersDoNotJoin(t *testing.T) {
	a := clustered(t, server.ClusterOptions{Name: "C1", Username: "u", Password: "p"}, server.Options{ServerName: "A"})
	f := func(creds, name string, want int) {
		t.Helper()
		b := clustered(t, server.ClusterOptions{Name: name, Routes: []string{"nats://" + creds + a.ClusterAddr().String()}}, server.Options{ServerName: "B"})
		defer testkit.Eventually(t, patience, "all routes have ended", func() bool { return a.NumRoutes() == 0 })
		defer b.Shutdown()
		if want == 0 {
			refused := startStranger(t, creds, name, a)
			testkit.Eventually(t, patience, "a refusal", func() bool {
				return refused.has("Route Error '") || refused.has("Router connection closed: ")
			})
		} else {
			testkit.Eventually(t, patience, "a route", func() bool { return a.NumRoutes() == want && b.NumRoutes() == want })
		}
		// A stranger may think that it has a route, until it is told that it has not.
		if n := a.NumRoutes(); n != want {
			t.Errorf("%q %s: %d routes", creds, name, n)
		}
	}
	f("u:p@", "C1", 4) // a pool of 3, and one for the system account
	f("", "", 0)
	f("u:wrong@", "C1", 0)
	f("u:p@", "C2", 0)
}

func startStranger(t testing.TB, creds, name string, a *server.Server) *recorder {
	t.Helper()
	log := new(recorder)
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RandomPort, Cluster: server.ClusterOptions{
		Name: name, Host: "127.0.0.1", Port: server.RandomPort, Routes: []string{"nats://" + creds + a.ClusterAddr().String()}}})
	noErr(t, err)
	s.SetLogger(log, true, false)
	noErr(t, s.Start())
	t.Cleanup(s.Shutdown)
	return log
}
