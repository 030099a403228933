package dial_test

import (
	"context"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"nats-server/internal/dial"
)

func TestDelay(t *testing.T) {
	f := func(n int, most, want time.Duration) {
		t.Helper()
		if got := dial.Delay(n, time.Second, most); got != want {
			t.Errorf("before attempt %d: %v, want %v", n, got, want)
		}
	}
	f(2, 0, time.Second)
	f(100, 0, time.Second)
	f(2, 30*time.Second, time.Second)
	f(3, 30*time.Second, 2*time.Second)
	f(6, 30*time.Second, 16*time.Second)
	f(7, 30*time.Second, 30*time.Second)
	f(1<<30, 30*time.Second, 30*time.Second)
}

func TestResolve(t *testing.T) {
	f := func(in string, skip bool, want string, ok, fails bool) {
		t.Helper()
		got, found, err := dial.Resolve(context.Background(), in, func(netip.AddrPort) bool { return skip })
		if got != want || found != ok || (err != nil) != fails {
			t.Errorf("%s: %q %v %v", in, got, found, err)
		}
	}
	f("127.0.0.1:4222", true, "127.0.0.1:4222", true, false) // as it is
	f("[::1]:4222", true, "[::1]:4222", true, false)
	f("localhost:4222", true, "", false, false)
	f("localhost", false, "", false, true)
	f("localhost:bad", false, "", false, true)
	if got, ok, err := dial.Resolve(context.Background(), "localhost:4222", func(a netip.AddrPort) bool { return a.Addr().Is6() }); got != "127.0.0.1:4222" || !ok || err != nil {
		t.Errorf("%q %v %v", got, ok, err)
	}
	if own := dial.Own(); !own[netip.MustParseAddr("127.0.0.1")] {
		t.Errorf("%v", own)
	}
}

func TestRedacted(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := dial.Redacted(u); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	f("nats://u:p@h:1", "nats://u:[REDACTED]@h:1")
	f("nats://u@h:1", "nats://u@h:1")
	f("nats://h:1/", "nats://h:1/")
}
