package route

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"nats-server/internal/conn"
	"nats-server/internal/dial"
)

// target is a server that is to be dialed.
type target struct {
	url      *url.URL
	account  string // that the connection is to be for; "" = it is one of the pool
	explicit bool   // it is configured; else it was learnt of
	mode     int    // of the gossip that it was learnt by
	again    bool   // there was a route before
	refused  bool   // and it was refused
	soon     bool   // what there was has ended for a new beginning
	heard    bool   // it is among Cluster.heard, having been no route yet
	failures int    // connections in a row that did not become a route
}

// place is what a connection is dialed for.
type place struct{ host, account string }

func (t *target) place() place { return place{t.url.Host, t.account} }

// solicit dials t until there is a connection, or no reason to go on (spec:
// cluster-routes 3). It does not wait for that. A server that was learnt of is dialed by
// one goroutine at a time.
func (c *Cluster) solicit(t target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closing, t.url == nil:
		return
	case !t.explicit && c.dialing[t.place()]:
		c.settleLocked(&t) // by the one who dials it already
		return
	}
	if !t.explicit {
		c.dialing[t.place()] = true
	}
	c.work.Go(func() {
		nc := c.reach(t)
		if !t.explicit {
			c.mu.Lock()
			delete(c.dialing, t.place())
			if nc == nil {
				c.settleLocked(&t)
			}
			c.mu.Unlock()
		}
		if nc != nil {
			c.dialed(nc, t)
		}
	})
}

// solicitAll is solicit for t and, if there are any, the accounts that have connections of
// their own.
func (c *Cluster) solicitAll(t target) {
	c.solicit(t)
	for _, p := range c.pinnedOf(t) {
		c.solicit(p)
	}
}

// pinnedOf is t for each of the accounts that have connections of their own.
func (c *Cluster) pinnedOf(t target) (all []target) {
	for _, t.account = range c.settings.Load().Pinned {
		all = append(all, t)
	}
	return all
}

// reach returns a connection to t, or nil if it gives up.
func (c *Cluster) reach(t target) net.Conn {
	for attempt := 1; ; attempt++ {
		set := c.settings.Load()
		if t.explicit && !set.dials(t.url) || t.account != "" && !slices.Contains(set.Pinned, t.account) {
			return nil
		}
		nc, err := c.dialOnce(t)
		if nc != nil || err == nil || c.ctx.Err() != nil {
			return nc
		}
		c.logFailure(set, t, attempt, err)
		if !t.explicit && attempt > set.ConnectRetries {
			return nil
		}
		most := retryDelay
		if set.Backoff {
			most = mostDelay
		}
		if !c.pause(dial.Delay(attempt+1, retryDelay, most)) {
			return nil
		}
	}
}

// dials reports whether u is among the configured routes.
func (s *Settings) dials(u *url.URL) bool {
	return slices.ContainsFunc(s.Routes, func(r *url.URL) bool { return *r == *u || r.String() == u.String() })
}

// dialOnce makes one attempt. Without a connection and an error there is nobody to be
// dialed but this server itself.
func (c *Cluster) dialOnce(t target) (net.Conn, error) {
	if t.heard {
		if !c.takeTurn() {
			return nil, nil
		}
		defer c.passTurn()
	}
	ctx, cancel := context.WithTimeout(c.ctx, dialTimeout)
	defer cancel()
	own, port := dial.Own(), c.settings.Load().Port
	self := func(a netip.AddrPort) bool { return int(a.Port()) == port && own[a.Addr()] }
	addr, ok, err := dial.Resolve(ctx, t.url.Host, self)
	if !ok {
		return nil, err
	}
	c.cfg.Log.Debugf("Trying to connect to route on %s", addr)
	d := net.Dialer{KeepAlive: -1}
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err == nil && nc.LocalAddr().String() == nc.RemoteAddr().String() {
		// Where nobody listens on a port of this machine, the kernel may choose that very
		// port for our end and connect it to itself. That is nobody to be given up for good.
		nc.Close()
		return nil, errNobody
	}
	return nc, err
}

var errNobody = errors.New("nobody listens there")

func (c *Cluster) logFailure(set *Settings, t target, attempt int, err error) {
	every := set.ErrorEvery
	if t.again {
		every = set.RetryEvery
	}
	log := c.cfg.Log.Debugf
	if attempt == 1 || every > 0 && attempt%every == 0 {
		log = c.cfg.Log.Errorf
	}
	log("Error trying to connect to route (attempt %d): %v", attempt, err)
}

// pause waits for d and reports false if the cluster was stopped.
func (c *Cluster) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// dialed begins the session of a connection to t.
func (c *Cluster) dialed(nc net.Conn, t target) {
	id := c.cfg.NextID()
	if secure := c.settings.Load().TLS; secure != nil {
		over, _, err := c.handshake(nc, id, secure.client(t.url, c.settings.Load()), secure)
		if err != nil {
			c.reconnect(t.next())
			return
		}
		c.begin(c.newSession(conn.Stream(over), id, &t))
		return
	}
	open, err := conn.Dialed(c.cfg.Poller, nc.(*net.TCPConn))
	if err != nil {
		c.cfg.Log.Errorf("Error using a route connection: %v", err)
		c.reconnect(t.next())
		return
	}
	c.begin(c.newSession(open, id, &t))
}

// next is t as it is dialed after a connection that has ended before it was a route.
func (t target) next() target {
	t.again, t.soon = true, false
	t.failures++
	return t
}

// reconnect dials t after a moment, which lets two servers that would close each other's
// connection for ever get out of step (spec: cluster-routes 3, 5.2).
func (c *Cluster) reconnect(t target) {
	c.spawn(func() {
		if c.pause(t.jitter()) {
			c.solicit(t)
		}
	})
}
