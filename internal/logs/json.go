package logs

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Field is one member of the object that a JSON line is.
type Field struct {
	Key string // must not be one of those that every line has, see Config.JSON
	// Value is a string, bool, int or uint64, a []Field for an object within the
	// object, or anything else that encoding/json takes.
	Value any
}

// Fielder is what a line may be about, such as a connection. Text lines say it with
// a prefix: a format that begins with "%s - " and the Fielder as first argument. In
// a JSON line its fields replace that prefix.
type Fielder interface {
	fmt.Stringer
	// LogFields is called at the time of logging, by any goroutine.
	LogFields() []Field
}

// aboutPrefix is how formats of lines about a Fielder begin.
const aboutPrefix = "%s - "

// jsonForm makes lines that are objects, members in this order: time, level, pid,
// server, msg, then those of a Fielder.
type jsonForm struct {
	timed, utc bool
	process    string // the members pid and server
}

func newJSONForm(cfg Config) jsonForm {
	b := strconv.AppendInt([]byte(`,"pid":`), int64(os.Getpid()), 10)
	if cfg.Server != "" {
		b = appendString(append(b, `,"server":`...), cfg.Server)
	}
	return jsonForm{timed: !cfg.NoTime, utc: cfg.UTC, process: string(b)}
}

func (f jsonForm) line(b []byte, l level, format string, v []any) []byte {
	b = append(b, '{')
	if f.timed {
		b = now(f.utc).AppendFormat(b, `"time":"2006-01-02T15:04:05.000000Z07:00",`)
	}
	b = append(b, `"level":"`...)
	b = append(b, levels[l].name...)
	b = append(b, '"')
	b = append(b, f.process...)
	b = append(b, `,"msg":`...)
	about, format, v := splitAbout(format, v)
	from := len(b)
	b = fmt.Appendf(b, format, v...)
	b = quote(b, from)
	if about != nil {
		for _, field := range about.LogFields() {
			b = append(b, ',')
			b = appendField(b, field)
		}
	}
	return append(b, "}\n"...)
}

// splitAbout takes what a line is about out of it, if it is there.
func splitAbout(format string, v []any) (about Fielder, restFormat string, rest []any) {
	if len(v) == 0 || !strings.HasPrefix(format, aboutPrefix) {
		return nil, format, v
	}
	about, ok := v[0].(Fielder)
	if !ok {
		return nil, format, v
	}
	return about, format[len(aboutPrefix):], v[1:]
}

func appendField(b []byte, f Field) []byte {
	b = appendString(b, f.Key)
	b = append(b, ':')
	switch v := f.Value.(type) {
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case []Field:
		b = append(b, '{')
		for i, f := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendField(b, f)
		}
		return append(b, '}')
	default:
		return appendOther(b, v)
	}
}

func appendOther(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil { // a line must come out, and be valid
		return appendString(b, fmt.Sprint(v))
	}
	return append(b, text...)
}

func appendString(b []byte, s string) []byte {
	from := len(b)
	return quote(append(b, s...), from)
}

// quote makes b[from:] a JSON string. What is not UTF-8 becomes U+FFFD.
func quote(b []byte, from int) []byte {
	end := len(b)
	// As in escape, the new form is built behind the old one.
	b = append(b, '"')
	for i := from; i < end; {
		if c := b[i]; c < utf8.RuneSelf {
			b = appendQuoted(b, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:end])
		b = utf8.AppendRune(b, r)
		i += size
	}
	b = append(b, '"')
	return slices.Delete(b, from, end)
}

func appendQuoted(b []byte, c byte) []byte {
	switch {
	case c == '"', c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, `\n`...)
	case c == '\r':
		return append(b, `\r`...)
	case c == '\t':
		return append(b, `\t`...)
	case isControl(c):
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(b, c)
}
