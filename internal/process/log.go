package process

import (
	"io"

	"nats-server/internal/logs"
	"nats-server/internal/options"
)

// processLog is the log of the process: a file if one is configured, else stderr.
type processLog struct {
	logs.Logger
	file *logs.File // nil for stderr
}

func openLog(o *options.Options, stderr io.Writer) (*processLog, error) {
	cfg := logs.Config{NoTime: o.NoLogTime}
	if o.LogFile == "" {
		return &processLog{Logger: logs.New(stderr, cfg)}, nil
	}
	f, err := logs.OpenFile(o.LogFile, cfg)
	if err != nil {
		return nil, err
	}
	return &processLog{Logger: f, file: f}, nil
}

func (l *processLog) reopen() {
	if l.file == nil {
		l.Noticef("File log re-open ignored, not a file logger")
		return
	}
	if err := l.file.Reopen(); err != nil {
		l.Errorf("File log could not be re-opened, going on with the old file: %v", err)
	}
}

func (l *processLog) close() {
	if l.file != nil {
		l.file.Close()
	}
}
