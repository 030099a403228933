package route_test

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nats-server/internal/testkit"
)

// A server that tells of others without end has no more than so many of them dialed, and
// those that do not answer are not forgotten meanwhile.
func TestHearsayIsBounded(t *testing.T) {
	const most = 1024
	f := newFake(t)
	var dialed atomic.Int64
	var open []net.Conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			nc, err := f.Accept()
			if err != nil {
				return
			}
			open = append(open, nc)
			dialed.Add(1)
		}
	}()
	defer func() {
		f.Close()
		<-done
		for _, nc := range open {
			nc.Close()
		}
	}()
	w := newWorld(t, true).start()
	p := w.join("NFIRST", "")
	host, port, _ := net.SplitHostPort(f.Addr().String())
	tell := func(i int) { // each is another place, though not another listener
		p.Send(infoOf("NOTHER", "X", 1, `,"ip":"nats-route://`+host+":"+strings.Repeat("0", i)+port+`/"`))
	}
	for i := range most + 100 {
		tell(i)
	}
	w.logs("WRN Ignoring a server that another has told of: 1024 are waited for")
	p.quiet(t)
	testkit.Eventually(t, patience, "the others", func() bool { return dialed.Load() == most })
	tell(0)
	tell(most)
	p.quiet(t)
	if n := dialed.Load(); n != most {
		t.Errorf("%d are dialed", n)
	}
}

// What is no server of the cluster is dialed ever more slowly, though it takes connections.
func TestHearsayOfStrangers(t *testing.T) {
	f := newFake(t)
	w := newWorld(t, true).start()
	p := w.join("NFIRST", "")
	p.Send(infoOf("NOTHER", "X", 1, `,"ip":"nats-route://`+f.Addr().String()+`/"`))
	var last time.Time
	for i, least := range []time.Duration{0, 0, time.Second, 2 * time.Second} {
		nc, err := f.Accept()
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		nc.Close()
		if d := now.Sub(last); d < least {
			t.Errorf("attempt %d comes after %v", i, d)
		}
		last = now
	}
}
