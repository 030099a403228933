package monitor

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"nats-server/internal/tlsconf"
)

// Varz is the report on the server as a whole (spec: monitoring 6).
type Varz struct {
	ServerID              string            `json:"server_id"`
	ServerName            string            `json:"server_name"`
	Version               string            `json:"version"`
	Proto                 int               `json:"proto"`
	GitCommit             string            `json:"git_commit,omitempty"`
	Go                    string            `json:"go"`
	Host                  string            `json:"host"`
	Port                  int               `json:"port"`
	AuthRequired          bool              `json:"auth_required,omitempty"`
	TLSRequired           bool              `json:"tls_required,omitempty"`
	TLSVerify             bool              `json:"tls_verify,omitempty"`
	MaxConnections        int               `json:"max_connections"`
	MaxSubscriptions      int               `json:"max_subscriptions,omitempty"`
	PingInterval          time.Duration     `json:"ping_interval"`
	PingMax               int               `json:"ping_max"`
	HTTPHost              string            `json:"http_host"`
	HTTPPort              int               `json:"http_port"`
	HTTPBasePath          string            `json:"http_base_path"`
	HTTPSPort             int               `json:"https_port"`
	AuthTimeout           float64           `json:"auth_timeout"`
	MaxControlLine        int32             `json:"max_control_line"`
	MaxPayload            int32             `json:"max_payload"`
	MaxPending            int64             `json:"max_pending"`
	Cluster               ClusterVarz       `json:"cluster"`
	Gateway               struct{}          `json:"gateway"`
	Leaf                  struct{}          `json:"leaf"`
	MQTT                  struct{}          `json:"mqtt"`
	Websocket             struct{}          `json:"websocket"`
	JetStream             struct{}          `json:"jetstream"`
	TLSTimeout            float64           `json:"tls_timeout"`
	WriteDeadline         time.Duration     `json:"write_deadline"`
	Start                 time.Time         `json:"start"`
	Now                   time.Time         `json:"now"`
	Uptime                string            `json:"uptime"`
	Mem                   int64             `json:"mem"`
	Cores                 int               `json:"cores"`
	MaxProcs              int               `json:"gomaxprocs"`
	MemLimit              int64             `json:"gomemlimit,omitempty"`
	CPU                   float64           `json:"cpu"`
	Connections           int               `json:"connections"`
	TotalConnections      uint64            `json:"total_connections"`
	Routes                int               `json:"routes"`
	Remotes               int               `json:"remotes"`
	Leafs                 int               `json:"leafnodes"`
	InMsgs                int64             `json:"in_msgs"`
	InBytes               int64             `json:"in_bytes"`
	InClientMsgs          int64             `json:"in_client_msgs"`
	InClientBytes         int64             `json:"in_client_bytes"`
	OutMsgs               int64             `json:"out_msgs"`
	OutBytes              int64             `json:"out_bytes"`
	OutClientMsgs         int64             `json:"out_client_msgs"`
	OutClientBytes        int64             `json:"out_client_bytes"`
	SlowConsumers         int64             `json:"slow_consumers"`
	StaleConnections      int64             `json:"stale_connections"`
	StalledClients        int64             `json:"stalled_clients"`
	Subscriptions         uint32            `json:"subscriptions"`
	HTTPReqStats          map[string]uint64 `json:"http_req_stats"`
	ConfigLoadTime        time.Time         `json:"config_load_time"`
	ConfigDigest          string            `json:"config_digest"`
	SystemAccount         string            `json:"system_account,omitempty"`
	SlowConsumersStats    KindCounts        `json:"slow_consumer_stats"`
	StaleConnectionsStats KindCounts        `json:"stale_connection_stats"`
	DiskIOWaitStats       diskWaits         `json:"disk_io_wait_stats"`
	TLSCertNotAfter       *time.Time        `json:"tls_cert_not_after,omitempty"`
}

// defaultTLSTimeout is what reports show where there is no TLS.
var defaultTLSTimeout = tlsconf.DefaultTimeout.Seconds()

// KindCounts is a number for each kind of connection.
type KindCounts struct {
	Clients  uint64 `json:"clients"`
	Routes   uint64 `json:"routes"`
	Gateways uint64 `json:"gateways"`
	Leafs    uint64 `json:"leafs"`
}

