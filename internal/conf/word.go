package conf

import (
	"strconv"
	"strings"
)

// wordEnds are the characters that end a bare word. All are left to whoever reads
// on, but for the quote, which belongs to the word.
const wordEnds = "\n\r;,]} \t'"

// word reads a bare word and decides what it is. The word began at the offset
// given; what was read of it already is text, whatever its characters.
func (p *parser) word(v *Value, from int) {
	head := p.text[from:p.pos]
	tail, escaped := p.unescape(wordEnds)
	v.Kind, v.Str = String, tail
	if head != "" {
		v.Str = head + tail
	}
	if p.accept('\'') || escaped {
		return
	}
	if len(v.Str) <= len("false") {
		if truth, ok := truths[strings.ToLower(v.Str)]; ok {
			v.Kind, v.Str, v.Bool = Bool, "", truth
			return
		}
	}
	// Such a hash is a value, not the name of one.
	if name, ok := strings.CutPrefix(v.Str, "$"); ok && !strings.HasPrefix(name, "2a$") {
		p.reference(v, name)
	}
}

var truths = map[string]bool{
	"true": true, "yes": true, "on": true,
	"false": false, "no": false, "off": false,
}

// doubleQuoted reads a string behind its opening quote.
func (p *parser) doubleQuoted(v *Value) {
	v.Kind, v.Quoted, v.Pos = String, true, p.here()
	v.Str, _ = p.unescape(`"`)
	if !p.accept('"') {
		p.unclosed(v)
	}
}

// singleQuoted reads a string without escapes behind its opening quote.
func (p *parser) singleQuoted(v *Value) {
	v.Kind, v.Quoted, v.Pos = String, true, p.here()
	v.Str = p.upTo("'")
	if !p.accept('\'') {
		p.unclosed(v)
	}
}

func (p *parser) unclosed(v *Value) {
	e := p.fail("Unexpected EOF.")
	e.What, e.Began = "string", v.At
}

// blockString reads a block behind its opening parenthesis, up to a closing one
// that is alone at the start of a line (spec: configuration.md 2.4).
func (p *parser) blockString(v *Value) {
	v.Kind, v.Quoted, v.Pos = String, true, p.here()
	text := p.rest()
	const closing = "\n)"
	for from := 0; ; {
		at := strings.Index(text[from:], closing)
		if at < 0 {
			p.advance(len(text))
			e := p.fail("Unexpected EOF processing block.")
			e.What, e.Began, e.Hint = "block", v.At, hintBlock
			return
		}
		from += at + len(closing)
		if from == len(text) || text[from] == '\n' {
			v.Str = text[:from-1]
			p.advance(from)
			return
		}
	}
}

// unescape returns the text up to one of the stops or the end, with its escapes
// resolved, and whether there were any.
func (p *parser) unescape(stops string) (text string, escaped bool) {
	stops += `\`
	text = p.upTo(stops)
	if p.char() != '\\' {
		return text, false
	}
	var b strings.Builder
	b.WriteString(text)
	for p.accept('\\') {
		b.WriteByte(p.escape())
		b.WriteString(p.upTo(stops))
	}
	return b.String(), true
}

// escape returns the byte that an escape stands for, from behind its backslash.
func (p *parser) escape() byte {
	var c byte
	switch p.char() {
	case 't':
		c = '\t'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case '"', '\\':
		c = p.text[p.pos]
	case 'x':
		p.next()
		return p.hexByte()
	default:
		p.fail(`Invalid escape character '%s'. Only the following escape characters are allowed: \xXX, \t, \n, \r, \", \\.`,
			p.offender()).Hint = hintBackslash
	}
	p.next()
	return c
}

func (p *parser) hexByte() byte {
	from := p.pos
	for range 2 {
		if p.char() == '\n' {
			p.fail(`Expected two hexadecimal digits after '\x', but hit end of line`).Hint = hintBackslash
			return 0
		}
		p.next()
	}
	digits := p.text[p.pos-2 : p.pos]
	c, err := strconv.ParseUint(digits, 16, 8)
	if err != nil {
		p.pos = from
		p.fail(`Expected two hexadecimal digits after '\x', but got '%s'`, digits).Hint = hintBackslash
	}
	return byte(c)
}
