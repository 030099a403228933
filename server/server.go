package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/client"
	"nats-server/internal/conn"
	"nats-server/internal/facts"
	"nats-server/internal/ids"
	"nats-server/internal/listen"
	"nats-server/internal/logs"
	"nats-server/internal/options"
	"nats-server/internal/perms"
	"nats-server/internal/route"
	"nats-server/internal/tlsconf"
	"nats-server/internal/version"
	"nats-server/internal/wire"
)

// Options are the settings of a server.
type Options = options.Options

// User is one who may connect, for Options.Users and Account.Users.
type User = options.User

// Account is a subject space of its own, for Options.Accounts.
type (
	Account       = options.Account
	AccountLimits = options.AccountLimits
)

// What an embedding program needs to decide who may connect, for Options.CustomAuth.
type (
	Authenticator = auth.Authenticator
	Login         = auth.Login
	Grant         = auth.Grant
)

// What a User may do.
type (
	Permissions         = perms.Config
	SubjectPermission   = perms.Rules
	ResponsePermissions = perms.Responses
)

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
	opts  atomic.Pointer[Options] // complete; replaced by a reload
	id    string
	log   logs.Log
	stats conn.Stats // of clients

	routeStats conn.Stats
	accounts   *account.Registry
	clients    *client.Hub
	cluster    *route.Cluster // nil if the server is alone
	rate       *tlsconf.Rate  // of TLS connections
	turns      chan struct{}  // an element for each TLS handshake that is being computed
	track      sync.WaitGroup // sessions
	ready      chan struct{}  // closed when clients can connect
	leaving    chan struct{}  // closed when shutdown begins
	done       chan struct{}  // closed when everything has ended

	created      time.Time
	loaded       atomic.Pointer[time.Time]  // when the configuration was
	certificates atomic.Pointer[tls.Config] // those for clients; nil without
	monitoring   monitoring
	system       atomic.Pointer[systemService] // nil without; replaced under starting

	starting sync.Mutex      // held by Start and ReloadOptions
	poller   *conn.Poller    // nil without client listener; under starting
	auth     *auth.Directory // under starting
	tls      *client.TLS     // nil without; under starting

	mu       sync.Mutex
	phase    phase
	started  bool             // the phase was running once
	listener *listen.Listener // nil before Start and without client listener
	routes   *listen.Listener // of other servers; nil before Start and without cluster
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
	s := &Server{
		id:       id,
		accounts: account.NewRegistry(),
		ready:    make(chan struct{}),
		leaving:  make(chan struct{}),
		done:     make(chan struct{}),
		// One processor is left to those who are in, if there are two.
		turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)),
	}
	s.rate = s.newRate()
	s.limitRate(&o)
	s.opts.Store(&o)
	s.created = time.Now()
	s.loaded.Store(&s.created)
	s.accounts.Set(o.AccountNames())
	s.auth = auth.New(s.credentials(&o))
	if s.tls, err = s.security(&o); err != nil {
		return nil, err
	}
	s.clients = client.NewHub(client.Config{
		Global:  s.accounts.Global(),
		Log:     &s.log,
		Stats:   &s.stats,
		Track:   &s.track,
		Insight: &s.monitoring.look,
		Closed:  func(f *facts.Connection) { s.monitoring.closed.Add(f) },
	})
	s.newMonitoring(&o)
	s.useCertificates(s.tls)
	if err := s.newCluster(&o); err != nil {
		return nil, err
	}
	return s, nil
}

// credentials are those that clients must present. The options are complete, so that
// permissions compile.
func (s *Server) credentials(o *Options) auth.Config {
	cfg := auth.Config{
		Token: o.Authorization, User: o.Username, Password: o.Password, NoAuthUser: o.NoAuthUser,
		Open: o.OpenToAll(), Custom: o.CustomAuth,
	}
	if o.TLS != nil && o.TLS.VerifyAndMap {
		cfg.MapCertificate = s.mapCertificate
	}
	users, accounts := o.AllUsers()
	for i, u := range users {
		user := auth.User{Name: u.Username, Password: u.Password, Nkey: u.Nkey, Account: accounts[i], Types: u.ConnectionTypes}
		if u.Permissions != nil {
			user.Permissions, _ = u.Permissions.Compile()
		}
		cfg.Users = append(cfg.Users, user)
	}
	return cfg
}

// accountSettings are those of all accounts in force but the global one.
func (s *Server) accountSettings(o *Options) map[string]client.Account {
	all := make(map[string]client.Account)
	for _, name := range o.AccountNames() {
		all[name] = client.Account{Account: s.accounts.Lookup(name)}
	}
	for _, a := range o.Accounts {
		all[a.Name] = client.Account{
			Account:        s.accounts.Lookup(a.Name),
			MaxConnections: a.Limits.MaxConnections,
			MaxSubs:        a.Limits.MaxSubscriptions,
			MaxPayload:     a.Limits.MaxPayload,
		}
	}
	return all
}

// useAccounts completes the settings by the accounts of the options, which must be in
// force.
func (s *Server) useAccounts(o *Options, set *client.Settings) {
	set.Accounts = s.accountSettings(o)
	if !o.TraceVerbose {
		set.Untraced = set.Accounts[o.System()].Account
	}
}

