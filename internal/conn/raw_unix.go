//go:build unix

package conn

import (
	"io"
	"syscall"
)

// openRaw prepares for reading and writing the socket itself, which lets the
// reader wait without a buffer and lets anybody write without waiting.
func (c *Conn) openRaw() {
	sc, ok := c.nc.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	c.raw = raw
	c.in.onRaw = c.readReady
	c.onWrite = c.writeReady
}

func (c *Conn) fillRaw() error {
	if err := c.raw.Read(c.in.onRaw); err != nil {
		return err
	}
	return c.in.err
}

// readReady reads once. It is called when the socket may have bytes and returns
// false to wait until it has; only then does it give the chunk back.
func (c *Conn) readReady(fd uintptr) bool {
	c.widen()
	in := &c.in
	b := in.chunk.Data
	n, err := syscall.Read(int(fd), b[len(b):cap(b)])
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), b[len(b):cap(b)])
	}
	switch {
	case err == syscall.EAGAIN:
		c.shrink()
		return false
	case err != nil:
		in.err = err
	case n == 0:
		in.err = io.EOF
	default:
		in.chunk.Data = b[:len(b)+n]
	}
	return true
}

// tryWrite writes flusher.now as far as the socket takes it at once.
func (c *Conn) tryWrite() {
	f := &c.flusher
	f.n, f.err = 0, nil
	if err := c.raw.Write(c.onWrite); err != nil {
		f.err = err
	}
}

func (c *Conn) writeReady(fd uintptr) bool {
	f := &c.flusher
	for f.n < len(f.now) {
		n, err := syscall.Write(int(fd), f.now[f.n:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return true
		case err != nil:
			f.err = err
			return true
		}
		f.n += n
	}
	return true
}