// of is the number of a kind.
func (k *KindCounts) of(name string) *uint64 {
	switch name {
	case "routes":
		return &k.Routes
	case "gateways":
		return &k.Gateways
	case "leafs":
		return &k.Leafs
	}
	return &k.Clients
}

// diskWaits are zero: nothing waits for a disk.
type diskWaits struct {
	Waiters     int `json:"waiters"`
	Waits       int `json:"waits"`
	WaitTime    int `json:"wait_time"`
	MaxWaitTime int `json:"max_wait_time"`
}

// Varz returns the report on the server as a whole.
func (r *Reports) Varz() *Varz {
	about, now := r.source.About(), time.Now()
	o := about.Options
	v := &Varz{
		ServerID: about.ID, ServerName: about.Name, Version: about.Version, Proto: 1,
		GitCommit: about.Commit, Go: runtime.Version(), Host: o.Host, Port: about.Port,
		AuthRequired:   about.AuthRequired,
		TLSRequired:    o.TLS != nil && !o.AllowNonTLS,
		TLSVerify:      o.TLS != nil && o.TLS.ClientCerts(),
		MaxConnections: max(o.MaxConn, 0), MaxSubscriptions: o.MaxSubs,
		PingInterval: o.PingInterval, PingMax: o.MaxPingsOut,
		HTTPHost: o.HTTPHost, HTTPPort: o.HTTPPort, HTTPBasePath: o.HTTPBasePath, HTTPSPort: o.HTTPSPort,
		AuthTimeout: o.AuthTimeout.Seconds(), TLSTimeout: defaultTLSTimeout, Cluster: clusterVarz(&about),
		MaxControlLine: o.MaxControlLine, MaxPayload: o.MaxPayload, MaxPending: o.MaxPending,
		WriteDeadline: o.WriteDeadline,
		Start:         about.Start.UTC(), Now: now.UTC(), Uptime: uptime(now.Sub(about.Start)),
		Cores: runtime.NumCPU(), MaxProcs: runtime.GOMAXPROCS(0),
		HTTPReqStats:   r.requestCounts(),
		ConfigLoadTime: about.Loaded.UTC(), ConfigDigest: o.ConfigDigest,
		SystemAccount: o.System(),
	}
	if o.TLS != nil {
		v.TLSTimeout = o.TLS.Timeout.Seconds()
	}
	v.Mem, v.CPU = r.usage.now()
	if os.Getenv("GOMEMLIMIT") != "" {
		if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
			v.MemLimit = limit
		}
	}
	if !about.CertNotAfter.IsZero() {
		t := about.CertNotAfter.UTC()
		v.TLSCertNotAfter = &t
	}
	for _, a := range r.source.Accounts() {
		v.Subscriptions += uint32(a.Subscriptions)
	}
	for _, k := range r.source.Kinds() {
		v.count(k)
	}
	v.Remotes = r.remotes()
	return v
}

// count adds the counters of one kind of connections.
func (v *Varz) count(k Kind) {
	t := k.Total
	switch k.Name {
	case "routes":
		v.Routes = t.Open
	case "leafs":
		v.Leafs = t.Open
	case "clients":
		v.Connections, v.TotalConnections = t.Open, t.Accepted
		v.InClientMsgs, v.InClientBytes = t.InMsgs, t.InBytes
		v.OutClientMsgs, v.OutClientBytes = t.OutMsgs, t.OutBytes
	}
	v.InMsgs, v.InBytes = v.InMsgs+t.InMsgs, v.InBytes+t.InBytes
	v.OutMsgs, v.OutBytes = v.OutMsgs+t.OutMsgs, v.OutBytes+t.OutBytes
	slow, stale := k.Stats.SlowConsumers.Load(), k.Stats.Stale.Load()
	v.SlowConsumers += int64(slow)
	v.StaleConnections += int64(stale)
	v.StalledClients += int64(k.Stats.Stalls.Load())
	*v.SlowConsumersStats.of(k.Name) += slow
	*v.StaleConnectionsStats.of(k.Name) += stale
}

// remotes is how many other servers there are routes to.
func (r *Reports) remotes() int {
	seen := make(map[string]bool)
	for _, route := range r.source.Routes(0) {
		seen[route.RemoteID] = true
	}
	return len(seen)
}
