package client

import (
	"net"
	"time"
)

// turning is the connection below a handshake. Computing costs a processor about a
// millisecond at a time, and takes turns: a burst of handshakes leaves processors for
// those who are in. A peer that is waited for has no turn. The time in the queue does
// not count: the deadline moves on.
type turning struct {
	net.Conn
	turns    chan struct{} // nil: no limit, or the handshake is over
	holds    bool
	deadline time.Time
	gone     func() bool // whether the connection has been closed
}

// Read is what a handshake does when it has nothing more to compute.
func (t *turning) Read(b []byte) (int, error) {
	if t.turns == nil {
		return t.Conn.Read(b)
	}
	t.pass()
	n, err := t.Conn.Read(b)
	if err == nil && !t.take() {
		err = net.ErrClosed
	}
	return n, err
}

// take waits for a turn and reports whether there is still somebody to go on for.
func (t *turning) take() bool {
	select {
	case t.turns <- struct{}{}:
		t.holds = true
		return true
	default:
	}
	began := time.Now()
	t.turns <- struct{}{}
	t.holds = true
	t.deadline = t.deadline.Add(time.Since(began))
	t.SetDeadline(t.deadline)
	return !t.gone() // whoever closes it from now on sets a deadline of his own
}

// pass gives the turn to the next one.
func (t *turning) pass() {
	if t.holds {
		<-t.turns
		t.holds = false
	}
}

// end is called when the handshake is over.
func (t *turning) end() {
	t.pass()
	t.turns = nil
}
