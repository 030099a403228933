package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// The tests of this file and of drain_test.go, reconnect_test.go and auth_test.go
// use the server the way programs do, through nats.go.

func TestPublishSubscribe(t *testing.T) {
	s := testkit.Start(t, nil)
	a, b := dial(t, s), dial(t, s)
	f := func(filter, subject string, want bool) {
		t.Helper()
		sub, err := b.SubscribeSync(filter)
		noErr(t, err)
		flush(t, b)
		noErr(t, a.PublishRequest(subject, "reply.to", []byte("hi")))
		flush(t, a)
		flush(t, b)
		n, _, err := sub.Pending()
		noErr(t, err)
		if (n == 1) != want {
			t.Errorf("%s for %s: %d messages", subject, filter, n)
		} else if want {
			if m := next(t, sub); m.Subject != subject || m.Reply != "reply.to" || string(m.Data) != "hi" {
				t.Errorf("%s for %s: got %s, %s, %q", subject, filter, m.Subject, m.Reply, m.Data)
			}
		}
		noErr(t, sub.Unsubscribe())
	}
	f("a.b", "a.b", true)
	f("a.*", "a.b", true)
	f("*.b", "a.b", true)
	f("a.>", "a.b.c", true)
	f(">", "a", true)
	f("a.*", "a.b.c", false)
	f("a.>", "a", false)
	f("a.b", "a.B", false)
}

func TestQueueGroups(t *testing.T) {
	s := testkit.Start(t, nil)
	const members, messages = 3, 3000
	var mu sync.Mutex
	byMember, seen := map[int]int{}, map[string]int{}
	for i := range members {
		nc := dial(t, s)
		_, err := nc.QueueSubscribe([]string{"work", "*", "work"}[i], "q", func(m *nats.Msg) {
			mu.Lock()
			defer mu.Unlock()
			byMember[i]++
			seen[string(m.Data)]++
		})
		noErr(t, err)
		flush(t, nc)
	}
	everything := dial(t, s)
	all, err := everything.SubscribeSync("work")
	noErr(t, err)
	noErr(t, all.SetPendingLimits(-1, -1))
	flush(t, everything)

	nc := dial(t, s)
	for i := range messages {
		noErr(t, nc.Publish("work", []byte(strconv.Itoa(i))))
	}
	flush(t, nc)
	total := func() int {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for _, times := range seen {
			n += times
		}
		return n
	}
	eventually(t, "the group has all messages", func() bool { return total() == messages })
	flush(t, everything)
	if n, _, _ := all.Pending(); n != messages {
		t.Errorf("the plain subscription has %d messages", n)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != messages {
		t.Errorf("%d different messages", len(seen))
	}
	for i := range members {
		if n := byMember[i]; n < messages/members*8/10 || n > messages/members*12/10 {
			t.Errorf("member %d has %d of %d messages", i, n, messages)
		}
	}
}

func TestRequestReply(t *testing.T) {
	s := testkit.Start(t, nil)
	service := dial(t, s)
	_, err := service.QueueSubscribe("double", "q", func(m *nats.Msg) {
		n, _ := strconv.Atoi(string(m.Data))
		_ = m.Respond([]byte(strconv.Itoa(2 * n)))
	})
	noErr(t, err)
	flush(t, service)
	f := func(opts ...nats.Option) {
		t.Helper()
		nc := dial(t, s, opts...)
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for j := range 200 {
					n := 1000*i + j
					m, err := nc.Request("double", []byte(strconv.Itoa(n)), patience)
					if err != nil || string(m.Data) != strconv.Itoa(2*n) {
						t.Errorf("twice %d: %v, %v", n, m, err)
						return
					}
				}
			})
		}
		all.Wait()
	}
	f()
	f(nats.UseOldRequestStyle())
}

