package conn

import (
	"errors"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"nats-server/internal/buf"
)

// input is what was read and not yet consumed. It belongs to the reader.
type input struct {
	chunk *buf.Chunk // nil while there is nothing
	start int        // bytes before it are consumed
	flood bool       // the peer sends more than a full chunk takes
	again bool       // what is there is to be processed again: see Conn.GoApart
}

// room returns memory to read into, at the end of what is there. It is a full
// chunk, unless an unfinished command needs a larger one. The more is read at a
// time, the more goes to each receiver at a time, so a peer that sends a lot is
// given a big one.
func (in *input) room() []byte {
	size := buf.Max
	if in.flood {
		size = buf.Big
	}
	if c := in.chunk; c != nil && !in.flood && cap(c.Data) == buf.Big {
		in.rest() // the flood is over
	}
	switch {
	case in.chunk == nil:
		in.chunk = buf.Get(size)
	case cap(in.chunk.Data) < size:
		full := buf.Get(size)
		full.Data = append(full.Data, in.chunk.Data...)
		in.chunk.Release()
		in.chunk = full
	}
	return in.chunk.Data[len(in.chunk.Data):cap(in.chunk.Data)]
}

// add makes the n bytes that were read into the room part of the input.
func (in *input) add(n int) { in.chunk.Data = in.chunk.Data[:len(in.chunk.Data)+n] }

// consumed drops the first n bytes. If what is left is an unfinished command, of
// need bytes if that is not 0, it sees to it that more of it can be added. The
// chunk grows only when it is full: a peer holds memory for bytes it has sent, not
// for bytes it has announced.
func (in *input) consumed(n, need int) {
	in.start += n
	b := in.chunk.Data
	full := len(b) == cap(b)
	switch {
	case in.start == len(b):
		in.chunk.Data, in.start = b[:0], 0
	case !full && in.start+need <= cap(b):
	case in.start > 0:
		in.chunk.Data = b[:copy(b, b[in.start:])]
		in.start = 0
	case full:
		size := 2 * cap(b)
		if need > 0 {
			size = min(need, size)
		}
		bigger := buf.Get(size)
		bigger.Data = append(bigger.Data, b...)
		in.chunk.Release()
		in.chunk = bigger
	}
}

// rest lets a reader that has to wait hold no more memory than its unfinished
// command needs.
func (in *input) rest() {
	if in.chunk == nil {
		return
	}
	left := in.chunk.Data[in.start:]
	switch {
	case len(left) == 0:
		in.chunk.Release()
		in.chunk, in.start = nil, 0
	case cap(in.chunk.Data) >= buf.Max && len(left) <= cap(in.chunk.Data)/4:
		small := buf.Get(len(left) + 1) // room to go on
		small.Data = append(small.Data, left...)
		in.chunk.Release()
		in.chunk, in.start = small, 0
	}
}

// drop releases everything.
func (in *input) drop() {
	if in.chunk != nil {
		in.chunk.Release()
		in.chunk, in.start = nil, 0
	}
}

// process feeds what was read to the session. It returns what has to return before
// more is read. A panic in the session closes this connection and no other.
func (c *Conn) process() (hold func()) {
	c.guard(func() {
		switch {
		case c.codec != nil:
			hold = c.open()
		default:
			if hold = c.consume(); c.codec != nil && !c.Closed() {
				c.switchOver()
				if hold == nil {
					hold = c.open()
				} else {
					c.in.again = true
				}
			}
		}
	})
	return hold
}

// consume has the session take from what is there.
func (c *Conn) consume() (hold func()) {
	in := &c.in
	used, need, err := c.session.Consume(in.chunk.Data[in.start:])
	hold = c.session.Settle()
	if err != nil {
		c.fault(err)
		return hold
	}
	in.consumed(used, need)
	return hold
}

// resume processes again what the session has not taken.
func (c *Conn) resume() (hold func()) {
	c.in.again = false
	if c.codec != nil && c.in.chunk != nil && c.in.start < len(c.in.chunk.Data) {
		c.guard(func() { hold = c.consume() })
		if hold != nil || c.in.again {
			c.in.again = true
			return hold
		}
	}
	return c.process()
}

func (c *Conn) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			c.cfg.Stats.Panics.Add(1)
			c.cfg.Log.Errorf("%s - BUG: session ended by a panic: %v", c, p)
			for line := range strings.Lines(string(debug.Stack())) {
				c.cfg.Log.Errorf("  %s", strings.TrimRight(line, "\n"))
			}
			c.Close(InternalError)
		}
	}()
	f()
}

func (c *Conn) fault(err error) {
	var v *Verdict
	if !errors.As(err, &v) {
		v = &Verdict{Reason: ProtocolViolation, Log: err.Error()}
	}
	c.End(v)
}

func (c *Conn) readFailed(err error) {
	switch {
	case c.Closed():
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, os.ErrDeadlineExceeded):
		c.Close(ClientClosed)
	default:
		c.Close(ReadError)
	}
}
