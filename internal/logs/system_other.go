//go:build !windows

package logs

import (
	"context"
	"errors"
	"net"
)

// serviceLogs says whether services log to the system's log without being told.
const serviceLogs = false

func openRemoteLog(cfg Config, report Logger) (Sink, error) { return openSyslogURL(cfg, report) }

// openSystemLog returns a sink for the local syslog daemon.
func openSystemLog(cfg Config, report Logger) (Sink, error) {
	return openLocalSyslog(cfg, report, "/dev/log", "/var/run/syslog", "/var/run/log")
}

var errNoDaemon = errors.New("no syslog daemon listens on this machine")

// openLocalSyslog tries the places where systems have the socket of the daemon.
func openLocalSyslog(cfg Config, report Logger, paths ...string) (Sink, error) {
	dial := func(ctx context.Context) (net.Conn, error) {
		for _, path := range paths {
			if conn, err := dialUnix(ctx, path); err == nil {
				return conn, nil
			}
		}
		return nil, errNoDaemon
	}
	return startSyslog("syslog", newSyslogForm(cfg, facilityDaemon, true), report, dial)
}
