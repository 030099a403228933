package route_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/s2"

	"nats-server/internal/route"
	"nats-server/internal/testkit"
)

// squeezed is the fake server's end of a connection with compression, as the library has
// it. It keeps what it was sent.
type squeezed struct {
	net.Conn
	in   *s2.Reader
	mu   sync.Mutex
	sent bytes.Buffer
}

func (s *squeezed) Read(b []byte) (int, error) { return s.in.Read(b) }

func (s *squeezed) Write(b []byte) (int, error) {
	w := s2.NewWriter(s.Conn, s2.WriterConcurrency(1))
	w.Write(b)
	return len(b), w.Close()
}

func (s *squeezed) raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent.String()
}

// squeeze goes on with compression, after the last that is without.
func (p peer) squeeze(t testing.TB) (peer, *squeezed) {
	s := &squeezed{Conn: p.Conn}
	s.in = s2.NewReader(readerFunc(func(b []byte) (int, error) {
		n, err := p.Conn.Read(b)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sent.Write(b[:n])
		return n, err
	}))
	return peer{testkit.Attach(t, s)}, s
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func mode(m string) string { return `,"lnocu":true,"compression":"` + m + `"` }

// What each side makes of the modes (spec: cluster-routes 11): what this server says, and
// whether there is compression.
func TestNegotiation(t *testing.T) {
	f := func(own, theirs, said string, on bool) {
		t.Helper()
		for _, dialed := range []bool{false, true} {
			l := newFake(t)
			w := newWorld(t, true)
			w.set.Compression = route.Compression{Mode: own}
			if dialed {
				w.set.Routes = append(w.set.Routes, parse(t, "nats://"+l.Addr().String()))
			}
			w.start()
			more := `,"lnocu":true`
			if theirs != "" {
				more = mode(theirs)
			}
			info := infoOf("NPEER", "B", l.port(), more)
			var p peer
			if dialed {
				p = l.acceptSilent()
				p.Send(info)
				if i, line := p.info(t); i.Compression != said {
					t.Errorf("%q and %q: says %s", own, theirs, line)
				}
			} else {
				p = w.dialIn()
				if i, line := p.info(t); i.Compression != own {
					t.Errorf("%q: says %s", own, line)
				}
				p.Send(connectC1 + info)
			}
			if on {
				p, _ = p.squeeze(t)
				if dialed {
					p.Send(info)
				}
				if i, line := p.info(t); i.Compression != said || i.Nonce == "" {
					t.Errorf("%q and %q: then says %s", own, theirs, line)
				}
				if !dialed {
					p.Send(info)
				}
			}
			testkit.Eventually(t, patience, "the route", func() bool { return w.Len() == 1 })
			if got := w.Routes(0)[0].Compression; got != said {
				t.Errorf("%q and %q: reports %q", own, theirs, got)
			}
			p.quiet(t)
		}
	}
	f("off", "off", "off", false)
	f("off", "s2_fast", "off", false)
	f("accept", "", "not supported", false)
	f("accept", "not supported", "not supported", false)
	f("s2_best", "", "not supported", false)
	f("s2_fast", "off", "off", false)
	f("accept", "accept", "off", false)
	f("accept", "s2_fast", "s2_fast", true)
	f("accept", "s2_better", "s2_better", true)
	f("accept", "s2_best", "s2_best", true)
	f("accept", "s2_uncompressed", "s2_uncompressed", true)
	f("accept", "s2_auto", "s2_fast", true)
	f("s2_best", "accept", "s2_best", true)
	f("s2_better", "s2_fast", "s2_better", true)
}

// A mode that is unheard of.
func TestUnknownCompression(t *testing.T) {
	w := newWorld(t, false)
	w.set.Compression.Mode = "accept"
	w.start()
	p := w.dialIn()
	p.info(t)
	p.Send(connectC1 + infoOf("NPEER", "B", 1, mode("zip")))
	p.closes(t, `-ERR 'unsupported route compression mode "zip"'`)
}

// The bytes: each flush is a stream of its own, and small ones are not compressed (spec:
// cluster-routes 21.10).
func TestCompressedBytes(t *testing.T) {
	for _, sockets := range []bool{false, true} {
		w := newWorld(t, sockets)
		w.set.Compression.Mode = "s2_fast"
		// INFO has much that repeats: whatever its nonce is, it is worth compressing.
		w.set.ClientURLs = []string{"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003", "127.0.0.1:7004"}
		w.start()
		plain := w.dialIn()
		plain.info(t)
		info := infoOf("NPEER", "B", 1, mode("accept"))
		plain.Send(connectC1 + info)
		p, s := plain.squeeze(t)
		p.info(t)
		p.Send(info + "RS+ APP back q 1\r\n")
		const stream, pong = "\xff\x06\x00\x00S2sTwO", "\x01\x0a\x00\x00\xf5\x6f\x1b\xe4PONG\r\n"
		testkit.Eventually(t, patience, "a PONG that is a batch of its own", func() bool { // no PING of the server with it
			p.quiet(t)
			return strings.HasSuffix(s.raw(), stream+pong)
		})
		if raw := s.raw(); !strings.HasPrefix(raw, stream+"\x00") {
			t.Errorf("%q", raw)
		}
		w.local("APP", "foo", "q")
		p.sees(t, "RS+ APP foo q 1")
		// Messages, one larger than any block, and back.
		big := strings.Repeat("0123456789abcdef", 300_000)
		before := len(s.raw())
		p.Send("RMSG APP back | q 1\r\nx\r\nRMSG APP back | q 4800000\r\n" + big + "\r\nRMSG APP back | q 1\r\ny\r\n")
		p.sees(t, "RMSG APP back | q 1", "x", "RMSG APP back | q 4800000", big, "RMSG APP back | q 1", "y")
		if n := len(s.raw()) - before; n > len(big)/4 {
			t.Errorf("takes %d bytes", n)
		}
		// And, a frame at a time, what is cut anywhere.
		for _, piece := range strings.SplitAfter("RS+ APP one\r\nRS+ APP two\r\nPING\r\n", "") {
			p.Send(piece)
		}
		p.sees(t, "PONG")
		if n := w.wanted(); n != 3 {
			t.Errorf("%d remote subscriptions", n)
		}
	}
}

// With pools and credentials compression comes first: the place in the pool is said in the
// second INFO.
func TestCompressedPool(t *testing.T) {
	f := newFake(t)
	w := pooled(t, true)
	w.set.Compression.Mode = "s2_better"
	w.set.Routes = append(w.set.Routes, parse(t, "nats://u:p@"+f.Addr().String()))
	w.local("APP", "a", "")
	w.local("$SYS", "s", "")
	w.start()
	more := ofThree + `,"compression":"accept"`
	begin := func(p peer) (peer, string) {
		t.Helper()
		if i := f.introduced(p, more); i.Compression != "s2_better" || i.PoolIndex != 0 {
			t.Errorf("%+v", i)
		}
		p, _ = p.squeeze(t)
		i := f.introduced(p, more)
		return p, i.Account + string(rune('0'+i.PoolIndex))
	}
	all := map[string]peer{}
	for range 2 {
		p, at := begin(f.acceptSilent())
		all[at] = p
	}
	all["$SYS0"].sees(t, "RS+ s")
	all["0"].pings(t)
	for _, at := range []string{"1", "2"} {
		p, where := begin(f.acceptSilent())
		if where != at {
			t.Fatalf("slot %s, want %s", where, at)
		}
		if all[at] = p; at == "1" {
			p.sees(t, "RS+ APP a")
			p.pings(t)
		}
	}
	for _, p := range all {
		p.quiet(t)
	}
}

// What is not compressed, or maliciously so, ends the route.
func TestHostileCompression(t *testing.T) {
	f := func(in string) {
		t.Helper()
		w := newWorld(t, false)
		w.set.Compression.Mode = "s2_fast"
		w.start()
		plain := w.dialIn()
		plain.info(t)
		plain.Send(connectC1 + infoOf("NPEER", "B", 1, mode("accept")))
		_, s := plain.squeeze(t)
		if _, err := s.in.ReadByte(); err != nil {
			t.Fatal(err)
		}
		plain.Send(in)
		go io.Copy(io.Discard, s.in)
		w.logs("Router connection closed: Protocol Violation")
	}
	const stream = "\xff\x06\x00\x00S2sTwO"
	f("PING\r\n")
	f("\x01\x0a\x00\x00\xf5\x6f\x1b\xe4PONG\r\n") // without a stream
	f(stream + "\x01\x0a\x00\x00\xf5\x6f\x1b\xe5PONG\r\n")
	f(stream + "\x00\x0a\x00\x00\xf5\x6f\x1b\xe4\xff\xff\xff\xff\x0f\x00")
	f(stream + "\x00\xff\xff\xff")
}

// The level follows the round trip.
func TestLevelFollowsTheRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, false)
		w.set.Compression = route.Compression{Mode: "s2_auto", Thresholds: []time.Duration{10 * time.Millisecond, 0, 100 * time.Millisecond}}
		w.set.Conn.PingInterval = 10 * time.Second
		w.start()
		plain := w.dialIn()
		plain.info(t)
		info := infoOf("NPEER", "B", 1, mode("accept"))
		time.Sleep(50 * time.Millisecond) // it is far away, it seems
		plain.Send(connectC1 + info)
		p, _ := plain.squeeze(t)
		p.SetTimeout(time.Hour)
		p.info(t)
		p.Send(info)
		f := func(rtt time.Duration, want string) {
			t.Helper()
			if line, err := p.line(); line != "PING" || err != nil {
				t.Fatalf("%q %v", line, err)
			}
			time.Sleep(rtt)
			p.Send("PONG\r\n")
			synctest.Wait()
			if r := w.Routes(0); len(r) != 1 || r[0].Compression != want {
				t.Errorf("with %v: %+v, want %s", rtt, r, want)
			}
		}
		synctest.Wait()
		if r := w.Routes(0); len(r) != 1 || r[0].Compression != "s2_better" {
			t.Errorf("%+v", r)
		}
		f(time.Millisecond, "s2_uncompressed")
		f(30*time.Millisecond, "s2_better")
		f(300*time.Millisecond, "s2_best")
		f(0, "s2_uncompressed")
		p.Close()
	})
}

