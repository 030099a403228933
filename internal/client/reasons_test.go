package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"nats-server/internal/auth"
	"nats-server/internal/client"
	"nats-server/internal/conn"
	"nats-server/internal/pipe"
	"nats-server/internal/testkit"
	"nats-server/server"
)

// waysToEnd has, for each reason, a way in which a connection ends for it. The
// function makes the connection and returns the log.
var waysToEnd = map[conn.Reason]func(*testing.T) *recorder{
	conn.ClientClosed: sent(server.Options{}, "PING\r\n", "PONG\r\n"),

	conn.AuthenticationTimeout: sent(server.Options{Authorization: "t", AuthTimeout: 20 * time.Millisecond},
		"CONN", "-ERR 'Authentication Timeout'\r\n"),

	conn.AuthenticationViolation: sent(server.Options{Authorization: "t"},
		"CONNECT {\"auth_token\":\"x\"}\r\n", "-ERR 'Authorization Violation'\r\n"),

	conn.SlowConsumerPending: func(t *testing.T) *recorder {
		s, log := start(t, server.Options{MaxPayload: 1000, MaxPending: 2000}, false)
		behind(t, s)
		return log
	},

	conn.SlowConsumerDeadline: func(t *testing.T) *recorder {
		s, log := start(t, server.Options{WriteDeadline: 20 * time.Millisecond}, false)
		behind(t, s)
		return log
	},

	conn.WriteError: func(t *testing.T) *recorder {
		h, log := newHouse(t, nil), new(recorder)
		h.log.Set(log, true, false)
		_, theirs := pipe.New(100)
		h.serve(failing{theirs})
		h.ended(t)
		return log
	},

	conn.ReadError: func(t *testing.T) *recorder {
		s, log := start(t, server.Options{}, false)
		r := testkit.Dial(t, s.Addr().String())
		noErr(t, r.Conn.(*net.TCPConn).SetLinger(0)) // closing resets
		r.Sync()
		noErr(t, r.Close())
		gone(t, s)
		s.Shutdown()
		return log
	},

	conn.ParseError: sent(server.Options{}, "-ERR 'I do not like you'\r\n", ""),

	conn.StaleConnection: sent(server.Options{PingInterval: 10 * time.Millisecond, MaxPingsOut: 1},
		"CONNECT {\"verbose\":false}\r\n", "PING\r\n-ERR 'Stale Connection'\r\n"),

	conn.ProtocolViolation: sent(server.Options{}, "HELLO\r\n", "-ERR 'Unknown Protocol Operation'\r\n"),

	conn.BadClientProtocolVersion: sent(server.Options{}, "CONNECT {\"protocol\":2}\r\n", "-ERR 'invalid client protocol'\r\n"),

	conn.MaxConnectionsExceeded: func(t *testing.T) *recorder {
		s, log := start(t, server.Options{MaxConn: 1}, false)
		testkit.Dial(t, s.Addr().String()).Sync()
		r := testkit.Dial(t, s.Addr().String())
		r.ExpectBytes("-ERR 'maximum connections exceeded'\r\n")
		r.ExpectEOF()
		s.Shutdown() // the client knows before the operator does
		return log
	},

	conn.MaxPayloadExceeded: sent(server.Options{MaxPayload: 10}, "PUB x 11\r\n", "-ERR 'Maximum Payload Violation'\r\n"),

	conn.MaxControlLineExceeded: sent(server.Options{MaxControlLine: 10},
		"SUB abcdefghijk", "-ERR 'maximum control line exceeded'\r\n"),

	conn.ServerShutdown: func(t *testing.T) *recorder {
		s, log := start(t, server.Options{}, false)
		r := testkit.Dial(t, s.Addr().String())
		r.Sync()
		s.Shutdown()
		r.ExpectEOF()
		return log
	},

	conn.NoRespondersRequiresHeaders: sent(server.Options{}, "CONNECT {\"no_responders\":true}\r\n",
		"-ERR 'no responders requires headers support'\r\n"),

	conn.MaxAccountConnectionsExceeded: func(t *testing.T) *recorder {
		s, log := start(t, oneAccount(server.AccountLimits{MaxConnections: 1}), false)
		first, second := testkit.Dial(t, s.Addr().String()), testkit.Dial(t, s.Addr().String())
		first.Connect(asUser)
		first.Sync()
		second.Send("CONNECT " + asUser + "\r\n")
		second.ExpectBytes("-ERR 'maximum account active connections exceeded'\r\n")
		second.ExpectEOF()
		s.Shutdown()
		return log
	},

	conn.MaxSubscriptionsExceeded: func(t *testing.T) *recorder {
		s, log := start(t, oneAccount(server.AccountLimits{}), false)
		r := testkit.Dial(t, s.Addr().String())
		r.Connect(asUser)
		r.Send("SUB a 1\r\nSUB b 2\r\n")
		r.Sync()
		o := oneAccount(server.AccountLimits{MaxSubscriptions: 1})
		o.Host, o.Port = "127.0.0.1", server.RandomPort
		noErr(t, s.ReloadOptions(&o))
		r.ExpectBytes("-ERR 'maximum subscriptions exceeded'\r\n")
		r.ExpectEOF()
		s.Shutdown()
		return log
	},

	conn.InternalError: func(t *testing.T) *recorder {
		h, log := newHouse(t, func(_ *client.Config, set *client.Settings) {
			set.Auth = auth.New(auth.Config{Custom: failingAuthenticator{}})
		}), new(recorder)
		h.log.Set(log, true, false)
		h.serve(&script{pieces: [][]byte{[]byte("CONNECT {}\r\n")}})
		h.track.Wait()
		return log
	},
}

