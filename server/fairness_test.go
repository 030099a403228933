package server_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// pingsDuring counts how many PINGs a client gets answered, one after the other,
// while f runs, and returns that per second.
func pingsDuring(t *testing.T, p *peer, f func()) (perSecond float64) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	began, n := time.Now(), 0
	for {
		p.sync()
		n++
		select {
		case <-done:
			return float64(n) / time.Since(began).Seconds()
		default:
		}
	}
}

// Checking a hashed password takes long, on purpose. Those who are in already do
// not wait for it.
func TestPasswordsDelayNobodyElse(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("s3cr3t"), 8)
	noErr(t, err)
	s := testkit.Start(t, &server.Options{Authorization: string(hash), AuthTimeout: time.Minute})
	in := join(t, s, `{"verbose":false,"auth_token":"s3cr3t"}`)
	began := time.Now()
	if bcrypt.CompareHashAndPassword(hash, []byte("wrong")) == nil {
		t.Fatal("the hash is of no use")
	}
	one := time.Since(began)

	const logins = 12
	rate := pingsDuring(t, in, func() {
		var all sync.WaitGroup
		for range logins {
			all.Go(func() {
				if nc, err := nats.Connect(s.ClientURL(), nats.Token("wrong"), nats.Timeout(time.Minute)); err == nil {
					nc.Close()
					t.Error("a wrong token is let in")
				}
			})
		}
		all.Wait()
	})
	// One that had to wait for a check each time would manage 1/one.
	if least := 2 / one.Seconds(); rate < least {
		t.Errorf("%.0f PINGs per second are answered while a check takes %v", rate, one)
	}
}

// A publisher that is held back for its slow receiver delays nobody else, however
// many of them there are.
func TestStallsDelayNobodyElse(t *testing.T) {
	s, log := startLogged(t, server.Options{MaxPending: 8 << 20}, false)
	const pairs, batches = 6, 250
	var subs, pubs [pairs]*peer
	for i := range pairs {
		subject := string(rune('a' + i))
		subs[i], pubs[i] = join(t, s, quiet), join(t, s, quiet)
		// With its own choice of buffer the kernel may hold all there is to come.
		noErr(t, subs[i].nc.(*net.TCPConn).SetReadBuffer(256<<10))
		subs[i].send("SUB " + subject + " 1\r\n")
		subs[i].sync()
	}
	load := func(i int) string { return kilo(string(rune('a'+i)), 100) }
	in := join(t, s, quiet)
	rate := pingsDuring(t, in, func() {
		var all sync.WaitGroup
		for i := range pairs {
			all.Go(func() {
				for range batches {
					pubs[i].send(load(i))
				}
				pubs[i].sync()
			})
			all.Go(func() {
				const beat = 10 * time.Millisecond // for a batch: 10 MB/s
				pace := time.NewTicker(beat)       // the pace of a slow reader
				defer pace.Stop()
				for range batches {
					<-pace.C
					for range 100 {
						if f := subs[i].read(); f.payload == nil {
							return // cut off, which is not what this is about
						}
					}
				}
			})
		}
		all.Wait()
	})
	if !log.has("Producer was stalled for a total of ") {
		t.Error("nobody was stalled")
	}
	if rate < 300 {
		t.Errorf("%.0f PINGs per second are answered beside stalled publishers", rate)
	}
}

// What is queued when the server ends still arrives, also what the system has not
// taken yet.
func TestShutdownFlushes(t *testing.T) {
	s := testkit.Start(t, nil)
	sub, publisher := join(t, s, quiet), join(t, s, quiet)
	sub.send("SUB x 1\r\n")
	sub.sync()
	const batches, batch = 100, 100
	for range batches {
		publisher.send(kilo("x", batch))
	}
	publisher.sync()
	ended := make(chan struct{})
	go func() {
		s.Shutdown()
		close(ended)
	}()
	if got := messages(t, sub); got != batches*batch {
		t.Errorf("got %d of %d messages", got, batches*batch)
	}
	receive(t, "the server has ended", ended)
}

// messages counts the messages of a kilobyte up to the end of the connection.
func messages(t *testing.T, p *peer) (n int) {
	t.Helper()
	for f := p.read(); f.verb != "EOF"; f = p.read() {
		if n++; len(f.payload) != kilobyte {
			t.Fatalf("got %q", f.verb+": "+f.line)
		}
	}
	return n
}

// One who has said all it had to say, and has not begun to listen, gets everything.
func TestEndOfInputFlushes(t *testing.T) {
	s := testkit.Start(t, nil)
	p := join(t, s, quiet)
	p.send("SUB x 1\r\n")
	const batches, batch = 100, 100
	for range batches {
		p.send(kilo("x", batch))
	}
	noErr(t, p.nc.(*net.TCPConn).CloseWrite())
	eventually(t, "the server knows that it is the end", func() bool { return s.NumClients() == 0 })
	if got := messages(t, p); got != batches*batch {
		t.Errorf("got %d of %d messages", got, batches*batch)
	}
}
