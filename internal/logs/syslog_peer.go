package logs

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"syscall"
	"time"
)

// How much of a line goes into one datagram, in bytes: what common daemons take.
const (
	maxDatagram = 8 << 10
	// The sockets of systems other than Linux take no more.
	maxLocalDatagram = 2 << 10
)

var errGone = errors.New("connection closed by the syslog daemon")

// peer is one connection to a syslog daemon.
type peer struct {
	conn    net.Conn
	udp     bool
	max     int         // bytes of a line, 0 = no limit
	unwatch func() bool // the context

	gone chan struct{} // closed when the daemon has gone
	err  error         // says why; valid then
}

// newPeer takes over a connection. The end of ctx ends it, also in mid-write.
func newPeer(ctx context.Context, conn net.Conn) *peer {
	p := &peer{conn: conn, gone: make(chan struct{})}
	switch conn.RemoteAddr().Network() {
	case "udp":
		p.udp, p.max = true, maxDatagram
	case "unixgram":
		p.max = maxDatagram
		if runtime.GOOS != "linux" {
			p.max = maxLocalDatagram
		}
	}
	p.unwatch = context.AfterFunc(ctx, func() { conn.Close() })
	go p.listen()
	return p
}

// listen waits for the end of the connection: a daemon has nothing to say. Without
// it the first line after a daemon's restart would vanish without an error.
func (p *peer) listen() {
	_, p.err = io.Copy(io.Discard, p.conn)
	if p.err == nil {
		p.err = errGone
	}
	close(p.gone)
}

// write sends a line. An error means that the connection cannot be used any more.
func (p *peer) write(line []byte) error {
	select {
	case <-p.gone:
		return p.err
	default:
	}
	if p.max > 0 && len(line) > p.max {
		line = line[:p.max]
		line[p.max-1] = '\n'
	}
	if err := p.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := p.conn.Write(line)
	return err
}

// missed tells whether an error is about a datagram that had been sent before.
func (p *peer) missed(err error) bool { return p.udp && errors.Is(err, syscall.ECONNREFUSED) }

func (p *peer) close() {
	p.unwatch()
	p.conn.Close()
	<-p.gone
}
