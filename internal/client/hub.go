package client

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/facts"
	"nats-server/internal/insight"
	"nats-server/internal/logs"
	"nats-server/internal/wire"
)

// Settings are what may change while sessions go on.
type Settings struct {
	MaxConnections int // 0 = nobody
	MaxSubs        int // per connection; 0 = no limit
	MaxSubTokens   int // 0 = no limit
	MaxControlLine int
	MaxPayload     int
	NoHeaders      bool // for sessions to come
	MaxTraced      int  // bytes of a payload that a trace shows; 0 = all
	TraceHeaders   bool // traces show headers, not payloads
	Auth           *auth.Directory
	Accounts       map[string]Account // by name: all but the global one
	Untraced       *account.Account   // whose connections are not traced; nil = none
	AuthTimeout    time.Duration
	TLS            *TLS // nil without
	Conn           conn.Limits
	Info           *wire.InfoTemplate // of INFO lines to come
	InfoInside     *wire.InfoTemplate // the same, where the handshake comes first
	InfoLater      *wire.InfoTemplate // the same, for those who have come in; nil = no difference
}

// Config is what the sessions of a server have in common. It is immutable.
type Config struct {
	Global  *account.Account // of those who have not come in, or into no other
	Log     *logs.Log
	Stats   *conn.Stats
	Insight *insight.Sampler // looks at what is published; nil = nobody does
	Track   *sync.WaitGroup  // counts sessions until their last goroutine has ended

	// Closed is told of every connection that has ended, refused ones included. It must
	// not wait. nil = nobody wants to know.
	Closed func(*facts.Connection)
}

// Hub knows the sessions of a server. It is safe for concurrent use.
type Hub struct {
	cfg      Config
	conn     conn.Config
	settings atomic.Pointer[Settings]
	cluster  atomic.Pointer[clusterFields] // nil until SetCluster
	nextID   atomic.Uint64

	mu       sync.Mutex
	sessions []listed // in no order; each knows its place
	closing  bool     // no new sessions
	totals   totals
}

// listed is a present session and its id, which one who sorts many need not fetch from
// all over the memory.
type listed struct {
	id uint64
	*Session
}

// Each calls f for every present session, in no order. f must be quick, as nobody can
// connect meanwhile.
func (h *Hub) Each(f func(id uint64, s *Session)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sessions {
		f(s.id, s.Session)
	}
}

// NewHub returns a Hub without sessions. Apply must be called before Serve.
func NewHub(cfg Config) *Hub {
	h := &Hub{cfg: cfg, totals: newTotals()}
	h.conn = conn.Config{
		Kind:     "cid",
		Name:     "Client",
		PingLine: []byte("PING\r\n"),
		Stale:    *refusal(wire.ErrStale, conn.StaleConnection, ""),
		Late:     *refusal(wire.ErrAuthTimeout, conn.AuthenticationTimeout, wire.ErrAuthTimeout),
		Log:      cfg.Log,
		Stats:    cfg.Stats,
		Track:    cfg.Track,
	}
	h.conn.Late.Quiet = true
	return h
}

// Apply makes the settings those of all sessions, present ones included, which
// notice with their next read. What follows for sessions that the settings would not
// let in is for Revalidate and Shrink.
func (h *Hub) Apply(s Settings) {
	h.settings.Store(&s)
	h.conn.SetLimits(s.Conn)
}

// Len returns the number of sessions.
func (h *Hub) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions)
}

// Serve begins the session of an accepted connection. It does not wait for
// anything. The order of what happens first is that of spec: client-protocol 1.
func (h *Hub) Serve(open conn.Endpoint) {
	set := h.settings.Load()
	s := newSession(h, open, set)
	s.conn.Out.Append(s.infoLine(set, wire.PerClient{}))
	if h.enter(s) {
		s.conn.Out.Flush(true)
		s.begin()
	}
}

// enter registers a new session, or refuses it and reports false.
func (h *Hub) enter(s *Session) bool {
	switch accepted, full := h.register(s); {
	case full:
		s.conn.Refuse(refusal(wire.ErrMaxConnections, conn.MaxConnectionsExceeded, wire.ErrMaxConnections))
		h.refused(s.lastFacts())
		return false
	case !accepted:
		s.conn.Refuse(&conn.Verdict{Reason: conn.ServerShutdown})
		return false
	}
	if h.cfg.Log.DebugOn() {
		h.cfg.Log.Debugf("%s - Client connection created", s.conn)
	}
	return true
}

// begin starts to read, and the timers of a new session.
func (s *Session) begin() {
	if !s.admitted {
		s.conn.Await(s.settings.AuthTimeout)
	} else {
		s.conn.StartPings()
	}
	s.conn.Start()
}

// register enters s unless the server is full or closing. The settings are those in
// force by then: Revalidate and Shrink, which follow Apply, see s if these are older.
func (h *Hub) register(s *Session) (accepted, full bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.enter(h.settings.Load())
	if h.closing {
		return false, false
	}
	if len(h.sessions) >= s.settings.MaxConnections {
		return false, true
	}
	s.pos = len(h.sessions)
	h.sessions = append(h.sessions, listed{s.conn.ID, s})
	h.totals.accepted++
	h.totals.enter(s)
	s.Account().Join(math.MaxInt)
	return true, false
}

// unregister takes a session off, of which last is known at the end.
func (h *Hub) unregister(s *Session, last *facts.Connection) {
	h.mu.Lock()
	end := len(h.sessions) - 1
	moved := h.sessions[end]
	h.sessions[s.pos], moved.pos = moved, s.pos
	h.sessions[end] = listed{}
	h.sessions = h.sessions[:end]
	h.totals.leave(s)
	s.Account().Leave()
	h.mu.Unlock()
	h.tellClosed(last)
}

// Close refuses new sessions from now on.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closing = true
}

// Sessions returns the present sessions, in no order.
func (h *Hub) Sessions() []*Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*Session, len(h.sessions))
	for i, s := range h.sessions {
		all[i] = s.Session
	}
	return all
}

// AnnounceLameDuck tells every session that can take an unsolicited INFO that
// the server is about to go (spec: client-protocol 2.1).
func (h *Hub) AnnounceLameDuck() {
	for _, s := range h.Sessions() {
		if s.eligible.Load() {
			s.conn.Out.Append(s.infoLine(h.settings.Load(), wire.PerClient{LameDuck: true}))
			s.conn.Out.Flush(true)
		}
	}
}

// refusal is a verdict that tells the peer text.
func refusal(text string, reason conn.Reason, log string) *conn.Verdict {
	return &conn.Verdict{Line: string(wire.AppendErr(nil, text)), Reason: reason, Log: log}
}
