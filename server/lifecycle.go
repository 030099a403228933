package server

import (
	"errors"
	"math/rand/v2"
	"net"
	"time"

	"nats-server/internal/client"
	"nats-server/internal/conn"
	"nats-server/internal/listen"
	"nats-server/internal/pipe"
)

// ReadyForConnections reports whether clients can connect, waiting for Start for
// at most d.
func (s *Server) ReadyForConnections(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.ready:
	case <-s.leaving:
	case <-t.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == running
}

// Addr is the address of the client listener with its real port, or nil if there
// is none, or none yet.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// ClientURL is where clients of this machine can connect, or "" where Addr is nil.
func (s *Server) ClientURL() string {
	addr, ok := s.Addr().(*net.TCPAddr)
	if !ok {
		return ""
	}
	host, port, _ := net.SplitHostPort(addr.String())
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "nats://"
	if o := s.opts.Load(); o.TLS != nil && !o.AllowNonTLS {
		scheme = "tls://"
	}
	return scheme + net.JoinHostPort(host, port)
}

// ID is the server's public key, new for every Server.
func (s *Server) ID() string { return s.id }

// Name is Options.ServerName, or the ID.
func (s *Server) Name() string { return s.nameFor(s.opts.Load()) }

// NumClients returns how many clients are connected.
func (s *Server) NumClients() int { return s.clients.Len() }

// NumSubscriptions returns how many subscriptions the clients have.
func (s *Server) NumSubscriptions() uint32 {
	n := s.accounts.NumSubscriptions()
	if v := s.system.Load(); v != nil {
		n -= v.numSubscriptions()
	}
	return uint32(max(n, 0))
}

// NumSlowConsumers returns how many clients were cut off because they did not
// read fast enough.
func (s *Server) NumSlowConsumers() int64 { return int64(s.stats.SlowConsumers.Load()) }

// NumPanics returns how many connections were closed because their session ended
// in a fault of this package.
func (s *Server) NumPanics() int64 {
	return int64(s.stats.Panics.Load() + s.routeStats.Panics.Load())
}

// InProcessConn returns a connection to the server that uses no socket. An
// ordinary client session, with the whole protocol, serves it.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	if s.phase != running {
		s.mu.Unlock()
		return nil, errors.New("the server is not running")
	}
	s.track.Add(1) // before Shutdown waits for it
	s.mu.Unlock()
	defer s.track.Done()
	ours, theirs := pipe.New(pipeBuffer)
	s.clients.Serve(conn.Stream(ours))
	return theirs, nil
}

// pipeBuffer is how many bytes an in-process connection buffers in each direction.
const pipeBuffer = 64 << 10

// Shutdown ends the server: it closes the listener and every connection; what is
// queued for a client is still sent if it takes it within a second. It returns when every goroutine of the server has ended. It may be called any time and
// any number of times.
func (s *Server) Shutdown() {
	s.starting.Lock() // a Start under way ends first
	s.mu.Lock()
	ending := s.phase == stopping
	s.phase = stopping
	l, routes := s.listener, s.routes
	s.mu.Unlock()
	s.starting.Unlock()
	if ending {
		<-s.done
		return
	}

	close(s.leaving)
	s.log.Noticef("Initiating Shutdown...")
	s.clients.Close()
	if l != nil {
		l.Close()
	}
	s.leaveCluster(routes) // before others would hear of each subscription that ends
	s.endSystem()
	for _, c := range s.clients.Sessions() {
		c.Close(conn.ServerShutdown)
	}
	s.track.Wait()
	s.rate.Stop()
	if s.poller != nil {
		s.poller.Close()
	}
	s.endMonitoring()
	s.log.Noticef("Server Exiting..")
	close(s.done)
}

// WaitForShutdown returns when the server has ended.
func (s *Server) WaitForShutdown() { <-s.done }

// LameDuckShutdown ends the server gently: no new clients, those that can be told
// are told, and after Options.LameDuckGracePeriod they are closed one by one over
// the rest of Options.LameDuckDuration. It returns when the server has ended.
// Shutdown cuts it short.
func (s *Server) LameDuckShutdown() {
	if l, first := s.enterLameDuck(); first {
		s.log.Noticef("Entering lame duck mode, stop accepting new clients")
		if l != nil {
			l.Close()
		}
		s.closeEvenly()
		s.Shutdown()
	}
	s.WaitForShutdown()
}

// enterLameDuck reports whether the caller is to end the server, which may not have
// been started.
func (s *Server) enterLameDuck() (l *listen.Listener, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.phase {
	case created:
		return nil, true
	case running:
	default:
		return nil, false
	}
	s.phase = lameDuck
	return s.listener, true
}

// closeEvenly closes the clients spread over the lame duck duration (spec:
// client-protocol 18).
func (s *Server) closeEvenly() {
	s.clients.Close()
	if s.clients.Len() == 0 {
		return
	}
	if s.cluster != nil {
		s.cluster.AnnounceLameDuck()
	}
	s.clients.AnnounceLameDuck()
	grace := max(s.opts.Load().LameDuckGracePeriod, 0)
	if !s.pause(grace) {
		return
	}
	s.log.Noticef("Closing existing clients")
	all := s.clients.Sessions()
	gap, batch := spread(len(all), s.opts.Load().LameDuckDuration-grace)
	for len(all) > 0 {
		n := min(batch, len(all))
		closeAll(all[:n])
		all = all[n:]
		if gap > 0 && !s.pause(gap/2+rand.N(gap/2+1)) {
			return
		}
	}
}

func closeAll(sessions []*client.Session) {
	for _, c := range sessions {
		c.Close(conn.ServerShutdown)
	}
}

// spread says how far apart to close n clients within d, and how many at a time.
func spread(n int, d time.Duration) (gap time.Duration, batch int) {
	if n == 0 {
		return 0, 1
	}
	if d <= 0 {
		d = time.Second
	}
	if gap = d / time.Duration(n); gap > 0 {
		return min(gap, time.Second), 1
	}
	return 1, (n + int(d) - 1) / int(d)
}

// pause waits for d and reports false if Shutdown came first.
func (s *Server) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.leaving:
		return false
	}
}
