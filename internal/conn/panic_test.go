package conn_test

import (
	"strings"
	"testing"

	"nats-server/internal/conn"
)

func TestPanicsEndTheirConnectionOnly(t *testing.T) {
	f := func(t *testing.T, tr transport, arm func(*session)) {
		t.Helper()
		w, s, other := newWorld(t), new(session), new(session)
		arm(s)
		other.byLine(func(line string) { other.say(line) })
		far, otherFar := w.connect(tr, s), w.connect(tr, other)
		s.Out.Append([]byte("queued before\n"))
		_, err := far.Write([]byte("x"))
		noErr(t, err)
		equal(t, "heard", everything(t, far), "queued before\n")
		equal(t, "reason", s.reason(t), conn.InternalError)
		equal(t, "panics", w.stats.Panics.Load(), 1)
		told := w.log.with("ERR", "BUG: session ended by a panic: ouch")
		equalAll(t, "error lines", told, []string{"ERR " + s.String() + " - BUG: session ended by a panic: ouch"})
		if len(w.log.with("ERR", "panic_test.go")) == 0 {
			t.Error("the log does not say where")
		}
		_, err = otherFar.Write([]byte("still here\n"))
		noErr(t, err)
		hears(t, otherFar, "still here\n")
		equal(t, "the other one's reason", other.Reason(), conn.Open)
	}
	overAll(t, func(t *testing.T, tr transport) {
		f(t, tr, func(s *session) { s.consume = func([]byte) (int, int, error) { panic("ouch") } })
		f(t, tr, func(s *session) { s.settle = func() func() { panic("ouch") } })
	})
}

func TestPanicsAtTheEnd(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		s.onEnd = func() { panic("ouch") }
		far := w.connect(tr, s)
		s.say("x")
		hears(t, far, "x")
		far.Close()
		equal(t, "reason", s.reason(t), conn.ClientClosed)
		w.over()
		equal(t, "panics", w.stats.Panics.Load(), 1)
		equal(t, "reason afterwards", s.Reason(), conn.ClientClosed)
	})
}

// The log of a panic has whole lines, each with its level.
func TestPanicStacksAreLoggedLineByLine(t *testing.T) {
	w, s := newWorld(t), new(session)
	s.consume = func([]byte) (int, int, error) { panic("ouch") }
	far := w.connect(transports[0], s)
	_, err := far.Write([]byte("x"))
	noErr(t, err)
	s.reason(t)
	lines := w.log.with("ERR", "")
	if len(lines) < 5 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		if strings.Contains(line, "\n") {
			t.Errorf("more than a line: %q", line)
		}
	}
}
