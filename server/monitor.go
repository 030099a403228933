package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"nats-server/internal/dashboard"
	"nats-server/internal/facts"
	"nats-server/internal/insight"
	"nats-server/internal/keys"
	"nats-server/internal/metrics"
	"nats-server/internal/monitor"
	"nats-server/internal/version"
)

// monitoring is what the server has for those who watch it.
type monitoring struct {
	http   *monitor.Server
	closed *monitor.Ring
	gate   *monitor.Gate // under Server.starting
	look   insight.Sampler

	listener *monitor.Listener // nil without; under Server.mu
}

func (s *Server) newMonitoring(o *Options) {
	m := &s.monitoring
	m.closed = monitor.NewRing(o.MaxClosedClients)
	reports := monitor.NewReports(source{s})
	handlers := reports.Handlers()
	handlers["/metrics"] = metrics.Handler(reports)
	page := dashboard.Handler(dashboard.Config{
		Subjects: m.look.Report,
		Settings: func() []keys.Shown { return s.opts.Load().Shown() },
	})
	handlers[dashboard.Path], handlers[dashboard.Path+"/"] = page, page
	m.http = monitor.NewServer(handlers, &s.log)
	m.gate = monitor.NewGate(o.HTTPUsername, o.HTTPPassword, o.HTTPToken, nil)
	s.applyMonitoring(o)
}

func (s *Server) applyMonitoring(o *Options) {
	s.monitoring.http.Apply(monitor.Settings{BasePath: o.HTTPBasePath, Gate: s.monitoring.gate})
}

// MonitorAddr is the address of the listener for monitoring with its real port, or nil
// if there is none, or none yet.
func (s *Server) MonitorAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.monitoring.listener == nil {
		return nil
	}
	return s.monitoring.listener.Addr()
}

// bindMonitoring binds the listener for monitoring, nil if there is to be none.
func (s *Server) bindMonitoring(o *Options) (*monitor.Listener, error) {
	port := o.HTTPPort
	var secure *tls.Config
	if o.HTTPSPort != 0 {
		port, secure = o.HTTPSPort, s.monitoringTLS()
	}
	if port == 0 {
		return nil, nil
	}
	if port == RandomPort {
		port = 0
	}
	l, err := s.monitoring.http.Listen(net.JoinHostPort(o.HTTPHost, strconv.Itoa(port)), secure)
	if err != nil {
		//lint:ignore ST1005 scripts look for this text
		return nil, fmt.Errorf("Can't start monitoring: %w", err)
	}
	return l, nil
}

// monitoringTLS is for those who watch: with the certificate for clients as it is at
// every handshake, but without asking for one in return.
func (s *Server) monitoringTLS() *tls.Config {
	return &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		now := s.certificates.Load()
		if now == nil {
			return nil, errors.New("there is no certificate any more")
		}
		c, err := now.GetConfigForClient(hello)
		if err != nil {
			return nil, err
		}
		c = c.Clone()
		c.ClientAuth, c.ClientCAs, c.NextProtos = tls.NoClientCert, nil, []string{"http/1.1"}
		return c, nil
	}}
}

// serveMonitoring begins to answer at l, if that is not nil, and closes the listener
// before.
func (s *Server) serveMonitoring(o *Options, l *monitor.Listener) {
	s.mu.Lock()
	old := s.monitoring.listener
	s.monitoring.listener = l
	s.mu.Unlock()
	if l != nil {
		_, port, _ := net.SplitHostPort(l.Addr().String())
		s.log.Noticef("Starting %s monitor on %s", l.Scheme(), net.JoinHostPort(o.HTTPHost, port))
		if !loopback(l.Addr()) && s.monitoring.gate == nil {
			s.log.Debugf("Monitoring is open to everybody who can reach it: see http_auth")
		}
		l.Serve()
	}
	if old != nil {
		old.Close()
	}
}

func loopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

// monitoringMoves reports whether the listener for monitoring is to be another one.
func monitoringMoves(old, next *Options) bool {
	return old.HTTPHost != next.HTTPHost || old.HTTPPort != next.HTTPPort || old.HTTPSPort != next.HTTPSPort
}

// endMonitoring closes the listener for monitoring and returns when it has ended.
func (s *Server) endMonitoring() {
	s.mu.Lock()
	l := s.monitoring.listener
	s.mu.Unlock()
	if l != nil {
		l.Close()
	}
	s.monitoring.http.Wait()
	s.monitoring.look.Stop()
}

// source is the server as reports see it.
type source struct{ s *Server }

func (x source) About() monitor.About {
	s, o := x.s, x.s.opts.Load()
	a := monitor.About{
		ID: s.id, Name: s.nameFor(o), Version: Version, Commit: version.Commit(), Port: max(o.Port, 0),
		Options: o, Start: s.created, Loaded: *s.loaded.Load(),
		AuthRequired: s.clients.AuthRequired(),
	}
	if t, ok := s.Addr().(*net.TCPAddr); ok {
		a.Port = t.Port
	}
	if c := s.certificates.Load(); c != nil {
		if now, err := c.GetConfigForClient(nil); err == nil && len(now.Certificates) > 0 && now.Certificates[0].Leaf != nil {
			a.CertNotAfter = now.Certificates[0].Leaf.NotAfter
		}
	}
	return a
}

func (x source) Health() monitor.Health {
	s := x.s
	s.mu.Lock()
	defer s.mu.Unlock()
	return monitor.Health{Started: s.started, LameDuck: s.phase == lameDuck, Stopping: s.phase == stopping}
}

func (x source) Kinds() []monitor.Kind {
	return []monitor.Kind{{Name: "clients", Total: x.s.clients.Totals(), Stats: &x.s.stats}}
}

func (x source) Clients() []monitor.Client {
	sessions := x.s.clients.Sessions()
	all := make([]monitor.Client, len(sessions))
	for i, c := range sessions {
		all[i] = c
	}
	return all
}

func (x source) Closed() []*facts.Connection { return x.s.monitoring.closed.All() }

func (x source) Accounts() (all []monitor.Account) {
	loaded := *x.s.loaded.Load()
	for _, a := range x.s.accounts.All() {
		in, out := a.Changes()
		all = append(all, monitor.Account{
			Name: a.Name, System: a.Name == x.s.opts.Load().System(), Updated: loaded,
			Subscriptions: a.NumSubscriptions(), Inserts: in, Removes: out,
		})
	}
	return all
}

func (x source) Routes(int) []facts.Route { return nil }

// now is a moment that can be stored.
func now() *time.Time {
	t := time.Now()
	return &t
}
