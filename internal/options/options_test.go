package options_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/options"
)

func TestDefaults(t *testing.T) {
	want := options.Options{
		Host:                "0.0.0.0",
		Port:                4222,
		MaxConn:             65536,
		MaxControlLine:      4096,
		MaxPayload:          1048576,
		MaxPending:          67108864,
		WriteDeadline:       10 * time.Second,
		PingInterval:        2 * time.Minute,
		MaxPingsOut:         2,
		AuthTimeout:         2 * time.Second,
		LameDuckDuration:    2 * time.Minute,
		LameDuckGracePeriod: 10 * time.Second,
		LogFormat:           "text",
		HTTPHost:            "0.0.0.0",
		MaxClosedClients:    10000,

		ConnectErrorReports:   3600,
		ReconnectErrorReports: 1,
	}
	got, err := options.Options{}.Complete()
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	again, err := got.Complete()
	if diff := cmp.Diff(got, again); err != nil || diff != "" {
		t.Errorf("completed twice: %v %s", err, diff)
	}
}

func TestWhatIsSetStays(t *testing.T) {
	set := options.Options{
		Host: "127.0.0.1", Port: options.RandomPort, DontListen: true, ServerName: "s",
		MaxConn: -1, MaxSubs: 3, MaxSubTokens: 255, MaxControlLine: 1, MaxPayload: 5, MaxPending: 5,
		WriteDeadline: 1, PingInterval: 1, MaxPingsOut: 1,
		NoHeaderSupport: true, NoFastProducerStall: true,
		Username: "u", Password: "p", Authorization: "t", AuthTimeout: 1,
		LameDuckDuration: 30 * time.Second, LameDuckGracePeriod: -1,
		Debug: true, Trace: true, MaxTracedMsgLen: 7, LogFormat: "json", LogFile: "l", NoLogTime: true, PidFile: "f",
		HTTPHost: "h", HTTPPort: 1, HTTPBasePath: "b", HTTPToken: "t", MaxClosedClients: 1,
		ConnectErrorReports: 1, ReconnectErrorReports: 2,
	}
	before := set
	got, err := set.Complete()
	if diff := cmp.Diff(before, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if diff := cmp.Diff(before, set); diff != "" {
		t.Errorf("the caller's value has changed: %s", diff)
	}
}

func TestProblems(t *testing.T) {
	f := func(o options.Options, want string) {
		t.Helper()
		if _, err := o.Complete(); err == nil || err.Error() != want {
			t.Errorf("%+v: got %v, want %s", o, err, want)
		}
	}
	f(options.Options{MaxSubs: -1}, "max_subscriptions value can not be negative, but is -1")
	f(options.Options{MaxControlLine: -2}, "max_control_line value can not be negative, but is -2")
	f(options.Options{MaxPending: -3}, "max_pending value can not be negative, but is -3")
	f(options.Options{WriteDeadline: -4}, "write_deadline value can not be negative, but is -4")
	f(options.Options{PingInterval: -5}, "ping_interval value can not be negative, but is -5")
	f(options.Options{MaxPingsOut: -6}, "ping_max value can not be negative, but is -6")
	f(options.Options{AuthTimeout: -7}, "authorization timeout value can not be negative, but is -7")

	const tokens = " is out of range: use 1 to 255, or 0 for no limit"
	f(options.Options{MaxSubTokens: -1}, "max_sub_tokens of -1"+tokens)
	f(options.Options{MaxSubTokens: 256}, "max_sub_tokens of 256"+tokens)

	f(options.Options{MaxPending: 1000}, "max_payload (1048576) cannot be higher than max_pending (1000)")
	f(options.Options{MaxPayload: 11, MaxPending: 10}, "max_payload (11) cannot be higher than max_pending (10)")

	f(options.Options{LameDuckDuration: 29 * time.Second}, "invalid lame_duck_duration of 29s, minimum is 30 seconds")
	f(options.Options{LameDuckDuration: -1}, "invalid lame_duck_duration of -1ns, minimum is 30 seconds")
	f(options.Options{LameDuckGracePeriod: 2 * time.Minute},
		"lame duck grace period (2m0s) should be strictly lower than lame duck duration (2m0s)")
	f(options.Options{LameDuckDuration: 30 * time.Second, LameDuckGracePeriod: time.Minute},
		"lame duck grace period (1m0s) should be strictly lower than lame duck duration (30s)")
}

func TestEdgesThatPass(t *testing.T) {
	f := func(o options.Options) {
		t.Helper()
		if _, err := o.Complete(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	f(options.Options{MaxPayload: 10, MaxPending: 10})
	f(options.Options{MaxPayload: math.MaxInt32, MaxPending: math.MaxInt32})
	f(options.Options{LameDuckDuration: 30 * time.Second, LameDuckGracePeriod: 29 * time.Second})
	f(options.Options{MaxSubTokens: 1})
	f(options.Options{MaxConn: -5})
	f(options.Options{MaxPayload: -1})
}
