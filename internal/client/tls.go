package client

import (
	"bufio"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"nats-server/internal/conn"
	"nats-server/internal/wire"
)

// TLS says how connections are secured (spec: client-protocol 17, accounts-and-auth
// 9). It is immutable.
type TLS struct {
	Config   *tls.Config
	Timeout  time.Duration                    // for the handshake
	Optional bool                             // clients may go without
	First    bool                             // the handshake comes before INFO
	Wait     time.Duration                    // with First: INFO goes first after this silence; 0 = never
	Accept   func(now time.Time) bool         // whether another handshake may begin now; nil = always
	Turns    chan struct{}                    // an element for each handshake that is being computed; nil = no limit
	Verify   func(*tls.ConnectionState) error // after the handshake
}

// Accepted is a connection that has just been accepted. One of its methods is called,
// once.
type Accepted interface {
	Endpoint() conn.Endpoint
	Conn() (net.Conn, error)
}

// Accept begins the session of an accepted connection, with TLS if the settings say
// so. It does not wait for anything.
func (h *Hub) Accept(a Accepted) {
	t := h.settings.Load().TLS
	if t == nil {
		h.Serve(a.Endpoint())
		return
	}
	nc, err := a.Conn()
	if err != nil {
		h.cfg.Log.Errorf("Error accepting a TLS connection: %v", err)
		return
	}
	h.serveTLS(nc, t)
}

// serveTLS begins the session of an accepted connection as t says.
func (h *Hub) serveTLS(nc net.Conn, t *TLS) {
	up := &upgrade{raw: nc}
	up.use(nc)
	set := h.settings.Load()
	s := newSession(h, conn.Stream(up), set)
	h.cfg.Track.Add(1) // beside the session's own, for this goroutine
	go func() {
		defer h.cfg.Track.Done()
		// A client that is refused is to see INFO before, if it would have seen it.
		if !t.First {
			s.greetInClear(up, set, t)
		}
		if !h.enter(s) {
			return
		}
		if v := s.secure(up, set, t); v != nil {
			s.conn.Refuse(v)
			h.unregister(s, s.lastFacts())
			return
		}
		s.begin()
	}()
}

// greetInClear sends INFO. If that fails, the next read or write will, too.
func (s *Session) greetInClear(up *upgrade, set *Settings, t *TLS) {
	up.raw.SetWriteDeadline(time.Now().Add(t.Timeout))
	up.raw.Write(s.infoLine(set, wire.PerClient{}))
}

// secure goes through the handshake and what comes before it. The verdict is nil if
// the session can begin.
func (s *Session) secure(up *upgrade, set *Settings, t *TLS) *conn.Verdict {
	if t.Accept != nil && !t.Accept(time.Now()) {
		return refusal(wire.ErrThrottled, conn.MaxConnectionsExceeded, "")
	}
	s.inside = t.First
	if t.First && t.Wait > 0 && !up.speaks(t.Wait) {
		s.inside = false
		s.greetInClear(up, set, t)
	}
	if !s.inside && t.Optional && !up.speaksTLS(t.Timeout) {
		up.use(&replay{Conn: up.raw, in: up.in})
		up.raw.SetDeadline(time.Time{})
		return nil
	}
	if err := s.handshake(up, t); err != nil {
		return s.failed(err)
	}
	if s.inside {
		s.conn.Out.Append(s.infoLine(set, wire.PerClient{}))
		s.conn.Out.Flush(true)
	}
	return nil
}

// failed is the verdict on a handshake that has failed. What scanners and clients
// without TLS cause is no news for the operator.
func (s *Session) failed(err error) *conn.Verdict {
	log := s.hub.cfg.Log.Errorf
	var header tls.RecordHeaderError
	if errors.As(err, &header) || errors.Is(err, os.ErrDeadlineExceeded) {
		log = s.hub.cfg.Log.Debugf
	}
	log("%s - TLS handshake error: %v%s", s.conn, err, unverified(err))
	return &conn.Verdict{Reason: conn.TLSHandshakeError}
}

// unverified says whose certificate it is that could not be verified.
func unverified(err error) string {
	var failed *tls.CertificateVerificationError
	if !errors.As(err, &failed) || len(failed.UnverifiedCertificates) == 0 {
		return ""
	}
	c := failed.UnverifiedCertificates[0]
	return fmt.Sprintf(" (%s SHA-256: %x)", c.Subject, sha256.Sum256(c.Raw))
}

