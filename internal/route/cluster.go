package route

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"nats-server/internal/conn"
	"nats-server/internal/ids"
	"nats-server/internal/wire"
)

// Cluster is this server's part of it. It is safe for concurrent use.
type Cluster struct {
	cfg      Config
	conn     conn.Config
	settings atomic.Pointer[Settings]
	imports  atomic.Pointer[imports]
	links    atomic.Pointer[view] // of the registered ones; replaced under mu
	name     atomic.Pointer[name] // changed under mu
	unsent   atomic.Bool          // interest was appended to links since the last Settle

	ctx    context.Context // of dialing
	cancel context.CancelFunc
	work   sync.WaitGroup // goroutines that are not those of a connection
	turns  chan struct{}  // holds one for each attempt to dial a server by hearsay

	telling sync.Mutex // held from looking what clients are to know until they do

	mu       sync.Mutex
	sessions map[uint64]*Session // all that have begun and not ended
	past     past
	members  map[string]*member // by the other server's id
	learnt   learnt
	dialing  map[place]bool        // servers learnt by gossip that are being dialed
	heard    map[place]bool        // those of which it is not known yet whether they are there
	raw      map[net.Conn]struct{} // in the TLS handshake
	closing  bool
}

// Timing of the protocol (spec: cluster-routes 2, 3, 12.1).
const (
	dialTimeout = time.Second
	retryDelay  = time.Second
	mostDelay   = 30 * time.Second
	firstPing   = time.Second
)

// New returns a cluster of one. Apply and then Start must follow.
func New(cfg Config) *Cluster {
	c := &Cluster{
		cfg:      cfg,
		sessions: make(map[uint64]*Session),
		members:  make(map[string]*member),
		dialing:  make(map[place]bool),
		heard:    make(map[place]bool),
		turns:    make(chan struct{}, mostTurns),
		raw:      make(map[net.Conn]struct{}),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.links.Store(new(view))
	c.conn = conn.Config{
		Kind:       "rid",
		Name:       "Router",
		PingLine:   []byte("PING\r\n"),
		FirstPing:  firstPing,
		PingAlways: true,
		Closed:     c.logEnd,
		Stale:      *refusal(wire.ErrStale, conn.StaleConnection, ""),
		Late:       *refusal(wire.ErrAuthTimeout, conn.AuthenticationTimeout, ""),
		Log:        cfg.Log,
		Stats:      cfg.Stats,
		Track:      cfg.Track,
	}
	return c
}

// Apply makes the first settings those in force. Later ones are for Reload.
func (c *Cluster) Apply(s Settings) {
	defer c.tell()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store(&s)
	c.imports.Store(&imports{now: s.Import})
	c.name.Store(&name{text: s.Name})
	if s.Name == "" {
		c.name.Store(&name{text: ids.Random(), dynamic: true})
	}
}

func (c *Cluster) store(s *Settings) {
	c.settings.Store(s)
	c.conn.SetLimits(s.Conn)
}

// UsePoller makes p watch the sockets that are dialed. It is called before Start.
func (c *Cluster) UsePoller(p *conn.Poller) { c.cfg.Poller = p }

// Start dials the configured routes. Connections may be given to Accept before.
func (c *Cluster) Start() {
	for _, u := range c.settings.Load().Routes {
		c.solicitAll(target{url: u, explicit: true})
	}
}

// Name is the name of the cluster, and whether it was generated.
func (c *Cluster) Name() (name string, dynamic bool) {
	n := c.name.Load()
	return n.text, n.dynamic
}

// Stop ends all routes and does not dial any more. It returns when nothing is announced
// any more and no goroutine is left but those of connections that are ending.
func (c *Cluster) Stop() {
	c.mu.Lock()
	c.closing = true
	c.links.Store(new(view))
	all := c.allLocked()
	for nc := range c.raw {
		nc.Close()
	}
	c.mu.Unlock()
	c.cancel()
	for _, s := range all {
		s.conn.Close(conn.ServerShutdown)
	}
	c.work.Wait()
}

// spawn runs f in a goroutine that Stop waits for, unless it has been called.
func (c *Cluster) spawn(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.work.Go(f)
	}
}

// enter makes s one of the cluster's sessions, or reports false if it is too late.
func (c *Cluster) enter(s *Session) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.sessions[s.conn.ID] = s
	return true
}

func (c *Cluster) allLocked() []*Session {
	all := make([]*Session, 0, len(c.sessions))
	for _, s := range c.sessions {
		all = append(all, s)
	}
	return all
}

// registeredLocked returns the sessions that are registered.
func (c *Cluster) registeredLocked() (all []*Session) {
	for _, m := range c.members {
		m.each(func(s *Session) { all = append(all, s) })
	}
	return all
}

// Len returns how many routes there are: connections, of which there may be several to
// one server.
func (c *Cluster) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.registeredLocked())
}

// refusal is a verdict that tells the peer text.
func refusal(text string, reason conn.Reason, log string) *conn.Verdict {
	return &conn.Verdict{Line: string(wire.AppendErr(nil, text)), Reason: reason, Log: log}
}
