package monitor

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"nats-server/internal/facts"
)

// maxEntries is how many subscriptions one report may list.
const maxEntries = 1_000_000

var errTooMuch = &Fault{http.StatusRequestEntityTooLarge, "too many subscriptions for one answer: use limit and offset"}

// Connection is one entry of Connz (spec: monitoring 7.2).
type Connection struct {
	CID           uint64         `json:"cid"`
	Kind          string         `json:"kind,omitempty"`
	Type          string         `json:"type,omitempty"`
	IP            string         `json:"ip"`
	Port          int            `json:"port"`
	Start         time.Time      `json:"start"`
	LastActivity  time.Time      `json:"last_activity"`
	Stop          *time.Time     `json:"stop,omitempty"`
	Reason        string         `json:"reason,omitempty"`
	RTT           string         `json:"rtt"`
	Uptime        string         `json:"uptime"`
	Idle          string         `json:"idle"`
	Pending       int64          `json:"pending_bytes"`
	InMsgs        int64          `json:"in_msgs"`
	OutMsgs       int64          `json:"out_msgs"`
	InBytes       int64          `json:"in_bytes"`
	OutBytes      int64          `json:"out_bytes"`
	Stalls        int64          `json:"stalls,omitempty"`
	Subscriptions uint32         `json:"subscriptions"`
	Name          string         `json:"name,omitempty"`
	Lang          string         `json:"lang,omitempty"`
	Version       string         `json:"version,omitempty"`
	TLSVersion    string         `json:"tls_version,omitempty"`
	TLSCipher     string         `json:"tls_cipher_suite,omitempty"`
	TLSPeerCerts  []*PeerCert    `json:"tls_peer_certs,omitempty"`
	TLSFirst      bool           `json:"tls_first,omitempty"`
	User          string         `json:"authorized_user,omitempty"`
	Account       string         `json:"account,omitempty"`
	Subs          []string       `json:"subscriptions_list,omitempty"`
	SubsDetail    []Subscription `json:"subscriptions_list_detail,omitempty"`
	NameTag       string         `json:"name_tag,omitempty"`
}

// PeerCert is a certificate that a client has presented.
type PeerCert struct {
	Subject string `json:"subject,omitempty"`
	SPKI    string `json:"spki_sha256,omitempty"`
	Cert    string `json:"cert_sha256,omitempty"`
}

// Subscription is a subscription with all about it.
type Subscription struct {
	Account    string `json:"account,omitempty"`
	AccountTag string `json:"account_tag,omitempty"`
	Subject    string `json:"subject"`
	Queue      string `json:"qgroup,omitempty"`
	SID        string `json:"sid"`
	Msgs       int64  `json:"msgs"`
	Max        int64  `json:"max,omitempty"`
	CID        uint64 `json:"cid"`
}

// connection is the entry of a connection of which f is known.
func connection(f *facts.Connection, o ConnzOptions, now time.Time) Connection {
	until := end(f, now)
	c := Connection{
		CID: f.ID, Kind: "Client", Type: "nats", IP: f.IP, Port: f.Port,
		Start: f.Start.UTC(), LastActivity: f.LastActivity.UTC(), Reason: f.Reason,
		RTT: rtt(f.RTT), Uptime: uptime(until.Sub(f.Start)), Idle: uptime(until.Sub(f.LastActivity)),
		Pending: f.Pending, InMsgs: f.InMsgs, OutMsgs: f.OutMsgs, InBytes: f.InBytes, OutBytes: f.OutBytes,
		Stalls: f.Stalls, Subscriptions: uint32(f.Subscriptions),
		Name: f.Name, Lang: f.Lang, Version: f.Version,
	}
	closed := !f.Stop.IsZero()
	if closed {
		stop := f.Stop.UTC()
		c.Stop = &stop
	}
	if t := f.TLS; t != nil {
		c.TLSVersion, c.TLSCipher, c.TLSFirst = tlsVersion(t.Version), tls.CipherSuiteName(t.CipherSuite), t.First
		if o.Auth && !closed {
			c.TLSPeerCerts = peerCerts(t.Peer)
		}
	}
	if o.Auth {
		c.User, c.NameTag = f.User, f.Account
		if f.Account != global {
			c.Account = f.Account
		}
	}
	switch o.Subs {
	case SubsList:
		c.Subs = subjects(f.Subs)
	case SubsDetail:
		in := ""
		if closed {
			in = f.Account
		}
		c.SubsDetail = details(f, in)
	}
	return c
}

func subjects(subs []facts.Subscription) []string {
	list := make([]string, len(subs))
	for i := range subs {
		list[i] = subs[i].Subject
	}
	return list
}

// details are the subscriptions of a connection; account is only shown if given.
func details(f *facts.Connection, account string) []Subscription {
	list := make([]Subscription, len(f.Subs))
	for i := range f.Subs {
		list[i] = detail(&f.Subs[i], f.ID, account)
	}
	return list
}

func detail(s *facts.Subscription, cid uint64, account string) Subscription {
	return Subscription{
		Account: account, AccountTag: account, Subject: s.Subject, Queue: s.Queue,
		SID: s.SID, Msgs: int64(s.Delivered), Max: int64(s.Max), CID: cid,
	}
}

func tlsVersion(v uint16) string {
	if v < tls.VersionTLS10 || v > tls.VersionTLS13 {
		return fmt.Sprintf("Unknown [0x%x]", v)
	}
	return strings.TrimPrefix(tls.VersionName(v), "TLS ")
}

func peerCerts(certs []*x509.Certificate) (list []*PeerCert) {
	for _, c := range certs {
		key, all := sha256.Sum256(c.RawSubjectPublicKeyInfo), sha256.Sum256(c.Raw)
		list = append(list, &PeerCert{c.Subject.String(), hex.EncodeToString(key[:]), hex.EncodeToString(all[:])})
	}
	return list
}
