package route

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"sync"
	"sync/atomic"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/delivery"
	"nats-server/internal/interest"
	"nats-server/internal/squeeze"
	"nats-server/internal/wire"
)

// Session is one route, or a connection that is to become one.
type Session struct {
	mesh   *Cluster
	conn   *conn.Conn
	dialed *target // nil if it was accepted
	// account is the one that the connection is for; "" = it is one of a pool, or the only
	// one. It is set before the connection is registered.
	account string
	self    interest.Subscriber
	link    interest.Link
	sender  *delivery.Sender

	// Of the reader.
	parser  wire.RouteParser
	state   state
	timed   bool                        // the time for CONNECT is limited
	verbose bool                        // each line is answered with +OK
	in      struct{ msgs, bytes int64 } // in this read
	silent  bool                        // the other server does not tell where it waits for answers of services
	used    bool                        // interest has come in this read
	delayed bool                        // INFO is to be sent when that of the other server has come
	// negotiated tells that it is settled whether there is compression, and switched that
	// it was just now that there is.
	negotiated, switched bool
	filling              bool // with the next PONG another connection is to be dialed
	moving               bool // with the next PONG it is known that it was taken, see moveLocked

	remoteName atomic.Pointer[string]
	numSubs    atomic.Int64

	// Changed under Cluster.mu.
	remoteID    string           // as far as known
	info        *wire.RouteInfo  // the peer's first, with ip filled in; nil before
	solicited   bool             // is dialed anew when it ends
	explicit    bool             // to a configured server
	retry       bool             // is dialed anew though it was accepted
	noReconnect bool             // is not dialed anew
	url         *url.URL         // where to dial it
	creds       auth.Credentials // that it presented
	cert        *secured         // nil without TLS
	export      *wire.Rules      // of the peer, as last told
	member      *member          // its server, while it is registered
	compression string           // mode of this side; as configured until it is settled
	codec       *squeeze.Codec   // nil without compression
	slot        int              // its place there, if it is not for one account
	poolSize    int              // how many such places there are, as both servers see it

	mu      sync.Mutex // also held while one of them changes its account's interest
	remotes map[*account.Account]*interest.Remotes
	replies replies
	asleep  map[string]bool // accounts in which what it wants over s has no effect: see sleep
	rules   *Rules          // of what it may ask for
}

// newSession makes the session of a connection that was accepted, or dialed for t.
func (c *Cluster) newSession(open conn.Endpoint, id uint64, t *target) *Session {
	s := &Session{
		mesh: c, dialed: t, remotes: make(map[*account.Account]*interest.Remotes), asleep: make(map[string]bool),
		state: awaitConnect,
	}
	if t != nil {
		s.state = awaitInfo
		s.solicited, s.explicit, s.url, s.account = true, t.explicit, t.url, t.account
	}
	s.conn = conn.New(open, id, &c.conn)
	s.conn.Bind(s)
	s.self.Queue, s.self.Link, s.self.Ended = &s.conn.Out, &s.link, s.answered
	s.sender = delivery.NewRouted(&s.self)
	set := c.settings.Load()
	s.rules = set.Export
	s.self.Rights.Store(set.exportRights())
	return s
}

// Consume implements conn.Session.
func (s *Session) Consume(b []byte) (used, need int, err error) {
	p := &s.parser
	p.Limits = wire.Limits{ControlLine: s.mesh.settings.Load().ControlLine, Payload: math.MaxInt, Headers: true}
	p.Begin()
	trace := s.mesh.cfg.Log.TraceOn()
	for used < len(b) {
		verb, n := p.Next(b[used:])
		if verb == wire.None {
			if s.state != active && p.Need > p.Limits.ControlLine { // nothing is kept for who knows whom
				return used, 0, s.tooEarly()
			}
			return used + n, p.Need, nil
		}
		if trace {
			s.traceIn(verb, b[used:used+n])
		}
		used += n
		if err := s.obey(verb); err != nil {
			return used, 0, err
		}
		if s.switched {
			s.switched = false
			return used, 0, nil // what follows is compressed
		}
	}
	return used, 0, nil
}

