package conf

import (
	"fmt"
	"os"
	"slices"
)

// reference makes v what the variable of the name given holds: the value of an
// earlier key in the maps around, innermost first, or of the environment (spec:
// configuration.md 4). The cursor is behind the reference.
func (p *parser) reference(v *Value, name string) {
	at := v.At
	found := p.lookup(name)
	if found == nil {
		found = p.environment(name, at)
	}
	if found == nil {
		return
	}
	*v = *found
	v.used = false
	v.At, v.Pos = at, at
	v.Pos.Col++ // behind the $
	p.charge(found.weight)
	if p.depth()+found.height > maxDepth {
		p.fail("Maps and arrays are nested more than %d deep.", maxDepth)
	}
}

// lookup finds a variable in the maps around and marks it as used.
func (p *parser) lookup(name string) *Value {
	for _, m := range slices.Backward(p.maps) {
		if v := m.Get(name); v != nil {
			v.used = true
			return v
		}
	}
	return nil
}

// environment returns the value of an environment variable, read like that of a
// key. The nil it returns after an error is final.
func (p *parser) environment(name string, at Pos) *Value {
	if v := p.load.env[name]; v != nil {
		return v
	}
	text, ok := os.LookupEnv(name)
	if !ok {
		p.miss(name, at)
		return nil
	}
	v, err := p.load.variable(name, text, p.depth())
	if err != nil {
		p.stop(&Error{
			Pos: at, Cause: err,
			Text: fmt.Sprintf("variable reference for '%s' on line %d could not be parsed: %s", name, at.Line, err.Text),
		})
		return nil
	}
	p.load.env[name] = v
	return v
}

// variable parses the text of an environment variable as if it were the value of
// a key at the top of a file of its own. Entries behind it are read, but mean
// nothing.
func (l *loader) variable(name, text string, above int) (*Value, *Error) {
	if slices.Contains(l.vars, name) {
		return nil, &Error{Pos: Pos{"$" + name, 1, 0}, Text: fmt.Sprintf("variable reference cycle for '%s'", name)}
	}
	l.vars = append(l.vars, name)
	defer func() { l.vars = l.vars[:len(l.vars)-1] }()

	p := newParser(l, "$"+name, text, above)
	p.skip(blank)
	v := p.value(atTop)
	p.end(atTop, v)
	_, err := p.parse()
	return v, err
}

// miss notes the error and lets parsing go on: what comes later cannot become an
// error any more, but may explain this one.
func (p *parser) miss(name string, at Pos) {
	if p.err != nil {
		return
	}
	p.err = &Error{Pos: at, Text: fmt.Sprintf("variable reference for '%s' on line %d can not be found", name, at.Line)}
	p.missing = newMissing(name, at, p.maps)
}
