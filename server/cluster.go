package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"nats-server/internal/auth"
	"nats-server/internal/client"
	"nats-server/internal/conn"
	"nats-server/internal/listen"
	"nats-server/internal/options"
	"nats-server/internal/route"
	"nats-server/internal/tlsconf"
)

// ClusterOptions say how a server is part of a cluster, for Options.Cluster.
type ClusterOptions = options.Cluster

// Compression says how servers compress what they send each other, for ClusterOptions.
type Compression = options.Compression

// ClusterAddr is the address of the listener for other servers with its real port, or
// nil if there is none, or none yet.
func (s *Server) ClusterAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.routes == nil {
		return nil
	}
	return s.routes.Addr()
}

// ClusterName is the name of the cluster, or "" of a server that is alone. A generated
// name gives way to that of others.
func (s *Server) ClusterName() string {
	if s.cluster == nil {
		return ""
	}
	name, _ := s.cluster.Name()
	return name
}

// NumRoutes returns how many connections to other servers of the cluster there are.
func (s *Server) NumRoutes() int {
	if s.cluster == nil {
		return 0
	}
	return s.cluster.Len()
}

// newCluster prepares the server to be part of a cluster, if it is to be.
func (s *Server) newCluster(o *Options) error {
	if !o.Cluster.Enabled() {
		return nil
	}
	s.cluster = route.New(route.Config{
		ServerID: s.id,
		Version:  Version,
		Accounts: s.accounts,
		Log:      &s.log,
		Stats:    &s.routeStats,
		Track:    &s.track,
		NextID:   s.clients.NextID,
		Tell:     s.tellOfCluster,
	})
	s.accounts.Watch(s.cluster)
	set, err := s.clusterSettings(o)
	if err != nil {
		return err
	}
	s.cluster.Apply(*set)
	return nil
}

// listenForRoutes binds the listener for other servers, if there is to be one.
func (s *Server) listenForRoutes(o *Options) (*listen.Listener, error) {
	if s.cluster == nil {
		return nil, nil
	}
	port := max(o.Cluster.Port, 0)
	addr := net.JoinHostPort(o.Cluster.Host, strconv.Itoa(port))
	l, err := listen.Bind(context.Background(), addr, s.poller, &s.log)
	if err != nil {
		return nil, fmt.Errorf("Error listening on router port: %s, %q", addr, err) //lint:ignore ST1005 as for clients
	}
	s.cluster.UsePoller(s.poller)
	return l, nil
}

// joinCluster begins to accept and to dial other servers.
func (s *Server) joinCluster() {
	if s.cluster == nil {
		return
	}
	set, err := s.clusterSettings(s.opts.Load()) // now with the ports
	if err != nil {
		s.log.Errorf("%v", err)
		return
	}
	s.cluster.Reload(*set)
	name, dynamic := s.cluster.Name()
	s.log.Noticef("Cluster name is %s", name)
	if dynamic {
		s.log.Warnf("Cluster name was dynamically generated, consider setting one")
	}
	s.log.Noticef("Listening for route connections on %s", s.routes.Addr())
	if err := s.routes.Serve(func(a listen.Accepted) { s.cluster.Accept(a) }); err != nil {
		s.log.Errorf("Error accepting route connections: %v", err)
	}
	s.cluster.Start()
}

// leaveCluster ends all routes.
func (s *Server) leaveCluster(l *listen.Listener) {
	if l != nil {
		l.Close()
	}
	if s.cluster != nil {
		s.cluster.Stop()
	}
}