const asUser = `{"verbose":false,"user":"u","pass":"p"}`

func oneAccount(l server.AccountLimits) server.Options {
	return server.Options{Accounts: []*server.Account{{
		Name: "A", Limits: l, Users: []*server.User{{Username: "u", Password: "p"}},
	}}}
}

// failingAuthenticator is a fault of the embedding program.
type failingAuthenticator struct{}

func (failingAuthenticator) Authenticate(context.Context, *auth.Login) (*auth.Grant, error) {
	panic("a fault")
}

// sent is a client that sends something, gets an answer and reads until the end of
// the connection. It closes the connection itself only if nothing is wrong.
func sent(o server.Options, text, answer string) func(*testing.T) *recorder {
	return func(t *testing.T) *recorder {
		s, log := start(t, o, false)
		r := testkit.Dial(t, s.Addr().String())
		r.Send(text)
		r.ExpectBytes(answer)
		if answer == "PONG\r\n" {
			noErr(t, r.Close())
		} else {
			r.ExpectEOF()
		}
		gone(t, s)
		s.Shutdown() // whoever has closed it may not have logged that yet
		return log
	}
}

// behind has a subscriber that does not read until the server has cut it off.
func behind(t *testing.T, s *server.Server) {
	t.Helper()
	sub := testkit.Dial(t, s.Addr().String())
	sub.Connect(`{"verbose":false}`)
	sub.Send("SUB x 1\r\n")
	sub.Sync()
	pub := testkit.Dial(t, s.Addr().String())
	pub.Connect(`{"verbose":false}`)
	load := strings.Repeat("PUB x 1000\r\n"+strings.Repeat("x", 1000)+"\r\n", 100)
	for range 200 {
		if s.NumSlowConsumers() > 0 {
			break
		}
		pub.Send(load)
		pub.Sync()
	}
	noErr(t, pub.Close())
	gone(t, s)
	s.Shutdown() // whoever has cut it off may not have logged that yet
}

// failing is a connection on which nothing can be sent, and nothing arrives.
type failing struct{ net.Conn }

func (failing) Write([]byte) (int, error) { return 0, errors.New("the wire is cut") }

// Every way in which a connection ends is logged with its reason, once.
func TestClosedReasons(t *testing.T) {
	for r := conn.Open + 1; r <= conn.InternalError; r++ {
		t.Run(strings.ReplaceAll(r.String(), " ", "_"), func(t *testing.T) {
			end := waysToEnd[r]
			if end == nil {
				t.Fatalf("no test ends a connection for the reason %q", r)
			}
			log := end(t)
			want := regexp.MustCompile(fmt.Sprintf(`^DBG (127\.0\.0\.1:\d+|pipe) - cid:[12]( - "A/user:u")? - Client connection closed: %s$`, regexp.QuoteMeta(r.String())))
			found := 0
			for _, line := range log.with("connection closed: " + r.String()) {
				if want.MatchString(line) {
					found++
				}
			}
			if found != 1 {
				t.Errorf("%d such lines in %q", found, log.lines())
			}
		})
	}
}

// The first reason stays: what goes wrong while the last bytes leave changes
// nothing.
func TestFirstReasonStays(t *testing.T) {
	s, log := start(t, server.Options{}, false)
	r := testkit.Dial(t, s.Addr().String())
	noErr(t, r.Conn.(*net.TCPConn).SetLinger(0))
	r.Send("CONNECT {\"verbose\":false}\r\nnonsense\r\n" + strings.Repeat("PING\r\n", 1000))
	noErr(t, r.Close())
	gone(t, s)
	s.Shutdown()
	if found := log.with("Client connection closed: "); len(found) != 1 {
		t.Errorf("got %q", found)
	}
}

// Silence is on purpose where clients would not come back after an -ERR.
func TestSilentEnds(t *testing.T) {
	f := func(text string) {
		t.Helper()
		s, _ := start(t, server.Options{}, false)
		r := testkit.Dial(t, s.Addr().String())
		r.Send("CONNECT {\"verbose\":false}\r\n" + text)
		if before, err := r.TryClosed(); before != "" || err != nil {
			t.Errorf("%q: %q, %v", text, before, err)
		}
	}
	f("PUB a b c 1\r\n")
	f("PUB a x\r\n")
	f("HPUB a 1 1\r\n")
	f("SUB a\r\n")
	f("SUB \r\n")
	f("UNSUB \r\n")
	f("CONNECT {\"verbose\":1}\r\n")
	f("CONNECT\r\n")
	f("INFO x\r\n")
	f("-ERR 'x'\r\n")
}
