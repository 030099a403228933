package conn

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"nats-server/internal/buf"
	"nats-server/internal/logs"
)

// Session is one peer's dialect. A Conn calls it from its reader goroutine only,
// but for TraceOut and String.
type Session interface {
	// Consume takes whole commands from the start of b and returns how many bytes
	// they were, and how many the next one needs if that is known. An error ends
	// the connection; a *Verdict says how. b is valid during the call.
	Consume(b []byte) (used, need int, err error)
	// Settle follows each Consume: batched work is handed on.
	Settle()
	// Ended is called once, after the last Settle. Nothing is queued any more.
	Ended(Reason)
	// TraceOut logs bytes that are about to be queued. Any goroutine may call it.
	TraceOut(b []byte)
	// Label is what log lines say about the peer beyond its address and id: "" or
	// a text that begins with " - ". Any goroutine may call it.
	Label() string
}

// Stats counts what happened to the connections of a server.
type Stats struct {
	SlowConsumers atomic.Uint64
	Stalls        atomic.Uint64 // reads after which a publisher was made to wait
	Stale         atomic.Uint64
	Panics        atomic.Uint64 // sessions ended by a fault of this program
}

// Config is what connections of one listener have in common. It is immutable.
type Config struct {
	Kind          string        // prefix of the id in log lines, like "cid"
	Name          string        // of the kind in log lines, like "Client"
	MaxPending    int64         // bytes queued before the peer is cut off; 0 = no limit
	DropWhenSlow  bool          // above the high-water mark drop messages rather than slow publishers
	WriteDeadline time.Duration // for one batch
	PingInterval  time.Duration
	MaxPingsOut   int
	PingLine      []byte
	Stale         Verdict // for a peer that leaves pings unanswered
	Late          Verdict // for a peer that does not authenticate in time
	Log           *logs.Log
	Stats         *Stats
	Track         *sync.WaitGroup // counts connections until their last goroutine has ended
}

// Conn is one connection of any kind.
type Conn struct {
	ID  uint64
	Out Queue

	cfg     *Config
	nc      net.Conn
	raw     syscall.RawConn // nil if the socket cannot be used without net.Conn
	session Session
	reason  atomic.Uint32

	in      input
	flusher flusher
	onWrite func(fd uintptr) bool
	live    liveness
}

// New makes a connection of an accepted or dialled socket. Serve must follow.
func New(nc net.Conn, id uint64, cfg *Config) *Conn {
	c := &Conn{ID: id, cfg: cfg, nc: nc}
	c.Out.conn = c
	c.openRaw()
	cfg.Track.Add(1)
	return c
}

// RemoteAddr is the address of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Bind gives the connection its session. It must come before anything is queued.
func (c *Conn) Bind(s Session) { c.session = s }

// String is the connection's name in log lines.
func (c *Conn) String() string {
	return fmt.Sprintf("%s - %s:%d%s", c.nc.RemoteAddr(), c.cfg.Kind, c.ID, c.session.Label())
}

// Reason is why the connection was closed, or Open.
func (c *Conn) Reason() Reason { return Reason(c.reason.Load()) }

// Closed reports whether Close has been called.
func (c *Conn) Closed() bool { return c.Reason() != Open }

// Close ends the connection: it takes no more bytes to send, what is queued still
// leaves if the reason allows, then the socket closes. The first reason wins;
// first reports whether this was it. Any goroutine may call it.
func (c *Conn) Close(r Reason) (first bool) {
	first, now := c.Out.close(r)
	if !first {
		return false
	}
	c.cfg.Log.Debugf("%s - %s connection closed: %s", c, c.cfg.Name, r)
	if now {
		c.nc.Close()
	} else {
		c.nc.SetReadDeadline(time.Unix(1, 0)) // wake the reader; the flusher closes the socket
	}
	return true
}

// close ends the queue. now tells whether the socket is to be closed at once, or
// will be by the flusher. The reason is set under the lock, so that a reader that
// sees it finds the queue closed.
func (q *Queue) close(r Reason) (first, now bool) {
	c := q.conn
	q.mu.Lock()
	defer q.mu.Unlock()
	if !c.reason.CompareAndSwap(uint32(Open), uint32(r)) {
		return false, false
	}
	q.closed = true
	q.openLocked()
	if !r.final() {
		if !q.flushing {
			q.discardLocked()
		}
		return true, true
	}
	if !q.flushing && len(q.out) > 0 {
		q.flushing = true
		q.takeLocked()
		go q.writeLoop()
	}
	if q.flushing {
		c.nc.SetWriteDeadline(time.Now().Add(min(finalFlush, c.cfg.WriteDeadline)))
	}
	return true, !q.flushing
}

// End tells the peer the verdict's line, if any, and closes.
func (c *Conn) End(v *Verdict) {
	if v.Line != "" && !c.Closed() {
		c.Out.Append([]byte(v.Line))
	}
	if c.Close(v.Reason) && v.Log != "" {
		c.cfg.Log.Errorf("%s - %s", c, v.Log)
	}
}

// Refuse tells a peer that is not going to be served why, and closes.
func (c *Conn) Refuse(v *Verdict) {
	c.End(v)
	c.detach()
}

// detach marks the reader as ended. The connection is over when nobody writes
// any more either.
func (c *Conn) detach() {
	q := &c.Out
	q.mu.Lock()
	q.detached = true
	last := !q.flushing
	q.mu.Unlock()
	if last {
		c.cfg.Track.Done()
	}
}

// input is the reader's state.
type input struct {
	chunk *buf.Chunk // nil while nothing is being read
	start int        // bytes before it are consumed
	last  int        // bytes of the last read, if not raw
	onRaw func(fd uintptr) bool
	err   error
}
