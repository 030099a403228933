//go:build !unix

package conn

func (c *Conn) openRaw() {}

// fillRaw and tryWrite are for raw sockets, which openRaw does not make here.

func (c *Conn) fillRaw() error { panic("BUG: no raw socket") }

func (c *Conn) tryWrite() { panic("BUG: no raw socket") }
