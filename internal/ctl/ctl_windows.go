package ctl

import (
	"cmp"
	"fmt"
	"time"

	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// How often, and for how long, a service is asked for its state after a control.
const (
	interval = 300 * time.Millisecond
	patience = 10 * time.Second
)

// control is what a command sends to a service, and the state the service is in
// once it has obeyed.
type control struct {
	code svc.Cmd
	end  svc.State
}

var controls = map[string]control{
	"stop":   {svc.Stop, svc.Stopped},
	"quit":   {svc.Stop, svc.Stopped},
	"reload": {svc.ParamChange, svc.Running},
	"reopen": {128, svc.Running},
	"ldm":    {129, svc.Running},
}

func send(command, target string) error {
	c, ok := controls[command]
	if !ok {
		return unknown(command)
	}
	manager, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("could not access service: %w", err)
	}
	defer manager.Disconnect()
	s, err := manager.OpenService(cmp.Or(target, "nats-server"))
	if err != nil {
		return fmt.Errorf("could not access service: %w", err)
	}
	defer s.Close()
	return c.sendTo(s)
}

// service is the part of mgr.Service that sendTo needs.
type service interface {
	Control(svc.Cmd) (svc.Status, error)
	Query() (svc.Status, error)
}

// sendTo returns when the service has obeyed.
func (c control) sendTo(s service) error {
	status, err := s.Control(c.code)
	if err != nil {
		return fmt.Errorf("could not send control=%d: %w", c.code, err)
	}
	for deadline := time.Now().Add(patience); status.State != c.end; {
		if !time.Now().Before(deadline) {
			return fmt.Errorf("timeout waiting for service to go to state=%d", c.end)
		}
		time.Sleep(interval)
		status, err = s.Query()
		if err != nil {
			return fmt.Errorf("could not retrieve service status: %w", err)
		}
	}
	return nil
}
