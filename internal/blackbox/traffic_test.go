//go:build unix

package blackbox_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
)

// customer is a client that is not to lose its connection before it leaves.
type customer struct {
	*nats.Conn
	leaving atomic.Bool
}

// connect returns a client, which leaves at the end of the test at the latest.
func connect(t *testing.T, url string, options ...nats.Option) *customer {
	t.Helper()
	c := new(customer)
	options = append(options, nats.NoReconnect(), nats.Timeout(patience),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { t.Errorf("a client got %v", err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if !c.leaving.Load() {
				t.Errorf("a client lost its connection: %v", err)
			}
		}))
	var err error
	if c.Conn, err = nats.Connect(url, options...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.leave)
	return c
}

func (c *customer) leave() {
	c.leaving.Store(true)
	c.Close()
}

// traffic is what clients of one user do all the time: publish messages with
// headers, in order, and ask questions.
type traffic struct {
	t        *testing.T
	clients  []*customer
	stop     chan struct{}
	sent     [publishers]int // by publisher, when it has stopped
	received atomic.Int64
	slowest  atomic.Int64 // nanoseconds that a question took
	done     sync.WaitGroup
}

const publishers = 3

func startTraffic(t *testing.T, url string, options ...nats.Option) *traffic {
	t.Helper()
	tr := &traffic{t: t, stop: make(chan struct{})}
	for range 2 + publishers {
		tr.clients = append(tr.clients, connect(t, url, options...))
	}
	receiver, answers := tr.clients[0], tr.clients[1]
	tr.receive(receiver)
	if _, err := answers.QueueSubscribe("ask.*", "answers", func(m *nats.Msg) {
		if err := m.RespondMsg(&nats.Msg{Header: m.Header, Data: m.Data}); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, nc := range tr.clients {
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range publishers {
		tr.done.Go(func() { tr.publish(tr.clients[2+i], i) })
	}
	return tr
}

// receive expects the messages of each publisher once and in order.
func (tr *traffic) receive(nc *customer) {
	tr.t.Helper()
	var next [publishers]int // belongs to the goroutine of the subscription
	sub, err := nc.Subscribe("load.*", func(m *nats.Msg) {
		from, _ := strconv.Atoi(strings.TrimPrefix(m.Subject, "load."))
		number := strconv.Itoa(next[from])
		if m.Header.Get("Number") != number || string(m.Data) != number+"!" {
			tr.t.Errorf("publisher %d: got %v with %q, want %s", from, m.Header, m.Data, number)
		}
		next[from]++
		tr.received.Add(1)
	})
	if err == nil {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *traffic) publish(nc *customer, who int) {
	for n := 0; ; n++ {
		tr.sent[who] = n
		select {
		case <-tr.stop:
			if err := nc.Flush(); err != nil {
				tr.t.Error(err)
			}
			return
		default:
		}
		number := strconv.Itoa(n)
		m := &nats.Msg{Subject: fmt.Sprintf("load.%d", who), Header: nats.Header{"Number": {number}}, Data: []byte(number + "!")}
		if err := nc.PublishMsg(m); err != nil {
			tr.t.Error(err)
			return
		}
		if n%10 == 0 && !tr.ask(nc, who, number) {
			return
		}
	}
}

// ask makes a request with a header and checks the answer.
func (tr *traffic) ask(nc *customer, who int, number string) bool {
	begin := time.Now()
	m, err := nc.RequestMsg(&nats.Msg{
		Subject: fmt.Sprintf("ask.%d", who), Header: nats.Header{"Number": {number}}, Data: []byte(number)}, patience)
	if err != nil || m.Header.Get("Number") != number || string(m.Data) != number {
		tr.t.Errorf("publisher %d, question %s: %v", who, number, err)
		return false
	}
	for took := int64(time.Since(begin)); ; {
		old := tr.slowest.Load()
		if took <= old || tr.slowest.CompareAndSwap(old, took) {
			return true
		}
	}
}

// end stops the clients and checks that everything has arrived. Then they leave.
func (tr *traffic) end() {
	tr.t.Helper()
	close(tr.stop)
	tr.done.Wait()
	all := 0
	for _, n := range tr.sent {
		all += n
	}
	if !testkit.Within(patience, func() bool { return tr.received.Load() >= int64(all) }) {
		tr.t.Errorf("%d of %d messages have arrived", tr.received.Load(), all)
	}
	for _, c := range tr.clients {
		c.leave()
	}
	tr.t.Logf("%d messages, the slowest question took %v", all, time.Duration(tr.slowest.Load()))
}

// progress waits until n more messages have arrived.
func (tr *traffic) progress(n int64) {
	tr.t.Helper()
	from := tr.received.Load()
	testkit.Eventually(tr.t, patience, "messages arrive", func() bool { return tr.received.Load() >= from+n || tr.t.Failed() })
}

// A server that is reloaded all the time loses nothing and nobody.
func TestReloadUnderTraffic(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	conf := file(t, "x.conf", "")
	rewrite := func(i int) {
		t.Helper()
		text := fmt.Sprintf("max_payload: %d\nping_interval: \"%ds\"\ndebug: %v\nmax_pending: %d\nauthorization { users = [ {user: a, password: b}\n",
			1<<20+random.IntN(1000), 10+random.IntN(100), i%2 == 0, 64<<20+random.IntN(1000))
		for n := range random.IntN(200) {
			text += fmt.Sprintf("{user: u%d, password: p%d}\n", n, random.IntN(3))
		}
		text += fmt.Sprintf("{user: comes-%d, password: x}, {user: changes, password: \"%d\"} ] }\n", i, i)
		if i%5 == 4 {
			text += "authorization { users = [ {user: x"
		}
		write(t, conf, text)
	}
	rewrite(0)
	p := ours.start(t, "-c", conf)
	tr := startTraffic(t, p.url(), nats.UserInfo("a", "b"))
	tr.progress(100)
	for i := 1; i <= 20; i++ {
		if i%5 == 4 {
			rewrite(i)
			p.reload(notReloaded)
			tr.progress(50)
			continue
		}
		r := guest(t, p, fmt.Sprintf(`"user":"changes","pass":"%d"`, lastGood(i)))
		gone := guest(t, p, fmt.Sprintf(`"user":"comes-%d","pass":"x"`, lastGood(i)))
		rewrite(i)
		p.reload(reloaded)
		for _, one := range []*testkit.Raw{r, gone} {
			if text, err := one.TryClosed(); err != nil {
				t.Errorf("reload %d: a client that has no right to be there is told %s, %v", i, testkit.Quote(text), err)
			}
		}
		guest(t, p, fmt.Sprintf(`"user":"comes-%d","pass":"x"`, i)).Close()
		tr.progress(50)
	}
	tr.end()
	p.stop()
}

// lastGood is the number of the last reload before i that did not fail.
func lastGood(i int) int {
	if i%5 == 0 {
		return i - 2
	}
	return i - 1
}
