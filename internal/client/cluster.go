package client

import (
	"encoding/json"
	"slices"

	"nats-server/internal/wire"
)

// ClusterInfo is what clients are told of the cluster that their server is part of
// (spec: client-protocol 2). The zero value is for a server that is alone.
type ClusterInfo struct {
	Name   string
	URLs   []string // where clients can connect: to this server first; nil if others were never known
	Others []string // those of URLs that are not this server's
}

// clusterFields are the fields of INFO for one ClusterInfo, ready to be appended.
type clusterFields struct {
	told     ClusterInfo
	ordinary []byte
	leaving  []byte // in lame duck mode, when clients had better not come back here
}

// SetCluster makes c part of INFOs from now on. If the URLs have changed, clients that
// can take an unsolicited INFO get one. Calls must not overlap.
func (h *Hub) SetCluster(c ClusterInfo) {
	old := h.cluster.Swap(&clusterFields{
		told: c, ordinary: encodeCluster(c.Name, c.URLs), leaving: encodeCluster(c.Name, c.Others),
	})
	if old == nil && c.URLs == nil || old != nil && slices.Equal(old.told.URLs, c.URLs) {
		return
	}
	for _, s := range h.Sessions() {
		if s.eligible.Load() {
			s.conn.Out.Append(s.infoLine(h.settings.Load(), wire.PerClient{Later: true}))
			s.conn.Out.Flush(false)
		}
	}
}

func encodeCluster(name string, urls []string) (fields []byte) {
	if name != "" {
		text, _ := json.Marshal(name) // texts always encode
		fields = append(append(fields, `,"cluster":`...), text...)
	}
	if len(urls) > 0 {
		list, _ := json.Marshal(urls)
		fields = append(append(fields, `,"connect_urls":`...), list...)
	}
	return fields
}

// clusterFields are those of an INFO.
func (h *Hub) clusterFields(lameDuck bool) []byte {
	switch f := h.cluster.Load(); {
	case f == nil:
		return nil
	case lameDuck:
		return f.leaving
	default:
		return f.ordinary
	}
}

// NextID returns a number for a connection of any kind, which no other has.
func (h *Hub) NextID() uint64 { return h.nextID.Add(1) }
