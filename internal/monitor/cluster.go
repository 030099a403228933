package monitor

import (
	"time"

	"nats-server/internal/facts"
	"nats-server/internal/options"
	"nats-server/internal/perms"
)

// ClusterVarz is the part of Varz about the cluster (spec: monitoring 6.3). It is empty
// for a server that is alone.
type ClusterVarz struct {
	Name          string        `json:"name,omitempty"`
	Addr          string        `json:"addr,omitempty"`
	Port          int           `json:"cluster_port,omitempty"`
	AuthTimeout   float64       `json:"auth_timeout,omitempty"`
	URLs          []string      `json:"urls,omitempty"`
	TLSTimeout    float64       `json:"tls_timeout,omitempty"`
	TLSRequired   bool          `json:"tls_required,omitempty"`
	TLSVerify     bool          `json:"tls_verify,omitempty"`
	PoolSize      int           `json:"pool_size,omitempty"`
	WriteDeadline time.Duration `json:"write_deadline,omitempty"`
	WriteTimeout  string        `json:"write_timeout,omitempty"`
}

// withoutPool says that there is one connection to each server.
const withoutPool = -1

func clusterVarz(about *About) (v ClusterVarz) {
	c := &about.Options.Cluster
	if !c.Enabled() {
		return v
	}
	v = ClusterVarz{
		Name: about.ClusterName, Addr: c.Host, Port: about.ClusterPort, AuthTimeout: c.AuthTimeout.Seconds(),
		TLSTimeout: defaultTLSTimeout, PoolSize: max(c.PoolSize, withoutPool), WriteDeadline: c.WriteDeadline,
	}
	if c.WriteTimeout != options.WriteTimeoutDefault {
		v.WriteTimeout = c.WriteTimeout
	}
	if c.TLS != nil {
		v.TLSTimeout, v.TLSRequired, v.TLSVerify = c.TLS.Timeout.Seconds(), true, true
	}
	urls, _ := c.RouteURLs() // have been read at the start
	for _, u := range urls {
		v.URLs = append(v.URLs, u.Host) // without credentials
	}
	return v
}

// rules are what a configuration lets pass.
func rules(r *perms.Rules) *facts.Permissions {
	if r == nil {
		return nil
	}
	return &facts.Permissions{Allow: r.Allow, Deny: r.Deny}
}
