package winsvc

import (
	"os"
	"time"
)

// exitFailed is the exit status for what goes wrong here.
const exitFailed = 1

// Process is what runs as a service: it takes controls, each of them a Control, for as
// long as it runs, calls ready once, as soon as clients can connect, and returns the
// exit status.
type Process func(controls <-chan os.Signal, ready func()) int

// state is how far a service has come.
type state int

const (
	starting state = iota
	running
	stopping
)

// defaultStartup is how long a process may take to become ready.
const defaultStartup = 10 * time.Second

// startupTime is defaultStartup or what the environment says instead.
func startupTime() time.Duration {
	d, err := time.ParseDuration(os.Getenv("NATS_STARTUP_DELAY"))
	if err != nil || d <= 0 {
		return defaultStartup
	}
	return d
}

// service translates between a service manager and a process. R is a request of the
// manager, which code reduces to its number.
type service[R any] struct {
	process  Process
	startup  time.Duration
	requests <-chan R
	code     func(R) uint32
	report   func(state)
}

// run returns the exit status when the process has ended, or has not become ready in
// time: it then still runs, and the caller is to end everything.
func (s *service[R]) run() int {
	s.report(starting)
	var (
		orders = make(chan os.Signal, 16) // the process may be busy, and the manager wants answers
		ready  = make(chan struct{})
		ended  = make(chan struct{})
		status int // of the process that has ended
	)
	go func() {
		status = s.process(orders, func() { close(ready) })
		close(ended)
	}()
	late := time.NewTimer(s.startup)
	defer late.Stop()
	now, up := starting, ready // up is nil once seen
	for {
		select {
		case <-ended:
			return status
		case <-late.C:
			return exitFailed
		case <-up:
			up = nil
			late.Stop()
			now = running
			s.report(now)
		case r := <-s.requests:
			now = s.answer(s.code(r), now, func(c Control) {
				select {
				case orders <- c:
				case <-ended:
				}
			})
		}
	}
}

// answer does what the manager asks for and returns the state that follows.
func (s *service[R]) answer(code uint32, now state, order func(Control)) state {
	if code == codeInterrogate {
		s.report(now)
		return now
	}
	c, ok := controls[code]
	if !ok || now != running { // nothing that the service has said it takes
		return now
	}
	if c == Stop {
		now = stopping
		s.report(now)
	}
	order(c)
	return now
}
