package server_test

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"nats-server/server"
)

// stuck connects a subscriber that reads nothing after its PONG. The system
// buffers a few megabytes of what is for it. (It could be made to buffer less, but
// then takes minutes to hand that over.)
func stuck(t testing.TB, s *server.Server, subscribe string) *peer {
	t.Helper()
	p := join(t, s, quiet)
	p.send(subscribe)
	p.sync()
	return p
}

const kilobyte = 1000

// kilo is a batch of n messages of 1000 bytes to subject.
func kilo(subject string, n int) string {
	return strings.Repeat(pub(subject, strings.Repeat("x", kilobyte)), n)
}

// mostBuffered is more than the system buffers for a peer that does not read.
const mostBuffered = 64 << 20

// A subscriber that does not read is cut off at max_pending, and neither the
// publisher nor another subscriber notices.
func TestStuckSubscriberIsCutOff(t *testing.T) {
	s, log := startLogged(t, server.Options{MaxPending: 2 << 20}, true)
	bad := stuck(t, s, "SUB x 1\r\n")
	healthy := join(t, s, quiet)
	healthy.send("SUB x 1\r\n")
	healthy.sync()
	publisher := join(t, s, quiet)

	// The healthy one never has more than one batch ahead of it.
	const batch = 100
	load := kilo("x", batch)
	slowest, after := time.Duration(0), 0
	for sent := 0; after < 20; sent += len(load) {
		if sent > mostBuffered {
			t.Fatalf("%d bytes are buffered for a subscriber that does not read", sent)
		}
		began := time.Now()
		publisher.send(load)
		publisher.sync()
		slowest = max(slowest, time.Since(began))
		for range batch {
			if f := healthy.read(); len(f.payload) != kilobyte {
				t.Fatalf("the healthy subscriber got %q", f.verb+": "+f.line)
			}
		}
		if s.NumSlowConsumers() > 0 {
			after++ // go on for a while: all is as before
		}
	}
	if slowest > 2*time.Second {
		t.Errorf("the publisher waited %v for a PONG", slowest)
	}
	healthy.syncing(func(frame) { t.Error("got more than was published") })
	eventually(t, "the slow consumer is gone", func() bool { return s.NumClients() == 2 })
	if n := s.NumSlowConsumers(); n != 1 {
		t.Errorf("%d slow consumers are counted", n)
	}
	numSubs(t, s, 1)
	for _, want := range []string{
		"Slow Consumer Detected: MaxPending of 2097152 Exceeded",
		"Client connection closed: Slow Consumer (Pending Bytes)",
	} {
		if !log.has(want) {
			t.Errorf("no line %q", want)
		}
	}
	onlyMessages(t, bad)
}

// onlyMessages checks that a peer that was cut off is not told why, since clients
// would not reconnect then: it sees messages, perhaps a part of one, and the end.
func onlyMessages(t *testing.T, p *peer) {
	t.Helper()
	for {
		f := p.read()
		if f.verb == "EOF" {
			return
		}
		if f.payload == nil {
			t.Fatalf("a slow consumer gets %q", f.line)
		}
	}
}

// Nobody is cut off for a burst that it reads as fast as it can.
func TestBurstIsNoSlowConsumer(t *testing.T) {
	s, _ := startLogged(t, server.Options{}, false)
	sub := join(t, s, quiet)
	sub.send("SUB x 1\r\n")
	sub.sync()
	const batches, batch = 300, 100
	publisher := join(t, s, quiet)
	load := kilo("x", batch)
	go func() {
		for range batches {
			publisher.send(load)
		}
	}()
	for range batches * batch {
		if f := sub.read(); len(f.payload) != kilobyte {
			t.Fatalf("got %q", f.verb+": "+f.line)
		}
	}
	if n := s.NumSlowConsumers(); n != 0 {
		t.Errorf("%d slow consumers", n)
	}
}

