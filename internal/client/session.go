package client

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/delivery"
	"nats-server/internal/insight"
	"nats-server/internal/interest"
	"nats-server/internal/wire"
)

// Session is one client.
type Session struct {
	hub    *Hub
	conn   *conn.Conn
	self   interest.Subscriber
	label  atomic.Pointer[label]
	sender *delivery.Sender
	acct   atomic.Pointer[account.Account] // changed by the reader, under mu, while there are no subscriptions

	// Of the reader.
	settings  *Settings        // as last seen
	seen      *interest.Rights // as last seen
	parser    wire.Parser
	maxSubs   int
	opts      wire.Options
	look      insight.Look
	ip        string
	headers   bool                        // INFO has promised them
	admitted  bool                        // has passed the gate, or there is none
	connected bool                        // has sent a CONNECT that was accepted
	greeted   bool                        // has had the PONG to its first PING after that
	alive     bool                        // has sent something in this read that shows it alive
	used      bool                        // has sent something in this read that is more than a sign of life
	received  struct{ msgs, bytes int64 } // in this read
	warned    bool                        // of the subject of a message whose payload has yet to come

	eligible atomic.Bool // may get an unsolicited INFO

	inside bool // the handshake came before INFO

	open  bool                             // no credentials were needed when it was accepted
	nonce string                           // to be signed with an nkey; "" if nobody has one
	creds atomic.Pointer[auth.Credentials] // those of the last CONNECT that was accepted
	bound atomic.Pointer[auth.Identity]    // whose it was; changed under mu
	tls   atomic.Pointer[secured]          // nil on a connection without TLS

	mu   sync.Mutex
	sids interest.Sids

	pos int // in Hub.sessions, whose mutex guards it
}

var (
	okLine   = []byte("+OK\r\n")
	pongLine = []byte("PONG\r\n")
)

// newSession makes a session that is told of set.
func newSession(h *Hub, open conn.Endpoint, set *Settings) *Session {
	s := &Session{hub: h, opts: wire.DefaultOptions(), headers: !set.NoHeaders}
	if set.Auth.Challenges() {
		s.nonce = auth.NewNonce()
	}
	s.conn = conn.New(open, h.nextID.Add(1), &h.conn)
	s.conn.Bind(s)
	if a, ok := s.conn.RemoteAddr().(*net.TCPAddr); ok {
		s.ip = a.IP.String()
	}
	s.self.Queue = &s.conn.Out
	s.self.Ended = s.expired
	s.self.NoHeaders.Store(true) // until CONNECT says otherwise
	s.acct.Store(h.cfg.Global)
	s.sender = delivery.NewSender(h.cfg.Global, &s.self, s.held)
	return s
}

// enter begins with the settings, which say whether there is a gate.
func (s *Session) enter(set *Settings) {
	s.adopt(set)
	s.open = !set.Auth.Required()
	s.admitted = s.open
	s.conn.ReadApart(!s.open)
}

// infoLine is the INFO for this client; it adds what does not vary in time.
func (s *Session) infoLine(set *Settings, c wire.PerClient) []byte {
	c.ID, c.IP = s.conn.ID, s.ip
	c.Cluster = s.hub.clusterFields(c.LameDuck)
	later := c.ConnectInfo || c.LameDuck || c.Later
	if later {
		if n := s.maxPayload(set); n < set.MaxPayload {
			c.MaxPayload = &n
		}
	}
	switch {
	case s.inside:
		return set.InfoInside.Append(nil, c)
	case later && set.InfoLater != nil:
		return set.InfoLater.Append(nil, c)
	case !later:
		c.Nonce = s.nonce
	}
	return set.Info.Append(nil, c)
}

// Consume implements conn.Session.
func (s *Session) Consume(b []byte) (used, need int, err error) {
	p := &s.parser
	if set := s.hub.settings.Load(); set != s.settings {
		s.adopt(set)
	}
	s.noticeRights()
	p.Begin()
	s.look.Begin(s.hub.cfg.Insight)
	trace := s.isTraced()
	for used < len(b) {
		if !s.admitted && b[used]|0x20 != 'c' {
			if err := s.comeInSilently(); err != nil {
				return used, 0, err
			}
		}
		verb, n := p.Next(b[used:])
		if verb == wire.None {
			if p.Need > 0 {
				s.announced(&p.Msg)
			}
			return used + n, p.Need, nil
		}
		if verb == wire.Connect && s.admitted && s.settings.Auth.TakesTime() && !s.conn.GoApart() {
			return used, 0, nil
		}
		if trace {
			s.traceIn(verb, b[used:used+n])
		}
		used += n
		if verb == wire.Pub {
			s.publish(&p.Msg)
			if s.look.On() {
				s.look.See(p.Msg.Subject, len(p.Msg.Body))
			}
			continue
		}
		if err := s.obey(verb); err != nil {
			return used, 0, err
		}
	}
	return used, 0, nil
}

