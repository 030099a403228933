package winsvc

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const startup = 10 * time.Second

// request is what a service manager sends.
type request struct{ number uint32 }

// scene is a service that runs, in virtual time, between a manager and a process.
type scene struct {
	t        *testing.T
	requests chan request
	reports  []state
	orders   <-chan os.Signal // as the process has got them
	ready    func()
	exit     chan int // ends the process
	status   chan int // of the service
}

// play runs act beside the service and checks at the end what the manager has been told.
func play(t *testing.T, act func(*scene), want ...state) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		x := &scene{t: t, requests: make(chan request), exit: make(chan int), status: make(chan int, 1)}
		s := service[request]{
			process: func(orders <-chan os.Signal, ready func()) int {
				x.orders, x.ready = orders, ready
				return <-x.exit
			},
			startup:  startup,
			requests: x.requests,
			code:     func(r request) uint32 { return r.number },
			report:   func(now state) { x.reports = append(x.reports, now) },
		}
		go func() { x.status <- s.run() }()
		synctest.Wait()
		act(x)
		if diff := cmp.Diff(want, x.reports); diff != "" {
			t.Error(diff)
		}
	})
}

func (x *scene) up() {
	x.ready()
	synctest.Wait()
}

func (x *scene) send(codes ...uint32) {
	for _, c := range codes {
		x.requests <- request{c}
	}
	synctest.Wait()
}

// ordered checks what has been asked of the process.
func (x *scene) ordered(want ...Control) {
	x.t.Helper()
	var got []Control
	for len(x.orders) > 0 {
		got = append(got, (<-x.orders).(Control))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		x.t.Error(diff)
	}
}

// exits ends the process and checks that the service ends with it.
func (x *scene) exits(status int) {
	x.t.Helper()
	x.exit <- status
	if got := <-x.status; got != status {
		x.t.Errorf("exit status %d, want %d", got, status)
	}
}

func TestStopControls(t *testing.T) {
	f := func(code uint32) {
		t.Helper()
		play(t, func(x *scene) {
			x.up()
			x.send(code)
			x.ordered(Stop)
			x.send(codeStop, codeReopenLog) // nothing more is taken
			x.ordered()
			x.exits(0)
		}, starting, running, stopping)
	}
	f(codeStop)
	f(codeShutdown)
}

func TestControlsThatLeaveItRunning(t *testing.T) {
	f := func(code uint32, want ...Control) {
		t.Helper()
		play(t, func(x *scene) {
			x.up()
			x.send(code, code)
			x.ordered(append(want, want...)...)
			x.exits(0)
		}, starting, running)
	}
	f(codeParamChange, Reload)
	f(codeReopenLog, ReopenLog)
	f(codeLameDuck, LameDuck)
	f(2) // pause
	f(130)
}

func TestInterrogation(t *testing.T) {
	play(t, func(x *scene) {
		x.send(codeInterrogate)
		x.up()
		x.send(codeInterrogate)
		x.send(codeStop, codeInterrogate)
		x.exits(0)
	}, starting, starting, running, running, stopping, stopping)
}

func TestControlsBeforeReady(t *testing.T) {
	play(t, func(x *scene) {
		x.send(codeStop, codeLameDuck)
		x.up()
		x.ordered()
		x.exits(0)
	}, starting, running)
}

func TestProcessEndsByItself(t *testing.T) {
	play(t, func(x *scene) { x.exits(1) }, starting)
	play(t, func(x *scene) { x.up(); x.exits(0) }, starting, running)
	play(t, func(x *scene) { x.up(); x.exits(3) }, starting, running)
}

func TestStartupTime(t *testing.T) {
	play(t, func(x *scene) {
		begin := time.Now()
		if got := <-x.status; got != 1 || time.Since(begin) != startup {
			t.Errorf("exit status %d after %v", got, time.Since(begin))
		}
		x.exit <- 0 // lets the process go
	}, starting)
	play(t, func(x *scene) {
		time.Sleep(startup - 1)
		x.up()
		time.Sleep(10 * startup)
		x.exits(0)
	}, starting, running)
}

func TestProcessDoesNotListen(t *testing.T) {
	play(t, func(x *scene) {
		x.up()
		for range cap(x.orders) + 1 {
			x.send(codeReopenLog)
		}
		x.exits(0)
	}, starting, running)
}

func TestStartupTimeFromEnvironment(t *testing.T) {
	f := func(text string, want time.Duration) {
		t.Helper()
		t.Setenv("NATS_STARTUP_DELAY", text)
		if got := startupTime(); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	f("", 10*time.Second)
	f("2m", 2*time.Minute)
	f("500ms", 500*time.Millisecond)
	f("30", 10*time.Second)
	f("0s", 10*time.Second)
	f("-1s", 10*time.Second)
}

func TestControlNames(t *testing.T) {
	f := func(s os.Signal, want string) {
		t.Helper()
		s.Signal()
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(Stop, "stop")
	f(Reload, "reload")
	f(ReopenLog, "reopen")
	f(LameDuck, "ldm")
}

func TestNotStartedByServiceManager(t *testing.T) {
	if Detected() {
		t.Error("detected a service manager")
	}
	if status, err := Run(nil); status != 1 || err == nil {
		t.Errorf("exit status %d, error %v", status, err)
	}
}
