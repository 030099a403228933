package server_test

import (
	"bufio"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nats-server/server"
)

// departures connects clients within the process, has the server enter lame duck
// mode, and returns when each was closed, and when the server had ended, counted
// from then. Time is virtual.
func departures(t *testing.T, o server.Options, clients int, during func(*server.Server)) (gone []time.Duration, ended time.Duration) {
	t.Helper()
	o.DontListen, o.PingInterval = true, time.Hour
	synctest.Test(t, func(t *testing.T) {
		s, err := server.NewServer(&o)
		noErr(t, err)
		noErr(t, s.Start())
		gone = make([]time.Duration, clients)
		var begin time.Time
		for i := range clients {
			nc, err := s.InProcessConn()
			noErr(t, err)
			go func() {
				defer nc.Close()
				in := bufio.NewReader(nc)
				for {
					line, err := in.ReadString('\n')
					if err != nil {
						gone[i] = time.Since(begin)
						return
					}
					if strings.HasPrefix(line, "-ERR") {
						t.Errorf("a client is told %q", line)
					}
				}
			}()
		}
		synctest.Wait()
		begin = time.Now()
		if during != nil {
			go during(s)
		}
		s.LameDuckShutdown()
		ended = time.Since(begin)
		synctest.Wait()
	})
	slices.Sort(gone)
	return gone, ended
}

// Clients are closed one by one after the grace period, evenly over the rest of the
// duration, with gaps that vary between half and the whole of an even share.
func TestLameDuckSpreadsDepartures(t *testing.T) {
	f := func(duration, grace time.Duration, clients int, share time.Duration) {
		t.Helper()
		gone, ended := departures(t, server.Options{LameDuckDuration: duration, LameDuckGracePeriod: grace}, clients, nil)
		if gone[0] != grace {
			t.Errorf("the first of %d left after %v, want %v", clients, gone[0], grace)
		}
		for i := 1; i < clients; i++ {
			if gap := gone[i] - gone[i-1]; gap < share/2 || gap > share {
				t.Errorf("between client %d and the next of %d there are %v, want %v to %v", i, clients, gap, share/2, share)
			}
		}
		if last := gone[clients-1]; ended < last || ended > last+share || ended > duration {
			t.Errorf("the last of %d left after %v, the server ended after %v of %v", clients, last, ended, duration)
		}
	}
	f(time.Minute, 10*time.Second, 7, time.Second) // a share is never more than that
	f(time.Minute, 10*time.Second, 500, 100*time.Millisecond)
	f(30*time.Second, 29*time.Second, 100, 10*time.Millisecond)
	f(2*time.Minute, 10*time.Second, 1, time.Second)
}

// A second request changes nothing, Shutdown cuts it short.
func TestLameDuckIsCutShort(t *testing.T) {
	o := server.Options{LameDuckDuration: time.Minute, LameDuckGracePeriod: 10 * time.Second}
	for _, at := range []time.Duration{0, 5 * time.Second, 12 * time.Second} {
		gone, ended := departures(t, o, 10, func(s *server.Server) {
			go s.LameDuckShutdown()
			time.Sleep(at) // virtual
			s.Shutdown()
		})
		if ended != at || gone[9] != at {
			t.Errorf("cut short after %v, the last client left after %v, the server ended after %v", at, gone[9], ended)
		}
	}
}

func TestLameDuckDefaults(t *testing.T) {
	gone, ended := departures(t, server.Options{}, 3, nil)
	if gone[0] != 10*time.Second || ended > 13*time.Second {
		t.Errorf("clients left after %v, the server after %v", gone, ended)
	}
}

// Pings are as specified in virtual time, too: the first soon after CONNECT, the
// next only in silence, and the third that is due finds the client stale.
func TestPingTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := server.NewServer(&server.Options{DontListen: true, PingInterval: time.Minute})
		noErr(t, err)
		noErr(t, s.Start())
		defer s.Shutdown()
		f := func(connect string, first, spread time.Duration) {
			t.Helper()
			nc, err := s.InProcessConn()
			noErr(t, err)
			defer nc.Close()
			in := bufio.NewReader(nc)
			begin := time.Now()
			at := func(want string) time.Duration {
				t.Helper()
				line, err := in.ReadString('\n')
				if err != nil || !strings.HasPrefix(line, want) {
					t.Errorf("got %q, %v, want %s", line, err, want)
				}
				return time.Since(begin)
			}
			at("INFO")
			write(t, nc, connect)
			ping := at("PING")
			if ping < first || ping > first+spread {
				t.Errorf("%q: first ping after %v, want %v", connect, ping, first)
			}
			if second := at("PING") - ping; second != time.Minute {
				t.Errorf("%q: second ping %v after the first", connect, second)
			}
			if stale := at("-ERR 'Stale Connection'") - ping; stale != 2*time.Minute {
				t.Errorf("%q: stale %v after the first ping", connect, stale)
			}
			if _, err := in.ReadByte(); err == nil {
				t.Errorf("%q: the stale connection is still open", connect)
			}
		}
		f("", time.Minute, 0)
		f("CONNECT {\"verbose\":false}\r\n", 2*time.Second, 400*time.Millisecond)
	})
}

func write(t *testing.T, nc net.Conn, text string) {
	t.Helper()
	_, err := nc.Write([]byte(text))
	noErr(t, err)
}

// The time for CONNECT runs in virtual time, too.
func TestAuthenticationTimeoutIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := server.NewServer(&server.Options{DontListen: true, Authorization: "t", AuthTimeout: 3 * time.Second})
		noErr(t, err)
		noErr(t, s.Start())
		defer s.Shutdown()
		nc, err := s.InProcessConn()
		noErr(t, err)
		defer nc.Close()
		begin := time.Now()
		in := bufio.NewReader(nc)
		_, err = in.ReadString('\n')
		noErr(t, err)
		line, err := in.ReadString('\n')
		if took := time.Since(begin); err != nil || line != "-ERR 'Authentication Timeout'\r\n" || took != 3*time.Second {
			t.Errorf("got %q, %v after %v", line, err, took)
		}
	})
}
