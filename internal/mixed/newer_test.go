//go:build unix

package mixed_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
)

// newer skips a test of what references have since 2.10 if this one is older:
//
//	NATS_REFERENCE=/path/to/newer go test ./internal/mixed -run TestNewer
func newer(t *testing.T) {
	t.Helper()
	if !testkit.ReferenceHas(t, 10) {
		t.Skipf("the reference %s has no pools of routes, and no compression: set NATS_REFERENCE to 2.10 or newer", testkit.ReferenceVersion(t))
	}
}

// tenants are accounts. In a pool of three all of them but the last have the second
// connection; in one of five all have different ones, but for the last and BIZ.
var tenants = []string{"APP", "BIZ", "ORDERS", "PLAIN"}

// observed is the configuration of servers whose routes are looked at.
func observed() string {
	text := "http: \"127.0.0.1:-1\"\nmax_payload: 4MB\nlame_duck_grace_period: \"1ms\"\nlame_duck_duration: \"30s\"\naccounts {\n"
	for _, name := range tenants {
		text += fmt.Sprintf("  %s { users: [ { user: %s, password: x } ] }\n", name, name)
	}
	return text + "}\n"
}

// of is a client's way into an account.
func of(account string) nats.Option { return nats.UserInfo(account, "x") }

// duo is two servers, of which the second dials the first.
type duo struct{ cluster }

// newDuo starts them with this in their cluster blocks.
func newDuo(t *testing.T, dialed, dialing program, inDialed, inDialing string) duo {
	t.Helper()
	a := newNode(t, "dialed", observed())
	a.inCluster = inDialed
	a.start(dialed)
	b := newNode(t, "dialing", observed(), a.cluster)
	b.inCluster = inDialing
	b.start(dialing)
	return duo{cluster{a, b}}
}

// routez is an entry of /routez.
type routez struct {
	RID         uint64 `json:"rid"`
	RemoteName  string `json:"remote_name"`
	Solicited   bool   `json:"did_solicit"`
	Configured  bool   `json:"is_configured"`
	OutMsgs     int    `json:"out_msgs"`
	InMsgs      int    `json:"in_msgs"`
	RTT         string `json:"rtt"`
	Account     string `json:"account"`
	Compression string `json:"compression"`
}

var monitorLine = regexp.MustCompile(`Starting http monitor on (127\.0\.0\.1:\d+)`)

// routez asks the server for its routes.
func (n *node) routez() (routes []routez) {
	n.t.Helper()
	m := monitorLine.FindAllStringSubmatch(n.log.String(), -1)
	if m == nil {
		n.t.Fatalf("%s has no monitoring", n.name)
	}
	r, err := http.Get("http://" + m[len(m)-1][1] + "/routez")
	if err != nil {
		n.t.Fatal(err)
	}
	defer r.Body.Close()
	var page struct {
		Routes []routez `json:"routes"`
	}
	if err := json.NewDecoder(r.Body).Decode(&page); err != nil {
		n.t.Fatal(err)
	}
	return page.Routes
}

// connections are what a server has to another: how many of a pool, and for which accounts.
type connections struct {
	Pool   int
	Pinned string
}

func (n *node) connections(to *node) (c connections) {
	var pinned []string
	for _, r := range n.routez() {
		switch {
		case r.RemoteName != to.name:
		case r.Account != "":
			pinned = append(pinned, r.Account)
		default:
			c.Pool++
		}
	}
	slices.Sort(pinned)
	c.Pinned = strings.Join(pinned, " ")
	return c
}

// have waits until the servers have these connections to each other.
func (d cluster) have(want connections) {
	d[0].t.Helper()
	for i, from := range d {
		for _, to := range d[:i] {
			from.has(want, to)
			to.has(want, from)
		}
	}
}

// has waits until the server has these connections to another.
func (n *node) has(want connections, to *node) {
	n.t.Helper()
	var got connections
	if !testkit.Within(patience, func() bool { got = n.connections(to); return got == want }) {
		n.t.Fatalf("connections of %s (%s) to %s (%s): %s", n.name, n.program.name, to.name, to.program.name, cmp.Diff(want, got))
	}
}

// tenantsMeet waits until clients of these accounts reach each other across all servers.
func (d cluster) tenantsMeet(accounts ...string) {
	for _, a := range accounts {
		d[0].t.Helper()
		d.joined(of(a))
	}
}

var reloadedLine = regexp.MustCompile(`Reloaded server configuration`)

// reload has the server take over another configuration of the cluster.
func (n *node) reload(inCluster string) {
	n.t.Helper()
	text, err := os.ReadFile(n.file)
	if err != nil {
		n.t.Fatal(err)
	}
	next := strings.Replace(string(text), "  "+n.inCluster+"\n", "  "+inCluster+"\n", 1)
	if err := os.WriteFile(n.file, []byte(next), 0o600); err != nil {
		n.t.Fatal(err)
	}
	n.inCluster = inCluster
	before := len(reloadedLine.FindAllString(n.log.String(), -1))
	if err := n.deliver(syscall.SIGHUP); err != nil {
		n.t.Fatal(err)
	}
	if !testkit.Within(patience, func() bool { return len(reloadedLine.FindAllString(n.log.String(), -1)) > before }) {
		n.t.Fatalf("%s (%s) does not reload:\n%s", n.name, n.program.name, next)
	}
}

// crossings are what clients of an account do across servers, in both directions.
func (d duo) crossings(t *testing.T, account string) {
	t.Helper()
	for _, way := range [][2]*node{{d.cluster[0], d.cluster[1]}, {d.cluster[1], d.cluster[0]}} {
		a, b := connect(t, way[0], of(account)), connect(t, way[1], of(account))
		plain(t, a, b)
		queueGroups(t, a, b)
		requestReply(t, a, b)
		oldRequests(t, a, b)
		headers(t, a, b)
		autoUnsubscribe(t, a, b)
		noResponders(t, a, b)
		large(t, a, b)
		a.Close()
		b.Close()
	}
}
