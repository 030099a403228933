package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"nats-server/internal/client"
	"nats-server/internal/dashboard"
	"nats-server/internal/facts"
	"nats-server/internal/insight"
	"nats-server/internal/keys"
	"nats-server/internal/metrics"
	"nats-server/internal/monitor"
	"nats-server/internal/profile"
	"nats-server/internal/version"
)

// monitoring is what the server has for those who watch it.
type monitoring struct {
	reports *monitor.Reports
	http    *monitor.Server
	closed  *monitor.Ring
	gate    *monitor.Gate // under Server.starting
	look    insight.Sampler
	prof    *monitor.Server

	at     *monitor.Listener // of http, nil without; under Server.mu
	profAt *monitor.Listener // of prof, nil without; under Server.mu
}

// sites are listeners of both kinds, nil where there is none.
type sites struct{ http, prof *monitor.Listener }

func (x sites) close() {
	for _, l := range []*monitor.Listener{x.http, x.prof} {
		if l != nil {
			l.Close()
		}
	}
}

func (s *Server) newMonitoring(o *Options) {
	m := &s.monitoring
	m.closed = monitor.NewRing(o.MaxClosedClients)
	m.reports = monitor.NewReports(source{s})
	handlers := m.reports.Handlers()
	handlers["/metrics"] = metrics.Handler(m.reports)
	page := dashboard.Handler(dashboard.Config{
		Subjects: m.look.Report,
		Settings: func() []keys.Shown { return s.opts.Load().Shown() },
	})
	handlers[dashboard.Path], handlers[dashboard.Path+"/"] = page, page
	m.http = monitor.NewServer(handlers, &s.log)
	m.prof = monitor.NewServer(profile.Handlers(), &s.log)
	m.gate = monitor.NewGate(o.HTTPUsername, o.HTTPPassword, o.HTTPToken, nil)
	s.applyMonitoring(o)
}

func (s *Server) applyMonitoring(o *Options) {
	gate := s.monitoring.gate
	s.monitoring.http.Apply(monitor.Settings{BasePath: o.HTTPBasePath, Gate: gate})
	s.monitoring.prof.Apply(monitor.Settings{Gate: gate})
}

// MonitorAddr is the address of the listener for monitoring with its real port, or nil
// if there is none, or none yet.
func (s *Server) MonitorAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return addrOf(s.monitoring.at)
}

// ProfileAddr is the address of the listener for profiles with its real port, or nil if
// there is none, or none yet.
func (s *Server) ProfileAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return addrOf(s.monitoring.profAt)
}

func addrOf(l *monitor.Listener) net.Addr {
	if l == nil {
		return nil
	}
	return l.Addr()
}

// bindSites binds the listeners for monitoring that are to be elsewhere than with the
// options before, which are nil at the start.
func (s *Server) bindSites(old, o *Options) (x sites, err error) {
	port, secure := o.HTTPPort, (*tls.Config)(nil)
	if o.HTTPSPort != 0 {
		port, secure = o.HTTPSPort, s.monitoringTLS()
	}
	if port != 0 && (old == nil || monitoringMoves(old, o)) {
		if x.http, err = s.monitoring.http.Listen(hostPort(o.HTTPHost, port), secure); err != nil {
			//lint:ignore ST1005 scripts look for this text
			return x, fmt.Errorf("Can't start monitoring: can't listen to the monitor port: %w", err)
		}
	}
	if o.ProfPort != 0 && (old == nil || old.ProfPort != o.ProfPort) {
		if x.prof, err = s.monitoring.prof.Listen(hostPort(o.Host, o.ProfPort), nil); err != nil {
			x.close()
			return sites{}, fmt.Errorf("error starting profiler: %w", err)
		}
	}
	return x, nil
}

// hostPort is an address to bind.
func hostPort(host string, port int) string {
	if port == RandomPort {
		port = 0
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
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

// serveSites begins to answer at what bindSites has bound, and then closes what it
// replaces.
func (s *Server) serveSites(old, o *Options, x sites) {
	m := &s.monitoring
	var replaced sites
	s.mu.Lock()
	if old == nil || monitoringMoves(old, o) {
		replaced.http, m.at = m.at, x.http
	}
	if old == nil || old.ProfPort != o.ProfPort {
		replaced.prof, m.profAt = m.profAt, x.prof
	}
	s.mu.Unlock()
	if l := x.http; l != nil {
		s.log.Noticef("Starting %s monitor on %s", l.Scheme(), hostPort(o.HTTPHost, l.Addr().(*net.TCPAddr).Port))
		if !loopback(l.Addr()) && m.gate == nil {
			s.log.Debugf("Monitoring is open to everybody who can reach it: see http_auth")
		}
		l.Serve()
	}
	if l := x.prof; l != nil {
		s.log.Noticef("profiling port: %d", l.Addr().(*net.TCPAddr).Port)
		l.Serve()
	}
	replaced.close()
}

func loopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

// monitoringMoves reports whether the listener for monitoring is to be another one.
func monitoringMoves(old, next *Options) bool {
	return old.HTTPHost != next.HTTPHost || old.HTTPPort != next.HTTPPort || old.HTTPSPort != next.HTTPSPort
}

// endMonitoring closes the listeners for monitoring and returns when they have ended.
func (s *Server) endMonitoring() {
	m := &s.monitoring
	s.mu.Lock()
	x := sites{m.at, m.profAt}
	m.at, m.profAt = nil, nil
	s.mu.Unlock()
	x.close()
	m.http.Wait()
	m.prof.Wait()
	m.look.Stop()
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
	if t, ok := s.ClusterAddr().(*net.TCPAddr); ok {
		a.ClusterName, a.ClusterPort = s.ClusterName(), t.Port
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
	s := x.s
	all := []monitor.Kind{{Name: "clients", Total: s.clients.Totals(), Stats: &s.stats}}
	if s.cluster != nil {
		all = append(all, monitor.Kind{Name: "routes", Total: s.cluster.Totals(), Stats: &s.routeStats})
	}
	return all
}

func (x source) AppendClients(all []monitor.Client) []monitor.Client {
	x.s.clients.Each(func(id uint64, c *client.Session) {
		all = append(all, monitor.Client{ID: id, Peer: c})
	})
	return all
}

func (x source) Closed() []*facts.Connection { return x.s.monitoring.closed.All() }

func (x source) Accounts() (all []monitor.Account) {
	loaded, service := *x.s.loaded.Load(), x.s.system.Load()
	for _, a := range x.s.accounts.All() {
		in, out := a.Changes()
		subs := a.NumSubscriptions()
		if service != nil && service.account == a.Name {
			subs = max(subs-service.numSubscriptions(), 0)
		}
		all = append(all, monitor.Account{
			Name: a.Name, System: a.Name == x.s.opts.Load().System(), Updated: loaded,
			Subscriptions: subs, Inserts: in, Removes: out,
		})
	}
	return all
}

func (x source) Routes(subs int) []facts.Route {
	if x.s.cluster == nil {
		return nil
	}
	return x.s.cluster.Routes(subs)
}

// now is a moment that can be stored.
func now() *time.Time {
	t := time.Now()
	return &t
}
