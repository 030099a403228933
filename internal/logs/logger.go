package logs

import "sync/atomic"

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

// Log hands lines to a Logger that may be set and replaced at any time. The zero
// value is silent. All methods are safe for concurrent use.
type Log struct {
	logger       atomic.Pointer[Logger]
	debug, trace atomic.Bool
}

var _ Logger = (*Log)(nil)

// Set makes l the destination of the lines that follow, nil meaning silence, and
// switches debug and trace lines on or off.
func (g *Log) Set(l Logger, debug, trace bool) {
	if l == nil {
		g.logger.Store(nil)
	} else {
		g.logger.Store(&l)
	}
	g.debug.Store(debug && l != nil)
	g.trace.Store(trace && l != nil)
}

// DebugOn tells whether Debugf has an effect. Ask before building arguments that
// cost something.
func (g *Log) DebugOn() bool { return g.debug.Load() }

// TraceOn tells whether Tracef has an effect, see DebugOn.
func (g *Log) TraceOn() bool { return g.trace.Load() }

// Noticef logs what an operator wants to know in normal running.
func (g *Log) Noticef(format string, v ...any) {
	if l := g.logger.Load(); l != nil {
		(*l).Noticef(format, v...)
	}
}

// Warnf logs what works now but deserves attention.
func (g *Log) Warnf(format string, v ...any) {
	if l := g.logger.Load(); l != nil {
		(*l).Warnf(format, v...)
	}
}

// Errorf logs a failure that the server survives.
func (g *Log) Errorf(format string, v ...any) {
	if l := g.logger.Load(); l != nil {
		(*l).Errorf(format, v...)
	}
}

// Fatalf logs a failure that the server does not survive; it returns.
func (g *Log) Fatalf(format string, v ...any) {
	if l := g.logger.Load(); l != nil {
		(*l).Fatalf(format, v...)
	}
}

// Debugf logs details for debugging, if DebugOn.
func (g *Log) Debugf(format string, v ...any) {
	if !g.DebugOn() {
		return
	}
	if l := g.logger.Load(); l != nil {
		(*l).Debugf(format, v...)
	}
}

// Tracef logs protocol lines, if TraceOn.
func (g *Log) Tracef(format string, v ...any) {
	if !g.TraceOn() {
		return
	}
	if l := g.logger.Load(); l != nil {
		(*l).Tracef(format, v...)
	}
}
