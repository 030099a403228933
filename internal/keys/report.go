package keys

import (
	"fmt"
	"strings"

	"nats-server/internal/conf"
)

// Report collects everything that is wrong with a configuration.
type Report struct {
	root     Table
	path     []string // blocks being decoded
	secret   bool     // what is being decoded must not be shown
	strict   bool     // the innermost block has no variables
	warnings []string
	errors   []string
}

// Errorf notes a problem with which the configuration cannot be used.
func (r *Report) Errorf(at conf.Pos, format string, v ...any) {
	r.errors = append(r.errors, at.String()+": "+fmt.Sprintf(format, v...))
}

// Warnf notes something about field that works, but is probably not meant.
func (r *Report) Warnf(at conf.Pos, field, format string, v ...any) {
	r.warnings = append(r.warnings,
		fmt.Sprintf("%s: invalid use of field %q: ", at, field)+fmt.Sprintf(format, v...))
}

// Warnings returns the warnings, a line each, in file order.
func (r *Report) Warnings() []string { return r.warnings }

// Err returns the problems as one error, warnings first, or nil if there are none
// but warnings. Each line of its text ends in a newline (spec: configuration.md 7.3).
func (r *Report) Err() error {
	if len(r.errors) == 0 {
		return nil
	}
	return Problems(append(append([]string(nil), r.warnings...), r.errors...))
}

// Problems is an error with a line for each problem.
type Problems []string

// Error returns the lines, each with its newline.
func (p Problems) Error() string { return strings.Join(p, "\n") + "\n" }

// where is how messages name the block being decoded.
func (r *Report) where() string {
	if len(r.path) == 0 {
		return "config"
	}
	return strings.Join(r.path, " ") + " config"
}