// obey carries out one command, as far as the handshake has come.
func (s *Session) obey(verb wire.Verb) error {
	p := &s.parser
	switch verb {
	case wire.Broken:
		return broken(&p.Fault)
	case wire.PeerError:
		return &conn.Verdict{Reason: conn.ParseError, Log: fmt.Sprintf("Route Error %s", p.Arg)}
	}
	if s.state == awaitConnect && verb != wire.Connect {
		return s.violation()
	}
	switch verb {
	case wire.Connect:
		return s.connect(p.Arg)
	case wire.Info:
		return s.receiveInfo(p.Arg)
	case wire.Ping:
		s.sender.Control(pongLine)
	case wire.Pong:
		s.conn.Pong()
		if s.filling {
			s.filling = false
			s.mesh.fill(s)
		}
		if s.moving {
			s.moving = false
			s.mesh.taken(s)
		}
		s.adapt()
	case wire.RMsg, wire.RSub, wire.RUnsub, wire.LSub, wire.LUnsub:
		if s.state != active {
			return s.tooEarly()
		}
		s.traffic(verb)
		if s.verbose {
			s.sender.Control(okLine)
		}
	}
	return nil
}

// tooEarly is the verdict on messages or interest before the handshake is over.
func (s *Session) tooEarly() error {
	if s.state == awaitConnect {
		return s.violation()
	}
	return &conn.Verdict{Reason: conn.ProtocolViolation, Log: "messages or interest before INFO"}
}

var (
	pongLine = []byte("PONG\r\n")
	okLine   = []byte("+OK\r\n")
)

// traffic is what flows on an established route.
func (s *Session) traffic(verb wire.Verb) {
	p := &s.parser
	switch verb {
	case wire.RMsg:
		s.message(&p.Msg)
	case wire.RSub, wire.LSub:
		s.used = true
		s.addInterest(&p.Interest)
	default:
		s.used = true
		s.dropInterest(&p.Interest)
	}
}

// message takes one from the other server (spec: cluster-routes 14).
func (s *Session) message(m *wire.RoutedMsg) {
	s.in.msgs++
	s.in.bytes += int64(len(m.Body))
	a := s.accountOf(m.Account)
	if a == nil {
		s.mesh.cfg.Log.Debugf("%s - Unknown account %q for routed message on subject: %q", s.conn, m.Account, m.Subject)
		return
	}
	if s.silent {
		s.expect(a, m)
	}
	s.sender.Forward(a, m)
}

// broken is the verdict on broken grammar (spec: cluster-routes 12.4).
func broken(f *wire.Fault) error {
	switch f.Kind {
	case wire.FaultControlLine:
		return refusal(wire.ErrMaxControlLine, conn.MaxControlLineExceeded, wire.ErrMaxControlLine+": "+f.Detail)
	case wire.FaultArguments:
		return &conn.Verdict{Reason: conn.ProtocolViolation, Log: f.Detail}
	}
	return refusal(wire.ErrUnknownOp, conn.ProtocolViolation, "Router parser ERROR: "+f.Detail)
}

// Settle implements conn.Session. Nobody holds a server back.
func (s *Session) Settle() func() {
	if s.in.msgs > 0 || s.used {
		s.conn.Received(s.in.msgs, s.in.bytes)
		s.in.msgs, s.in.bytes, s.used = 0, 0, false
	}
	hold := s.sender.Settle()
	s.mesh.Settle()
	return hold
}

// Ended implements conn.Session.
func (s *Session) Ended(r conn.Reason) {
	s.sender.Close()
	s.mesh.left(s)
}

// Label implements conn.Session. Routes have none.
func (s *Session) Label() (peer, user string) { return "", "" }

// logEnd logs the end of a route (spec: cluster-routes 12.4).
func (c *Cluster) logEnd(of conn.Session, r conn.Reason) {
	s := of.(*Session)
	remote := ""
	if name := s.remoteName.Load(); name != nil {
		remote = " - Remote: " + *name
	}
	c.cfg.Log.Noticef("%s - Router connection closed: %s%s", s.conn, r, remote)
}

// addr is the address of the peer as a URL has it.
func (s *Session) addr() string {
	if a, ok := s.conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.IP.String()
	}
	return s.conn.RemoteAddr().String()
}
