package conn

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"nats-server/internal/logs"
)

// Session is one peer's dialect. Its connection calls it from one goroutine at a
// time, its reader, but for TraceOut and Label.
type Session interface {
	// Consume takes whole commands from the start of b and returns how many bytes
	// they were, and how many the next one needs if that is known. An error ends
	// the connection; a *Verdict says how. b is valid until Settle has returned.
	Consume(b []byte) (used, need int, err error)
	// Settle follows each Consume: batched work is handed on. If the peer is to be
	// held back, it returns what has to return before more is read from it.
	Settle() (hold func())
	// Ended is called once, after the last Settle. Nothing is queued any more.
	Ended(Reason)
	// TraceOut logs bytes that are about to be queued. Any goroutine may call it.
	TraceOut(b []byte)
	// Label is what log lines say about the peer beyond its address and id: what its
	// program is and who it is, "" where that is not known. Any goroutine may call it.
	Label() (client, user string)
}

// Stats counts what happened to connections of one kind.
type Stats struct {
	SlowConsumers atomic.Uint64
	Stalls        atomic.Uint64 // reads after which a publisher was made to wait
	Stale         atomic.Uint64
	Panics        atomic.Uint64 // sessions ended by a fault of this program

	flushTime, flushBytes histogram
}

// Limits are what a peer may cost in bytes and time.
type Limits struct {
	MaxPending    int64         // bytes queued before the peer is cut off; 0 = no limit
	DropWhenSlow  bool          // above the high-water mark drop messages rather than slow publishers
	WriteDeadline time.Duration // for one batch
	PingInterval  time.Duration
	MaxPingsOut   int

	// Unbounded tells that the peer is not cut off at MaxPending, which is then only what
	// the high-water mark is reckoned from.
	Unbounded bool
	// Patient tells that the peer is cut off at the write deadline only if it has taken
	// nothing since the last one.
	Patient bool
}

// Config is what connections of one listener have in common. It is immutable, but
// for the limits.
type Config struct {
	Kind     string // prefix of the id in log lines, like "cid"
	Name     string // of the kind in log lines, like "Client"
	Limits          // until SetLimits
	PingLine []byte

	// FirstPing is how soon StartPings pings, about; 0 = after Limits.PingInterval.
	FirstPing time.Duration
	// PingAlways has a peer pinged that is heard of without it, too.
	PingAlways bool
	// Closed is told of the end of each connection, to log it; nil = a debug line.
	Closed func(s Session, r Reason)

	Stale Verdict // for a peer that leaves pings unanswered
	Late  Verdict // for a peer that does not introduce itself in time
	Log   *logs.Log
	Stats *Stats
	Track *sync.WaitGroup // counts connections until their last goroutine has ended

	live atomic.Pointer[Limits] // nil until SetLimits
}

// SetLimits changes the limits of all connections, present ones included. Timers
// that run keep their time.
func (c *Config) SetLimits(l Limits) { c.live.Store(&l) }

func (c *Config) limits() *Limits {
	if l := c.live.Load(); l != nil {
		return l
	}
	return &c.Limits
}

// Conn is one connection of any kind.
type Conn struct {
	ID  uint64
	Out Queue

	cfg     *Config
	link    link
	session Session
	reason  atomic.Uint32
	apart   atomic.Bool

	in      input
	codec   Codec // of the reader: opens what it reads; nil = nothing is sealed
	sealed  input // with a codec: what was read and not yet opened
	flusher flusher
	live    liveness
	count   counters
}

// link carries the bytes of one connection: a stream with goroutines of its own
// over any net.Conn, or a socket that a Poller watches. It calls back into the
// Conn: process for what it reads, endReading after the last of it, Queue.finish
// when a batch is written.
type link interface {
	peer() net.Addr
	// start begins to read.
	start()
	// flush writes the batch of the flusher, and whatever is queued meanwhile. The
	// caller has the right to write, which passes to the link. With direct set the
	// calling goroutine may do it, as long as it need not wait.
	flush(direct bool)
	// stop ends reading on a closed connection. While flushing, the flusher has a
	// last short time; otherwise the socket is closed.
	stop(flushing bool)
	// lengthy says that the reader is going to be busy, or wait, for long.
	lengthy()
	// hungUp reports whether the peer sends no more, if that is known without reading.
	hungUp() bool
	// unsent returns how many bytes were written that the peer has not taken, or
	// always the same if that is not known.
	unsent() int
	// shut closes the socket after the last flush of a closed connection.
	shut()
}

// Endpoint is where a connection's bytes come from; see Stream and Socket.
type Endpoint func(*Conn) link

// New makes a connection of an endpoint. Bind and then Start or Refuse must follow.
func New(open Endpoint, id uint64, cfg *Config) *Conn {
	c := &Conn{ID: id, cfg: cfg}
	c.count.start = time.Now()
	c.Out.conn = c
	c.link = open(c)
	cfg.Track.Add(1)
	return c
}

