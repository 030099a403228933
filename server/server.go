package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"sync"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/client"
	"nats-server/internal/conn"
	"nats-server/internal/ids"
	"nats-server/internal/listen"
	"nats-server/internal/logs"
	"nats-server/internal/options"
	"nats-server/internal/version"
	"nats-server/internal/wire"
)

// Options are the settings of a server.
type Options = options.Options

// Logger receives what a server logs.
type Logger = logs.Logger

// RandomPort as Options.Port asks for any free port; see Server.Addr.
const RandomPort = options.RandomPort

// Version is the semantic version that servers of this package announce.
const Version = version.Number

// phase is how far a server's life has gone. It only moves forward.
type phase int

const (
	created phase = iota
	running
	lameDuck
	stopping
)

// Server is one NATS server.
type Server struct {
	opts    Options
	id      string
	log     logs.Log
	stats   conn.Stats
	global  *account.Account
	auth    *auth.Directory
	clients *client.Hub
	track   sync.WaitGroup // sessions
	ready   chan struct{}  // closed when clients can connect
	leaving chan struct{}  // closed when shutdown begins
	done    chan struct{}  // closed when everything has ended

	starting sync.Mutex   // held by Start
	poller   *conn.Poller // nil without client listener; under starting

	mu       sync.Mutex
	phase    phase
	listener *listen.Listener // nil before Start and without client listener
}

// NewServer returns a server with these options, which are copied. The error
// says which option is wrong. Nothing runs and nothing is bound before Start.
func NewServer(opts *Options) (*Server, error) {
	o, err := opts.Complete()
	if err != nil {
		return nil, err
	}
	id, err := ids.NewServer()
	if err != nil {
		return nil, fmt.Errorf("making a server id: %w", err)
	}
	if o.ServerName == "" {
		o.ServerName = id
	}
	s := &Server{
		opts:    o,
		id:      id,
		global:  account.New(account.Global),
		ready:   make(chan struct{}),
		leaving: make(chan struct{}),
		done:    make(chan struct{}),
	}
	s.auth = auth.New(auth.Config{User: o.Username, Password: o.Password, Token: o.Authorization})
	s.clients = client.NewHub(client.Config{
		MaxConnections: o.MaxConn,
		MaxSubs:        o.MaxSubs,
		MaxSubTokens:   o.MaxSubTokens,
		MaxControlLine: int(o.MaxControlLine),
		MaxPayload:     int(o.MaxPayload),
		NoHeaders:      o.NoHeaderSupport,
		MaxTraced:      o.MaxTracedMsgLen,
		Auth:           s.auth,
		AuthTimeout:    o.AuthTimeout,
		Account:        s.global,
		MaxPending:     o.MaxPending,
		DropWhenSlow:   o.NoFastProducerStall,
		WriteDeadline:  o.WriteDeadline,
		PingInterval:   o.PingInterval,
		MaxPingsOut:    o.MaxPingsOut,
		Log:            &s.log,
		Stats:          &s.stats,
		Track:          &s.track,
	})
	return s, nil
}

// SetLogger says where log lines go, and whether debug and trace lines are among
// them. A nil Logger silences the server, as it is before the first call.
func (s *Server) SetLogger(l Logger, debug, trace bool) { s.log.Set(l, debug, trace) }

// Start binds the listener and begins to serve. It returns when clients can
// connect, or the reason why they can not. A server starts once.
func (s *Server) Start() error {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.phaseNow() != created {
		return errors.New("a server can be started only once")
	}
	s.announce()
	l, err := s.listen()
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.phase, s.listener = running, l
	s.mu.Unlock()
	close(s.ready)
	s.log.Noticef("Server is ready")
	return nil
}

func (s *Server) phaseNow() phase {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase
}

// announce logs the first lines (spec: command-line 9).
func (s *Server) announce() {
	commit := version.Commit()
	if commit == "" {
		commit = "not set"
	}
	s.log.Noticef("Starting nats-server")
	s.log.Noticef("  Version:  %s", Version)
	s.log.Noticef("  Git:      [%s]", commit)
	s.log.Debugf("  Go build: %s", runtime.Version())
	s.log.Noticef("  Name:     %s", s.opts.ServerName)
	s.log.Noticef("  ID:       %s", s.id)
	if s.auth.PlainPassword() {
		s.log.Warnf("Plaintext passwords detected, use nkeys or bcrypt")
	}
	if s.opts.MaxPayload > 8<<20 {
		s.log.Warnf("Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance")
	}
}

// listen binds the client listener, if there is to be one, and starts to accept.
func (s *Server) listen() (*listen.Listener, error) {
	host, port := s.opts.Host, s.opts.Port
	if s.opts.DontListen {
		return nil, s.setInfo(host, port)
	}
	if port == RandomPort {
		port = 0
	}
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	poller, err := conn.NewPoller()
	if err != nil {
		return nil, fmt.Errorf("preparing to watch sockets: %w", err)
	}
	l, err := listen.Bind(context.Background(), addr, poller, &s.log)
	if err != nil {
		poller.Close()
		//lint:ignore ST1005 scripts look for this text
		return nil, fmt.Errorf("Error listening on port: %s, %q", addr, err)
	}
	port = l.Addr().Port
	s.log.Noticef("Listening for client connections on %s", net.JoinHostPort(host, strconv.Itoa(port)))
	if err = s.setInfo(host, port); err == nil {
		err = l.Serve(s.clients.Serve)
	}
	if err != nil {
		l.Close()
		poller.Close()
		return nil, err
	}
	s.poller = poller
	return l, nil
}

func (s *Server) setInfo(host string, port int) error {
	info := wire.ServerInfo{
		ServerID:     s.id,
		ServerName:   s.opts.ServerName,
		Version:      Version,
		Proto:        1,
		GitCommit:    version.Commit(),
		Go:           runtime.Version(),
		Host:         host,
		Port:         port,
		Headers:      !s.opts.NoHeaderSupport,
		AuthRequired: s.auth.Required(),
		MaxPayload:   int(s.opts.MaxPayload),
	}
	t, err := info.Template()
	if err != nil {
		return fmt.Errorf("encoding INFO: %w", err)
	}
	s.clients.SetInfo(t)
	return nil
}
