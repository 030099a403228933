//go:build unix

package mixed_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// simClient is one client. Everything it gets comes through one channel, so that the
// order is that of the connection.
type simClient struct {
	*nats.Conn
	s         *sim
	id, at    int
	user      int // index of users
	node      *node
	seq       int
	in        chan *nats.Msg
	done      sync.WaitGroup
	interests []*interest
	quit      chan struct{}
	marks     sync.Map    // mark → chan struct{}
	last      map[int]int // by client, the last number; of the receiver

	mu    sync.Mutex
	known map[*nats.Subscription]*interest
}

func newSimClient(s *sim, id, at int) *simClient {
	s.t.Helper()
	c := &simClient{s: s, id: id, at: at, user: s.random.IntN(len(users)), node: s.nodes[at], in: make(chan *nats.Msg, 1<<16),
		quit: make(chan struct{}), last: map[int]int{}, known: map[*nats.Subscription]*interest{}}
	c.Conn = connect(s.t, s.nodes[at], users[c.user]).Conn
	for _, own := range []string{"mark", "answer"} {
		if _, err := c.ChanSubscribe(fmt.Sprintf("%s.%d.>", own, id), c.in); err != nil {
			s.t.Fatal(err)
		}
	}
	c.flush()
	c.done.Go(c.receive)
	return c
}

func (c *simClient) flush() {
	c.s.t.Helper()
	if err := c.FlushTimeout(patience); err != nil {
		c.s.t.Fatalf("client %d on %s: %v", c.id, c.node.name, err)
	}
}

func (c *simClient) close() {
	c.Close()
	close(c.quit)
	c.done.Wait()
}

func (c *simClient) subscribe(filter, queue string, limit int) {
	c.mu.Lock() // a message may be there before its subscription is in the table
	defer c.mu.Unlock()
	i := &interest{client: c, filter: filter, queue: queue, max: limit}
	sub, err := c.ChanQueueSubscribe(filter, queue, c.in)
	if err == nil && limit > 0 {
		err = sub.AutoUnsubscribe(limit)
	}
	if err != nil {
		c.s.t.Fatal(err)
	}
	i.sub = sub
	c.known[sub] = i
	c.interests = append(c.interests, i)
}

// send publishes one parcel and returns its id.
func (c *simClient) send(subject, reply string) int {
	c.s.next++
	c.seq++
	p := parcel{From: c.id, Seq: c.seq, ID: c.s.next, Strict: c.s.checking}
	if reply != "" {
		reply = fmt.Sprintf("answer.%d.%d", c.id, p.ID)
	}
	if c.s.random.IntN(20) == 0 {
		p.Filling = strings.Repeat("x", c.s.random.IntN(100_000))
	}
	if err := c.PublishMsg(&nats.Msg{Subject: subject, Reply: reply, Data: p.bytes()}); err != nil {
		c.s.t.Errorf("client %d: %v", c.id, err)
	}
	return p.ID
}

// mark sends a mark, and returns a function that waits until it has arrived.
func (c *simClient) mark(to *simClient) func() {
	c.s.next++
	name := fmt.Sprintf("mark.%d.%d", to.id, c.s.next)
	arrived := make(chan struct{})
	to.marks.Store(name, arrived)
	if err := errors.Join(c.Publish(name, nil), c.Flush()); err != nil {
		c.s.t.Errorf("client %d: %v", c.id, err)
	}
	return func() {
		c.s.t.Helper()
		select {
		case <-arrived:
		case <-time.After(patience):
			c.s.t.Fatalf("what client %d sends from n%d does not reach client %d at n%d", c.id, c.at, to.id, to.at)
		}
	}
}

// receive takes what arrives, and answers what has a reply subject.
func (c *simClient) receive() {
	for {
		var m *nats.Msg
		select {
		case m = <-c.in:
		case <-c.quit:
			return
		}
		if done, ok := c.marks.LoadAndDelete(m.Subject); ok {
			close(done.(chan struct{}))
			continue
		}
		if strings.HasPrefix(m.Subject, "answer.") && strings.HasPrefix(m.Sub.Subject, "answer.") {
			id, _ := strconv.Atoi(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:])
			c.s.ledger.reply(id, m.Header.Get("Status") == "503")
			continue
		}
		c.mu.Lock()
		to := c.known[m.Sub]
		c.mu.Unlock()
		var p parcel
		if err := json.Unmarshal(m.Data, &p); err != nil || to == nil {
			c.s.t.Errorf("client %d got %q on %s: %v", c.id, m.Data, m.Subject, err)
			continue
		}
		c.s.ledger.deliver(to, m, p, c.last)
		if m.Reply != "" {
			_ = c.Publish(m.Reply, nil) // the connection may have ended
		}
	}
}
