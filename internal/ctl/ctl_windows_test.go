package ctl

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/windows/svc"
)

// fake is a service that goes through states, one per call, and stays in the last.
type fake struct {
	states               []svc.State
	controlErr, queryErr error
	got                  []svc.Cmd
}

func (s *fake) Control(c svc.Cmd) (svc.Status, error) {
	s.got = append(s.got, c)
	return s.next(), s.controlErr
}

func (s *fake) Query() (svc.Status, error) { return s.next(), s.queryErr }

func (s *fake) next() svc.Status {
	now := s.states[0]
	if len(s.states) > 1 {
		s.states = s.states[1:]
	}
	return svc.Status{State: now}
}

func TestControls(t *testing.T) {
	f := func(command string, code svc.Cmd, wait time.Duration, states ...svc.State) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			s, start := &fake{states: states}, time.Now()
			if err := controls[command].sendTo(s); err != nil {
				t.Error(err)
			}
			if got := time.Since(start); got != wait || !slices.Equal(s.got, []svc.Cmd{code}) {
				t.Errorf("%s: sent %v and waited %v, want %d and %v", command, s.got, got, code, wait)
			}
		})
	}
	f("stop", 1, 0, svc.Stopped)
	f("stop", 1, 600*time.Millisecond, svc.Running, svc.StopPending, svc.Stopped)
	f("quit", 1, 300*time.Millisecond, svc.StopPending, svc.Stopped)
	f("reload", 6, 0, svc.Running)
	f("reopen", 128, 0, svc.Running)
	f("ldm", 129, 300*time.Millisecond, svc.StartPending, svc.Running)
}

func TestControlFails(t *testing.T) {
	errFake := errors.New("it did not please")
	f := func(s *fake, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			complains(t, controls["stop"].sendTo(s), want)
		})
	}
	running := []svc.State{svc.Running}
	f(&fake{states: running, controlErr: errFake}, "could not send control=1: it did not please")
	f(&fake{states: running, queryErr: errFake}, "could not retrieve service status: it did not please")
	f(&fake{states: running}, "timeout waiting for service to go to state=1")
}

func TestNoSuchCommandOrService(t *testing.T) {
	complains(t, Send("term"), `unknown signal "term"`)
	complains(t, Send("bogus=no-such-service"), `unknown signal "bogus"`)
	const want = "could not access service: "
	if err := Send("reload=no-such-service"); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s…", err, want)
	}
}