// clusterSettings are what the options mean for routes, nil if the server is alone.
func (s *Server) clusterSettings(o *Options) (*route.Settings, error) {
	c := &o.Cluster
	if s.cluster == nil {
		return nil, nil
	}
	urls, err := c.RouteURLs()
	if err != nil {
		return nil, err
	}
	set := &route.Settings{
		ServerName:     s.nameFor(o),
		Name:           c.Name,
		ClientURLs:     s.clientURLs(o),
		NoAdvertise:    c.NoAdvertise,
		Advertised:     c.Advertise != "",
		Routes:         urls,
		ConnectRetries: c.ConnectRetries,
		Backoff:        c.ConnectBackoff,
		ErrorEvery:     o.ConnectErrorReports,
		RetryEvery:     o.ReconnectErrorReports,
		PoolSize:       c.PoolSize,
		Pinned:         pinnedAccounts(o),
		Compression:    compression(&c.Compression),
		User:           c.Username,
		Password:       c.Password,
		Auth:           auth.New(auth.Config{User: c.Username, Password: c.Password}),
		AuthTimeout:    c.AuthTimeout,
		NoHeaders:      o.NoHeaderSupport,
		MaxPayload:     int(o.MaxPayload),
		ControlLine:    16 * int(o.MaxControlLine),
		MaxTraced:      o.MaxTracedMsgLen,
		TraceHeaders:   o.TraceHeaders,
		Conn: conn.Limits{
			MaxPending:    o.MaxPending,
			WriteDeadline: c.WriteDeadline,
			PingInterval:  c.PingInterval,
			MaxPingsOut:   c.MaxPingsOut,
			Unbounded:     true,
			Patient:       c.WriteTimeout != options.WriteTimeoutClose,
		},
	}
	host, port := c.Host, c.Port
	if l := s.ClusterAddr(); l != nil {
		port = l.(*net.TCPAddr).Port
	}
	if set.Host, set.Port, err = c.Advertised(host, port); err != nil {
		return nil, err
	}
	if set.Import, err = route.NewRules(c.Import); err != nil {
		return nil, err
	}
	if set.Export, err = route.NewRules(c.Export); err != nil {
		return nil, err
	}
	set.TLS, err = s.clusterTLS(c, urls)
	return set, err
}

// compression is how routes are compressed.
func compression(c *options.Compression) route.Compression {
	if c.Mode == options.CompressionUnsupported {
		return route.Compression{}
	}
	return route.Compression{Mode: c.Mode, Thresholds: c.RTTThresholds}
}

// pinnedAccounts are those that have connections of their own: if any, the system account
// is among them.
func pinnedAccounts(o *Options) []string {
	c := &o.Cluster
	system := o.System()
	if c.PoolSize < 0 || system == "" || slices.Contains(c.Accounts, system) {
		return c.Accounts
	}
	return append(slices.Clone(c.Accounts), system)
}

// clusterTLS is what the options say about TLS for routes, with the files read.
func (s *Server) clusterTLS(c *ClusterOptions, routes []*url.URL) (*route.TLS, error) {
	if c.TLS == nil {
		return nil, nil
	}
	files, err := tlsconf.NewServer(c.TLS, &s.log)
	if err != nil {
		return nil, err
	}
	t := &route.TLS{
		Accept:  files.TLS(),
		Dial:    files.Client,
		Timeout: c.TLS.Timeout,
		Verify:  func(state *tls.ConnectionState) error { return files.Pinned(state, s.log.Debugf) },
	}
	switch {
	case c.TLS.VerifyAndMap:
		names := tlsconf.NewNames([]string{c.Username})
		t.Admits = func(cert *x509.Certificate) bool {
			_, ok := tlsconf.MapUser(cert, names, func(name string) bool { return name == c.Username }, s.log.Debugf)
			return ok
		}
	case c.TLS.KnownURLs:
		var hosts []string
		for _, u := range routes {
			hosts = append(hosts, u.Hostname())
		}
		t.Admits = func(cert *x509.Certificate) bool { return tlsconf.KnownHost(cert, hosts) }
	}
	if c.TLS.Insecure {
		s.log.Warnf("TLS certificate chain and hostname of solicited routes will not be verified. DO NOT USE IN PRODUCTION!")
	}
	return t, nil
}

// clientURLs are where clients can connect to this server (spec: cluster-routes 9).
func (s *Server) clientURLs(o *Options) []string {
	a, ok := s.Addr().(*net.TCPAddr)
	if !ok {
		return nil
	}
	host, port, err := o.Advertised(o.Host, a.Port)
	if err != nil {
		return nil
	}
	p := strconv.Itoa(port)
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsUnspecified() {
		return []string{net.JoinHostPort(host, p)}
	}
	var all []string
	addrs, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		if n, ok := addr.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			all = append(all, net.JoinHostPort(n.IP.String(), p))
		}
	}
	return all
}

// tellOfCluster is told what clients are to know.
func (s *Server) tellOfCluster(name string, known bool, urls []string) {
	info := client.ClusterInfo{Name: name, Others: urls}
	if known {
		info.URLs = append(s.clientURLs(s.opts.Load()), urls...)
	}
	s.clients.SetCluster(info)
}
