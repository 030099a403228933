package route

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"time"

	"nats-server/internal/conn"
)

// Accepted is a connection that has just been accepted. One of its methods is called,
// once.
type Accepted interface {
	Endpoint() conn.Endpoint
	Conn() (net.Conn, error)
}

// Accept begins the session of an accepted connection. It does not wait for anything.
func (c *Cluster) Accept(a Accepted) {
	id, secure := c.cfg.NextID(), c.settings.Load().TLS
	if secure == nil {
		c.begin(c.newSession(a.Endpoint(), id, nil))
		return
	}
	nc, err := a.Conn()
	if err != nil {
		c.cfg.Log.Errorf("Error accepting a TLS connection: %v", err)
		return
	}
	c.spawn(func() {
		over, who, err := c.handshake(nc, id, nil, secure)
		if err == nil {
			s := c.newSession(conn.Stream(over), id, nil)
			s.cert = who
			c.begin(s)
		}
	})
}

// handshake secures a connection, as the client if there is a configuration for that
// (spec: cluster-routes 4.6). Nothing was written before. A failure has been logged, and
// the connection closed.
func (c *Cluster) handshake(nc net.Conn, id uint64, client *tls.Config, t *TLS) (net.Conn, *secured, error) {
	if !c.holdRaw(nc) {
		return nil, nil, net.ErrClosed
	}
	defer c.releaseRaw(nc)
	over := tls.Server(nc, t.Accept)
	if client != nil {
		over = tls.Client(nc, client)
	}
	nc.SetDeadline(time.Now().Add(t.Timeout))
	err := over.HandshakeContext(c.ctx)
	state := over.ConnectionState()
	if err == nil && t.Verify != nil {
		err = t.Verify(&state)
	}
	if err == nil && len(state.PeerCertificates) == 0 {
		err = errors.New("the peer has shown no certificate")
	}
	if err != nil {
		nc.Close()
		c.cfg.Log.Errorf("%s - rid:%d - TLS route handshake error: %v", nc.RemoteAddr(), id, err)
		c.cfg.Log.Noticef("%s - rid:%d - Router connection closed: %s", nc.RemoteAddr(), id, conn.TLSHandshakeError)
		return nil, nil, err
	}
	nc.SetDeadline(time.Time{})
	return over, &secured{state.PeerCertificates[0]}, nil
}

// holdRaw lets Stop close nc, or does so if Stop has been called.
func (c *Cluster) holdRaw(nc net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		nc.Close()
		return false
	}
	c.raw[nc] = struct{}{}
	return true
}

func (c *Cluster) releaseRaw(nc net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.raw, nc)
}

// client is the configuration for dialing u: the certificate is to be for its host, or
// if that is an address, for the first name among the configured routes.
func (t *TLS) client(u *url.URL, set *Settings) *tls.Config {
	cfg := t.Dial()
	host := u.Hostname()
	if isIP(host) {
		for _, r := range set.Routes {
			if !isIP(r.Hostname()) {
				host = r.Hostname()
				break
			}
		}
	}
	cfg.ServerName = host
	return cfg
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
