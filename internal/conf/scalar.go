package conf

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// number reads what begins with a digit or a minus sign: the start of the state
// machine of spec configuration.md 2.2.
func (p *parser) number(v *Value, in place) {
	from := p.pos
	negative := p.accept('-')
	switch {
	case p.char() == '.':
		p.badNumber("Floats must start with a digit, not '.'.")
		return
	case !digit(p.char()):
		p.badNumber("Expected a digit but got '%s'.", p.offender())
		return
	}
	p.skip(digit)
	switch c := p.char(); {
	case c == '.':
		p.fraction(v, from)
	case multiplier(c) > 0:
		p.size(v, from)
	case negative || endsNumber(c) || c == ']' && in == inArray:
		p.integer(v, p.text[from:p.pos], "")
	case c == '-' && p.pos-from == len("2006"):
		p.date(v, from)
	case c == '-':
		p.badNumber("All ISO8601 dates must be in full Zulu form.")
	default:
		p.next()
		p.word(v, from)
	}
}

func endsNumber(c rune) bool {
	return newLine(c) || blank(c) || c == eof || c == '}' || c == ';' || c == ','
}

// fraction reads on at the first dot: a float or, with a second dot, an address or
// a version, which is a string.
func (p *parser) fraction(v *Value, from int) {
	p.next()
	if !digit(p.char()) {
		p.badNumber("Floats must have a digit after the '.', but got '%s' instead.", p.offender())
		return
	}
	p.skip(digit)
	if p.char() == '.' {
		p.skip(func(c rune) bool { return digit(c) || c == '.' || c == ':' || c == '-' })
		v.Kind, v.Str = String, p.text[from:p.pos]
		return
	}
	text := p.text[from:p.pos]
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.noNumber("float", text, err)
		return
	}
	v.Kind, v.Float = Float, f
}

// size reads on at the suffix. What goes on behind it like a word is a word.
func (p *parser) size(v *Value, from int) {
	number := p.text[from:p.pos]
	p.next()
	p.skip(func(c rune) bool { return strings.ContainsRune("bBiI", c) })
	if c := p.char(); endsNumber(c) || digit(c) {
		p.integer(v, number, p.text[from+len(number):p.pos])
		return
	}
	p.word(v, from)
}

// multiplier returns the power of a thousand that a letter stands for, or 0.
func multiplier(c rune) int { return 1 + strings.IndexRune("kmgtpe", c|0x20) }

// integer makes v the number, multiplied by its size suffix if there is one.
func (p *parser) integer(v *Value, number, suffix string) {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		p.noNumber("integer", number+suffix, err)
		return
	}
	v.Kind, v.Int = Int, n
	if suffix == "" {
		return
	}
	factor := int64(1000)
	switch strings.ToLower(suffix[1:]) {
	case "":
	case "b", "i", "ib":
		factor = 1024
	default:
		p.wrongNumber(fmt.Sprintf("integer '%s' has an unknown size suffix", number+suffix), len(number+suffix))
		return
	}
	for range multiplier(rune(suffix[0])) {
		product := v.Int * factor
		if product/factor != v.Int {
			p.noNumber("integer", number+suffix, strconv.ErrRange)
			return
		}
		v.Int = product
	}
}

// date reads on behind the year. Only one form is known: UTC without fraction.
func (p *parser) date(v *Value, from int) {
	for _, want := range "-00-00T00:00:00Z" {
		switch c := p.char(); {
		case want == '0' && !digit(c):
			p.badNumber("Expected digit in ISO8601 datetime, but found '%s' instead.", p.offender())
			return
		case want != '0' && c != want:
			p.badNumber("Expected '%c' in ISO8601 datetime, but found '%s' instead.", want, p.offender())
			return
		}
		p.next()
	}
	text := p.text[from:p.pos]
	t, err := time.Parse("2006-01-02T15:04:05Z", text)
	if err != nil {
		p.wrongNumber(fmt.Sprintf("expected Zulu formatted DateTime, but got '%s'", Excerpt(text)), len(text))
		return
	}
	v.Kind, v.Time = Time, t
}

// badNumber is fail for something that began like a number.
func (p *parser) badNumber(format string, args ...any) {
	p.fail(format, args...).Hint = hintNumber
}

// noNumber reports what looks like a number, but is too large or not written in
// ASCII.
func (p *parser) noNumber(kind, text string, err error) {
	if errors.Is(err, strconv.ErrRange) {
		p.wrongNumber(fmt.Sprintf("%s '%s' is out of the range", kind, Excerpt(text)), len(text))
		return
	}
	p.wrongNumber(fmt.Sprintf("expected %s, but got '%s'", kind, Excerpt(text)), len(text))
}

// wrongNumber reports the number that was read last, as long as given.
func (p *parser) wrongNumber(text string, length int) {
	at := p.here()
	at.Col -= length
	p.stop(&Error{Pos: at, Text: text, Hint: hintNumber})
}
