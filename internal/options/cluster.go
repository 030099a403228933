package options

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
	"nats-server/internal/perms"
	"nats-server/internal/tlsconf"
)

const (
	// DefaultConnectErrorReports and DefaultReconnectErrorReports say how often a failed
	// attempt to connect is an error in the log.
	DefaultConnectErrorReports   = 3600
	DefaultReconnectErrorReports = 1

	// DefaultPoolSize is how many connections there are to each server of the cluster.
	DefaultPoolSize = 3

	// mostPoolSize is the largest pool.
	mostPoolSize = 1024

	// mostRoutePing is the longest silence on a route (spec: cluster-routes 12.1).
	mostRoutePing = 30 * time.Second

	// Values of Cluster.WriteTimeout.
	WriteTimeoutDefault = "default"
	WriteTimeoutClose   = "close"
	WriteTimeoutRetry   = "retry"
)

// Cluster says how a server is part of a cluster. The zero value of a field means its
// default (spec: configuration 10.4).
type Cluster struct {
	Name        string   // without blanks; "" = a generated one, or that of the others
	Host        string   // address of the listener for other servers; "" = all interfaces
	Port        int      // its port; 0 = no cluster, RandomPort = any free one
	Advertise   string   // host[:port] that other servers are told; "" = the listener's
	NoAdvertise bool     // other servers do not tell their clients of this one
	Routes      []string // URLs of other servers: nats-route://[user:password@]host:port

	PoolSize int      // connections to each server, over which accounts are spread; 0 = 3, below: one
	Accounts []string // accounts that have a connection of their own, besides the system account; not without a pool

	Compression Compression // of what servers send each other; default: CompressionAccept

	Username    string        // with Password: what another server must present
	Password    string        // plain text or a bcrypt hash of it
	AuthTimeout time.Duration // time for that; 0 = 2 s, with TLS 1 s more than its timeout

	TLS    *tlsconf.Config // how servers connect securely; nil = they do not
	Import *perms.Rules    // local interest that others are told of; nil = all
	Export *perms.Rules    // interest of others that is accepted; nil = all

	ConnectRetries int  // attempts after the first to connect to a server that another has told of
	ConnectBackoff bool // attempts follow each other ever more slowly, up to 30 s

	PingInterval  time.Duration // at most 30 s, which longer ones become; 0 = Options.PingInterval
	MaxPingsOut   int           // unanswered pings; 0 = Options.MaxPingsOut
	WriteDeadline time.Duration // for one flush; 0 = Options.WriteDeadline
	WriteTimeout  string        // what follows it: "close", "retry" unless nothing was taken; "" = retry
}

// Enabled reports whether the server is part of a cluster.
func (c *Cluster) Enabled() bool { return c.Port != 0 }

// completeCluster fills in defaults, if there is a cluster.
func (o *Options) completeCluster() {
	c := &o.Cluster
	if !c.Enabled() {
		return
	}
	fill(&c.Host, DefaultHost)
	fill(&c.PoolSize, DefaultPoolSize)
	c.Compression.complete(CompressionAccept)
	fill(&c.PingInterval, o.PingInterval)
	c.PingInterval = min(c.PingInterval, mostRoutePing)
	fill(&c.MaxPingsOut, o.MaxPingsOut)
	fill(&c.WriteDeadline, o.WriteDeadline)
	fill(&c.WriteTimeout, WriteTimeoutDefault)
	timeout := DefaultAuthTimeout
	if c.TLS != nil {
		t := *c.TLS
		t.Role = tlsconf.Both
		fill(&t.Timeout, tlsconf.DefaultTimeout)
		c.TLS = &t
		timeout = t.Timeout + time.Second
	}
	fill(&c.AuthTimeout, timeout)
}

