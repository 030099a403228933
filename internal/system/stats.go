package system

import (
	"time"

	"nats-server/internal/monitor"
)

// stats are what a server says of itself in short (spec: accounts-and-auth 7.3).
type stats struct {
	Start              time.Time          `json:"start"`
	Mem                int64              `json:"mem"`
	Cores              int                `json:"cores"`
	CPU                float64            `json:"cpu"`
	Connections        int                `json:"connections"`
	TotalConnections   uint64             `json:"total_connections"`
	ActiveAccounts     int                `json:"active_accounts"`
	Subscriptions      uint32             `json:"subscriptions"`
	Sent               monitor.Count      `json:"sent"`
	SentToClients      monitor.Count      `json:"sent_to_clients"`
	Received           monitor.Count      `json:"received"`
	ReceivedOfClients  monitor.Count      `json:"received_from_clients"`
	SlowConsumers      int64              `json:"slow_consumers"`
	SlowConsumersStats monitor.KindCounts `json:"slow_consumer_stats"`
	Stale              int64              `json:"stale_connections"`
	StaleStats         monitor.KindCounts `json:"stale_connection_stats"`
	Stalled            int64              `json:"stalled_clients"`
	Routes             []routeStats       `json:"routes,omitempty"`
	ActiveServers      int                `json:"active_servers"`
	MemLimit           int64              `json:"gomemlimit,omitempty"`
	MaxProcs           int                `json:"gomaxprocs"`
}

type routeStats struct {
	RID      uint64        `json:"rid"`
	Name     string        `json:"name"`
	Sent     monitor.Count `json:"sent"`
	Received monitor.Count `json:"received"`
	Pending  int64         `json:"pending"`
}

func (r *Responder) stats() stats {
	v := r.cfg.Reports.Varz()
	s := stats{
		Start: v.Start, Mem: v.Mem, Cores: v.Cores, CPU: v.CPU, Connections: v.Connections, TotalConnections: v.TotalConnections,
		ActiveAccounts: len(r.cfg.Reports.Accstatz(false).Accounts), Subscriptions: v.Subscriptions,
		Sent:              monitor.Count{Msgs: v.OutMsgs, Bytes: v.OutBytes},
		SentToClients:     monitor.Count{Msgs: v.OutClientMsgs, Bytes: v.OutClientBytes},
		Received:          monitor.Count{Msgs: v.InMsgs, Bytes: v.InBytes},
		ReceivedOfClients: monitor.Count{Msgs: v.InClientMsgs, Bytes: v.InClientBytes},
		SlowConsumers:     v.SlowConsumers, SlowConsumersStats: v.SlowConsumersStats,
		Stale: v.StaleConnections, StaleStats: v.StaleConnectionsStats, Stalled: v.StalledClients,
		ActiveServers: 1 + v.Remotes, MemLimit: v.MemLimit, MaxProcs: v.MaxProcs,
	}
	routes, err := r.cfg.Reports.Routez(monitor.NoSubs)
	if err != nil { // only with subscriptions
		return s
	}
	for _, c := range routes.Routes {
		s.Routes = append(s.Routes, routeStats{
			c.RID, c.RemoteName, monitor.Count{Msgs: c.OutMsgs, Bytes: c.OutBytes}, monitor.Count{Msgs: c.InMsgs, Bytes: c.InBytes}, c.Pending,
		})
	}
	return s
}
