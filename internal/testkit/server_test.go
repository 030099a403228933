package testkit

import (
	"strings"
	"testing"
	"time"

	"nats-server/server"
)

func TestStart(t *testing.T) {
	s := Start(t, &server.Options{MaxPayload: 77, Host: "192.0.2.1", Port: 1})
	r := Dial(t, s.Addr().String())
	if !strings.Contains(r.Info, `"max_payload":77`) {
		t.Errorf("the options are not in force: %s", r.Info)
	}
	r.Connect(`{"verbose":false}`)
	if n := s.NumClients(); n != 1 {
		t.Errorf("%d clients", n)
	}
	r.Close()
	Eventually(t, 10*time.Second, "the client is gone", func() bool { return s.NumClients() == 0 })
	s.Shutdown()
}
