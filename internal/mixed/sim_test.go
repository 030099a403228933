//go:build unix

package mixed_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
)

var (
	seedFlag = flag.Uint64("seed", 0, "`seed` of TestSimulation (default: new ones)")
	soak     = flag.Duration("soak", 12*time.Second, "how long TestSimulation runs for each kind of servers")
)

// TestSimulation lets anything happen to a cluster, at random, and checks what clients
// get against what they must get. A failure names the seed, with which the same things
// are done again.
func TestSimulation(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(*testing.T) []program{
		"ours":      func(t *testing.T) []program { return []program{inside} },
		"reference": func(t *testing.T) []program { return []program{theirs(t)} },
		"mixed":     func(t *testing.T) []program { return []program{theirs(t), inside} },
	}
	for name, programs := range kinds {
		t.Run(name, func(t *testing.T) {
			all := programs(t)
			t.Parallel()
			seed := *seedFlag
			if seed == 0 {
				seed = rand.Uint64N(1e9)
			}
			for end := time.Now().Add(*soak); time.Now().Before(end) && !t.Failed(); seed++ {
				t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { simulate(t, seed, all, end) })
			}
		})
	}
}

// sim is a cluster in which every two servers are connected by links of their own. Its
// clients are in two accounts, which have nothing to do with each other.
type sim struct {
	t       *testing.T
	random  *rand.Rand
	nodes   cluster
	links   map[[2]int]links
	cut     map[[2]int]bool
	down    map[int]bool
	clients []*simClient
	fences  map[int][]person // one client per account, for each node that is up
	alive   map[int]string   // what they answer on
	ledger  *ledger
	strict  bool // everybody knows everything, and nothing older is on its way
	// checking is set while messages are sent that have arrived before anything else happens.
	checking bool
	next     int // client, parcel
	steps    int
	history  []string
}

func simulate(t *testing.T, seed uint64, programs []program, end time.Time) {
	s := &sim{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), ledger: newLedger(),
		links: map[[2]int]links{}, cut: map[[2]int]bool{}, down: map[int]bool{}, fences: map[int][]person{}, alive: map[int]string{},
	}
	defer func() {
		for _, c := range s.clients {
			c.close()
		}
		if wrong := s.ledger.failed(); len(wrong) > 0 {
			t.Errorf("%s", strings.Join(wrong, "\n"))
		}
		t.Logf("%d steps, %d messages", s.steps, s.next)
		if t.Failed() {
			t.Logf("go test ./internal/mixed -run '%s' -seed %d\nwhat was done last:\n%s", strings.Join(strings.Split(t.Name(), "/")[:2], "/"),
				seed, strings.Join(s.history[max(0, len(s.history)-40):], "\n"))
		}
	}()
	s.build(programs)
	for range 4000 {
		if time.Now().After(end) && *seedFlag == 0 {
			break
		}
		s.step()
		if len(s.ledger.failed()) > 0 || t.Failed() {
			return
		}
	}
	s.settle()
	s.exact()
}

// build starts the servers. They tell others an address where nobody listens, so that
// no connections come to be but through the links.
func (s *sim) build(programs []program) {
	n := 3 + s.random.IntN(3)
	for i := range n {
		s.nodes = append(s.nodes, newNode(s.t, fmt.Sprint("n", i), accounts))
		s.nodes[i].inCluster = `cluster_advertise: "127.0.0.1:1"`
	}
	for i := range n {
		for j := range i {
			who := s.random.IntN(3)
			if who != 0 {
				s.connect(i, j)
			}
			if who != 1 {
				s.connect(j, i)
			}
		}
	}
	for i := range n {
		s.nodes[i].start(programs[s.random.IntN(len(programs))])
		s.guard(i)
	}
	s.settle()
}

// users are one in each account.
var users = []nats.Option{nats.UserInfo("red", "x"), nats.UserInfo("blue", "x")}

// guard connects the clients that find out what a server knows.
func (s *sim) guard(i int) {
	s.fences[i], s.alive[i] = nil, unique(fmt.Sprint("alive.", i))
	for _, u := range users {
		p := connect(s.t, s.nodes[i], u)
		p.serve(s.alive[i], "", func(*nats.Msg) *nats.Msg { return new(nats.Msg) })
		s.fences[i] = append(s.fences[i], p)
	}
}

// connect has one server dial another.
func (s *sim) connect(dialer, target int) {
	k := newLink(s.t, func() string { return s.nodes[target].address() })
	pair := [2]int{min(dialer, target), max(dialer, target)}
	s.links[pair] = append(s.links[pair], k)
	s.nodes[dialer].routes = append(s.nodes[dialer].routes, k.addr())
}

func (s *sim) note(format string, args ...any) {
	s.history = append(s.history, fmt.Sprintf("%d: ", s.steps)+fmt.Sprintf(format, args...))
}

