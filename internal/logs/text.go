package logs

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
)

// Config is the form of the lines of a text logger.
type Config struct {
	NoTime bool // leave out date and time
}

// Text writes lines of the form
//
//	[pid] 2006/01/02 15:04:05.000000 [LBL] text
//
// with local time (spec: command-line 8), each by one Write call. It logs
// whatever it is given: debug and trace lines are switched by Log.
type Text struct {
	before string // "[pid] "
	timed  bool
	colour bool

	mu sync.Mutex
	w  io.Writer
}

var _ Logger = (*Text)(nil)

// New returns a logger for w, which is not closed by it. Labels are coloured if w
// is an os.File open on a character device such as a terminal.
func New(w io.Writer, cfg Config) *Text {
	t := newText(w, cfg)
	f, ok := w.(*os.File)
	t.colour = ok && isCharDevice(f)
	return t
}

func newText(w io.Writer, cfg Config) *Text {
	return &Text{
		before: "[" + strconv.Itoa(os.Getpid()) + "] ",
		timed:  !cfg.NoTime,
		w:      w,
	}
}

func isCharDevice(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// label is what stands in brackets before the text, ready in both forms.
type label struct{ plain, colour string }

var (
	notice = newLabel("INF", "32")
	warn   = newLabel("WRN", "0;93")
	fault  = newLabel("ERR", "31")
	fatal  = newLabel("FTL", "31")
	debug  = newLabel("DBG", "36")
	trace  = newLabel("TRC", "33")
)

func newLabel(name, code string) label {
	return label{
		plain:  "[" + name + "] ",
		colour: "[\x1b[" + code + "m" + name + "\x1b[0m] ",
	}
}

// Noticef logs with label INF.
func (t *Text) Noticef(format string, v ...any) { t.line(notice, format, v...) }

// Warnf logs with label WRN.
func (t *Text) Warnf(format string, v ...any) { t.line(warn, format, v...) }

// Errorf logs with label ERR.
func (t *Text) Errorf(format string, v ...any) { t.line(fault, format, v...) }

// Fatalf logs with label FTL and returns.
func (t *Text) Fatalf(format string, v ...any) { t.line(fatal, format, v...) }

// Debugf logs with label DBG.
func (t *Text) Debugf(format string, v ...any) { t.line(debug, format, v...) }

// Tracef logs with label TRC.
func (t *Text) Tracef(format string, v ...any) { t.line(trace, format, v...) }

// maxKept is the largest line buffer, in bytes, that is kept for the next line: a
// traced payload of megabytes must not stay around.
const maxKept = 16 << 10

var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 256)) }}

func (t *Text) line(l label, format string, v ...any) {
	p := buffers.Get().(*[]byte)
	b := t.appendHeader((*p)[:0], l)
	text := len(b)
	b = fmt.Appendf(b, format, v...)
	b = escape(b, text)
	b = append(b, '\n')

	t.write(b)
	if cap(b) <= maxKept {
		*p = b
		buffers.Put(p)
	}
}

func (t *Text) write(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.w.Write(b)
}

func (t *Text) appendHeader(b []byte, l label) []byte {
	b = append(b, t.before...)
	if t.timed {
		b = time.Now().AppendFormat(b, "2006/01/02 15:04:05.000000 ")
	}
	if t.colour {
		return append(b, l.colour...)
	}
	return append(b, l.plain...)
}
