package route

import (
	"net"
	"net/url"
	"strconv"

	"nats-server/internal/conn"
	"nats-server/internal/wire"
)

// state is how far the handshake has come (spec: cluster-routes 4). An accepted
// connection goes through all of them, a dialed one begins with the second.
type state uint8

const (
	awaitConnect state = iota // CONNECT has to come, and nothing before
	awaitInfo                 // INFO has to come before anything that counts
	active                    // the route is registered
)

// begin begins a session: an accepted connection is told INFO at once, and what was
// dialed CONNECT, and INFO unless that depends on the one of the other server (spec:
// cluster-routes 4.1).
func (c *Cluster) begin(s *Session) {
	if !c.enter(s) {
		s.conn.Refuse(&conn.Verdict{Reason: conn.ServerShutdown})
		return
	}
	set := c.settings.Load() // of which a change ends those that have entered
	s.delayed = s.dialed != nil && (set.PoolSize > 0 || set.Compression.negotiable())
	c.mu.Lock()
	s.compression = set.Compression.Mode
	c.mu.Unlock()
	log := c.cfg.Log
	log.Noticef("%s - Route connection created", s.conn)
	s.conn.HoldPings(set.Compression.negotiable())
	switch {
	case s.dialed != nil:
		s.conn.Out.Append(c.connectLine(set, s.dialed))
		log.Debugf("%s - Route connect msg sent", s.conn)
		if !s.delayed {
			s.conn.Out.Append(c.infoLine(set, s.introduction()))
		}
		s.conn.StartPings()
	default:
		s.conn.Out.Append(c.infoLine(set, infoFor{initial: true, compression: set.Compression.Mode}))
		if set.guarded() {
			s.timed = true
			s.conn.ReadApart(true)
			s.conn.Await(set.AuthTimeout)
		} else {
			s.conn.StartPings()
		}
	}
	s.conn.Out.Flush(true)
	s.conn.Start()
}

// connectLine is the CONNECT for the server dialed (spec: cluster-routes 4.3).
func (c *Cluster) connectLine(set *Settings, t *target) []byte {
	name, dynamic := c.Name()
	line := wire.RouteConnect{
		Echo: true, TLSRequired: set.TLS != nil, Headers: !set.NoHeaders, Name: c.cfg.ServerID,
		Cluster: name, ClusterDynamic: dynamic, LeafOrigin: true,
	}
	if u := t.url.User; u != nil {
		line.User = u.Username()
		line.Pass, _ = u.Password()
	}
	return line.Line()
}

// connect carries out CONNECT, which only the one who dials sends: the checks of spec:
// cluster-routes 4.3, in their order.
func (s *Session) connect(arg []byte) error {
	if s.state != awaitConnect {
		return nil // nothing changes by another one
	}
	var o wire.RouteConnect
	if err := o.Decode(arg); err != nil {
		return &conn.Verdict{Reason: conn.ProtocolViolation, Log: "CONNECT: " + err.Error()}
	}
	if v := s.authenticate(&o); v != nil {
		return v
	}
	switch {
	case o.Lang != "":
		return refusal("attempted to connect to route port", conn.WrongPort, "attempted to connect to route port")
	case o.Gateway != "":
		text := "Rejecting connection from gateway " + strconv.Quote(o.Gateway) + " on the Route port"
		return refusal(text, conn.WrongGateway, text)
	}
	if v := s.agree(peerName{o.Name, o.Cluster, o.ClusterDynamic, true}); v != nil {
		return v
	}
	s.mesh.mu.Lock()
	s.remoteID = o.Name
	s.mesh.mu.Unlock()
	s.state = awaitInfo
	s.verbose = o.Verbose
	s.sender.SetEcho(o.Echo)
	s.self.NoHeaders.Store(!o.Headers)
	return nil
}

// receiveInfo carries out INFO (spec: cluster-routes 4.4).
func (s *Session) receiveInfo(arg []byte) error {
	i := new(wire.RouteInfo)
	if err := i.Decode(arg); err != nil {
		return &conn.Verdict{Reason: conn.ProtocolViolation, Log: "INFO: " + err.Error()}
	}
	c := s.mesh
	if i.ServerID == c.cfg.ServerID {
		c.mu.Lock()
		if s.state != active {
			s.remoteID = i.ServerID
		}
		c.mu.Unlock()
		return &conn.Verdict{Reason: conn.DuplicateRoute}
	}
	if i.Cluster != "" {
		if v := s.agree(peerName{i.ServerID, i.Cluster, i.ClusterDynamic, false}); v != nil {
			return v
		}
	}
	if s.state == active {
		c.laterInfo(s, i)
		return nil
	}
	return s.firstInfo(i)
}

// firstInfo makes the connection a route.
func (s *Session) firstInfo(i *wire.RouteInfo) error {
	c, set := s.mesh, s.mesh.settings.Load()
	switch {
	case i.ServerID == "":
		return &conn.Verdict{Reason: conn.ProtocolViolation, Log: "INFO without a server_id"}
	case s.dialed == nil && i.ServerName != "" && i.ServerName == set.ServerName:
		return &conn.Verdict{Reason: conn.DuplicateServerName, Log: "Remote server has a duplicate name: " + strconv.Quote(i.ServerName)}
	}
	if s.dialed == nil {
		s.account = i.Account
	}
	if !s.negotiated {
		if wait, v := s.negotiate(i); v != nil {
			return v
		} else if wait {
			s.conn.Out.Flush(true)
			return nil
		}
	}
	s.conn.HoldPings(false)
	s.self.NoHeaders.Store(!i.Headers && i.ServerName != "") // before 2.2 CONNECT says it
	if i.IP == "" {
		i.IP = routeURL(s.addr(), i.Port)
	}
	if name := i.ServerName; name != "" {
		s.remoteName.Store(&name)
	}
	s.parser.Origins = i.LeafOriginDrop
	s.silent = i.ServerName == "" && i.Cluster == ""
	if v := c.register(s, i); v != nil {
		return v
	}
	s.state = active
	return nil
}

// routeURL is the URL of a server with that address.
func routeURL(host string, port int) string {
	return "nats-route://" + net.JoinHostPort(host, strconv.Itoa(port)) + "/"
}

// ownURL is where a server that was accepted can be dialed, by what it says.
func ownURL(i *wire.RouteInfo, set *Settings) *url.URL {
	u, err := url.Parse(routeURL(i.Host, i.Port))
	if ip := net.ParseIP(i.Host); err != nil || ip != nil && ip.IsUnspecified() || i.Host == "" {
		if u, err = url.Parse(i.IP); err != nil {
			return nil
		}
	}
	return withCredentials(u, i, set)
}

// withCredentials is u, with those of the cluster if the server wants any.
func withCredentials(u *url.URL, i *wire.RouteInfo, set *Settings) *url.URL {
	if i.AuthRequired && set.User != "" {
		u.User = url.UserPassword(set.User, set.Password)
	}
	return u
}
