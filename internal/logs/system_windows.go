package logs

import (
	"fmt"
	"strings"

	"golang.org/x/sys/windows/svc/eventlog"
)

// serviceLogs says whether services log to the system's log without being told.
const serviceLogs = true

// eventSource is the name of the server in the event log.
const eventSource = "NATS-Server"

// openRemoteLog takes a URL for a syslog daemon, and anything else for the name of
// a machine with an event log (spec: command-line 10).
func openRemoteLog(cfg Config, report Logger) (Sink, error) {
	if strings.Contains(cfg.RemoteSyslog, "://") {
		return openSyslogURL(cfg, report)
	}
	return openEventLog(cfg.RemoteSyslog, report)
}

func openSystemLog(_ Config, report Logger) (Sink, error) {
	// Without this the viewer shows a complaint around every text. It fails if it
	// has been done before, and for those who may not do it.
	_ = eventlog.InstallAsEventCreate(eventSource, eventlog.Info|eventlog.Warning|eventlog.Error)
	return openEventLog("", report)
}

func openEventLog(host string, report Logger) (Sink, error) {
	log, err := eventlog.OpenRemote(host, eventSource)
	if err != nil {
		return nil, fmt.Errorf("error opening event log: %w", err)
	}
	return newEventSink(log, report), nil
}