// checkCluster returns what is wrong with the settings of the cluster.
func (o *Options) checkCluster() error {
	c := &o.Cluster
	if strings.ContainsAny(c.Name, " \t\r\n") {
		return errors.New("cluster name cannot contain spaces")
	}
	if _, _, err := c.Advertised("", 0); err != nil {
		return err
	}
	if _, err := c.RouteURLs(); err != nil {
		return err
	}
	if c.TLS != nil {
		if err := c.TLS.Check(); err != nil {
			return err
		}
	}
	for _, d := range []struct {
		name  string
		rules *perms.Rules
	}{{"import", c.Import}, {"export", c.Export}} {
		if d.rules == nil {
			continue
		}
		for name, list := range map[string][]string{"allow": d.rules.Allow, "deny": d.rules.Deny} {
			one := perms.Config{Publish: &perms.Rules{Allow: list}}
			if _, err := one.Compile(); err != nil {
				return fmt.Errorf("cluster %s %s: %w", d.name, name, err)
			}
		}
	}
	if err := c.Compression.check(); c.Enabled() && err != nil {
		return err
	}
	names := slices.Clone(c.Accounts)
	slices.Sort(names)
	switch {
	case c.PoolSize < 0 && len(c.Accounts) > 0:
		return errors.New("pool_size cannot be negative if pinned accounts are specified")
	case c.PoolSize > mostPoolSize:
		return fmt.Errorf("pool_size is %d, but can be at most %d", c.PoolSize, mostPoolSize)
	case len(slices.Compact(names)) < len(c.Accounts):
		return errors.New("found duplicate entries in the accounts of the cluster")
	case c.WriteTimeout != "" && c.WriteTimeout != WriteTimeoutDefault && c.WriteTimeout != WriteTimeoutClose && c.WriteTimeout != WriteTimeoutRetry:
		return errors.New("write_timeout must be 'default', 'close' or 'retry'")
	case c.PingInterval < 0, c.MaxPingsOut < 0, c.WriteDeadline < 0, c.AuthTimeout < 0:
		return errors.New("cluster: ping_interval, ping_max, write_deadline and timeout can not be negative")
	}
	return nil
}

// RouteURLs returns Routes, or which of them is none. Duplicates are left out.
func (c *Cluster) RouteURLs() ([]*url.URL, error) {
	var all []*url.URL
	seen := make(map[string]bool)
	for _, text := range c.Routes {
		u, err := routeURL(text)
		if err != nil {
			return nil, err
		}
		if !seen[u.String()] {
			seen[u.String()] = true
			all = append(all, u)
		}
	}
	return all, nil
}

// routeURL is the URL of another server. Errors do not show what may be a password.
func routeURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		var detail *url.Error
		if errors.As(err, &detail) {
			err = detail.Err
		}
		return nil, fmt.Errorf("error parsing a route URL: %w", err)
	}
	if _, port, err := net.SplitHostPort(u.Host); err != nil || port == "" {
		return nil, fmt.Errorf("error parsing a route URL: %q is not host:port", u.Host)
	}
	return u, nil
}

// Advertised is the address that other servers are told, given that of the listener.
func (c *Cluster) Advertised(host string, port int) (string, int, error) {
	h, p, err := advertised(c.Advertise, host, port)
	if err != nil {
		err = fmt.Errorf("invalid Cluster.Advertise value of %s, err=%w", c.Advertise, err)
	}
	return h, p, err
}

