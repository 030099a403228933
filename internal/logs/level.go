package logs

// level says how much a line matters, one level per method of Logger.
type level uint8

const (
	notice level = iota
	warn
	fault
	fatal
	debug
	trace
)

// levels is what each destination makes of a level (spec: command-line 8 and 10).
var levels = [...]struct {
	label    string // in text lines
	colour   string // of the label: the parameters of an ANSI escape sequence
	name     string // in JSON lines
	severity int    // for syslog
	event    string // in texts of the Windows event log
	eventID  uint32 // there
}{
	notice: {"INF", "32", "info", 5, "NOTICE", 1},
	warn:   {"WRN", "0;93", "warn", 4, "WARN", 1},
	fault:  {"ERR", "31", "error", 3, "ERROR", 2},
	fatal:  {"FTL", "31", "fatal", 2, "FATAL", 5},
	debug:  {"DBG", "36", "debug", 7, "DEBUG", 3},
	trace:  {"TRC", "33", "trace", 5, "TRACE", 4},
}
