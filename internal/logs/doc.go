// Package logs writes the server's log lines: the six-method Logger that
// embedders of NATS servers know, a text logger in the exact line format of
// spec command-line 8 for a stream or a file, and Log, the holder through which
// the rest of the server logs.
//
// A Text or File owns its destination and guards it with one mutex, held only
// for the single write call of a line; formatting happens outside, so an argument
// that logs while it is being formatted cannot deadlock. A Log owns nothing: it
// points to the current logger with atomics and can be switched at any time.
//
// The package never ends the process: Fatalf writes a line like the others and
// the caller decides. A line that cannot be written is lost without a report,
// since there is nowhere to report it to. Control characters in messages are
// escaped, so what a client sends can neither forge a line nor drive a terminal.
package logs