// Who never completes the handshake is not pinged, but stale at last.
func TestHandshakeThatEndsNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, false)
		w.set.Compression.Mode = "accept"
		w.start()
		p := w.dialIn()
		p.SetTimeout(time.Hour)
		p.info(t)
		if line, err := p.line(); line != "-ERR 'Stale Connection'" || err != nil {
			t.Errorf("%q %v", line, err)
		}
		p.Close()
	})
}

// A reload changes levels in place, and else has routes come anew (spec: cluster-routes
// 11, end).
func TestReloadOfCompression(t *testing.T) {
	w := newWorld(t, false)
	w.set.Compression.Mode = "s2_fast"
	w.start()
	info := infoOf("NPEER", "B", 1, mode("accept"))
	plain := w.dialIn()
	plain.info(t)
	plain.Send(connectC1 + info)
	p, _ := plain.squeeze(t)
	p.info(t)
	p.Send(info)
	p.quiet(t)
	next := w.set
	next.Compression.Mode = "s2_best"
	w.Reload(next)
	if r := w.Routes(0); len(r) != 1 || r[0].Compression != "s2_best" {
		t.Errorf("%+v", r)
	}
	p.quiet(t)
	next.Compression.Mode = "off"
	w.Reload(next)
	testkit.Eventually(t, patience, "the end", func() bool { return w.Len() == 0 })
	w.logs("Router connection closed: Client Closed")
}
