package conn

import (
	"errors"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"nats-server/internal/buf"
)

// Serve reads until the connection ends. It is the reader goroutine.
func (c *Conn) Serve() {
	defer c.detach()
	c.readAll()
	c.live.stop()
	if c.in.chunk != nil {
		c.in.chunk.Release()
		c.in.chunk = nil
	}
	c.guard(func() { c.session.Ended(c.Reason()) })
}

func (c *Conn) readAll() {
	for !c.Closed() {
		if err := c.fill(); err != nil {
			c.readFailed(err)
			return
		}
		c.guard(c.process)
	}
}

// guard runs f; a panic in it closes this connection and no other.
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

// process feeds what was read to the session.
func (c *Conn) process() {
	in := &c.in
	b := in.chunk.Data
	used, need, err := c.session.Consume(b[in.start:])
	c.session.Settle()
	if err != nil {
		c.fault(err)
		return
	}
	in.start += used
	if in.start == len(b) {
		in.chunk.Data, in.start = b[:0], 0
		return
	}
	in.makeRoom(need)
}

// makeRoom sees to it that more of an unfinished command can be read, one of need
// bytes if that is not 0. The chunk grows only when it is full: a peer holds
// memory for bytes it has sent, not for bytes it has announced.
func (in *input) makeRoom(need int) {
	b := in.chunk.Data
	full := len(b) == cap(b)
	switch {
	case !full && in.start+need <= cap(b):
	case in.start > 0:
		in.chunk.Data = b[:copy(b, b[in.start:])]
		in.start = 0
	case full:
		bigger := buf.Get(min(max(need, len(b)+1), 2*cap(b)))
		bigger.Data = append(bigger.Data, b...)
		in.chunk.Release()
		in.chunk = bigger
	}
}

func (c *Conn) fault(err error) {
	var v *Verdict
	if !errors.As(err, &v) {
		v = &Verdict{Reason: ProtocolViolation, Log: err.Error()}
	}
	c.End(v)
}

// fill waits for bytes and adds them to the input chunk.
func (c *Conn) fill() error {
	if c.raw != nil {
		return c.fillRaw()
	}
	in := &c.in
	if in.last < waitBytes && in.chunk != nil && len(in.chunk.Data) == 0 {
		in.chunk.Release()
		in.chunk = nil
	}
	if in.chunk == nil {
		in.chunk = buf.Get(waitBytes)
	}
	b := in.chunk.Data
	n, err := c.nc.Read(b[len(b):cap(b)])
	in.chunk.Data, in.last = b[:len(b)+n], n
	if n == 0 {
		return err
	}
	if len(b)+n == cap(b) {
		c.widen() // the peer sends more at a time: so be it
	}
	return nil // an error comes again
}

// waitBytes is what a reader holds that cannot wait without a buffer.
const waitBytes = 4 << 10

// widen gives the reader a chunk of full size, with any unfinished command in it.
func (c *Conn) widen() {
	in := &c.in
	switch {
	case in.chunk == nil:
		in.chunk = buf.Get(buf.Max)
	case cap(in.chunk.Data) < buf.Max:
		full := buf.Get(buf.Max)
		full.Data = append(full.Data, in.chunk.Data...)
		in.chunk.Release()
		in.chunk = full
	}
}

// shrink lets a reader that must wait hold no more memory than its unfinished
// command needs.
func (c *Conn) shrink() {
	in := &c.in
	rest := in.chunk.Data[in.start:]
	if len(rest) == 0 {
		in.chunk.Release()
		in.chunk, in.start = nil, 0
		return
	}
	if cap(in.chunk.Data) < buf.Max || len(rest) > cap(in.chunk.Data)/4 {
		return
	}
	small := buf.Get(len(rest))
	small.Data = append(small.Data, rest...)
	in.chunk.Release()
	in.chunk, in.start = small, 0
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
