package route

import (
	"net"
	"slices"
	"time"

	"nats-server/internal/wire"
)

// Info is what is known of a route, for reports. Maps and lists must not be changed.
type Info struct {
	ID                  uint64
	RemoteID            string
	RemoteName          string
	Solicited           bool // dialed by this server
	Configured          bool // to a server of the configuration
	IP                  string
	Port                int
	Start, LastActivity time.Time
	RTT                 time.Duration // 0 if not known yet
	Pending             int64         // bytes
	InMsgs, InBytes     uint64        // bytes of messages alone
	OutMsgs, OutBytes   uint64        // bytes of the protocol
	Subscriptions       int           // interest of the other server
	Import, Export      *wire.Rules   // as the other server has announced them; nil = none
	Account             string        // that the connection is for; "" = all others
	Compression         string        // "" = there is none
}

// Routes returns what is known of each route, by id.
func (c *Cluster) Routes() []Info {
	c.mu.Lock()
	all := make([]Info, 0, len(c.remotes))
	for _, s := range c.registeredLocked() {
		all = append(all, s.reportLocked())
	}
	c.mu.Unlock()
	slices.SortFunc(all, func(a, b Info) int { return int(a.ID) - int(b.ID) })
	return all
}

func (s *Session) reportLocked() Info {
	i := Info{
		ID:            s.conn.ID,
		RemoteID:      s.remoteID,
		RemoteName:    s.info.ServerName,
		Solicited:     s.dialed != nil,
		Configured:    s.explicit,
		Start:         s.began,
		LastActivity:  s.began,
		RTT:           s.conn.RTT(),
		Pending:       s.conn.Out.Pending(),
		InMsgs:        s.inMsgs.Load(),
		InBytes:       s.inBytes.Load(),
		Subscriptions: int(s.numSubs.Load()),
		Import:        s.info.Import,
		Export:        s.export,
	}
	if at := s.heard.Load(); at > 0 {
		i.LastActivity = time.Unix(0, int64(at))
	}
	if a, ok := s.conn.RemoteAddr().(*net.TCPAddr); ok {
		i.IP, i.Port = a.IP.String(), a.Port
	}
	i.OutMsgs, i.OutBytes = s.conn.Out.Sent()
	return i
}