func TestNoResponders(t *testing.T) {
	s := testkit.Start(t, nil)
	nc := dial(t, s)
	f := func() {
		t.Helper()
		began := time.Now()
		_, err := nc.Request("nobody", nil, patience)
		if took := time.Since(began); !errors.Is(err, nats.ErrNoResponders) || took > patience/2 {
			t.Errorf("got %v after %v", err, took)
		}
	}
	f()
	sub, err := nc.SubscribeSync("nobody")
	noErr(t, err)
	flush(t, nc)
	if _, err := nc.Request("nobody", nil, 50*time.Millisecond); !errors.Is(err, nats.ErrTimeout) {
		t.Errorf("with a responder that says nothing: %v", err)
	}
	noErr(t, sub.Unsubscribe())
	f()
}

func TestHeaders(t *testing.T) {
	s := testkit.Start(t, nil)
	nc, old := dial(t, s), testkit.Dial(t, s.Addr().String())
	old.Connect(`{"verbose":false,"headers":false}`)
	old.Send("SUB x 1\r\n")
	old.Sync()
	sub, err := nc.SubscribeSync("x")
	noErr(t, err)
	m := nats.NewMsg("x")
	m.Data = []byte("hi")
	m.Header.Add("A", "1")
	m.Header.Add("A", "2")
	m.Header.Set("b", "")
	noErr(t, nc.PublishMsg(m))
	got := next(t, sub)
	if fmt.Sprint(got.Header) != fmt.Sprint(m.Header) || string(got.Data) != "hi" {
		t.Errorf("got %v, %q", got.Header, got.Data)
	}
	old.ExpectBytes("MSG x 1 2\r\nhi\r\n")

	none := testkit.Start(t, &server.Options{NoHeaderSupport: true})
	if err := dial(t, none).PublishMsg(m); !errors.Is(err, nats.ErrHeadersNotSupported) {
		t.Errorf("without header support: %v", err)
	}
}

func TestNoEcho(t *testing.T) {
	s := testkit.Start(t, nil)
	nc := dial(t, s, nats.NoEcho())
	own, err := nc.SubscribeSync("x")
	noErr(t, err)
	flush(t, nc)
	other := dial(t, s)
	noErr(t, nc.Publish("x", []byte("own")))
	flush(t, nc)
	noErr(t, other.Publish("x", []byte("other")))
	if m := next(t, own); string(m.Data) != "other" {
		t.Errorf("got %q", m.Data)
	}
}

func TestAutoUnsubscribe(t *testing.T) {
	s := testkit.Start(t, nil)
	nc, publisher := dial(t, s), dial(t, s)
	sub, err := nc.SubscribeSync("x")
	noErr(t, err)
	noErr(t, sub.AutoUnsubscribe(10))
	flush(t, nc)
	for range 100 {
		noErr(t, publisher.Publish("x", nil))
	}
	flush(t, publisher)
	for range 10 {
		next(t, sub)
	}
	if _, err := sub.NextMsg(patience); !errors.Is(err, nats.ErrMaxMessages) {
		t.Errorf("after the last: %v", err)
	}
	numSubs(t, s, 0)
}

func TestMaxPayload(t *testing.T) {
	s := testkit.Start(t, &server.Options{MaxPayload: 1000})
	nc := dial(t, s)
	if n := nc.MaxPayload(); n != 1000 {
		t.Errorf("the client knows of %d", n)
	}
	sub, err := nc.SubscribeSync("x")
	noErr(t, err)
	noErr(t, nc.Publish("x", make([]byte, 1000)))
	if m := next(t, sub); len(m.Data) != 1000 {
		t.Errorf("got %d bytes", len(m.Data))
	}
	if err := nc.Publish("x", make([]byte, 1001)); !errors.Is(err, nats.ErrMaxPayload) {
		t.Errorf("1001 bytes: %v", err)
	}
}

