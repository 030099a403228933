package logs

import (
	"os"
	"strconv"
	"sync"
)

// maxEvent is how much of a text goes into the event log, in bytes: it takes as many
// characters.
const maxEvent = 31839

// eventLog is what the Windows event log offers.
type eventLog interface {
	Info(id uint32, text string) error
	Error(id uint32, text string) error
	Close() error
}

// eventForm makes texts of the form
//
//	pid[123][NOTICE]: text
//
// (spec: command-line 10).
type eventForm struct{ before string }

func (f eventForm) line(b []byte, l level, format string, v []any) []byte {
	b = append(b, f.before...)
	b = append(b, levels[l].event...)
	b = append(b, "]: "...)
	return appendText(b, format, v)
}

// events is the output to the event log.
type events struct {
	form form // for what it has to say itself

	mu sync.Mutex
	outage
	log    eventLog
	closed bool
}

func newEventSink(log eventLog, report Logger) *sink {
	form := eventForm{"pid[" + strconv.Itoa(os.Getpid()) + "]["}
	return newSink(form, &events{outage: newOutage("event log", report), form: form, log: log})
}

func (e *events) write(l level, line []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.put(l, line)
	}
}

func (e *events) put(l level, line []byte) {
	text := string(line[:min(len(line)-1, maxEvent)])
	add := e.log.Info
	if l == fault || l == fatal {
		add = e.log.Error
	}
	if err := add(levels[l].eventID, text); err != nil {
		e.lost++
		e.fail(err)
		return
	}
	if lost := e.works(); lost > 0 {
		e.put(warn, e.form.line(nil, warn, worksAgain, []any{e.dest, lost}))
	}
}

func (e *events) reopen() error { return errNoFile }

func (e *events) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	return e.log.Close()
}
