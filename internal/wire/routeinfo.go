package wire

import "encoding/json"

// Rules are subjects that are allowed and denied, as servers tell each other.
type Rules struct {
	Allow []string `json:"allow,omitempty"`
	Deny  []string `json:"deny,omitempty"`
}

// RouteInfo is the INFO of a route (spec: cluster-routes 4.2). Fields that are not of
// this server's concern are left out when an INFO is passed on.
type RouteInfo struct {
	ServerID       string   `json:"server_id"`
	ServerName     string   `json:"server_name"`
	Version        string   `json:"version"`
	Proto          int      `json:"proto"`
	Go             string   `json:"go"`
	Host           string   `json:"host"`
	Port           int      `json:"port"`
	Headers        bool     `json:"headers"`
	AuthRequired   bool     `json:"auth_required,omitempty"`
	TLSRequired    bool     `json:"tls_required,omitempty"`
	TLSVerify      bool     `json:"tls_verify,omitempty"`
	MaxPayload     int      `json:"max_payload"`
	JetStream      bool     `json:"jetstream,omitempty"`
	IP             string   `json:"ip,omitempty"` // nats-route://host:port/
	Nonce          string   `json:"nonce,omitempty"`
	Cluster        string   `json:"cluster,omitempty"`
	ClusterDynamic bool     `json:"cluster_dynamic,omitempty"`
	Domain         string   `json:"domain,omitempty"`
	ConnectURLs    []string `json:"connect_urls,omitempty"`
	WSConnectURLs  []string `json:"ws_connect_urls,omitempty"`
	LameDuck       bool     `json:"ldm,omitempty"`
	Compression    string   `json:"compression,omitempty"`
	Import         *Rules   `json:"import,omitempty"`
	Export         *Rules   `json:"export,omitempty"`
	LeafOrigin     bool     `json:"lnoc,omitempty"`
	LeafOriginDrop bool     `json:"lnocu,omitempty"`
	PoolSize       int      `json:"route_pool_size,omitempty"`
	PoolIndex      int      `json:"route_pool_idx,omitempty"`
	PoolLarger     bool     `json:"route_pool_larger,omitempty"` // the larger of two pools decides where accounts go; not of the reference
	Account        string   `json:"route_account,omitempty"`
	AccountRequest string   `json:"route_acc_add_reqid,omitempty"`
	GossipMode     int      `json:"gossip_mode,omitempty"`
	Gateway        string   `json:"gateway,omitempty"`
	GatewayURL     string   `json:"gateway_url,omitempty"`
	LeafnodeURLs   []string `json:"leafnode_urls,omitempty"`
}

// Decode reads the argument of INFO.
func (i *RouteInfo) Decode(arg []byte) error { return json.Unmarshal(arg, i) }

// Line is the INFO line for what this server says about itself, with the blank that
// peers expect there.
func (i *RouteInfo) Line() []byte { return i.line("} \r\n") }

// ForwardedLine is the INFO line for what another server has said about itself.
func (i *RouteInfo) ForwardedLine() []byte { return i.line("}\r\n") }

func (i *RouteInfo) line(end string) []byte {
	b, _ := json.Marshal(i) // texts, numbers and lists always encode
	return append(append([]byte("INFO "), b[:len(b)-1]...), end...)
}

// RouteConnect is the CONNECT of a server that dials a route (spec: cluster-routes 4.3).
type RouteConnect struct {
	Echo           bool   `json:"echo"`
	Verbose        bool   `json:"verbose"`
	Pedantic       bool   `json:"pedantic"`
	User           string `json:"user,omitempty"`
	Pass           string `json:"pass,omitempty"`
	TLSRequired    bool   `json:"tls_required"`
	Headers        bool   `json:"headers"`
	Name           string `json:"name"` // the id of the server
	Cluster        string `json:"cluster"`
	ClusterDynamic bool   `json:"cluster_dynamic,omitempty"`
	LeafOrigin     bool   `json:"lnoc,omitempty"`
	Lang           string `json:"lang,omitempty"`    // of clients
	Gateway        string `json:"gateway,omitempty"` // of gateways
}

// Decode reads the argument of CONNECT.
func (c *RouteConnect) Decode(arg []byte) error { return json.Unmarshal(arg, c) }

// Line is the CONNECT line.
func (c *RouteConnect) Line() []byte {
	b, _ := json.Marshal(c) // texts and booleans always encode
	return append(append([]byte("CONNECT "), b...), "\r\n"...)
}
