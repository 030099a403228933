package delivery_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nats-server/internal/account"
	"nats-server/internal/conn"
	"nats-server/internal/delivery"
	"nats-server/internal/interest"
	"nats-server/internal/logs"
	"nats-server/internal/pipe"
	"nats-server/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long tests wait for what must happen.
const patience = 10 * time.Second

// world is one account and what its connections have in common.
type world struct {
	t     testing.TB
	acct  *account.Account
	cfg   conn.Config
	stats conn.Stats
	track sync.WaitGroup
	peers int
	open  map[*peer]bool // to be closed at the end
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, acct: account.New("A"), open: make(map[*peer]bool)}
	w.cfg = conn.Config{
		Kind: "cid", Name: "Client",
		Limits: conn.Limits{MaxPending: 1 << 30, WriteDeadline: time.Hour, PingInterval: time.Hour},
		Log:    new(logs.Log), Stats: &w.stats, Track: &w.track,
	}
	t.Cleanup(func() {
		for p := range w.open {
			p.Close(conn.SlowConsumerPending)
		}
		w.track.Wait()
	})
	return w
}

// ear is the socket of a peer: it takes whatever is written, unless it is stopped,
// and keeps it.
type ear struct {
	net.Conn // closes and is read from
	mu       sync.Mutex
	turned   sync.Cond
	deaf     bool
	allowed  int // writes that are taken though it is deaf
	closed   bool
	heard    []byte
}

func (e *ear) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.deaf && e.allowed == 0 && !e.closed {
		e.turned.Wait()
	}
	e.allowed = max(e.allowed-1, 0)
	if e.closed {
		return 0, net.ErrClosed
	}
	e.heard = append(e.heard, b...)
	return len(b), nil
}

func (e *ear) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.turned.Broadcast()
	return e.Conn.Close()
}

// listen starts or stops taking what is written.
func (e *ear) listen(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deaf = !on
	e.turned.Broadcast()
}

// allow takes some more writes although it is not listening.
func (e *ear) allow(writes int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.allowed = writes
	e.turned.Broadcast()
}

// peer is a connection with both its halves, and what a session does for them.
type peer struct {
	*conn.Conn
	self   interest.Subscriber
	sender *delivery.Sender
	ear    *ear
	w      *world
	parser wire.Parser
	held   []time.Duration // told by the sender

	mu   sync.Mutex
	gone map[*interest.Sub]bool
}

func (p *peer) Consume(b []byte) (used, need int, err error) { return len(b), 0, nil }
func (p *peer) Settle() func()                               { return nil }
func (p *peer) Ended(conn.Reason)                            {}
func (p *peer) TraceOut([]byte)                              {}
func (p *peer) Label() (client, user string)                 { return "", "" }

func (w *world) peer() *peer {
	near, _ := pipe.New(1)
	e := &ear{Conn: near}
	e.turned.L = &e.mu
	p := w.peerOver(conn.Stream(e))
	p.ear = e
	return p
}

func (w *world) peerOver(open conn.Endpoint) *peer {
	w.peers++
	p := &peer{w: w, gone: make(map[*interest.Sub]bool)}
	p.Conn = conn.New(open, uint64(w.peers), &w.cfg)
	p.Bind(p)
	p.self.Queue = &p.Out
	p.self.Ended = p.remove
	p.sender = delivery.NewSender(w.acct, &p.self, func(d time.Duration) { p.held = append(p.held, d) })
	p.parser.Limits = wire.Limits{ControlLine: 4096, Payload: 8 << 20, Headers: true}
	w.open[p] = true
	p.Start()
	return p
}

func (w *world) several(n int) (peers []*peer) {
	for range n {
		peers = append(peers, w.peer())
	}
	return peers
}

func (p *peer) sub(filter, group, sid string) *interest.Sub {
	s := interest.NewSub(&p.self, []byte(filter), []byte(group), []byte(sid))
	p.w.acct.Subscribe(s)
	return s
}

// remove takes a subscription out of the interest, once.
func (p *peer) remove(s *interest.Sub) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone[s] {
		p.gone[s] = true
		p.w.acct.Unsubscribe(s)
	}
}

// unsub ends a subscription as UNSUB does.
func (p *peer) unsub(s *interest.Sub) {
	p.sender.Commit()
	p.remove(s)
	if s.Group() != "" {
		p.w.acct.AwaitChoices()
	}
	p.Out.Locked(func() { s.Ended = true })
}

// limit lets a subscription end after most messages.
func (p *peer) limit(s *interest.Sub, most int) {
	p.sender.Commit()
	s.Limit()
	p.w.acct.Changed(s)
	if s.Group() != "" {
		p.w.acct.AwaitChoices()
	}
	p.Out.Locked(func() { s.Max = uint32(most) })
}

// pub publishes what a client would send, and hands nothing over.
func (p *peer) pub(commands string) (delivered bool) {
	p.w.t.Helper()
	p.parser.Begin()
	for b := []byte(commands); len(b) > 0; {
		verb, n := p.parser.Next(b)
		if verb != wire.Pub {
			p.w.t.Fatalf("%.80q is no message", b)
		}
		delivered = p.sender.Publish(&p.parser.Msg)
		b = b[n:]
	}
	return delivered
}

// settle ends a read.
func (p *peer) settle() {
	if hold := p.sender.Settle(); hold != nil {
		hold()
	}
}

// send publishes and ends the read.
func (p *peer) send(commands string) (delivered bool) {
	p.w.t.Helper()
	delivered = p.pub(commands)
	p.settle()
	return delivered
}

// message is a PUB with a body.
func message(subject, body string) string {
	return fmt.Sprintf("PUB %s %d\r\n%s\r\n", subject, len(body), body)
}

// heard returns what has arrived since it was called last, when all has.
func (p *peer) heard() string {
	p.w.t.Helper()
	eventually(p.w.t, "everything is written", func() bool { return p.Out.Pending() == 0 })
	p.ear.mu.Lock()
	defer p.ear.mu.Unlock()
	text := string(p.ear.heard)
	p.ear.heard = nil
	return text
}

// hears fails the test unless exactly this has arrived, line ends written as |.
func (p *peer) hears(want string) {
	p.w.t.Helper()
	if got := strings.ReplaceAll(p.heard(), "\r\n", "|"); got != want {
		p.w.t.Errorf("got %q, want %q", got, want)
	}
}

// received is one delivery.
type received struct{ subject, sid, body string }

// deliveries returns the messages that have arrived since the last time.
func (p *peer) deliveries() (all []received) {
	p.w.t.Helper()
	for b := []byte(p.heard()); len(b) > 0; {
		m, sid, n := wire.ReadDelivery(b)
		all = append(all, received{string(m.Subject), string(sid), string(m.Body[m.Header:])})
		b = b[n:]
	}
	return all
}

// bodies is what the deliveries carry.
func (p *peer) bodies() (all []string) {
	p.w.t.Helper()
	for _, d := range p.deliveries() {
		all = append(all, d.body)
	}
	return all
}

func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	if cond() {
		return
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: never", what)
		}
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func equalAll[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