// Bind gives the connection its session. It must come before anything is queued.
func (c *Conn) Bind(s Session) { c.session = s }

// Start begins to read. It does not wait for anything.
func (c *Conn) Start() { c.link.start() }

// Refuse tells a peer that is not going to be served why, and closes. The session
// is not called.
func (c *Conn) Refuse(v *Verdict) {
	c.End(v)
	c.detach()
}

// ReadApart says whether Consume may take long, as while passwords are checked,
// and is better not called where other connections wait for their turn.
func (c *Conn) ReadApart(apart bool) { c.apart.Store(apart) }

// GoApart reports, from within Consume, whether that may take long where it is called.
// If not, Consume is to return without the command that takes long, and is called again
// where it may, with what it has not taken.
func (c *Conn) GoApart() bool {
	if c.apart.Load() {
		return true
	}
	c.apart.Store(true)
	c.in.again = true
	return false
}

// Lengthy tells, from within Consume, Settle or Ended, that the session is going to
// be busy, or to wait for others, for longer than a usual command takes.
func (c *Conn) Lengthy() { c.link.lengthy() }

// HungUp reports whether the peer is known to send no more. Where that shows only in
// reading it reports false.
func (c *Conn) HungUp() bool { return c.link.hungUp() }

// RemoteAddr is the address of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.link.peer() }

// String is the connection's name in log lines.
func (c *Conn) String() string {
	name := fmt.Sprintf("%s - %s:%d", c.link.peer(), c.cfg.Kind, c.ID)
	client, user := c.session.Label()
	if client != "" {
		name += ` - "` + client + `"`
	}
	if user != "" {
		name += ` - "` + user + `"`
	}
	return name
}

// LogFields is what String says, as fields of a structured log line.
func (c *Conn) LogFields() []logs.Field {
	fields := []logs.Field{{Key: "remote", Value: c.link.peer().String()}, {Key: c.cfg.Kind, Value: c.ID}}
	client, user := c.session.Label()
	if client != "" {
		fields = append(fields, logs.Field{Key: "peer", Value: client})
	}
	if user != "" {
		fields = append(fields, logs.Field{Key: "user", Value: user})
	}
	return fields
}

// Reason is why the connection was closed, or Open.
func (c *Conn) Reason() Reason { return Reason(c.reason.Load()) }

// Closed reports whether Close has been called.
func (c *Conn) Closed() bool { return c.Reason() != Open }

// Close ends the connection: it takes no more bytes to send, what is queued still
// leaves if the reason allows, then the socket closes. The first reason wins;
// first reports whether this was it. Any goroutine may call it.
func (c *Conn) Close(r Reason) (first bool) {
	q := &c.Out
	q.mu.Lock()
	first, flush := q.closeLocked(r)
	flushing := q.flushing
	q.mu.Unlock()
	if !first {
		return false
	}
	c.closed(r, flushing && r.final())
	if flush {
		c.link.flush(false)
	}
	return true
}

// closed does what follows when the queue has been closed: once, by whoever did that.
func (c *Conn) closed(r Reason, flushing bool) {
	defer c.cfg.Track.Done() // of closeLocked
	switch {
	case c.cfg.Closed != nil:
		c.cfg.Closed(c.session, r)
	case c.cfg.Log.DebugOn():
		c.cfg.Log.Debugf("%s - %s connection closed: %s", c, c.cfg.Name, r)
	}
	c.link.stop(flushing)
}

// closeLocked ends the queue. flush tells that the caller has the right and the
// duty to write what is left. The reason is set under the lock, so that a reader
// that sees it finds the queue closed.
func (q *Queue) closeLocked(r Reason) (first, flush bool) {
	c := q.conn
	if !c.reason.CompareAndSwap(uint32(Open), uint32(r)) {
		return false, false
	}
	c.cfg.Track.Add(1) // until closed has been called
	q.closed = true
	q.openLocked()
	if !r.final() {
		q.discardLocked()
		return true, false
	}
	if !q.flushing && len(q.out) > 0 {
		q.flushing, flush = true, true
		q.takeLocked()
	}
	return true, flush
}

// End tells the peer the verdict's line, if any, and closes.
func (c *Conn) End(v *Verdict) {
	if v.Line != "" && !c.Closed() {
		c.Out.Append([]byte(v.Line))
	}
	switch first := c.Close(v.Reason); {
	case !first || v.Log == "":
	case v.Quiet:
		c.cfg.Log.Debugf("%s - %s", c, v.Log)
	default:
		c.cfg.Log.Errorf("%s - %s", c, v.Log)
	}
}

// endReading ends the connection's reader, after the connection was closed.
func (c *Conn) endReading() {
	c.live.stop()
	c.in.drop()
	c.sealed.drop()
	c.guard(func() { c.session.Ended(c.Reason()) })
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