// A lone subscriber that reads, if slowly, slows its publisher down and loses
// nothing, though there is far more than max_pending for it.
func TestSlowReaderSlowsItsPublisherDown(t *testing.T) {
	f := func(perSecond, maxPending, total int) {
		t.Run(fmt.Sprintf("%d_MB_per_s", perSecond>>20), func(t *testing.T) {
			// The server takes a reader for stuck if its kernel shows nothing of it for a
			// tenth of a second. On a busy machine, where this reader misses several of
			// its beats, kernels are late, too, and a failure proves nothing.
			const tries, heldUp = 20, 5 * beat
			for n := 1; ; n++ {
				s, log := startLogged(t, server.Options{MaxPending: int64(maxPending)}, true)
				longest, err := readSlowly(t, s, perSecond, total)
				if err == nil && s.NumSlowConsumers() == 0 && log.has("Producer was stalled for a total of ") {
					return
				}
				if longest < heldUp || n == tries {
					t.Fatalf("%v; %d slow consumers; the reader was held up for %v; log: %q", err, s.NumSlowConsumers(), longest, log.lines())
				}
			}
		})
	}
	f(20<<20, 8<<20, 28<<20)
	f(8<<20, 8<<20, 18<<20)
}

// beat is how often a slow reader reads.
const beat = 2 * time.Millisecond

// readSlowly publishes total bytes and reads them at a pace. It returns how long the
// reader was kept from reading, at most, and why it has not got everything.
func readSlowly(t *testing.T, s *server.Server, perSecond, total int) (longest time.Duration, err error) {
	const batch = 100
	sub := join(t, s, quiet)
	// With a buffer of many megabytes the kernel would report only every now and then
	// that the subscriber reads at all.
	noErr(t, sub.nc.(*net.TCPConn).SetReadBuffer(256<<10))
	sub.send("SUB x 1\r\n")
	sub.sync()
	publisher := join(t, s, quiet)
	load := kilo("x", batch)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sent := 0; sent < total; sent += len(load) {
			publisher.send(load)
		}
		publisher.sync()
	}()
	defer func() { <-done }()
	pace := time.NewTicker(beat)
	defer pace.Stop()
	messages := (total + len(load) - 1) / len(load) * batch
	budget, perBeat := 0, int(int64(perSecond)*int64(beat)/int64(time.Second))
	last := time.Now()
	for got := range messages {
		for budget < 0 {
			<-pace.C // the pace of a slow reader, not a wait for something
			budget += perBeat
			longest, last = max(longest, time.Since(last)), time.Now()
		}
		if f := sub.read(); len(f.payload) != kilobyte {
			return longest, fmt.Errorf("got %s after %d of %d messages", f.verb, got, messages)
		}
		budget -= kilobyte
	}
	return longest, nil
}

// Neither one that was cut off nor one that is still waited for delays the end of
// the server.
func TestShutdownDoesNotWaitForSlowConsumers(t *testing.T) {
	f := func(name string, maxPending int64, isStuck func(*server.Server) bool) {
		t.Run(name, func(t *testing.T) {
			s, _ := startLogged(t, server.Options{MaxPending: maxPending, WriteDeadline: time.Minute}, false)
			stuck(t, s, "SUB x 1\r\n")
			publisher := join(t, s, quiet)
			for sent := 0; !isStuck(s) && sent < mostBuffered; sent += 100 * kilobyte {
				publisher.send(kilo("x", 100))
				publisher.sync()
			}
			ended := make(chan struct{})
			go func() {
				s.Shutdown()
				close(ended)
			}()
			receive(t, "the server has ended", ended)
		})
	}
	f("cut off", 2<<20, func(s *server.Server) bool { return s.NumSlowConsumers() == 1 })
	f("stuck", 1<<30, func(*server.Server) bool { return false })
}