func (o *Options) clusterKeys() keys.Table {
	c := &o.Cluster
	const told = "other servers have been told the address, and the port may be taken"
	t := c.TLS
	if t == nil {
		t = &tlsconf.Config{Role: tlsconf.Both}
	}
	given := func(*keys.Report, conf.Pos) { c.TLS = t }
	var deprecated clusterRules
	block := keys.Table{
		{Name: "name", Value: keys.String(&c.Name), Since: "2.2.0",
			Doc: "Name of the cluster, without blanks. Without one it is generated, until another server has a name."},
		{Name: "listen", Value: keys.Address(&c.Host, &c.Port), Change: keys.Restart, Why: told,
			Doc: "Address for other servers. A port alone means all interfaces; port -1 is a random one."},
		{Name: "port", Value: keys.Port(&c.Port).Quiet(), Change: keys.Restart, Why: told,
			Doc: "Port for other servers; -1 is a random one. Without a port there is no cluster."},
		{Name: "host", Aliases: []string{"net"}, Value: keys.String(&c.Host).Quiet(), Default: "0.0.0.0",
			Change: keys.Restart, Why: told, Doc: "Address of the interface for other servers."},
		{Name: "cluster_advertise", Aliases: []string{"advertise"}, Value: keys.String(&c.Advertise),
			Doc: "`host[:port]` that other servers are told instead of the listener's."},
		{Name: "no_advertise", Value: keys.Bool(&c.NoAdvertise), Default: "false",
			Doc: "Neither tell other servers' clients of this server, nor our clients of others."},
		{Name: "routes", Value: c.routes(), Label: "cluster routes", Secret: true,
			Doc: "URLs of servers to connect to: `nats-route://[user:password@]host:port`. One is enough to get to know the others."},
		{Name: "authorization", Value: keys.Block(c.authKeys(&deprecated)), Doc: "What other servers must present."},
		{Name: "permissions", Value: clusterPermissions(&c.Import, &c.Export),
			Doc: "Which interest is shared with other servers."},
		{Name: "tls", Value: t.Block().Then(given), Doc: "Routes are encrypted, and both sides show certificates, which `ca_file` verifies."},
		{Name: "pool_size", Value: keys.Int(&c.PoolSize, math.MinInt32, mostPoolSize), Default: "3", Since: "2.10.0",
			Doc: "Connections to each server, over which accounts are spread. A negative number means a single one, as with older servers. A change connects anew, but for accounts with a connection of their own."},
		{Name: "accounts", Value: keys.Strings(&c.Accounts), Since: "2.10.0",
			Doc: "Names of accounts that have a connection of their own to each server, as the system account always has. Other servers should say the same. After a reload, accounts use the pool until both do."},
		{Name: "compression", Value: c.Compression.value(), Default: "accept", Since: "2.10.0",
			Doc: "How routes are compressed: `off`, `accept` (if the other server wants it), `s2_fast`, `s2_better`, `s2_best`, or `s2_auto`, which goes by the round-trip time. A change from or to `off` or `accept` connects anew."},
		{Name: "connect_retries", Value: keys.Int(&c.ConnectRetries, 0, math.MaxInt32), Default: "0",
			Doc: "Attempts after the first to connect to a server that another server has told of. Configured ones are never given up."},
		{Name: "connect_backoff", Value: keys.Bool(&c.ConnectBackoff), Default: "false", Since: "2.12.0",
			Doc: "Wait twice as long after each attempt that fails, up to 30s, instead of 1s."},
		{Name: "ping_interval", Value: keys.Duration(&c.PingInterval), Since: "2.10.10",
			Doc: "Time between two pings of a server, at most 30s; else that of clients. Timers that run keep their time."},
		{Name: "ping_max", Value: keys.Int(&c.MaxPingsOut, 0, math.MaxInt32), Since: "2.10.10",
			Doc: "Unanswered pings before a server counts as gone; else that of clients."},
		{Name: "write_deadline", Value: keys.Duration(&c.WriteDeadline), Since: "2.11.11",
			Doc: "Time for one write to a server; else that of clients."},
		{Name: "write_timeout", Value: keys.OneOf(&c.WriteTimeout, WriteTimeoutDefault, WriteTimeoutClose, WriteTimeoutRetry),
			Default: WriteTimeoutDefault, Since: "2.11.11",
			Doc: "What follows when that has passed: `close` ends the route, `retry` (the default) goes on if the server has taken anything."},
	}
	finish := func(r *keys.Report, at conf.Pos) {
		if c.Import == nil && c.Export == nil {
			c.Import, c.Export = deprecated.imports, deprecated.exports
		}
		if c.Port == 0 && len(c.Routes) > 0 {
			r.Warnf(at, "routes", "there is no cluster without a port, so that routes have no effect: add port: -1")
		}
	}
	return keys.Table{{Name: "cluster", Value: keys.Block(block).Then(finish),
		Doc: "The server forms a cluster with others."}}
}

