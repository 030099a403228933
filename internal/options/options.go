package options

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"nats-server/internal/auth"
	"nats-server/internal/perms"
	"nats-server/internal/tlsconf"
)

// Defaults, as operators of NATS servers expect them (spec: configuration.md 11).
const (
	DefaultHost           = "0.0.0.0"
	DefaultPort           = 4222
	DefaultMaxConn        = 65536
	DefaultMaxControlLine = 4096
	DefaultMaxPayload     = 1 << 20
	DefaultMaxPending     = 64 << 20
	DefaultWriteDeadline  = 10 * time.Second
	DefaultPingInterval   = 2 * time.Minute
	DefaultMaxPingsOut    = 2
	DefaultAuthTimeout    = 2 * time.Second // without TLS
	DefaultLameDuck       = 2 * time.Minute
	DefaultLameDuckGrace  = 10 * time.Second
	DefaultMaxClosed      = 10000

	// RandomPort asks for any free port; the port bound is known after Start.
	RandomPort = -1

	// Values of LogFormat.
	LogText = "text"
	LogJSON = "json"

	minLameDuck = 30 * time.Second
)

// Options are the settings of one server. The zero value of a field means its
// default. NewServer copies and completes them; later changes to the caller's
// value have no effect.
type Options struct {
	ConfigFile   string // read by Load, and again by Server.Reload; "" = none
	ConfigDigest string // of the content of ConfigFile, by Load

	Host            string // address of the client listener; "" = all interfaces
	Port            int    // port of the client listener; 0 = 4222, RandomPort = any free one
	DontListen      bool   // no client listener: only in-process connections
	ClientAdvertise string // host[:port] that INFO shows instead of the listener's; "" = none
	ServerName      string // "" = the server's public key

	MaxConn        int           // client connections; 0 = 65536, negative = nobody may connect
	MaxSubs        int           // subscriptions per connection; 0 = unlimited
	MaxSubTokens   int           // tokens in a subscription's subject, 1 to 255; 0 = unlimited
	MaxControlLine int32         // bytes of a command's arguments; 0 = 4096
	MaxPayload     int32         // bytes of one message, headers included; 0 = 1 MiB, negative = unlimited
	MaxPending     int64         // bytes queued for one client before it is cut off; 0 = 64 MiB
	WriteDeadline  time.Duration // time for one flush to a client; 0 = 10 s
	PingInterval   time.Duration // silence after which a client is pinged; 0 = 2 min
	MaxPingsOut    int           // unanswered pings before a client is stale; 0 = 2

	NoHeaderSupport     bool // announce no headers and refuse HPUB
	NoFastProducerStall bool // never delay a publisher; drop for the receiver that is behind

	TLS         *tlsconf.Config // how clients connect securely; nil = they do not
	AllowNonTLS bool            // clients may do without

	Username      string        // with Password: what a client must present in CONNECT
	Password      string        // plain text or a bcrypt hash of it
	Authorization string        // token a client must present in CONNECT, or a bcrypt hash of it
	Users         []*User       // who may connect, to the account $G, instead of Username or Authorization; nil = no list
	NoAuthUser    string        // the user, of Users or an account, that a client without credentials is; "" = none
	AuthTimeout   time.Duration // time for CONNECT when credentials are required; 0 = 2 s, with TLS 1 s more than its timeout

	Accounts        []*Account // accounts besides $G and $SYS, or $SYS with its users
	SystemAccount   string     // name of the one for what servers tell each other; "" = $SYS
	NoSystemAccount bool       // do not make an account $SYS

	// CustomAuth decides who may connect, instead of everything else. Nil means that
	// nobody is asked; in ReloadOptions, that the present one stays.
	CustomAuth auth.Authenticator

	Cluster Cluster // with which other servers it forms a cluster
	// Which failed attempts to connect to another server are errors in the log: the first,
	// then one in so many. The others are there with Debug.
	ConnectErrorReports   int // of those before there was a connection; 0 = 3600
	ReconnectErrorReports int // of those after one was lost; 0 = 1: all

	// Monitoring over HTTP; see docs/monitoring.md.
	HTTPHost         string // address of its listener; "" = Host
	HTTPPort         int    // its port; 0 = no such listener, RandomPort = any free one
	HTTPSPort        int    // the same with TLS, instead of HTTPPort
	HTTPBasePath     string // prefix of all its paths; "" = none
	HTTPUsername     string // with HTTPPassword: what a request must present
	HTTPPassword     string // plain text or a bcrypt hash of it
	HTTPToken        string // instead: a token a request must present, or a bcrypt hash of it
	MaxClosedClients int    // closed connections that are remembered; 0 = 10000
	ProfPort         int    // port on Host for profiles of the program; 0 = none, RandomPort = any free one

	LameDuckDuration    time.Duration // span over which lame duck mode closes clients, at least 30 s; 0 = 2 min
	LameDuckGracePeriod time.Duration // wait before the first of them; 0 = 10 s, negative = none

	Debug           bool // log debug lines
	Trace           bool // log every protocol line
	TraceVerbose    bool // Trace, and nothing is left out
	TraceHeaders    bool // Trace, but of messages only the headers
	MaxTracedMsgLen int  // bytes of a payload shown by Trace; 0 = all

	// The rest is for the executable. An embedder gives its own logger instead.
	NoLogTime    bool   // log lines carry no time
	LogtimeUTC   bool   // their time is UTC
	LogFormat    string // "text" or "json"; "" = text
	LogFile      string // destination of the log; "" = see the next two, or else stderr
	LogSizeLimit int64  // bytes after which LogFile is rotated; 0 = never
	LogMaxFiles  int    // log files that are kept, the current one included; 0 = all
	Syslog       bool   // log to the system's log
	RemoteSyslog string // URL of a syslog server
	PidFile      string // written at start; "" = none
	PortsFileDir string // where a file with the ports in use is written; "" = none
}

