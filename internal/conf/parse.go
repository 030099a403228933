package conf

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// place is what an entry or a value stands in, which decides what may follow it.
type place uint8

const (
	atTop    place = iota
	inBraces       // inside braces around a part of the top level
	inMap
	inArray
)

// closing returns the character that ends a construct, and with it its last value.
func (in place) closing() rune { return [...]rune{eof, '}', '}', ']'}[in] }

// expected returns the message for a value that goes on with the wrong character.
func (in place) expected() string {
	return [...]string{
		"Expected a top-level value to end with a new line, comment or EOF, but got '%s' instead.",
		"Expected a block-level value to end with a new line, comment or EOF, but got '%s' instead.",
		`Expected a map value terminator "," or a map terminator "}", but got '%s' instead.`,
		`Expected an array value terminator "," or an array terminator "]", but got '%s' instead.`,
	}[in]
}

// parse reads the whole text.
func (p *parser) parse() (*Value, *Error) {
	p.top()
	if p.err != nil {
		p.explain()
		return nil, p.err
	}
	root := p.maps[0]
	root.settle()
	return root, nil
}

// top reads what is outside of all braces.
//
//	file = { SPACE | comment | entry | "{" block "}" }
func (p *parser) top() {
	for p.skip(space); !p.atEnd(); p.skip(space) {
		at := p.here()
		switch {
		case p.comment():
		case p.accept('{'):
			p.block(at)
		default:
			p.entry(atTop)
		}
	}
}

// block reads what is inside braces at the top level, behind the opening one. Its
// keys are keys of the top level, and the closing brace may be missing.
//
//	block = { SPACE | comment | entry | "{" block "}" }
func (p *parser) block(began Pos) {
	p.enter("brace", began)
	defer p.leave()
	for {
		p.skip(space)
		at := p.here()
		switch {
		case p.atEnd(), p.accept('}'):
			return
		case p.comment():
		case p.accept('{'):
			p.block(at)
		default:
			p.entry(inBraces)
		}
	}
}

// mapValue reads a map into v, behind the opening brace.
//
//	map = "{" { SPACE | comment | entry } "}"
func (p *parser) mapValue(v *Value) {
	v.Kind = Map
	p.enter("map", v.At)
	p.maps = append(p.maps, v)
	for closed := false; !closed; {
		p.skip(space)
		switch c := p.char(); {
		case p.accept('}'):
			closed = true
		case p.comment():
		case c == eof:
			p.failOpen("Unexpected EOF processing map.")
			closed = true
		case c == ']':
			p.failOpen("Unexpected array end ']' processing map.")
		default:
			p.entry(inMap)
		}
	}
	p.maps = p.maps[:len(p.maps)-1]
	p.leave()
	v.settle()
}

// array reads an array into v, behind the opening bracket.
//
//	array = "[" { SPACE | comment | value ("," | NL | comment) } "]"
func (p *parser) array(v *Value) {
	v.Kind = Array
	p.enter("array", v.At)
	for closed := false; !closed; {
		p.skip(space)
		switch c := p.char(); {
		case p.accept(']'):
			closed = true
		case p.comment():
		case c == eof:
			p.failOpen(inArray.expected(), p.offender())
			closed = true
		case c == ',':
			p.failOpen("Unexpected array value terminator ','.")
		default:
			element := p.value(inArray)
			v.List = append(v.List, element)
			v.measure(element, 0)
			p.end(inArray, element)
		}
	}
	v.height = max(v.height, 1)
	p.leave()
}

// entry reads a key and its value, or an include.
//
//	entry = key [sep] value end | include end
//	sep   = "=" | ":"
func (p *parser) entry(in place) {
	k := p.key(in)
	if k.bare && strings.EqualFold(k.name, "include") && space(p.char()) {
		p.include(k.pos)
		p.end(in, nil)
		return
	}
	p.skip(space)
	separated := p.accept('=') || p.accept(':')
	switch {
	case separated && in == inMap:
		p.skip(space)
	case separated:
		p.skip(blank)
	case p.atEnd() && in != inMap:
		p.lastKey(k)
		return
	}
	v := p.value(in)
	v.Pos = k.pos
	p.put(Entry{k.name, k.pos, v})
	p.end(in, v)
}

// put adds an entry to the innermost map.
func (p *parser) put(e Entry) { p.maps[len(p.maps)-1].put(e) }

// key is a key as read.
type key struct {
	name string
	pos  Pos
	bare bool // not in quotes
}

