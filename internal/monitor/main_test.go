package monitor

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nats-server/internal/conn"
	"nats-server/internal/facts"
	"nats-server/internal/options"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

func noErr(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a server that does nothing.
type world struct {
	options options.Options
	health  Health
	clients []Client
	closed  []*facts.Connection
	routes  []facts.Route
	stats   conn.Stats
}

func newWorld(t testing.TB) *world {
	t.Helper()
	o, err := options.Options{}.Complete()
	noErr(t, err)
	return &world{options: o, health: Health{Started: true}}
}

func (w *world) About() About {
	return About{ID: "ID", Name: "name", Version: "1", Options: &w.options, Start: time.Now(), Loaded: time.Now()}
}
func (w *world) Health() Health { return w.health }
func (w *world) Kinds() []Kind {
	return []Kind{{Name: "clients", Stats: &w.stats}, {Name: "routes", Stats: &w.stats}}
}
func (w *world) AppendClients(all []Client) []Client { return append(all, w.clients...) }
func (w *world) Closed() []*facts.Connection         { return slices.Clone(w.closed) }
func (w *world) Accounts() []Account                 { return []Account{{Name: "$G", Subscriptions: 1}} }
func (w *world) Routes(int) []facts.Route            { return w.routes }

// client is one of which all is known.
type client struct{ facts.Connection }

func (c *client) NumSubscriptions() int { return len(c.Connection.Subs) }
func (c *client) Facts(f *facts.Connection, subs int) {
	*f = c.Connection
	f.Subs = c.Subs[:min(subs, len(c.Subs))]
}