// User is one who may connect, by a name or by an nkey.
type User struct {
	Username        string
	Password        string        // plain text or a bcrypt hash of it
	Nkey            string        // public key, instead of the two above
	Permissions     *perms.Config // nil = may do everything
	ConnectionTypes []string      // STANDARD, IN_PROCESS; empty = all
}

// Complete returns a copy with every default filled in, or the first problem
// found, worded for the operator.
func (o Options) Complete() (Options, error) {
	o.Trace = o.Trace || o.TraceVerbose || o.TraceHeaders
	fill(&o.Host, DefaultHost)
	fill(&o.Port, DefaultPort)
	fill(&o.MaxConn, DefaultMaxConn)
	fill(&o.MaxControlLine, DefaultMaxControlLine)
	fill(&o.MaxPayload, DefaultMaxPayload)
	fill(&o.MaxPending, DefaultMaxPending)
	fill(&o.WriteDeadline, DefaultWriteDeadline)
	fill(&o.PingInterval, DefaultPingInterval)
	fill(&o.MaxPingsOut, DefaultMaxPingsOut)
	fill(&o.ConnectErrorReports, DefaultConnectErrorReports)
	fill(&o.ReconnectErrorReports, DefaultReconnectErrorReports)
	authTimeout := DefaultAuthTimeout
	if o.TLS != nil {
		t := *o.TLS // the caller's stays as it is
		o.TLS = &t
		fill(&t.Timeout, tlsconf.DefaultTimeout)
		authTimeout = t.Timeout + time.Second
	}
	fill(&o.AuthTimeout, authTimeout)
	o.Users = copyUsers(o.Users)
	o.Accounts = copyAccounts(o.Accounts)
	if users, _ := o.AllUsers(); o.Username == "" && len(users) > 0 {
		// It is the password of nobody. In a file it is a variable by the name of PASS, to
		// which users refer.
		o.Password = ""
	}
	fill(&o.HTTPHost, o.Host)
	fill(&o.MaxClosedClients, DefaultMaxClosed)
	o.completeCluster()
	fill(&o.LogFormat, LogText)
	fill(&o.LameDuckDuration, DefaultLameDuck)
	fill(&o.LameDuckGracePeriod, DefaultLameDuckGrace)
	return o, o.check()
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (o *Options) check() error {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"max_subscriptions", int64(o.MaxSubs)},
		{"max_control_line", int64(o.MaxControlLine)},
		{"max_pending", o.MaxPending},
		{"write_deadline", int64(o.WriteDeadline)},
		{"ping_interval", int64(o.PingInterval)},
		{"ping_max", int64(o.MaxPingsOut)},
		{"authorization timeout", int64(o.AuthTimeout)},
		{"connect_error_reports", int64(o.ConnectErrorReports)},
		{"reconnect_error_reports", int64(o.ReconnectErrorReports)},
		{"max_traced_msg_len", int64(o.MaxTracedMsgLen)},
		{"max_closed_clients", int64(o.MaxClosedClients)},
		{"logfile_size_limit", o.LogSizeLimit},
		{"logfile_max_num", int64(o.LogMaxFiles)},
	} {
		if f.value < 0 {
			return fmt.Errorf("%s value can not be negative, but is %d", f.name, f.value)
		}
	}
	if _, _, err := o.Advertised("", 0); err != nil {
		return err
	}
	if err := o.checkAccounts(); err != nil {
		return err
	}
	if err := o.checkUsers(); err != nil {
		return err
	}
	if err := o.checkMonitoring(); err != nil {
		return err
	}
	if err := o.checkCluster(); err != nil {
		return err
	}
	if o.TLS != nil {
		if err := o.TLS.Check(); err != nil {
			return err
		}
	}
	switch {
	case strings.ContainsAny(o.ServerName, " \t\r\n"):
		return errors.New("server name cannot contain spaces")
	case o.LogFormat != LogText && o.LogFormat != LogJSON:
		return fmt.Errorf("log_format must be 'text' or 'json', but is %q", o.LogFormat)
	case o.MaxSubTokens < 0 || o.MaxSubTokens > 255:
		return fmt.Errorf("max_sub_tokens of %d is out of range: use 1 to 255, or 0 for no limit", o.MaxSubTokens)
	case int64(o.MaxPayload) > o.MaxPending:
		return fmt.Errorf("max_payload (%d) cannot be higher than max_pending (%d)", o.MaxPayload, o.MaxPending)
	case o.LameDuckDuration < minLameDuck:
		return fmt.Errorf("invalid lame_duck_duration of %v, minimum is 30 seconds", o.LameDuckDuration)
	case o.LameDuckGracePeriod >= o.LameDuckDuration:
		return fmt.Errorf("lame duck grace period (%v) should be strictly lower than lame duck duration (%v)", o.LameDuckGracePeriod, o.LameDuckDuration)
	}
	return nil
}

// Advertised is the address that clients are told, given that of the listener (spec:
// configuration.md 10.1, client_advertise).
func (o *Options) Advertised(host string, port int) (string, int, error) {
	h, p, err := advertised(o.ClientAdvertise, host, port)
	if err != nil {
		err = fmt.Errorf("client_advertise %q is not host[:port]: %w", o.ClientAdvertise, err)
	}
	return h, p, err
}

// advertised is the host[:port] in text, with what is missing.
func advertised(text, host string, port int) (string, int, error) {
	if text == "" {
		return host, port, nil
	}
	h, p, err := net.SplitHostPort(text)
	if err != nil {
		// A host alone, which may be an IPv6 address.
		if h, _, err = net.SplitHostPort(net.JoinHostPort(strings.Trim(text, "[]"), "0")); err != nil {
			return "", 0, err
		}
		return h, port, nil
	}
	n, err := strconv.Atoi(p)
	switch {
	case err != nil || n > 65535:
		return "", 0, errors.New("the port must be a number up to 65535")
	case n <= 0:
		n = port
	}
	return h, n, nil
}
