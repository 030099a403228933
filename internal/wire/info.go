package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// ServerInfo is what a server says about itself in INFO to one client (spec:
// client-protocol 2). Clients replace what they knew by each INFO, so every one
// carries all fields.
type ServerInfo struct {
	ServerID     string `json:"server_id"`
	ServerName   string `json:"server_name"`
	Version      string `json:"version"`
	Proto        int    `json:"proto"`
	GitCommit    string `json:"git_commit,omitempty"`
	Go           string `json:"go"`
	Host         string `json:"host"`
	Port         int    `json:"port"`
	Headers      bool   `json:"headers"`
	AuthRequired bool   `json:"auth_required,omitempty"`
	TLSRequired  bool   `json:"tls_required,omitempty"`
	TLSVerify    bool   `json:"tls_verify,omitempty"`
	TLSAvailable bool   `json:"tls_available,omitempty"`
	MaxPayload   int    `json:"max_payload"`
}

// PerClient are the fields of an INFO that differ between clients or in time.
type PerClient struct {
	ID            uint64
	IP            string
	Nonce         string // to be signed with an nkey; "" = none
	LameDuck      bool
	Later         bool   // not the first INFO
	Cluster       []byte // fields about the cluster, encoded with a comma before each
	ConnectInfo   bool   // the INFO that answers the first PING
	RemoteAccount string // only with ConnectInfo
	MaxPayload    *int   // nil = that of the server
}

// InfoTemplate is a ServerInfo encoded once, to which each client's fields are added.
// It is immutable.
type InfoTemplate struct {
	start      []byte
	maxPayload int
}

// Template encodes i.
func (i *ServerInfo) Template() (*InfoTemplate, error) {
	b, err := json.Marshal(i)
	if err != nil {
		return nil, err
	}
	b = b[:bytes.LastIndex(b, []byte(`,"max_payload":`))] // the last field
	return &InfoTemplate{append([]byte("INFO "), b...), i.MaxPayload}, nil
}

// Append appends the INFO line for one client. IP and Nonce must need no JSON escaping,
// as is true of addresses and base64.
func (t *InfoTemplate) Append(dst []byte, c PerClient) []byte {
	most := t.maxPayload
	if c.MaxPayload != nil {
		most = *c.MaxPayload
	}
	dst = append(dst, t.start...)
	dst = append(dst, `,"max_payload":`...)
	dst = strconv.AppendInt(dst, int64(most), 10)
	dst = append(dst, `,"client_id":`...)
	dst = strconv.AppendUint(dst, c.ID, 10)
	if c.IP != "" {
		dst = append(dst, `,"client_ip":"`...)
		dst = append(append(dst, c.IP...), '"')
	}
	if c.Nonce != "" {
		dst = append(dst, `,"nonce":"`...)
		dst = append(append(dst, c.Nonce...), '"')
	}
	dst = append(dst, c.Cluster...)
	if c.LameDuck {
		dst = append(dst, `,"ldm":true`...)
	}
	if c.ConnectInfo {
		dst = append(dst, `,"connect_info":true,"remote_account":`...)
		name, _ := json.Marshal(c.RemoteAccount) // a string always encodes
		dst = append(dst, name...)
	}
	return append(dst, "} \r\n"...)
}
