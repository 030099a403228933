package process

import (
	"io"

	"nats-server/internal/logs"
	"nats-server/internal/options"
	"nats-server/internal/winsvc"
)

// log is the log of the process with the configuration that it was opened for.
type log struct {
	logs.Sink
	cfg logs.Config
}

func logConfig(o *options.Options, server string) logs.Config {
	return logs.Config{
		NoTime:         o.NoLogTime,
		UTC:            o.LogtimeUTC,
		JSON:           o.LogFormat == options.LogJSON,
		Server:         server,
		File:           o.LogFile,
		SizeLimit:      o.LogSizeLimit,
		MaxFiles:       o.LogMaxFiles,
		Syslog:         o.Syslog,
		RemoteSyslog:   o.RemoteSyslog,
		WindowsService: winsvc.Detected(),
	}
}

func openLog(o *options.Options, server string, stderr io.Writer) (*log, error) {
	cfg := logConfig(o, server)
	sink, err := logs.Open(cfg, stderr)
	if err != nil {
		return nil, err
	}
	return &log{sink, cfg}, nil
}