// clusterRules are permissions in the place where they are deprecated.
type clusterRules struct{ imports, exports *perms.Rules }

func (c *Cluster) authKeys(deprecated *clusterRules) keys.Table {
	refuse := func(text string) keys.Value {
		return keys.Custom("", nil, func(r *keys.Report, key string, v *conf.Value) { r.Errorf(v.Pos, "%s", text) })
	}
	warn := func(r *keys.Report, at conf.Pos) {
		r.Warnf(at, "permissions", "write them into the block cluster, beside authorization")
	}
	return keys.Table{
		{Name: "user", Aliases: []string{"username"}, Value: keys.String(&c.Username), Secret: true,
			Doc: "Name that another server presents."},
		{Name: "pass", Aliases: []string{"password"}, Value: keys.String(&c.Password), Secret: true,
			Doc: "Its password, plain or a bcrypt hash. To servers that others have told of this one is presented, which a hash is not good for."},
		{Name: "timeout", Value: keys.Seconds(&c.AuthTimeout), Default: `"2s"`, Change: keys.NewClients,
			Doc: "Time for a server to present its credentials."},
		{Name: "users", Value: refuse("Cluster authorization does not allow multiple users")},
		{Name: "token", Value: refuse("Cluster authorization does not support tokens")},
		{Name: "auth_callout", Aliases: []string{"auth_hook"}, Value: refuse("Cluster authorization does not support callouts")},
		{Name: "permissions", Value: clusterPermissions(&deprecated.imports, &deprecated.exports).Then(warn).Quiet()},
	}
}

// clusterPermissions is which interest is shared (spec: configuration 10.2.2).
func clusterPermissions(imports, exports **perms.Rules) keys.Value {
	later := func(*perms.Rules) perms.Config { return perms.Config{} } // Complete checks them
	table := func() keys.Table {
		return keys.Table{
			{Name: "import", Aliases: []string{"publish", "pub"}, Value: rules(imports, later),
				Doc: "Subjects of which the interest of our clients is told to other servers, in the forms of the permissions of users."},
			{Name: "export", Aliases: []string{"subscribe", "sub"}, Value: rules(exports, later),
				Doc: "Subjects of which the interest of other servers is accepted."},
			{Name: "allow_responses", Aliases: []string{"publish_allow_responses"},
				Value: keys.Custom("", nil, func(r *keys.Report, key string, v *conf.Value) {
					r.Errorf(v.Pos, "Cluster permissions do not support dynamic responses")
				})},
		}
	}
	show := func() string { return fmt.Sprintf("%+v %+v", *imports, *exports) }
	return keys.Nested(table(), show, func(r *keys.Report, key string, v *conf.Value) {
		if v.Kind != conf.Map {
			r.Errorf(v.Pos, "Expected permissions to be a map/struct, got %s", text(v))
			return
		}
		*imports, *exports = nil, nil
		r.Block("permissions", table(), v)
	})
}

// routes is a list of URLs.
func (c *Cluster) routes() keys.Value {
	show := func() string { return strconv.Quote(strings.Join(c.Routes, " ")) }
	return keys.Custom("array of URLs", show, func(r *keys.Report, key string, v *conf.Value) {
		list := v.List
		if v.Kind != conf.Array {
			list = []*conf.Value{v}
		}
		c.Routes = nil
		seen := make(map[string]bool)
		for _, e := range list {
			if e.Kind != conf.String {
				r.Errorf(e.Pos, "error parsing routes: unsupported type in array %s", e.Kind.GoType())
				continue
			}
			switch _, err := routeURL(e.Str); {
			case err != nil:
				r.Errorf(e.Pos, "%v", err)
			case seen[e.Str]:
				r.Warnf(e.Pos, "routes", "Duplicate route entry detected")
			default:
				seen[e.Str] = true
				c.Routes = append(c.Routes, e.Str)
			}
		}
	})
}
