// Package logs writes the server's log lines: the six-method Logger that
// embedders of NATS servers know, the destinations that Open chooses from (spec:
// command-line 8 and 10), and Log, the gate through which the rest of the server
// logs.
//
// A Sink is a form and an output. The form makes the line: text, JSON, or what
// syslog and the Windows event log want. It works without a lock, so an argument
// that logs while it is being formatted cannot deadlock. The output takes whole
// lines under its mutex: a stream or file with one write call per line, a file with
// its rotation, too; the event log with one call; syslog by putting the line into a
// bounded queue, which a goroutine of the sink sends. Control characters in messages
// are escaped in every form, so what a client sends can neither forge a line nor
// drive a terminal.
//
// Logging never stops the server. What cannot be written is lost and counted; the
// first failure and the end of the outage are reported to stderr, the number of
// lost lines also to where they are missing. A file that cannot be rotated grows.
//
// A Log owns no destination: it points to the current logger with atomics and can
// be switched at any time. It holds back floods of warnings and errors, with a
// timer only while there is something to sum up. The package never ends the process:
// Fatalf writes a line like the others and the caller decides; lines on their way
// to syslog then still need Sink.Close.
package logs