// step does one thing. What takes a second to recover from is rare.
func (s *sim) step() {
	s.steps++
	switch n := s.random.IntN(1000); {
	case n < 60:
		s.join()
	case n < 80:
		s.leave()
	case n < 300:
		s.subscribe()
	case n < 420:
		s.unsubscribe()
	case n < 700:
		s.publish()
	case n < 850:
		s.request()
	case n < 970:
		s.settle()
		s.exact()
	case n < 978:
		s.disturb()
	case n < 984:
		s.partition()
	case n < 990:
		s.heal()
	case n < 995:
		s.kill()
	default:
		s.restart()
	}
}

// pick returns one of those that are there.
func pick[T any](s *sim, from []T) (one T, ok bool) {
	if len(from) == 0 {
		return one, false
	}
	return from[s.random.IntN(len(from))], true
}

func (s *sim) up() (nodes []int) {
	for i := range s.nodes {
		if !s.down[i] {
			nodes = append(nodes, i)
		}
	}
	return nodes
}

// connected reports whether two servers are, or are about to be.
func (s *sim) connected(i, j int) bool {
	return i == j || !s.down[i] && !s.down[j] && !s.cut[[2]int{min(i, j), max(i, j)}]
}

// reaches reports whether what a publishes gets to b.
func (s *sim) reaches(a, b *simClient) bool { return a.user == b.user && s.connected(a.at, b.at) }

func (s *sim) join() {
	if i, ok := pick(s, s.up()); ok && len(s.clients) < 16 {
		s.next++
		c := newSimClient(s, s.next, i)
		s.clients = append(s.clients, c)
		s.strict = false
		s.note("client %d joins at n%d", c.id, i)
	}
}

func (s *sim) leave() {
	if c, ok := pick(s, s.clients); ok && len(s.clients) > 3 {
		s.note("client %d leaves", c.id)
		s.remove(func(o *simClient) bool { return o == c })
	}
}

// remove takes clients out whose connections are to end, or have ended.
func (s *sim) remove(which func(*simClient) bool) {
	s.strict = false
	s.clients = slices.DeleteFunc(s.clients, func(c *simClient) bool {
		if which(c) {
			c.close()
		}
		return which(c)
	})
}

var (
	plainFilters = []string{"p.a", "p.b", "p.*", "p.>", "*.a", "*.*"}
	queueFilters = []string{"q.a", "q.b", "q.*", "q.>"}
	subjects     = []string{"p.a", "p.b", "p.c", "q.a", "q.b", "q.c", "p.a.x", "q.a.x"}
)

func (s *sim) subscribe() {
	c, ok := pick(s, s.clients)
	if !ok || len(c.interests) >= 6 {
		return
	}
	filter, queue, limit := "", "", 0
	if s.random.IntN(2) == 0 {
		filter, _ = pick(s, queueFilters)
		queue = fmt.Sprint("g", s.random.IntN(2))
	} else {
		filter, _ = pick(s, append(plainFilters, queueFilters...))
		if s.random.IntN(5) == 0 {
			limit = 1 + s.random.IntN(20)
		}
	}
	s.note("client %d subscribes to %s, group %q, at most %d", c.id, filter, queue, limit)
	c.subscribe(filter, queue, limit)
	s.strict = false
}

func (s *sim) unsubscribe() {
	c, ok := pick(s, s.clients)
	if !ok {
		return
	}
	if i, ok := pick(s, c.interests); ok {
		s.note("client %d unsubscribes from %s, group %q", c.id, i.filter, i.queue)
		if err := i.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrBadSubscription) && !errors.Is(err, nats.ErrMaxMessages) {
			s.t.Errorf("unsubscribing: %v", err)
		}
		c.interests = slices.DeleteFunc(c.interests, func(o *interest) bool { return o == i })
		s.strict = false
	}
}

// disturb stalls or delays a link, or ends that.
func (s *sim) disturb() {
	i, j := s.random.IntN(len(s.nodes)), s.random.IntN(len(s.nodes))
	if i >= j || s.cut[[2]int{i, j}] {
		return
	}
	stalled, delay := s.random.IntN(3) == 0, time.Duration(s.random.IntN(20))*time.Millisecond
	s.note("between n%d and n%d: stalled %v, delay %v", i, j, stalled, delay)
	s.links[[2]int{i, j}].set(false, stalled, delay)
	s.strict = s.strict && !stalled
}

func (s *sim) partition() {
	i, j := s.random.IntN(len(s.nodes)), s.random.IntN(len(s.nodes))
	if i >= j {
		return
	}
	s.note("n%d and n%d are cut off from each other", i, j)
	s.cut[[2]int{i, j}] = true
	s.links[[2]int{i, j}].set(true, false, 0)
	s.strict = false
}

func (s *sim) heal() {
	for pair := range s.cut {
		s.note("n%d and n%d are connected again", pair[0], pair[1])
		s.links[pair].set(false, false, 0)
	}
	clear(s.cut)
	s.strict = false
}

