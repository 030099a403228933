package logs

import (
	"sync/atomic"
	"time"
)

// Logger takes the server's log lines, one call per line, formatted as by
// fmt.Printf without a trailing newline. The server calls it from many
// goroutines at once.
type Logger interface {
	Noticef(format string, v ...any)
	Warnf(format string, v ...any)
	Errorf(format string, v ...any)
	Fatalf(format string, v ...any) // only logs: whoever calls it decides about exiting
	Debugf(format string, v ...any)
	Tracef(format string, v ...any)
}

// Log hands lines to a Logger that may be set and replaced at any time, without
// those of a flood, see Throttle. The zero value is silent. All methods are safe
// for concurrent use.
type Log struct {
	logger       atomic.Pointer[holder]
	debug, trace atomic.Bool
	throttle     throttle
}

var _ Logger = (*Log)(nil)

// Set makes l the destination of the lines that follow, nil meaning silence, and
// switches debug and trace lines on or off. The logger before it gets a last word
// about suppressed lines and is not called after the return of Set, so that it can be
// closed; unless a line takes it more than a second.
func (g *Log) Set(l Logger, debug, trace bool) {
	var next, old *holder
	if l != nil {
		next = &holder{Logger: l}
	}
	g.debug.Store(debug && l != nil)
	g.trace.Store(trace && l != nil)
	g.summarise(func() *holder {
		old = g.logger.Swap(next)
		return old
	})
	old.await()
}

// holder is a logger with the number of lines that it is being given.
type holder struct {
	Logger
	lines atomic.Int64
}

// acquire returns the present logger for one line, or nil. Set waits for its release.
func (g *Log) acquire() *holder {
	for {
		h := g.logger.Load()
		if h == nil {
			return nil
		}
		h.lines.Add(1)
		if g.logger.Load() == h {
			return h
		}
		h.release() // Set may have seen none
	}
}

func (h *holder) release() { h.lines.Add(-1) }

// await waits until a logger that is not the present one any more has no more lines to
// write, for a second at most: it may be the one who waits.
func (h *holder) await() {
	const most, nap = time.Second, time.Millisecond
	for range most / nap {
		if h == nil || h.lines.Load() == 0 {
			return
		}
		time.Sleep(nap)
	}
}

// SetLevels switches debug and trace lines on or off, if there is a logger.
func (g *Log) SetLevels(debug, trace bool) {
	speaks := g.logger.Load() != nil
	g.debug.Store(debug && speaks)
	g.trace.Store(trace && speaks)
}

// Close is Set to silence. It leaves no timer running.
func (g *Log) Close() { g.Set(nil, false, false) }

// DebugOn tells whether Debugf has an effect. Ask before building arguments that
// cost something.
func (g *Log) DebugOn() bool { return g.debug.Load() }

// TraceOn tells whether Tracef has an effect, see DebugOn.
func (g *Log) TraceOn() bool { return g.trace.Load() }

// Noticef logs what an operator wants to know in normal running.
func (g *Log) Noticef(format string, v ...any) {
	if l := g.acquire(); l != nil {
		defer l.release()
		l.Noticef(format, v...)
	}
}

// Warnf logs what works now but deserves attention.
func (g *Log) Warnf(format string, v ...any) {
	if l := g.acquire(); l != nil {
		defer l.release()
		if g.passes(warn, format, v) {
			l.Warnf(format, v...)
		}
	}
}

// Errorf logs a failure that the server survives.
func (g *Log) Errorf(format string, v ...any) {
	if l := g.acquire(); l != nil {
		defer l.release()
		if g.passes(fault, format, v) {
			l.Errorf(format, v...)
		}
	}
}

// Fatalf logs a failure that the server does not survive; it returns.
func (g *Log) Fatalf(format string, v ...any) {
	if l := g.acquire(); l != nil {
		defer l.release()
		l.Fatalf(format, v...)
	}
}

// Debugf logs details for debugging, if DebugOn.
func (g *Log) Debugf(format string, v ...any) {
	if !g.DebugOn() {
		return
	}
	if l := g.acquire(); l != nil {
		defer l.release()
		l.Debugf(format, v...)
	}
}

// Tracef logs protocol lines, if TraceOn.
func (g *Log) Tracef(format string, v ...any) {
	if !g.TraceOn() {
		return
	}
	if l := g.acquire(); l != nil {
		defer l.release()
		l.Tracef(format, v...)
	}
}
