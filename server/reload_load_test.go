package server_test

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nats-server/server"
)

// unlike are options that differ from those of the neighbouring rounds in much that
// sessions look at all the time, and let everybody in who has user, password and
// token. Each changes into each.
func unlike(round int) (o server.Options) {
	o.Host, o.Port = "127.0.0.1", server.RandomPort
	bit := func(n int) bool { return round>>n&1 == 1 }
	[]gate{single("u", "p"), token("t"), list("u", "p", "v", strconv.Itoa(round)), anybody}[round%4](&o)
	o.MaxPayload = int32(1000 + round)
	o.ServerName = "n" + strconv.Itoa(round) // goes with max_payload
	o.MaxPending = int64(64+round%2) << 20
	o.MaxControlLine = int32(1000 + round%3)
	o.MaxSubs = round % 2 * 100
	o.MaxSubTokens = round % 3 * 10
	o.PingInterval = time.Duration(60+round) * time.Second
	o.WriteDeadline = time.Duration(10+round%2) * time.Second
	o.NoHeaderSupport, o.TraceHeaders = bit(0), false
	o.Debug = bit(1)
	return o
}

// allKeys is the CONNECT of one who passes every gate of unlike.
const allKeys = `{"verbose":false,"pedantic":false,"user":"u","pass":"p","auth_token":"t"}`

// From one connection to another nothing is lost, and nothing comes out of order,
// however often the options change.
func TestReloadUnderLoad(t *testing.T) {
	f := func(name string, open func(*server.Server) (net.Conn, error)) {
		t.Run(name, func(t *testing.T) {
			s := startChanging(t, unlike(0))
			client := func() *peer {
				nc, err := open(s.Server)
				noErr(t, err)
				return attach(t, nc, allKeys)
			}
			sub, publisher := client(), client()
			sub.send("SUB a 1\r\nSUB b.* 2\r\n")
			sub.sync()
			stop, sent := make(chan struct{}), make(chan int, 1)
			go func() {
				n := 0
				for {
					select {
					case <-stop:
						sent <- n
						return
					default:
					}
					var out strings.Builder
					for range 500 {
						n++
						out.WriteString(pub([]string{"a", "b.c"}[n%2], padded("p", n, n%300)))
					}
					publisher.send(out.String())
					publisher.sync()
				}
			}()
			got, received := 0, make(chan int, 1)
			go func() {
				defer close(received)
				sub.until("PONG", func(f frame) {
					if _, n := number(f.payload); n != got+1 {
						sub.fail("message %d follows %d", n, got)
					}
					got++
				})
				received <- got
			}()
			const reloads = 200
			for i := range reloads {
				s.reload(func(o *server.Options) { *o = unlike(i + 1) })
			}
			close(stop)
			n := receive(t, "the publisher has ended", sent)
			sub.send("PING\r\n")
			if got := receive(t, "the messages have arrived", received); got != n {
				t.Errorf("%d of %d messages arrived", got, n)
			}
			t.Logf("%d messages during %d reloads", n, reloads)
		})
	}
	f("TCP", func(s *server.Server) (net.Conn, error) { return net.Dial("tcp", s.Addr().String()) })
	f("in process", (*server.Server).InProcessConn)
}

// Several reloads, thousands of clients that come and go, and publishers: each
// reload is one step for everybody, and nobody waits for ever.
func TestReloadBesideEverything(t *testing.T) {
	s := startChanging(t, unlike(3)) // open to the flood
	open := func(round int) *server.Options {
		o := unlike(round)
		anybody(&o)
		return &o
	}
	sub := join(t, s.Server, quiet)
	sub.send("SUB hot 1\r\n")
	sub.sync()
	const publishers, each = 2, 5000
	flood := startFlood(t, s.Server, publishers, each, "hot")
	received := make(chan int, 1)
	go func() {
		defer close(received)
		order, n := rising{}, 0
		sub.until("PONG", func(f frame) {
			order.next(sub, f)
			n++
		})
		received <- n
	}()

	var clients, reloads sync.WaitGroup
	for who := range 3 {
		reloads.Go(func() {
			for i := who; i < 1000; i += 3 {
				noError(t, s.ReloadOptions(open(i)))
			}
		})
	}
	for _, dial := range []func() (net.Conn, error){s.InProcessConn, func() (net.Conn, error) { return net.Dial("tcp", s.Addr().String()) }} {
		clients.Go(func() {
			in := bufio.NewReader(nil)
			for range 1000 {
				nc, err := dial()
				if err != nil {
					t.Error(err)
					return
				}
				in.Reset(nc)
				noError(t, nc.SetDeadline(time.Now().Add(patience)))
				info, err := in.ReadString('\n')
				noError(t, err)
				consistent(t, info)
				_, err = nc.Write([]byte("CONNECT " + quiet + "\r\nSUB hot 1\r\nPING\r\n"))
				noError(t, err)
				_, err = in.ReadString('\n')
				noError(t, err)
				noError(t, nc.Close())
			}
		})
	}
	clients.Wait()
	flood.wait()
	reloads.Wait()
	sub.send("PING\r\n")
	if n := receive(t, "the messages have arrived", received); n != publishers*each {
		t.Errorf("%d of %d messages arrived", n, publishers*each)
	}
	eventually(t, "the clients have gone", func() bool { return s.NumClients() == publishers+1 })
	if n := s.NumPanics() + s.NumSlowConsumers(); n != 0 {
		t.Errorf("%d panics and slow consumers", n)
	}
}

// consistent checks that the name and the limit in an INFO line are of one reload.
func consistent(t testing.TB, info string) {
	t.Helper()
	_, rest, _ := strings.Cut(info, `"server_name":"n`)
	digits, _, _ := strings.Cut(rest, `"`)
	n, err := strconv.Atoi(digits)
	if want := fmt.Sprintf(`"max_payload":%d,`, 1000+n); err != nil || !strings.Contains(info, want) {
		t.Errorf("no %s in %s", want, info)
	}
}

// A server that ends while it changes ends.
func TestReloadBesideShutdown(t *testing.T) {
	for round := range 12 {
		s := startChanging(t, unlike(0))
		var all sync.WaitGroup
		for who := range 2 {
			all.Go(func() {
				for i := who; ; i += 2 {
					o := unlike(i)
					o.MaxConn = i % 3
					if err := s.ReloadOptions(&o); err != nil {
						if err.Error() != "only a running server can reload its configuration" {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		for range 2 {
			all.Go(func() {
				for {
					nc, err := s.InProcessConn()
					if err != nil {
						return
					}
					_, _ = nc.Write([]byte("CONNECT " + allKeys + "\r\nSUB x 1\r\nPUB x 0\r\n\r\n"))
					_ = nc.Close()
				}
			})
		}
		if round%3 > 0 {
			join(t, s.Server, "").nc.Close()
		}
		ended := make(chan struct{})
		go func() {
			if round%2 == 0 {
				s.LameDuckShutdown()
			}
			s.Shutdown()
			all.Wait()
			close(ended)
		}()
		s.Shutdown()
		receive(t, "everything has ended", ended)
		if n := s.NumClients(); n != 0 {
			t.Errorf("%d clients are left", n)
		}
	}
}
