package logs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// Config says where lines go and what they look like (spec: configuration.md 10.1,
// from logtime to remote_syslog).
type Config struct {
	NoTime bool // leave out date and time
	UTC    bool // date and time in UTC instead of local time
	// JSON makes lines objects with the members time, level, pid, server, msg and
	// those of a Fielder. In syslog they follow the usual header; the Windows event
	// log knows only text.
	JSON   bool
	Server string // the member server of JSON lines, left out if empty

	File      string // path of the log file
	SizeLimit int64  // bytes above which the file is rotated; 0 = never
	MaxFiles  int    // log files that rotation keeps, the current one included; 0 = all

	Syslog         bool   // the system's log: the syslog daemon or, on Windows, the event log
	RemoteSyslog   string // URL of a syslog daemon: udp://host:port, tcp://host:port or unix:///path
	Name           string // tag of syslog lines; the base name of the executable if empty
	WindowsService bool   // the event log takes the place of stderr; only on Windows
}

func (c *Config) tag() string {
	if c.Name != "" {
		return c.Name
	}
	return filepath.Base(os.Args[0])
}

// Sink is a destination of lines, open until Close. All its methods are safe for
// concurrent use.
type Sink interface {
	Logger
	// Reopen closes the log file and opens its path anew, after something else has
	// renamed it, and logs that, or why not. If the path cannot be opened, the
	// logger goes on with the file it has.
	Reopen()
	// Close waits for up to a second until what has been logged is on its way. Lines
	// logged afterwards are dropped. Closing again does nothing.
	Close() error
}

// Open returns the sink that cfg asks for: the file, else the remote syslog daemon,
// else the system's log, else stderr. When the sink fails later, that is said on
// stderr, and again when it works, with the number of lines lost; stderr is not
// closed. The error is ready to be printed (spec: command-line 3 and 8).
func Open(cfg Config, stderr io.Writer) (Sink, error) {
	report := New(stderr, cfg)
	switch {
	case cfg.File != "":
		f, err := openFile(cfg, report)
		if err != nil {
			return nil, fmt.Errorf("error opening file: %w", err)
		}
		return f, nil
	case cfg.RemoteSyslog != "":
		return openRemoteLog(cfg, report)
	case cfg.Syslog, cfg.WindowsService && serviceLogs:
		return openSystemLog(cfg, report)
	}
	return report, nil
}

// New returns a sink for w, which Close leaves open. Labels of text lines are
// coloured if w is an os.File open on a character device such as a terminal.
func New(w io.Writer, cfg Config) Sink {
	form, dest := newForm(cfg), "stream"
	if f, ok := w.(*os.File); ok {
		dest = f.Name()
		if text, ok := form.(textForm); ok {
			text.colour = isCharDevice(f)
			form = text
		}
	}
	// When w fails there is nowhere to report it to but w, later.
	return newSink(form, &stream{outage: newOutage(dest, new(Log)), form: form, w: w})
}

func isCharDevice(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// output takes whole lines from many goroutines.
type output interface {
	write(l level, line []byte) // line is valid during the call
	reopen() error              // errNoFile if there is nothing to reopen
	close() error
}

// errNoFile is what outputs other than files have to say to being reopened.
var errNoFile = errors.New("not a file logger")

// sink is every Sink: a form for the lines and an output that takes them.
type sink struct {
	form form
	out  output
}

func newSink(f form, out output) *sink { return &sink{form: f, out: out} }

// Noticef logs with label INF.
func (s *sink) Noticef(format string, v ...any) { s.log(notice, format, v) }

// Warnf logs with label WRN.
func (s *sink) Warnf(format string, v ...any) { s.log(warn, format, v) }

// Errorf logs with label ERR.
func (s *sink) Errorf(format string, v ...any) { s.log(fault, format, v) }

// Fatalf logs with label FTL and returns.
func (s *sink) Fatalf(format string, v ...any) { s.log(fatal, format, v) }

// Debugf logs with label DBG.
func (s *sink) Debugf(format string, v ...any) { s.log(debug, format, v) }

// Tracef logs with label TRC.
func (s *sink) Tracef(format string, v ...any) { s.log(trace, format, v) }

// Reopen implements Sink (texts: spec command-line 8).
func (s *sink) Reopen() {
	switch err := s.out.reopen(); {
	case err == nil:
		s.Noticef("File log re-opened")
	case errors.Is(err, errNoFile):
		s.Noticef("File log re-open ignored, not a file logger")
	default:
		s.Errorf("File log could not be re-opened, going on with the old file: %v", err)
	}
}

// Close implements Sink.
func (s *sink) Close() error { return s.out.close() }

// maxKept is the largest line buffer, in bytes, that is kept for the next line: a
// traced payload of megabytes must not stay around.
const maxKept = 16 << 10

var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 256)) }}

// log holds no lock while it formats: an argument may log, too.
func (s *sink) log(l level, format string, v []any) {
	p := buffers.Get().(*[]byte)
	b := s.form.line((*p)[:0], l, format, v)
	s.out.write(l, b)
	putBuffer(p, b)
}

// putBuffer gives back a buffer of the pool, which has become b.
func putBuffer(p *[]byte, b []byte) {
	if cap(b) <= maxKept {
		*p = b
		buffers.Put(p)
	}
}
