package monitor

import (
	"sync"
	"time"

	"nats-server/internal/conn"
	"nats-server/internal/facts"
	"nats-server/internal/options"
)

// Source is a server as reports see it. All methods may be called at any time, by any
// number of goroutines.
type Source interface {
	About() About
	Health() Health
	// Kinds are the kinds of connections, those of clients first.
	Kinds() []Kind
	// AppendClients appends the present clients to all, in no order.
	AppendClients(all []Client) []Client
	// Closed are the connections of clients that have ended, the last one last.
	Closed() []*facts.Connection
	// Accounts are all accounts, by name.
	Accounts() []Account
	// Routes are the present connections to other servers of the cluster, each with at
	// most so many of its subscriptions.
	Routes(subs int) []facts.Route
}

// About is what a server is.
type About struct {
	ID, Name, Version, Commit string
	Port                      int              // of the client listener, as bound
	ClusterName               string           // "" for a server that is alone
	ClusterPort               int              // of the listener for routes, as bound
	Options                   *options.Options // complete; reports show what they name
	Start, Loaded             time.Time        // Loaded: of the configuration
	AuthRequired              bool
	CertNotAfter              time.Time // of the certificate for clients; zero without
}

// Health is how far the life of a server has gone.
type Health struct{ Started, LameDuck, Stopping bool }

// Ready reports whether clients can connect.
func (h Health) Ready() bool { return h.Started && !h.LameDuck && !h.Stopping }

// Kind is one kind of connections.
type Kind struct {
	Name  string // as reports name it: clients, routes, gateways or leafs
	Total facts.Totals
	Stats *conn.Stats
}

// Client is a connection of a client.
type Client struct {
	ID uint64
	Peer
	key int64 // what it is sorted by
}

// Peer knows the rest.
type Peer interface {
	NumSubscriptions() int
	// Facts fills in what is known, with at most so many subscriptions.
	Facts(f *facts.Connection, subs int)
}

// ended is the Peer of a connection that has ended. It knows its subscriptions anyway.
type ended struct{ *facts.Connection }

func (e ended) NumSubscriptions() int { return e.Subscriptions }

func (e ended) Facts(f *facts.Connection, _ int) { *f = *e.Connection }

// crowds are for lists of all clients, which are asked for again and again.
var crowds = sync.Pool{New: func() any { return new([]Client) }}

// release gives a list back to crowds.
func release(room *[]Client) {
	clear(*room)
	crowds.Put(room)
}

// Account is what is known of an account.
type Account struct {
	Name             string
	System           bool      // the one for what servers tell each other
	Updated          time.Time // when its configuration last changed
	Subscriptions    int       // in its table now
	Inserts, Removes uint64    // of subscriptions, ever
}
