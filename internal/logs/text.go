package logs

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// form makes the line of one call: it appends the line, newline included, to b.
// No line has a second newline in it. Forms are immutable.
type form interface {
	line(b []byte, l level, format string, v []any) []byte
}

// newForm returns the form of lines in files and streams.
func newForm(cfg Config) form {
	if cfg.JSON {
		return newJSONForm(cfg)
	}
	return newTextForm(cfg)
}

// textForm makes lines of the form
//
//	[pid] 2006/01/02 15:04:05.000000 [LBL] text
//
// (spec: command-line 8).
type textForm struct {
	before     string // "[pid] "
	timed, utc bool
	colour     bool // of the label
}

func newTextForm(cfg Config) textForm {
	return textForm{
		before: "[" + strconv.Itoa(os.Getpid()) + "] ",
		timed:  !cfg.NoTime,
		utc:    cfg.UTC,
	}
}

func (f textForm) line(b []byte, l level, format string, v []any) []byte {
	b = append(b, f.before...)
	if f.timed {
		b = now(f.utc).AppendFormat(b, "2006/01/02 15:04:05.000000 ")
	}
	if f.colour {
		b = append(b, "[\x1b["...)
		b = append(b, levels[l].colour...)
		b = append(b, 'm')
		b = append(b, levels[l].label...)
		b = append(b, "\x1b[0m] "...)
	} else {
		b = append(b, '[')
		b = append(b, levels[l].label...)
		b = append(b, "] "...)
	}
	return appendText(b, format, v)
}

// appendText appends the text of a call and a newline.
func appendText(b []byte, format string, v []any) []byte {
	from := len(b)
	b = fmt.Appendf(b, format, v...)
	return append(escape(b, from), '\n')
}

func now(utc bool) time.Time {
	t := time.Now()
	if utc {
		return t.UTC()
	}
	return t
}
