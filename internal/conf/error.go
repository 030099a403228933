package conf

import (
	"errors"
	"strings"
)

// Error is what is wrong with a file.
type Error struct {
	Pos  Pos    // where it was noticed
	Text string // the message as operators know it (spec: configuration.md 7.1)

	Began Pos    // where the construct began that the error is about; zero if that does not help
	What  string // what began there: "map", "array", "string", "block", "key", …
	Hint  string // what to do about it, "" if unknown

	// Cause is what went wrong in an included file or in the value of an
	// environment variable; nil for an error of this file. Its text is part of Text.
	Cause error
}

// Error returns one line: the position, Text as it is, and then what else is
// known. An error of an included file is located at its include; where in that
// file it is comes with what else is known.
func (e *Error) Error() string {
	inner := e
	for errors.As(inner.Cause, &inner) {
	}
	var also []string
	if inner != e {
		also = append(also, "at "+inner.Pos.String())
	}
	if inner.What != "" && inner.Began != inner.Pos {
		also = append(also, "the "+inner.What+" began at "+inner.Began.String())
	}
	text := e.Pos.String() + ": " + e.Text
	if len(also) > 0 {
		text += " (" + strings.Join(also, ", ") + ")"
	}
	if inner.Hint != "" {
		text += "; " + inner.Hint
	}
	return text
}

// Unwrap returns Cause.
func (e *Error) Unwrap() error { return e.Cause }

// plain returns the text that an enclosing message quotes.
func plain(err error) string {
	if e, ok := err.(*Error); ok {
		return e.Text
	}
	return err.Error()
}