func TestLargePayloads(t *testing.T) {
	s := testkit.Start(t, nil)
	nc, publisher := dial(t, s), dial(t, s)
	sub, err := nc.SubscribeSync("x.*")
	noErr(t, err)
	flush(t, nc)
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	sizes := []int{0, 1, 1 << 20, 1<<20 - 1, 64 << 10, 64<<10 - 3, 64<<10 + 1, 5, 1 << 20}
	for i, n := range sizes {
		noErr(t, publisher.Publish("x."+strconv.Itoa(i), data[:n]))
	}
	flush(t, publisher)
	for i, n := range sizes {
		if m := next(t, sub); m.Subject != "x."+strconv.Itoa(i) || !bytes.Equal(m.Data, data[:n]) {
			t.Errorf("message %d, of %d bytes, came as %s with %d bytes", i, n, m.Subject, len(m.Data))
		}
	}
}

// Verbose and pedantic clients want an answer to everything, in step.
func TestVerboseAndPedantic(t *testing.T) {
	s := testkit.Start(t, nil)
	strict := func(o *nats.Options) error {
		o.Verbose, o.Pedantic = true, true
		return nil
	}
	problems := make(chan error, 10)
	nc := dial(t, s, strict, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { problems <- err }))
	sub, err := nc.SubscribeSync("x")
	noErr(t, err)
	for i := range 100 {
		noErr(t, nc.Publish("x", []byte(strconv.Itoa(i))))
	}
	for i := range 100 {
		if m := next(t, sub); string(m.Data) != strconv.Itoa(i) {
			t.Fatalf("message %d is %q", i, m.Data)
		}
	}
	noErr(t, sub.Unsubscribe())
	flush(t, nc)
	if nc.Status() != nats.CONNECTED || len(problems) > 0 {
		t.Errorf("%v, %v", nc.Status(), nc.LastError())
	}
}

func TestFlushAndRTT(t *testing.T) {
	s := testkit.Start(t, nil)
	nc := dial(t, s)
	for range 100 {
		flush(t, nc)
	}
	rtt, err := nc.RTT()
	if err != nil || rtt <= 0 || rtt > patience {
		t.Errorf("RTT %v, %v", rtt, err)
	}
	ip, err := nc.GetClientIP()
	if err != nil || ip.String() != "127.0.0.1" {
		t.Errorf("client ip %v, %v", ip, err)
	}
	if id, err := nc.GetClientID(); err != nil || id != 1 {
		t.Errorf("client id %d, %v", id, err)
	}
}

func TestManyConnections(t *testing.T) {
	s := testkit.Start(t, nil)
	const n = 200
	conns := make([]*nats.Conn, n)
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for i := range n {
		all.Go(func() {
			nc, err := nats.Connect(s.ClientURL(), nats.Timeout(patience))
			if err != nil {
				t.Errorf("connection %d: %v", i, err)
				return
			}
			conns[i] = nc
			if _, err := nc.Subscribe("all", func(m *nats.Msg) {
				mu.Lock()
				defer mu.Unlock()
				got[string(m.Data)]++
			}); err != nil {
				t.Error(err)
			}
			if err := nc.FlushTimeout(patience); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	t.Cleanup(func() {
		for _, nc := range conns {
			if nc != nil {
				nc.Close()
			}
		}
		eventually(t, "the clients are gone", func() bool { return s.NumClients() == 0 && s.NumSubscriptions() == 0 })
	})
	if t.Failed() {
		return
	}
	if s.NumClients() != n || s.NumSubscriptions() != n {
		t.Errorf("%d clients, %d subscriptions", s.NumClients(), s.NumSubscriptions())
	}
	for i, nc := range conns {
		noErr(t, nc.Publish("all", []byte(strconv.Itoa(i))))
	}
	eventually(t, "everybody has everything", func() bool {
		mu.Lock()
		defer mu.Unlock()
		for i := range n {
			if got[strconv.Itoa(i)] != n {
				return false
			}
		}
		return true
	})
}
