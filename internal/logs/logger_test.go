package logs

import (
	"bytes"
	"sync"
	"testing"
)

func TestLogSwitches(t *testing.T) {
	f := func(debug, trace bool, want string) {
		t.Helper()
		var out bytes.Buffer
		var g Log
		g.Set(New(&out, Config{NoTime: true}), debug, trace)
		if g.DebugOn() != debug || g.TraceOn() != trace {
			t.Errorf("on: %v %v, want %v %v", g.DebugOn(), g.TraceOn(), debug, trace)
		}
		everyLevel(&g)
		want = pid + "[INF] a 1\n" + pid + "[WRN] b\n" + pid + "[ERR] c\n" + pid + "[FTL] d\n" + want
		if got := out.String(); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
	f(false, false, "")
	f(true, false, pid+"[DBG] e\n")
	f(false, true, pid+"[TRC] f\n")
	f(true, true, pid+"[DBG] e\n"+pid+"[TRC] f\n")
}

func TestSetLevels(t *testing.T) {
	var out bytes.Buffer
	var g Log
	g.SetLevels(true, true)
	if g.DebugOn() || g.TraceOn() {
		t.Error("on without a logger")
	}
	g.Set(New(&out, Config{NoTime: true}), false, true)
	g.SetLevels(true, false)
	g.Debugf("e")
	g.Tracef("f")
	if got, want := out.String(), pid+"[DBG] e\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLogWithoutLoggerIsSilent(t *testing.T) {
	var g Log
	everyLevel(&g)

	var out bytes.Buffer
	g.Set(New(&out, Config{}), true, true)
	g.Set(nil, true, true)
	everyLevel(&g)
	if out.Len() > 0 || g.DebugOn() || g.TraceOn() {
		t.Errorf("not silent: %q, debug %v, trace %v", out.String(), g.DebugOn(), g.TraceOn())
	}
}

func TestLogMayBeSetWhileInUse(t *testing.T) {
	var g Log
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				everyLevel(&g)
			}
		})
	}
	for i := range 200 {
		g.Set(New(discard{}, Config{}), i%2 == 0, i%3 == 0)
		g.Set(nil, true, true)
	}
	wg.Wait()
}
