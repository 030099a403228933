package logs

import (
	"io"
	"sync"
)

// outage keeps track of a destination that takes no lines, and reports the first
// failure and the end. The lock of the output that embeds it guards it.
type outage struct {
	dest    string // as named in reports
	report  Logger
	failing bool
	lost    int // lines
}

func newOutage(dest string, report Logger) outage { return outage{dest: dest, report: report} }

func (o *outage) fail(err error) {
	if !o.failing {
		o.failing = true
		o.report.Errorf(`Logging to "%s" fails: %v`, o.dest, err)
	}
}

const worksAgain = `Logging to "%s" works again, lines lost: %d`

// works ends an outage, if there is one, and returns the number of lines that have
// been lost since the last one.
func (o *outage) works() (lost int) {
	if !o.failing {
		return 0
	}
	lost, o.lost = o.lost, 0
	o.failing = false
	o.report.Noticef(worksAgain, o.dest, lost)
	return lost
}

// stream is the output to a writer: one Write call per line.
type stream struct {
	form form // for what it has to say itself

	mu sync.Mutex
	outage
	w      io.Writer
	size   int64 // bytes written
	torn   bool  // the last thing written is a part of a line
	closed bool
}

func (s *stream) write(_ level, line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.put(line)
	}
}

// put writes a line. mu is held.
func (s *stream) put(line []byte) {
	if err := s.try(line); err != nil {
		s.lost++
		s.fail(err)
		return
	}
	if lost := s.works(); lost > 0 {
		s.put(s.form.line(nil, warn, worksAgain, []any{s.dest, lost}))
	}
}

// try writes a line, on a line of its own even if part of another came before it.
func (s *stream) try(line []byte) error {
	if s.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := s.w.Write(line)
	s.size += int64(n)
	if n > 0 {
		s.torn = line[n-1] != '\n'
	}
	if err == nil && n < len(line) {
		return io.ErrShortWrite
	}
	return err
}

func (s *stream) reopen() error { return errNoFile }

func (s *stream) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
