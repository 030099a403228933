package route

import (
	"crypto/rand"
	"encoding/base64"
	"runtime"

	"nats-server/internal/wire"
)

// proto is the version of the protocol: accounts, but no tracing (spec: cluster-routes
// 4.2).
const proto = 2

// infoFor is what differs between the INFOs of this server.
type infoFor struct {
	initial  bool // the first on a connection
	lameDuck bool
	mode     int    // of gossip
	index    int    // in the pool
	account  string // that the connection is for
	// compression is the mode of this side.
	compression string
}

// introduction is for the INFO of this server on a connection that it has dialed.
func (s *Session) introduction() infoFor {
	return infoFor{initial: true, mode: s.dialed.mode, index: s.slot, account: s.account, compression: s.compression}
}

// infoLine is this server's INFO (spec: cluster-routes 4.2).
func (c *Cluster) infoLine(set *Settings, f infoFor) []byte {
	name, dynamic := c.Name()
	i := wire.RouteInfo{
		ServerID:       c.cfg.ServerID,
		ServerName:     set.ServerName,
		Version:        c.cfg.Version,
		Proto:          proto,
		Go:             runtime.Version(),
		Host:           set.Host,
		Port:           set.Port,
		Headers:        !set.NoHeaders,
		AuthRequired:   set.User != "",
		TLSRequired:    set.TLS != nil,
		TLSVerify:      set.TLS != nil,
		MaxPayload:     set.MaxPayload,
		Cluster:        name,
		ClusterDynamic: dynamic,
		LameDuck:       f.lameDuck,
		LeafOrigin:     true,
		LeafOriginDrop: true,
		Compression:    f.compression,
		PoolSize:       max(set.PoolSize, 0),
		PoolIndex:      f.index,
		PoolLarger:     set.PoolSize > 0,
		Account:        f.account,
		GossipMode:     f.mode,
	}
	if set.Advertised {
		i.IP = routeURL(set.Host, set.Port)
	}
	if !set.NoAdvertise {
		i.ConnectURLs = set.ClientURLs
	}
	if r := set.Import; r != nil {
		i.Import = &r.told
	}
	if r := set.Export; r != nil {
		i.Export = &r.told
	}
	if f.initial {
		i.Nonce = nonce()
	}
	return i.Line()
}

// nonce is 15 characters that nobody uses, but that belong in a first INFO.
func nonce() string {
	var b [11]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