func (s *sim) kill() {
	up := s.up()
	if i, ok := pick(s, up); ok && len(up) > 2 {
		suddenly := s.random.IntN(2) == 0
		s.note("n%d is ended, suddenly: %v", i, suddenly)
		s.down[i] = true
		for pair, k := range s.links { // a server that ends by itself may still say something
			if suddenly && slices.Contains(pair[:], i) {
				k.set(true, false, 0)
			}
		}
		s.nodes[i].kill()
		for pair, k := range s.links {
			if suddenly && slices.Contains(pair[:], i) {
				k.set(s.cut[pair], false, 0)
			}
		}
		s.remove(func(c *simClient) bool { return c.at == i })
		for _, f := range s.fences[i] {
			f.Close()
		}
		delete(s.fences, i)
	}
}

func (s *sim) restart() {
	for i := range s.nodes {
		if s.down[i] {
			s.note("n%d is started", i)
			s.nodes[i].start(s.nodes[i].program)
			delete(s.down, i)
			s.guard(i)
			s.strict = false
		}
	}
}

// settle waits until every server knows what the clients of every other one want that
// it is connected to, and nothing of those it is not.
func (s *sim) settle() {
	if s.strict {
		return
	}
	for pair, k := range s.links {
		if !s.cut[pair] {
			k.set(false, false, 0)
		}
	}
	for _, c := range s.clients {
		c.flush()
	}
	for _, i := range s.up() {
		for _, j := range s.up() {
			for u := range users {
				s.learns(i, j, s.fences[i][u], s.fences[j][u])
			}
		}
		for j := range s.down {
			for _, f := range s.fences[i] {
				f.unanswered(s.alive[j])
			}
		}
	}
	// What was on its way has arrived, and what was lost is.
	for _, c := range s.clients {
		s.fence(c)
	}
	s.ledger.forget()
	s.strict = true
	s.dropSpent()
	s.settle() // again, if others do not know yet that a subscription has had its last message
}

// learns waits until server i knows what there is at j, or that j has gone.
func (s *sim) learns(i, j int, a, b person) {
	s.t.Helper()
	subject := unique(fmt.Sprint("settle.", j))
	sub := b.serve(subject, "", func(*nats.Msg) *nats.Msg { return new(nats.Msg) })
	testkit.Eventually(s.t, patience, fmt.Sprintf("n%d learns about n%d (connected: %v)", i, j, s.connected(i, j)), func() bool {
		_, err := a.Request(subject, nil, 500*time.Millisecond)
		if s.connected(i, j) {
			return err == nil
		}
		return errors.Is(err, nats.ErrNoResponders)
	})
	if err := sub.Unsubscribe(); err != nil {
		s.t.Error(err)
	}
}

// dropSpent forgets subscriptions that have had their last message.
func (s *sim) dropSpent() {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	for _, c := range s.clients {
		before := len(c.interests)
		c.interests = slices.DeleteFunc(c.interests, func(i *interest) bool { return i.max > 0 && i.received >= i.max })
		s.strict = s.strict && len(c.interests) == before
	}
}

// fence waits until what a client has sent so far has arrived, and the answers to that.
func (s *sim) fence(c *simClient) {
	var waits []func()
	for _, o := range s.clients {
		if s.reaches(c, o) {
			waits = append(waits, c.mark(o))
		}
	}
	for _, w := range waits {
		w()
	}
	waits = nil
	for _, o := range s.clients {
		if s.reaches(c, o) {
			waits = append(waits, o.mark(c))
		}
	}
	for _, w := range waits {
		w()
	}
}

func (s *sim) publish() {
	if c, ok := pick(s, s.clients); ok {
		subject, _ := pick(s, subjects)
		n := 1 + s.random.IntN(20)
		s.note("client %d publishes %d on %s (strict: %v)", c.id, n, subject, s.strict)
		for range n {
			c.send(subject, "")
		}
	}
}

func (s *sim) request() {
	if c, ok := pick(s, s.clients); ok {
		subject, _ := pick(s, subjects)
		s.note("client %d asks on %s (strict: %v)", c.id, subject, s.strict)
		local := slices.ContainsFunc(s.clients, func(o *simClient) bool {
			return o.at == c.at && o.user == c.user && slices.ContainsFunc(o.interests, func(i *interest) bool { return i.max == 0 && i.matches(subject) })
		})
		if local { // the server has to know by then
			for _, o := range s.clients {
				o.flush()
			}
		}
		id := c.send(subject, "ask")
		if local {
			c.mark(c)()
			s.ledger.mu.Lock()
			if s.ledger.refusals[id] > 0 {
				s.ledger.complain("request %d on %s: no responders, although one is on the same server", id, subject)
			}
			s.ledger.mu.Unlock()
		}
	}
}
