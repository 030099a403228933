package route

import (
	"fmt"
	"strconv"

	"nats-server/internal/conn"
)

// name is what the cluster is called (spec: cluster-routes 6).
type name struct {
	text    string
	dynamic bool // was generated, or taken over from others
}

// peerName is what another server calls the cluster.
type peerName struct {
	server  string // its id
	text    string
	dynamic bool
	dialed  bool // by CONNECT, else by INFO
}

// yields reports whether a server with name n goes by that of the peer.
func (n name) yields(to peerName) bool {
	return n.dynamic && (!to.dynamic || to.text > n.text)
}

// agree sees to it that this server and its peer call the cluster the same, or returns
// the verdict. Whoever takes over a name ends all other routes: they come back under it.
func (s *Session) agree(p peerName) *conn.Verdict {
	c := s.mesh
	c.mu.Lock()
	own := *c.name.Load()
	switch {
	case own.text == p.text:
		c.mu.Unlock()
		return nil
	case !own.yields(p):
		c.mu.Unlock()
		return conflict(own, p)
	}
	c.name.Store(&name{text: p.text, dynamic: p.dynamic || !p.dialed})
	var others []*Session
	for _, o := range c.sessions {
		if o != s && (o.remoteID == "" || o.remoteID != p.server) {
			others = append(others, o)
		}
	}
	c.mu.Unlock()
	c.cfg.Log.Noticef("Cluster name updated to %s", p.text)
	for _, o := range others {
		o.conn.Close(conn.ClusterNameConflict)
	}
	c.tell()
	return nil
}

func conflict(own name, p peerName) *conn.Verdict {
	if !p.dialed {
		return &conn.Verdict{Reason: conn.ClusterNameConflict}
	}
	text := fmt.Sprintf("Rejecting connection, cluster name %s does not match %s", strconv.Quote(p.text), strconv.Quote(own.text))
	return refusal(text, conn.ClusterNameConflict, "cluster name from remote server conflicts")
}
