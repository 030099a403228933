package logs

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// eventRecorder is an event log on any system.
type eventRecorder struct {
	got    []string
	err    error
	closed int
}

func (r *eventRecorder) Info(id uint32, text string) error  { return r.add("info", id, text) }
func (r *eventRecorder) Error(id uint32, text string) error { return r.add("error", id, text) }
func (r *eventRecorder) Close() error                       { r.closed++; return nil }

func (r *eventRecorder) add(kind string, id uint32, text string) error {
	if r.err == nil {
		r.got = append(r.got, fmt.Sprintf("%s %d %s", kind, id, strings.ReplaceAll(text, strings.TrimSpace(pid), "[PID]")))
	}
	return r.err
}

func (r *eventRecorder) check(t *testing.T, want ...string) {
	t.Helper()
	checkText(t, "event log", strings.Join(r.got, "\n"), strings.Join(want, "\n"))
	r.got = nil
}

func TestEventLog(t *testing.T) {
	var r eventRecorder
	l := newEventSink(&r, new(Log))
	everyLevel(l)
	r.check(t,
		"info 1 pid[PID][NOTICE]: a 1",
		"info 1 pid[PID][WARN]: b",
		"error 2 pid[PID][ERROR]: c",
		"error 5 pid[PID][FATAL]: d",
		"info 3 pid[PID][DEBUG]: e",
		"info 4 pid[PID][TRACE]: f",
	)
	l.Noticef("x\x00\ny")
	l.Reopen()
	r.check(t, `info 1 pid[PID][NOTICE]: x\x00\ny`, "info 1 pid[PID][NOTICE]: File log re-open ignored, not a file logger")

	l.Noticef("%s", strings.Repeat("x", 100_000))
	if n := len(r.got[0]); n > maxEvent+20 || n < maxEvent-20 {
		t.Errorf("%d bytes of text", n)
	}
	r.got = nil

	l.Close()
	l.Close()
	l.Noticef("dropped")
	r.check(t)
	if r.closed != 1 {
		t.Errorf("closed %d times", r.closed)
	}
}

func TestOutageOfTheEventLog(t *testing.T) {
	var stderr bytes.Buffer
	r := eventRecorder{err: errors.New("log full")}
	l := newEventSink(&r, New(&stderr, Config{NoTime: true}))
	l.Noticef("lost")
	l.Noticef("lost")
	r.err = nil
	l.Noticef("a")
	r.check(t, "info 1 pid[PID][NOTICE]: a", `info 1 pid[PID][WARN]: Logging to "event log" works again, lines lost: 2`)
	checkText(t, "stderr", stderr.String(), pid+"[ERR] Logging to \"event log\" fails: log full\n"+
		pid+"[INF] Logging to \"event log\" works again, lines lost: 2\n")
}
