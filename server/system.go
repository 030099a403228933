package server

import (
	"errors"
	"math"
	"net"
	"time"

	"nats-server/internal/auth"
	"nats-server/internal/client"
	"nats-server/internal/conn"
	"nats-server/internal/logs"
	"nats-server/internal/monitor"
	"nats-server/internal/pipe"
	"nats-server/internal/system"
	"nats-server/internal/wire"
)

// systemService answers in the system account. Its connection is of a hub of its own, so
// that it is not among the clients that anybody sees, counts or limits.
type systemService struct {
	account   string // "" = there is none
	responder *system.Responder
	hub       *client.Hub
	stats     conn.Stats
	log       logs.Log // says nothing: only the service would be in it
}

// serveSystem begins to answer in the system account of the options, and no longer in
// another one. The caller holds Server.starting.
func (s *Server) serveSystem(o *Options) {
	if v := s.system.Load(); v != nil && v.account == o.System() {
		return
	}
	s.endSystem()
	acct := s.accounts.Lookup(o.System())
	if acct == nil {
		return
	}
	hello := wire.ServerInfo{ServerID: s.id, Headers: true, MaxPayload: math.MaxInt32}
	info, _ := hello.Template() // plain text can be encoded
	v := &systemService{account: acct.Name}
	v.hub = client.NewHub(client.Config{Global: acct, Log: &v.log, Stats: &v.stats, Track: &s.track})
	v.hub.Apply(client.Settings{
		MaxConnections: 1,
		MaxControlLine: math.MaxInt32,
		MaxPayload:     math.MaxInt32,
		Auth:           auth.New(auth.Config{Open: true}),
		AuthTimeout:    time.Minute,
		Info:           info,
		Conn: conn.Limits{
			MaxPending: o.MaxPending, WriteDeadline: o.WriteDeadline, PingInterval: o.PingInterval, MaxPingsOut: o.MaxPingsOut,
		},
	})
	v.responder = system.Start(system.Config{
		Dial:    func() (net.Conn, error) { return s.dialSystem(v.hub) },
		Reports: s.monitoring.reports,
		About:   func() monitor.About { return source{s}.About() },
		Log:     &s.log,
	})
	s.system.Store(v)
}

// dialSystem is Config.Dial of the system service.
func (s *Server) dialSystem(hub *client.Hub) (net.Conn, error) {
	select {
	case <-s.leaving:
		return nil, errors.New("the server is about to end")
	default:
	}
	ours, theirs := pipe.New(pipeBuffer)
	hub.Serve(conn.Stream(ours))
	return theirs, nil
}

// endSystem ends the service and returns when it has ended.
func (s *Server) endSystem() {
	if v := s.system.Swap(nil); v != nil {
		v.responder.Close()
		v.hub.Close()
	}
}

// numSubscriptions is how many subscriptions the service has.
func (v *systemService) numSubscriptions() (n int) {
	v.hub.Each(func(_ uint64, c *client.Session) { n += c.NumSubscriptions() })
	return n
}
