package server_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// A client comes back to a server that was restarted on the same port, with its
// subscriptions, what was left of their limits, and what it published meanwhile.
func TestReconnectAfterRestart(t *testing.T) {
	first := testkit.Start(t, nil)
	down, up := make(chan error, 1), make(chan struct{}, 1)
	nc := dial(t, first,
		nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0), nats.MaxReconnects(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { down <- err }),
		nats.ReconnectHandler(func(*nats.Conn) { up <- struct{}{} }))
	plain, err := nc.SubscribeSync("x")
	noErr(t, err)
	group, err := nc.QueueSubscribeSync("x", "q")
	noErr(t, err)
	limited, err := nc.SubscribeSync("x")
	noErr(t, err)
	noErr(t, limited.AutoUnsubscribe(3))
	noErr(t, nc.Publish("x", []byte("1")))
	for _, sub := range []*nats.Subscription{plain, group, limited} {
		next(t, sub)
	}

	addr := first.Addr()
	first.Shutdown()
	receive(t, "disconnected", down)
	if nc.IsClosed() {
		t.Fatalf("the client gave up: %v", nc.LastError())
	}
	for _, text := range []string{"2", "3", "4"} {
		noErr(t, nc.Publish("x", []byte(text)))
	}
	second := listener(t, addr)
	receive(t, "reconnected", up)
	for _, text := range []string{"2", "3", "4"} {
		for _, sub := range []*nats.Subscription{plain, group} {
			if m := next(t, sub); string(m.Data) != text {
				t.Errorf("got %q, want %q", m.Data, text)
			}
		}
	}
	for _, text := range []string{"2", "3"} {
		if m := next(t, limited); string(m.Data) != text {
			t.Errorf("limited: got %q, want %q", m.Data, text)
		}
	}
	if _, err := limited.NextMsg(patience); !errors.Is(err, nats.ErrMaxMessages) {
		t.Errorf("beyond the limit: %v", err)
	}
	if nc.ConnectedServerId() != second.ID() {
		t.Error("the client is not where it should be")
	}
	numSubs(t, second, 2)
}

// In lame duck mode clients are told and served on, new ones are refused, and then
// all are let go, to reconnect elsewhere.
func TestLameDuckTellsClients(t *testing.T) {
	s, log := startLogged(t, server.Options{}, true)
	other := testkit.Start(t, nil)
	told, up := make(chan struct{}, 10), make(chan struct{}, 1)
	nc := dial(t, s,
		nats.LameDuckModeHandler(func(*nats.Conn) { told <- struct{}{} }),
		nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0), nats.MaxReconnects(-1), nats.DontRandomize(),
		nats.ReconnectHandler(func(*nats.Conn) { up <- struct{}{} }),
		func(o *nats.Options) error {
			o.Servers = []string{s.ClientURL(), other.ClientURL()}
			o.Url = ""
			return nil
		})
	sub, err := nc.SubscribeSync("x")
	noErr(t, err)
	flush(t, nc)

	ended := make(chan struct{})
	go func() {
		s.LameDuckShutdown()
		close(ended)
	}()
	receive(t, "the client knows", told)
	noErr(t, nc.Publish("x", []byte("still here")))
	if m := next(t, sub); string(m.Data) != "still here" {
		t.Errorf("got %q", m.Data)
	}
	if c, err := net.DialTimeout("tcp", s.Addr().String(), patience); err == nil {
		c.Close()
		t.Error("a lame duck accepts new clients")
	}
	if c, err := s.InProcessConn(); err == nil {
		c.Close()
		t.Error("a lame duck accepts new in-process clients")
	}
	select {
	case <-ended:
		t.Error("the lame duck did not wait")
	default:
	}
	s.Shutdown() // cuts the grace period short
	receive(t, "the server has ended", ended)
	receive(t, "the client is somewhere else", up)
	if nc.ConnectedServerId() != other.ID() {
		t.Error("the client is not where it should be")
	}
	if len(told) != 0 {
		t.Errorf("the client was told %d times more", len(told))
	}
	for _, want := range []string{"INF Entering lame duck mode, stop accepting new clients", "Client connection closed: Server Shutdown"} {
		if !log.has(want) {
			t.Errorf("no line %q in %q", want, log.lines())
		}
	}
}

// Without a grace period the clients go one by one, and the server with the last.
func TestLameDuckLetsClientsGo(t *testing.T) {
	s, log := startLogged(t, server.Options{LameDuckGracePeriod: -1}, true)
	r := testkit.Dial(t, s.Addr().String())
	r.Connect(`{"verbose":false,"protocol":1}`)
	r.Expect(`INFO .*"connect_info":true.*`)
	quiet := testkit.Dial(t, s.Addr().String())
	quiet.Connect(`{"verbose":false,"protocol":0}`)
	ended := make(chan struct{})
	go func() {
		s.LameDuckShutdown()
		close(ended)
	}()
	r.Expect(`INFO .*"ldm":true.*`)
	r.ExpectEOF()
	quiet.ExpectEOF() // protocol 0 does not know about such INFOs
	receive(t, "the server has ended", ended)
	if !log.has("INF Closing existing clients") {
		t.Errorf("got %q", log.lines())
	}
}

func TestLameDuckWithoutClientsEndsAtOnce(t *testing.T) {
	s, _ := startLogged(t, server.Options{}, false)
	ended := make(chan struct{})
	go func() {
		s.LameDuckShutdown()
		close(ended)
	}()
	receive(t, "the server has ended", ended)
}
