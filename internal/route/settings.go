package route

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"sync"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/logs"
)

// Config is what does not change while a server lives.
type Config struct {
	ServerID string
	Version  string
	Accounts *account.Registry
	Poller   *conn.Poller // of the sockets that are dialed; may be given later, see UsePoller
	Log      *logs.Log
	Stats    *conn.Stats
	Track    *sync.WaitGroup // counts routes until their last goroutine has ended
	NextID   func() uint64   // for connections

	// Tell is told what clients are to know: the name of the cluster and, if known is
	// set, URLs of other servers. Calls are in order.
	Tell func(name string, known bool, urls []string)
}

// Settings are what may change while routes go on. They are immutable.
type Settings struct {
	ServerName string
	Name       string // of the cluster; "" = a generated one
	Host       string // that others are told
	Port       int
	Advertised bool     // Host and Port are not those of the listener
	ClientURLs []string // for clients of others
	// NoAdvertise keeps ClientURLs from other servers, and theirs from our clients.
	NoAdvertise bool

	Routes         []*url.URL
	ConnectRetries int  // to servers that are not among Routes
	Backoff        bool // attempts follow each other ever more slowly
	ErrorEvery     int  // first attempts that fail are errors in the log once in so many
	RetryEvery     int  // the same for later ones

	PoolSize int      // connections to each server, at most MostSlots; below 1: one, which other servers are told
	Pinned   []string // accounts with a connection of their own; only with a PoolSize

	Compression Compression

	User, Password string          // of the cluster; "" = none
	Auth           *auth.Directory // lets in who has them
	AuthTimeout    time.Duration
	TLS            *TLS // nil without

	Import, Export *Rules // nil: no restriction

	NoHeaders    bool
	MaxPayload   int
	ControlLine  int // bytes of a line's arguments
	MaxTraced    int // bytes of a payload that a trace shows; 0 = all
	TraceHeaders bool
	Conn         conn.Limits
}

// TLS says how routes are secured. It is immutable.
type TLS struct {
	Accept  *tls.Config
	Dial    func() *tls.Config // without ServerName
	Timeout time.Duration      // for the handshake
	Verify  func(*tls.ConnectionState) error
	// Admits, if not nil, decides by the certificate instead of user and password.
	Admits func(*x509.Certificate) bool
}
