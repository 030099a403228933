// Package facts holds what is known of a connection at one moment, as plain values:
// peers fill them in, reports show them, and neither knows the other. A value is a copy
// that outlives the connection.
package facts

import (
	"crypto/x509"
	"time"
)

// Traffic is messages, and bytes of messages with their headers, but not of protocol.
// In is what the server has received.
type Traffic struct{ InMsgs, InBytes, OutMsgs, OutBytes int64 }

// Add adds o to t.
func (t *Traffic) Add(o Traffic) {
	t.InMsgs += o.InMsgs
	t.InBytes += o.InBytes
	t.OutMsgs += o.OutMsgs
	t.OutBytes += o.OutBytes
}

// Connection is one connection.
type Connection struct {
	ID           uint64
	IP           string // of the peer; "" within the process
	Port         int
	Start        time.Time
	LastActivity time.Time // a message either way, or a subscription that came or went
	Stop         time.Time // zero while it is open
	Reason       string    // why it was closed
	RTT          time.Duration
	Pending      int64 // bytes queued for the peer
	Traffic
	Stalls        int64 // publishers held back because this one is slow
	Subscriptions int

	Name, Lang, Version string // as the peer says
	TLS                 *TLS   // nil without
	User                string // who it is, fit to be shown; "" for anybody
	Account             string

	Subs []Subscription // if asked for; perhaps not all
}

// TLS is how a connection is secured.
type TLS struct {
	Version, CipherSuite uint16
	Peer                 []*x509.Certificate // the leaf first
	First                bool                // the handshake came before anything else
}

// Subscription is one subscription.
type Subscription struct {
	Subject, Queue, SID string
	Delivered           uint64
	Max                 uint32 // after so many messages it ends; 0 = never
}

// Totals are what a kind of connection has come to, those that have ended included.
type Totals struct {
	Open     int    // connections now
	Accepted uint64 // since the start
	Traffic
	Accounts map[string]AccountTotals // by name; those without a connection ever are missing
	Closed   map[string]uint64        // how many have ended, by reason
}

// AccountTotals are the part of one account.
type AccountTotals struct {
	Open int
	Traffic
	SlowConsumers int64
}

// Distribution is how often values of which size occurred.
type Distribution struct {
	Buckets    []Bucket // by bound
	Count, Sum uint64   // of all values, those above the last bound included
}

// Bucket is how many values are not above a bound.
type Bucket struct{ Bound, Count uint64 }

// Route is a connection to another server of the cluster.
type Route struct {
	Connection
	RemoteID, RemoteName string
	Solicited            bool   // this side has dialled
	Configured           bool   // it stands in the configuration
	Pinned               string // the one account that it is for; "" = all others
	Compression          string // as reports name it; "" = not known
	Import, Export       *Permissions
}

// Permissions are what may pass.
type Permissions struct {
	Allow []string `json:"allow,omitempty"`
	Deny  []string `json:"deny,omitempty"`
}
