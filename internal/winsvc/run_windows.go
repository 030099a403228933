package winsvc

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/windows/svc"
)

// name is what the service is called in the documentation. A service that has its
// process for itself may be installed under any name.
const name = "nats-server"

// Detected reports whether the service manager has started the process. The
// environment can deny it, for containers, whose processes look as if it had.
func Detected() bool {
	if os.Getenv("NATS_DOCKERIZED") == "1" {
		return false
	}
	is, err := svc.IsWindowsService()
	return is && err == nil
}

// Run lets the service manager run p, and returns p's exit status once the service
// has stopped. The status is not p's, and p may still be running, if p does not call
// ready in time: 10 s, or the environment's NATS_STARTUP_DELAY. It is not p's either
// if the service manager cannot be talked to, which is an error. To be called once, by
// a process for which Detected is true, soon after its start.
func Run(p Process) (int, error) {
	h := &handler{process: p, startup: startupTime(), status: make(chan int, 1)}
	if err := svc.Run(name, h); err != nil {
		return exitFailed, fmt.Errorf("cannot run as a service: %w", err)
	}
	select {
	case status := <-h.status:
		return status, nil
	default:
		return exitFailed, errors.New("the service manager did not take the state of the service")
	}
}

// handler binds a service to package svc.
type handler struct {
	process Process
	startup time.Duration
	status  chan int // takes the result of Execute
}

// Execute is called by package svc.
func (h *handler) Execute(_ []string, requests <-chan svc.ChangeRequest, changes chan<- svc.Status) (ownCode bool, code uint32) {
	s := service[svc.ChangeRequest]{
		process:  h.process,
		startup:  h.startup,
		requests: requests,
		code:     func(r svc.ChangeRequest) uint32 { return uint32(r.Cmd) },
		report:   func(now state) { changes <- h.describe(now) },
	}
	status := s.run()
	h.status <- status
	return false, uint32(status)
}

// stopHint is how long a shutdown may seem to take.
const stopHint = 10 * time.Second

func (h *handler) describe(now state) svc.Status {
	switch now {
	case starting:
		return svc.Status{State: svc.StartPending, WaitHint: uint32(h.startup.Milliseconds())}
	case running:
		return svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown | svc.AcceptParamChange}
	default:
		return svc.Status{State: svc.StopPending, WaitHint: uint32(stopHint.Milliseconds())}
	}
}