// A batch that does not leave within write_deadline ends the connection.
func TestWriteDeadline(t *testing.T) {
	s, log := startLogged(t, server.Options{WriteDeadline: 100 * time.Millisecond}, true)
	bad := stuck(t, s, "SUB x 1\r\n")
	publisher := join(t, s, quiet)
	for range 160 {
		publisher.send(kilo("x", 100))
		publisher.sync()
	}
	eventually(t, "the slow consumer is gone, and counted", func() bool { return s.NumClients() == 1 && s.NumSlowConsumers() == 1 })
	numSubs(t, s, 0)
	logged(t, log, "Slow Consumer Detected: WriteDeadline of ")
	text := regexp.MustCompile(`WRN .* - cid:1 - Slow Consumer Detected: WriteDeadline of 100ms exceeded with \d+ chunks of \d+ total bytes\.`)
	if all := strings.Join(log.lines(), "\n"); !text.MatchString(all) || !log.has("closed: Slow Consumer (Write Deadline)") {
		t.Errorf("log: %s", all)
	}
	publisher.sync()
	onlyMessages(t, bad)
}

// With NoFastProducerStall a receiver that is behind misses messages, keeps its
// connection, and gets the next ones when it has caught up.
func TestNoFastProducerStallDrops(t *testing.T) {
	s, log := startLogged(t, server.Options{MaxPending: 2 << 20, NoFastProducerStall: true}, true)
	slow := stuck(t, s, "SUB x 1\r\nSUB after 2\r\n")
	publisher := join(t, s, quiet)
	const batches, batch = 400, 100
	for range batches {
		publisher.send(kilo("x", batch))
		publisher.sync()
	}
	if n := s.NumSlowConsumers(); n != 0 || s.NumClients() != 2 {
		t.Fatalf("%d slow consumers, %d clients: %q", n, s.NumClients(), log.lines())
	}
	got := 0
	slow.syncing(func(f frame) {
		if got++; len(f.payload) != kilobyte {
			t.Fatalf("got %q", f.verb+": "+f.line)
		}
	})
	if got == 0 || got >= batches*batch {
		t.Errorf("%d of %d messages arrived", got, batches*batch)
	}
	publisher.send(pub("after", "x"))
	publisher.sync()
	if f := slow.read(); f.sid != "2" {
		t.Errorf("after it has caught up it gets %q", f.verb+": "+f.line)
	}
	if log.has("stalled") {
		t.Errorf("somebody was stalled: %q", log.lines())
	}
}

// What a member of a queue group that is behind does not take is for its peers.
func TestNoFastProducerStallPassesTheGroupOn(t *testing.T) {
	s, _ := startLogged(t, server.Options{MaxPending: 2 << 20, NoFastProducerStall: true}, false)
	slow := stuck(t, s, "SUB x q 1\r\n")
	healthy := join(t, s, quiet)
	healthy.send("SUB x q 1\r\n")
	healthy.sync()
	publisher := join(t, s, quiet)
	g := newGroup()
	const batches, batch = 200, 100
	pad := strings.Repeat("0", kilobyte)
	for i := range batches {
		var out strings.Builder
		for j := range batch {
			out.WriteString(pub("x", fmt.Sprintf("0 %s%d", pad, i*batch+j+1)))
		}
		publisher.send(out.String())
		publisher.sync()
		healthy.syncing(func(f frame) { g.take(unpadded(f)) })
	}
	atHealthy := len(g.seen)
	slow.syncing(func(f frame) { g.take(unpadded(f)) })
	g.complete(t, 1, batches*batch)
	if s.NumClients() != 3 || atHealthy <= batches*batch/2 {
		t.Errorf("%d clients; the healthy member got %d of %d messages", s.NumClients(), atHealthy, batches*batch)
	}
}

// unpadded takes the leading zeros out of the number that a payload ends in.
func unpadded(f frame) frame {
	who, n := number(f.payload)
	f.payload = fmt.Appendf(nil, "%s %d", who, n)
	return f
}
