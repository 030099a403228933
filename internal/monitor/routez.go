package monitor

import (
	"net/url"
	"time"

	"nats-server/internal/facts"
)

// Routez is the report on the connections to other servers of the cluster (spec:
// monitoring 8).
type Routez struct {
	ServerID   string             `json:"server_id"`
	ServerName string             `json:"server_name"`
	Now        time.Time          `json:"now"`
	Import     *facts.Permissions `json:"import,omitempty"` // as configured
	Export     *facts.Permissions `json:"export,omitempty"`
	NumRoutes  int                `json:"num_routes"`
	Routes     []*Route           `json:"routes"`
}

// Route is one entry of Routez.
type Route struct {
	RID           uint64             `json:"rid"`
	RemoteID      string             `json:"remote_id"`
	RemoteName    string             `json:"remote_name"`
	DidSolicit    bool               `json:"did_solicit"`
	IsConfigured  bool               `json:"is_configured"`
	IP            string             `json:"ip"`
	Port          int                `json:"port"`
	Start         time.Time          `json:"start"`
	LastActivity  time.Time          `json:"last_activity"`
	RTT           string             `json:"rtt"`
	Uptime        string             `json:"uptime"`
	Idle          string             `json:"idle"`
	Import        *facts.Permissions `json:"import,omitempty"`
	Export        *facts.Permissions `json:"export,omitempty"`
	Pending       int64              `json:"pending_size"`
	InMsgs        int64              `json:"in_msgs"`
	OutMsgs       int64              `json:"out_msgs"`
	InBytes       int64              `json:"in_bytes"`
	OutBytes      int64              `json:"out_bytes"`
	Subscriptions uint32             `json:"subscriptions"`
	Subs          []string           `json:"subscriptions_list,omitempty"`
	SubsDetail    []Subscription     `json:"subscriptions_list_detail,omitempty"`
	Account       string             `json:"account,omitempty"`
	Compression   string             `json:"compression,omitempty"`
}

// routezOptions decodes the parameters of a request.
func routezOptions(q url.Values) (Subs, error) {
	p := params{values: q}
	subs := p.subs()
	return subs, p.err
}

// Routez returns the report on routes.
func (r *Reports) Routez(subs Subs) (*Routez, error) {
	about, now := r.source.About(), time.Now().UTC()
	z := &Routez{ServerID: about.ID, ServerName: about.Name, Now: now, Routes: []*Route{}}
	z.Import, z.Export = rules(about.Options.Cluster.Import), rules(about.Options.Cluster.Export)
	most := 0
	if subs != NoSubs {
		most = maxEntries
	}
	left := maxEntries
	for _, f := range r.source.Routes(most) {
		if left -= len(f.Subs); left < 0 {
			return nil, errTooMuch
		}
		z.Routes = append(z.Routes, route(&f, subs, now))
	}
	z.NumRoutes = len(z.Routes)
	return z, nil
}

func route(f *facts.Route, subs Subs, now time.Time) *Route {
	e := &Route{
		RID: f.ID, RemoteID: f.RemoteID, RemoteName: f.RemoteName, DidSolicit: f.Solicited, IsConfigured: f.Configured,
		IP: f.IP, Port: f.Port, Start: f.Start.UTC(), LastActivity: f.LastActivity.UTC(), RTT: rtt(f.RTT),
		Uptime: uptime(now.Sub(f.Start)), Idle: uptime(now.Sub(f.LastActivity)), Import: f.Import, Export: f.Export,
		Pending: f.Pending, InMsgs: f.InMsgs, OutMsgs: f.OutMsgs, InBytes: f.InBytes, OutBytes: f.OutBytes,
		Subscriptions: uint32(f.Subscriptions), Account: f.Pinned, Compression: f.Compression,
	}
	switch subs {
	case SubsList:
		e.Subs = subjects(f.Subs)
	case SubsDetail:
		e.SubsDetail = details(&f.Connection, "")
	}
	return e
}
