package testkit

import (
	"testing"

	"nats-server/server"
)

// Start runs our server in this process, on a free port of 127.0.0.1, with the
// options given (nil for defaults). It ends with the test.
func Start(t testing.TB, opts *server.Options) *server.Server {
	t.Helper()
	o := server.Options{}
	if opts != nil {
		o = *opts
	}
	o.Host, o.Port = "127.0.0.1", server.RandomPort
	s, err := server.NewServer(&o)
	if err != nil {
		t.Fatalf("server: %v", err)
	}
	if err := s.Start(); err != nil {
		t.Fatalf("server: %v", err)
	}
	t.Cleanup(s.Shutdown)
	return s
}