// noticeRights follows a change of what the client may do.
func (s *Session) noticeRights() {
	if r := s.self.Rights.Load(); r != s.seen {
		s.seen = r
		s.sender.SetRights(r)
	}
}

// obey carries out any command but a publish.
func (s *Session) obey(verb wire.Verb) error {
	p := &s.parser
	switch verb {
	case wire.Ping:
		s.ping()
	case wire.Pong:
		s.conn.Pong()
	case wire.Sub:
		return s.subscribe(p.Arg)
	case wire.Unsub:
		return s.unsubscribe(p.Arg)
	case wire.Connect:
		return s.connect(p.Arg)
	case wire.Info:
		if !wire.ValidInfo(p.Arg) {
			return &conn.Verdict{Reason: conn.ProtocolViolation, Log: "INFO with bad JSON from a client"}
		}
	case wire.Broken:
		return s.broken(&p.Fault)
	}
	return nil
}

// broken is the verdict on broken grammar (spec: client-protocol 4, 5).
func (s *Session) broken(f *wire.Fault) error {
	if f.Payload {
		s.announced(&s.parser.Msg)
	}
	switch f.Kind {
	case wire.FaultControlLine:
		log := fmt.Sprintf("%s: max_control_line %d, %s", wire.ErrMaxControlLine, s.parser.Limits.ControlLine, f.Detail)
		return refusal(wire.ErrMaxControlLine, conn.MaxControlLineExceeded, log)
	case wire.FaultPayload:
		return refusal(wire.ErrMaxPayload, conn.MaxPayloadExceeded, wire.ErrMaxPayload+": "+f.Detail)
	case wire.FaultArguments:
		return &conn.Verdict{Reason: conn.ProtocolViolation, Log: f.Detail}
	case wire.FaultPeerError:
		return &conn.Verdict{Reason: conn.ParseError, Log: f.Detail}
	}
	return refusal(wire.ErrUnknownOp, conn.ProtocolViolation, wire.ErrUnknownOp+": "+f.Detail)
}

// ping answers a PING. Everything published or changed before it is in effect and
// queued by then (spec: client-protocol 22).
func (s *Session) ping() {
	s.alive = true
	s.sender.Commit()
	s.sender.Control(pongLine)
	if s.connected && !s.greeted {
		s.greet()
	}
}

// greet follows the first PONG after CONNECT with the INFO that holds what has
// been learnt since accept. From then on unsolicited INFOs may come.
func (s *Session) greet() {
	s.greeted = true
	if s.opts.Protocol < 1 {
		return
	}
	s.sender.Control(s.infoLine(s.settings, wire.PerClient{ConnectInfo: true, RemoteAccount: s.Account().Name}))
	s.sender.Commit()
	s.eligible.Store(true)
}

// Settle implements conn.Session. The bytes that Consume saw are still there.
func (s *Session) Settle() (hold func()) {
	if s.look.On() {
		s.look.End(s.acct.Load().Name)
	}
	r := &s.received
	if used := s.used || r.msgs > 0; used || s.alive {
		s.conn.Heard()
		if used {
			s.conn.Received(r.msgs, r.bytes)
		}
		r.msgs, r.bytes, s.used, s.alive = 0, 0, false, false
	}
	hold = s.sender.Settle()
	s.Account().Announce()
	return hold
}

// Ended implements conn.Session.
func (s *Session) Ended(conn.Reason) {
	last := s.lastFacts()
	defer s.hub.unregister(s, last)
	s.sender.Close()
	s.dropAll()
	s.Account().Announce()
}

// Close ends the session for a reason outside it.
func (s *Session) Close(r conn.Reason) { s.conn.Close(r) }

// held is told when this client's publishing was slowed down for its receivers.
func (s *Session) held(d time.Duration) {
	const worthTelling = 5 * time.Millisecond
	s.hub.cfg.Stats.Stalls.Add(1)
	if d >= worthTelling {
		s.hub.cfg.Log.Warnf("%s - Producer was stalled for a total of %v", s.conn, d.Round(time.Millisecond))
	}
}

// confirm says +OK to a client that wants it.
func (s *Session) confirm() {
	if s.opts.Verbose {
		s.sender.Control(okLine)
	}
}

// complain tells the client text and lets it go on.
func (s *Session) complain(text string) { s.sender.Control(wire.AppendErr(nil, text)) }
