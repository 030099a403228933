package conn

import (
	"net"
	"time"

	"nats-server/internal/buf"
)

const (
	// pieceBytes bounds one write, so that a queue shows progress while a large
	// batch leaves slowly.
	pieceBytes = 256 << 10

	// waitBytes is what a stream's reader holds while it waits.
	waitBytes = 4 << 10
)

// stream is the link over any net.Conn: a reader goroutine, and a writer goroutine
// while there is something to write.
type stream struct {
	c   *Conn
	nc  net.Conn
	vec net.Buffers // of the flusher
}

// Stream is the endpoint of connections over any net.Conn: TLS, pipes, and all
// sockets where there is no Poller.
func Stream(nc net.Conn) Endpoint {
	return func(c *Conn) link { return &stream{c: c, nc: nc} }
}

func (s *stream) peer() net.Addr { return s.nc.RemoteAddr() }

func (s *stream) start() { go s.read() }

// read is the reader goroutine.
func (s *stream) read() {
	c := s.c
	defer c.endReading()
	last := 0
	for !c.Closed() {
		n, err := s.fill(last)
		if n == 0 && err != nil {
			c.readFailed(err)
			return
		}
		last = n
		for hold := c.process(); ; hold = c.resume() {
			if hold != nil {
				c.guard(hold)
			}
			if !c.in.again || c.Closed() {
				break
			}
		}
	}
}

// fill reads once. It waits with a small chunk, unless the read before showed that
// the peer sends more at a time.
func (s *stream) fill(last int) (n int, err error) {
	in := s.c.source()
	if last < waitBytes {
		s.c.rest()
	}
	if in.chunk == nil {
		in.chunk = buf.Get(waitBytes)
	}
	b := in.chunk.Data[len(in.chunk.Data):cap(in.chunk.Data)]
	if last >= waitBytes || len(b) == 0 {
		b = in.room()
	}
	n, err = s.nc.Read(b)
	in.add(n)
	return n, err
}

func (s *stream) flush(bool) { go s.write() }

// write is the writer goroutine. Each batch has the write deadline as a whole
// (spec: client-protocol 16).
func (s *stream) write() {
	c := s.c
	q, f := &c.Out, &c.flusher
	for {
		c.seal()
		s.setDeadline(c.cfg.limits().WriteDeadline)
		for len(f.batch) > 0 {
			n, err := s.writePiece()
			f.wrote(n)
			q.wrote(n)
			if err != nil && c.bearsWith(err) {
				s.setDeadline(c.cfg.limits().WriteDeadline)
				continue
			}
			if err != nil {
				c.writeFailed(err)
				q.finish(true)
				return
			}
		}
		c.caughtUp()
		if q.finish(false) {
			return
		}
	}
}

// setDeadline sets the deadline of a batch, unless stop has set the final one.
func (s *stream) setDeadline(d time.Duration) {
	q := &s.c.Out
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		s.c.flusher.moved = false
		s.nc.SetWriteDeadline(time.Now().Add(d))
	}
}

// writePiece writes some of the batch.
func (s *stream) writePiece() (n int, err error) {
	f := &s.c.flusher
	if len(f.batch) == 1 {
		return s.nc.Write(f.next())
	}
	vec, size := append(s.vec[:0], f.next()), len(f.next())
	for _, chunk := range f.batch[1:] {
		if size >= pieceBytes {
			break
		}
		vec = append(vec, chunk.Data)
		size += len(chunk.Data)
	}
	s.vec = vec
	written, err := s.vec.WriteTo(s.nc)
	clear(vec)
	s.vec = vec[:0]
	return int(written), err
}

func (s *stream) stop(flushing bool) {
	if !flushing {
		s.nc.Close()
		return
	}
	s.nc.SetWriteDeadline(time.Now().Add(min(finalFlush, s.c.cfg.limits().WriteDeadline)))
	s.nc.SetReadDeadline(time.Unix(1, 0)) // wakes the reader
}

func (s *stream) shut() { s.nc.Close() }

func (s *stream) lengthy() {} // has its own reader

func (s *stream) hungUp() bool { return false } // not known

func (s *stream) unsent() int { return 0 } // not known
