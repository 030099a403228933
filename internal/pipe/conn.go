package pipe

import (
	"net"
	"time"
)

// Conn is one end of a pipe. All methods may be called by several goroutines at
// once; concurrent writes do not mix their bytes.
type Conn struct {
	in, out *stream
}

var _ net.Conn = (*Conn)(nil)

// New returns the two ends of a pipe that buffers up to bufSize bytes (at least
// one) in each direction. The memory is taken as it is needed.
func New(bufSize int) (a, b *Conn) {
	ab, ba := newStream(bufSize), newStream(bufSize)
	return &Conn{in: ba, out: ab}, &Conn{in: ab, out: ba}
}

// Read takes what the peer has written, waiting for at least one byte. The error
// is io.EOF once the peer has closed and everything is read, net.ErrClosed after
// Close of this end, or os.ErrDeadlineExceeded.
func (c *Conn) Read(p []byte) (int, error) { return c.in.read(p) }

// Write buffers p for the peer, waiting while the buffer is full. If it returns
// fewer than len(p) bytes the error is io.ErrClosedPipe when the peer has closed,
// net.ErrClosed after Close of this end, or os.ErrDeadlineExceeded.
func (c *Conn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close ends both directions and wakes every call blocked on either end. It never
// fails and may be repeated.
func (c *Conn) Close() error {
	c.out.closeWriter()
	c.in.closeReader()
	return nil
}

// SetDeadline is SetReadDeadline and SetWriteDeadline with one time.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline makes present and future reads fail with os.ErrDeadlineExceeded
// from t on; the zero time means never. After Close the error is net.ErrClosed.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.in.setDeadline(&c.in.reader, t)
}

// SetWriteDeadline is SetReadDeadline for writes. A write that fails this way may
// have buffered a part of its data.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.out.setDeadline(&c.out.writer, t)
}

// LocalAddr returns an address that reads "pipe", like its network.
func (c *Conn) LocalAddr() net.Addr { return addr{} }

// RemoteAddr returns the same as LocalAddr.
func (c *Conn) RemoteAddr() net.Addr { return addr{} }

type addr struct{}

func (addr) Network() string { return "pipe" }
func (addr) String() string  { return "pipe" }
