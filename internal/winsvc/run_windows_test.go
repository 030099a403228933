package winsvc

import (
	"testing"
	"time"

	"golang.org/x/sys/windows/svc"
)

func TestCodes(t *testing.T) {
	f := func(got int, want svc.Cmd) {
		t.Helper()
		if got != int(want) {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	f(codeStop, svc.Stop)
	f(codeInterrogate, svc.Interrogate)
	f(codeShutdown, svc.Shutdown)
	f(codeParamChange, svc.ParamChange)
}

func TestStates(t *testing.T) {
	h := handler{startup: 3 * time.Second}
	f := func(now state, want svc.Status) {
		t.Helper()
		if got := h.describe(now); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	const accepts = svc.AcceptStop | svc.AcceptShutdown | svc.AcceptParamChange
	f(starting, svc.Status{State: svc.StartPending, WaitHint: 3000})
	f(running, svc.Status{State: svc.Running, Accepts: accepts})
	f(stopping, svc.Status{State: svc.StopPending, WaitHint: 10000})
}