func (s *Session) handshake(up *upgrade, t *TLS) error {
	log := s.hub.cfg.Log
	log.Debugf("%s - Starting TLS client connection handshake", s.conn)
	lower := &turning{Conn: &replay{Conn: up.raw, in: up.in}, turns: t.Turns, deadline: time.Now().Add(t.Timeout), gone: s.conn.Closed}
	up.raw.SetDeadline(lower.deadline)
	over := tls.Server(lower, t.Config)
	err := over.Handshake()
	lower.end()
	if err != nil {
		return err
	}
	state := over.ConnectionState()
	if t.Verify != nil {
		if err := t.Verify(&state); err != nil {
			return err
		}
	}
	up.raw.SetDeadline(time.Time{})
	s.tls.Store(&secured{state, s.inside})
	up.use(over)
	log.Debugf("%s - TLS handshake complete", s.conn)
	log.Debugf("%s - TLS version %s, cipher suite %s", s.conn,
		strings.TrimPrefix(tls.VersionName(state.Version), "TLS "), tls.CipherSuiteName(state.CipherSuite))
	return nil
}

// secured is what is known of a peer after the handshake.
type secured struct {
	state tls.ConnectionState
	first bool // the handshake came before anything else
}

// certificate is the one that the peer has presented, or nil.
func (s *secured) certificate() *x509.Certificate {
	if s == nil || len(s.state.PeerCertificates) == 0 {
		return nil
	}
	return s.state.PeerCertificates[0]
}

// Unpin ends the sessions whose certificates the settings do not accept any more, and
// returns how many that were.
func (h *Hub) Unpin() (n int) {
	t := h.settings.Load().TLS
	if t == nil || t.Verify == nil {
		return 0
	}
	for _, s := range h.Sessions() {
		if over := s.tls.Load(); over != nil && t.Verify(&over.state) != nil {
			s.Close(conn.TLSHandshakeError)
			n++
		}
	}
	return n
}

// upgrade is a connection that becomes another one before its session begins. It may
// be closed at any time.
type upgrade struct {
	net.Conn // only to have all methods; see now
	raw      net.Conn
	in       *bufio.Reader // what was read to see how the peer begins; nil if nothing was
	now      atomic.Pointer[net.Conn]
}

func (u *upgrade) use(nc net.Conn) { u.now.Store(&nc) }

func (u *upgrade) Read(b []byte) (int, error)         { return (*u.now.Load()).Read(b) }
func (u *upgrade) Write(b []byte) (int, error)        { return (*u.now.Load()).Write(b) }
func (u *upgrade) Close() error                       { return (*u.now.Load()).Close() }
func (u *upgrade) LocalAddr() net.Addr                { return u.raw.LocalAddr() }
func (u *upgrade) RemoteAddr() net.Addr               { return u.raw.RemoteAddr() }
func (u *upgrade) SetDeadline(t time.Time) error      { return (*u.now.Load()).SetDeadline(t) }
func (u *upgrade) SetReadDeadline(t time.Time) error  { return (*u.now.Load()).SetReadDeadline(t) }
func (u *upgrade) SetWriteDeadline(t time.Time) error { return (*u.now.Load()).SetWriteDeadline(t) }

// speaks reports whether the peer says something within d.
func (u *upgrade) speaks(d time.Duration) bool {
	_, err := u.peek(1, d)
	return err == nil
}

// speaksTLS reports whether the peer begins a handshake within d.
func (u *upgrade) speaksTLS(d time.Duration) bool {
	const handshake = 0x16
	b, err := u.peek(1, d)
	return err == nil && b[0] == handshake
}

func (u *upgrade) peek(n int, d time.Duration) ([]byte, error) {
	if u.in == nil {
		u.in = bufio.NewReaderSize(u.raw, 16)
	}
	u.raw.SetReadDeadline(time.Now().Add(d))
	defer u.raw.SetReadDeadline(time.Time{})
	return u.in.Peek(n)
}

// replay is a connection of which the first bytes have been read already.
type replay struct {
	net.Conn
	in *bufio.Reader // nil if nothing was read
}

func (r *replay) Read(b []byte) (int, error) {
	if r.in != nil {
		if r.in.Buffered() > 0 {
			return r.in.Read(b)
		}
		r.in = nil
	}
	return r.Conn.Read(b)
}