// key reads a key.
//
//	key     = '"' {any but '"'} '"' | "'" {any but "'"} "'" | barekey
//	barekey = firstchar { any char except SPACE "=" ":" EOF }
func (p *parser) key(in place) key {
	switch c := p.char(); {
	case c == '"':
		return p.quotedKey(in, `"`, "double quoted")
	case c == '\'':
		return p.quotedKey(in, "'", "quoted")
	case c == '=' || c == ':':
		stop := ""
		if in == inMap {
			stop = "."
		}
		p.fail("Unexpected key separator '%c'%s", c, stop)
	case c == '/' && in != inMap:
		// Half of a comment's beginning.
		p.fail("Unexpected EOF.")
	}
	k := key{pos: p.here(), bare: true}
	from := p.pos
	for c := p.char(); c != eof && c != '=' && c != ':' && !space(c); c = p.char() {
		p.next()
	}
	k.name = p.text[from:p.pos]
	if p.atEnd() && in == inMap {
		p.failOpen("Unexpected EOF processing map key.")
	}
	p.noteGlued(k)
	return k
}

func (p *parser) quotedKey(in place, quote, called string) key {
	began := p.here()
	p.next()
	k := key{pos: p.here()}
	k.name = p.upTo(quote)
	if p.atEnd() {
		text := "Unexpected EOF."
		if in == inMap {
			text = "Unexpected EOF processing " + called + " map key."
		}
		e := p.fail("%s", text)
		e.What, e.Began = "key", began
	}
	p.next()
	return k
}

// lastKey deals with a key at the very end. A brace is what JSON-like files may
// end with; any other key lacks its value.
func (p *parser) lastKey(k key) {
	if k.bare && k.name == "}" {
		return
	}
	p.stop(&Error{
		Pos: p.here(), Text: fmt.Sprintf("config is invalid (%s)", p.here()),
		What: "key", Began: k.pos, Hint: p.gluedHint("the last key has no value"),
	})
}

// end reads what has to follow the value v of an entry, or an include if v is nil.
// What closes the construct around is left to its reader.
//
//	end = NL | "," | ";" | "}" | comment | EOF      ; depending on the place
func (p *parser) end(in place, v *Value) {
	from := p.pos
	p.skip(blank)
	touching := from == p.pos
	p.comment()
	switch c := p.char(); {
	case newLine(c), c == ',', c == ';' && in != inArray:
		p.next()
	case c == in.closing():
	case c == '}' && in == atTop:
		p.next() // a stray brace ends a value like a comma
	default:
		// The reader of a single slash expected a comment there, and is surprised by
		// the character behind it.
		p.accept('/')
		p.failOpen(in.expected(), p.offender()).Hint = p.gluedHint(endHint(v, c, touching))
	}
}

// value reads a value. What its first character makes it is in spec
// configuration.md 2.1.
func (p *parser) value(in place) *Value {
	v := &Value{At: p.here()}
	v.Pos = v.At
	from := p.pos
	switch c := p.char(); {
	case p.accept('{'):
		p.mapValue(v)
		v.Pos = p.here()
	case p.accept('['):
		p.array(v)
		v.Pos = p.here()
	case p.accept('"'):
		p.doubleQuoted(v)
	case p.accept('\''):
		p.singleQuoted(v)
	case p.accept('('):
		p.blockString(v)
	case c == '-' || digit(c):
		p.number(v, in)
	case c == '.':
		p.badNumber("Floats must start with a digit")
	case newLine(c):
		p.fail("Expected value but found new line").Hint = "put the value on the line of its key"
	case (c == ',' || c == '}') && in == inMap:
		p.failOpen("Unexpected map value terminator '%c'.", c).Hint = hintNoValue
	default:
		p.word(v, from)
	}
	if v.Kind != Map && v.Kind != Array {
		v.Raw = Excerpt(p.text[from:p.pos])
	}
	own := unit + int64(len(v.Str))
	v.weight += own
	p.charge(own)
	return v
}

// maxRaw is how much of a scalar's source text a Value keeps.
const maxRaw = 64

// Excerpt returns as much of a text as a message may quote.
func Excerpt(text string) string {
	if len(text) <= maxRaw {
		return text
	}
	end := maxRaw
	for !utf8.RuneStart(text[end]) && end > maxRaw-utf8.UTFMax {
		end--
	}
	return text[:end] + "…"
}