// settings are what the options mean for clients, who are told the address given.
func (s *Server) settings(o *Options, dir *auth.Directory, tls *client.TLS, host string, port int) (client.Settings, error) {
	host, port, err := o.Advertised(host, port)
	if err != nil {
		return client.Settings{}, err
	}
	line := s.info(o, dir, host, port)
	info, err := line.Template()
	if err != nil {
		return client.Settings{}, fmt.Errorf("encoding INFO: %w", err)
	}
	later, inside := line, line
	later.AuthRequired = dir.Required()
	inside.TLSRequired, inside.TLSAvailable = o.TLS != nil, false
	infoLater, _ := later.Template() // what could be encoded before still can
	infoInside, _ := inside.Template()
	maxPayload := int(o.MaxPayload)
	if maxPayload < 0 {
		maxPayload = math.MaxInt32
	}
	return client.Settings{
		MaxConnections: max(o.MaxConn, 0),
		MaxSubs:        o.MaxSubs,
		MaxSubTokens:   o.MaxSubTokens,
		MaxControlLine: int(o.MaxControlLine),
		MaxPayload:     maxPayload,
		NoHeaders:      o.NoHeaderSupport,
		MaxTraced:      o.MaxTracedMsgLen,
		TraceHeaders:   o.TraceHeaders,
		Auth:           dir,
		AuthTimeout:    o.AuthTimeout,
		TLS:            tls,
		Conn: conn.Limits{
			MaxPending:    o.MaxPending,
			DropWhenSlow:  o.NoFastProducerStall,
			WriteDeadline: o.WriteDeadline,
			PingInterval:  o.PingInterval,
			MaxPingsOut:   o.MaxPingsOut,
		},
		Info:       info,
		InfoInside: infoInside,
		InfoLater:  infoLater,
	}, nil
}

// info is what the greeting of clients says, who are told the address given.
func (s *Server) info(o *Options, dir *auth.Directory, host string, port int) wire.ServerInfo {
	return wire.ServerInfo{
		ServerID:     s.id,
		ServerName:   s.nameFor(o),
		Version:      Version,
		Proto:        1,
		GitCommit:    version.Commit(),
		Go:           runtime.Version(),
		Host:         host,
		Port:         port,
		Headers:      !o.NoHeaderSupport,
		AuthRequired: dir.Announced(),
		TLSRequired:  o.TLS != nil && !o.AllowNonTLS,
		TLSVerify:    o.TLS != nil && o.TLS.ClientCerts(),
		TLSAvailable: o.TLS != nil && o.AllowNonTLS,
		MaxPayload:   int(max(o.MaxPayload, -1)),
	}
}

// nameFor is the server's name with the options given.
func (s *Server) nameFor(o *Options) string {
	if o.ServerName == "" {
		return s.id
	}
	return o.ServerName
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
	x, err := s.bindSites(nil, s.opts.Load())
	if err != nil {
		return err
	}
	s.serveSites(nil, s.opts.Load(), x) // first, so that a start can be watched
	if err := s.bind(); err != nil {
		s.endMonitoring()
		return err
	}
	s.mu.Lock()
	s.phase, s.started = running, true
	s.mu.Unlock()
	close(s.ready)
	s.serveSystem(s.opts.Load())
	s.joinCluster()
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
	o := s.opts.Load()
	if s.cluster != nil {
		s.log.Noticef("  Cluster:  %s", s.ClusterName())
	}
	s.log.Noticef("  Name:     %s", s.nameFor(o))
	s.log.Noticef("  ID:       %s", s.id)
	if s.auth.PlainPassword() {
		s.log.Warnf("Plaintext passwords detected, use nkeys or bcrypt")
	}
	if o.MaxConn < 0 {
		s.log.Warnf("max_connections is 0: every client will be refused")
	}
	if o.ConfigFile != "" {
		s.log.Noticef("Using configuration file: %s (%s)", o.ConfigFile, o.ConfigDigest)
	}
	if o.MaxPayload > 8<<20 {
		s.log.Warnf("Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance")
	}
}

// bind makes every listener, so that all ports are known, and starts to accept.
func (s *Server) bind() error {
	o := s.opts.Load()
	if !o.DontListen || s.cluster != nil {
		poller, err := conn.NewPoller()
		if err != nil {
			return fmt.Errorf("preparing to watch sockets: %w", err)
		}
		s.poller = poller
	}
	routes, err := s.listenForRoutes(o)
	if err == nil {
		var l *listen.Listener
		if l, err = s.listen(); err == nil {
			s.mu.Lock()
			s.listener, s.routes = l, routes
			s.mu.Unlock()
			return nil
		}
		if routes != nil {
			routes.Close()
		}
	}
	if s.poller != nil {
		s.poller.Close()
	}
	return err
}

// listen binds the client listener, if there is to be one, and starts to accept.
func (s *Server) listen() (*listen.Listener, error) {
	o := s.opts.Load()
	host, port := o.Host, o.Port
	if o.DontListen {
		return nil, s.open(host, port)
	}
	if port == RandomPort {
		port = 0
	}
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	l, err := listen.Bind(context.Background(), addr, s.poller, &s.log)
	if err != nil {
		//lint:ignore ST1005 scripts look for this text
		return nil, fmt.Errorf("Error listening on port: %s, %q", addr, err)
	}
	port = l.Addr().Port
	s.log.Noticef("Listening for client connections on %s", net.JoinHostPort(host, strconv.Itoa(port)))
	s.announceTLS(o)
	if err = s.open(host, port); err == nil {
		err = l.Serve(func(a listen.Accepted) { s.clients.Accept(a) })
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// open begins to let clients in, who are told the address given.
func (s *Server) open(host string, port int) error {
	set, err := s.settings(s.opts.Load(), s.auth, s.tls, host, port)
	if err != nil {
		return err
	}
	s.useAccounts(s.opts.Load(), &set)
	s.clients.Apply(set)
	return nil
}
