package conf

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// eof is what char returns at the end of the text. A NUL ends the text as well, so
// there is never one in it.
const eof rune = 0

// parser reads one text: a file or the value of an environment variable.
//
// Errors are sticky: the first one is kept and the cursor goes to the end of the
// text, where every rule of the grammar ends soon. So rules need no error results,
// and what they return after an error is of no use to anybody.
type parser struct {
	load *loader
	file string
	text string

	pos  int // offset of the next character
	line int
	bol  int // offset from which the columns of this line count

	open    []construct // maps, arrays and braces around the cursor, outermost first
	above   int         // depth of what surrounds the whole text
	maps    []*Value    // maps under construction, outermost first: the scopes of variables
	err     *Error      // the first error
	missing *missing    // set if that is a variable that was not found
	glued   *key        // the first key that swallowed a brace
}

// construct is something that has to be closed.
type construct struct {
	what string
	at   Pos
}

func newParser(l *loader, file, text string, above int) *parser {
	text = strings.TrimPrefix(text, "\ufeff")
	if end := strings.IndexByte(text, 0); end >= 0 {
		text = text[:end]
	}
	root := &Value{Kind: Map, Pos: Pos{file, 1, 0}, At: Pos{file, 1, 0}}
	return &parser{load: l, file: file, text: text, line: 1, above: above, maps: []*Value{root}}
}

func (p *parser) here() Pos { return Pos{p.file, p.line, p.pos - p.bol} }

func (p *parser) rest() string { return p.text[p.pos:] }

func (p *parser) atEnd() bool { return p.pos >= len(p.text) }

// char returns the character at the cursor. Bytes that are not UTF-8 come one by
// one as utf8.RuneError.
func (p *parser) char() rune {
	if p.atEnd() {
		return eof
	}
	if c := p.text[p.pos]; c < utf8.RuneSelf {
		return rune(c)
	}
	c, _ := utf8.DecodeRuneInString(p.rest())
	return c
}

// next moves behind the character at the cursor; at the end it does nothing.
func (p *parser) next() {
	_, n := utf8.DecodeRuneInString(p.rest())
	p.advance(n)
}

// advance moves the cursor by n bytes.
func (p *parser) advance(n int) {
	passed := p.text[p.pos : p.pos+n]
	if last := strings.LastIndexByte(passed, '\n'); last >= 0 {
		p.line += strings.Count(passed, "\n")
		p.bol = p.pos + last
	}
	p.pos += n
}

// upTo returns the text up to any of the ASCII characters given, or up to the end,
// and moves there.
func (p *parser) upTo(stops string) string {
	n := strings.IndexAny(p.rest(), stops)
	if n < 0 {
		n = len(p.rest())
	}
	passed := p.rest()[:n]
	p.advance(n)
	return passed
}

// accept moves behind the character at the cursor if it is c.
func (p *parser) accept(c rune) bool {
	if p.char() != c {
		return false
	}
	p.next()
	return true
}

func (p *parser) skip(class func(rune) bool) {
	for class(p.char()) {
		p.next()
	}
}

// The character classes of spec configuration.md 2.

func blank(c rune) bool   { return c == ' ' || c == '\t' }
func newLine(c rune) bool { return c == '\n' || c == '\r' }
func space(c rune) bool   { return unicode.IsSpace(c) }
func digit(c rune) bool   { return unicode.IsDigit(c) }

// comment skips a comment at the cursor, up to the end of its line.
//
//	comment = ( "#" | "//" ) up to NL or EOF
func (p *parser) comment() bool {
	if p.char() != '#' && !strings.HasPrefix(p.rest(), "//") {
		return false
	}
	p.upTo("\r\n")
	return true
}

// enter opens a map, an array or braces that begin at the position given.
func (p *parser) enter(what string, at Pos) {
	p.open = append(p.open, construct{what, at})
	if p.depth() > maxDepth {
		p.fail("Maps and arrays are nested more than %d deep.", maxDepth)
	}
}

func (p *parser) leave() { p.open = p.open[:len(p.open)-1] }

func (p *parser) depth() int { return p.above + len(p.open) }

// fail ends parsing with an error at the cursor. The line in its text is that of
// the reader of a line end, who is on the next line already.
func (p *parser) fail(format string, args ...any) *Error {
	line := p.line
	if p.char() == '\n' {
		line++
	}
	text := fmt.Sprintf(format, args...)
	return p.stop(&Error{Pos: p.here(), Text: fmt.Sprintf("Parse error on line %d: '%s'", line, text)})
}

// failOpen is fail for an error about the construct around the cursor.
func (p *parser) failOpen(format string, args ...any) *Error {
	e := p.fail(format, args...)
	if n := len(p.open); n > 0 {
		e.What, e.Began = p.open[n-1].what, p.open[n-1].at
	}
	return e
}

// stop ends parsing with an error, unless there was one before. It returns the
// error, for details to be added.
func (p *parser) stop(e *Error) *Error {
	if p.err == nil {
		p.err = e
	}
	p.pos = len(p.text)
	return e
}

// offender returns the character at the cursor as messages show it.
func (p *parser) offender() string {
	if c := p.char(); c != '\n' {
		return string(c)
	}
	return `\n`
}
