package conf

import (
	"fmt"
	"slices"
	"strings"
)

// What to do about the classic traps.
const (
	hintNumber    = "what starts with a digit, a dot or a minus sign is read as a number, a size or a date: put any other text in quotes"
	hintBackslash = `write / or \\ for a backslash, as in paths, or put the value in single quotes`
	hintBlock     = "a block ends with a ) at the start of a line that has nothing else in it, not even the carriage return of a Windows line end"
	hintInclude   = "the path is taken from the directory of the including file, even if it begins with a slash"
	hintEntries   = "separate entries with a new line or a comma, and put quotes around a value with blanks"
	hintNoValue   = `a key has no value: write "" for an empty one`
	hintUTF16     = "the file is not text in UTF-8 but in UTF-16: save it as UTF-8"
	hintMissing   = "neither an earlier key of that name in the maps around nor an environment variable exists; put the value in quotes if its $ is meant literally"
	hintBcrypt    = "put quotes around a bcrypt hash"
)

// endHint is about a value that is followed by c, at once if touching. v is nil
// behind an include.
func endHint(v *Value, c rune, touching bool) string {
	switch {
	case c == eof, c == '}', c == ']':
		return ""
	case v != nil && touching && v.likeNumber():
		return hintNumber
	default:
		return hintEntries
	}
}

// likeNumber reports whether the value began like a number in the source.
func (v *Value) likeNumber() bool {
	return !v.Quoted && v.Raw != "" && (v.Raw[0] == '-' || v.Raw[0] >= '0' && v.Raw[0] <= '9')
}

// GluedBrace returns what to do about a key such as "cluster{" or "cluster{port",
// into which a missing blank turns what should have been a map, or "" if the key
// does not look like that. It is meant for keys that nobody knows.
func GluedBrace(key string) string {
	name, _, found := strings.Cut(key, "{")
	if !found || name == "" {
		return ""
	}
	return fmt.Sprintf("put a blank between %q and the brace", name)
}

func (p *parser) noteGlued(k key) {
	if p.glued == nil && GluedBrace(k.name) != "" {
		p.glued = &k
	}
}

// gluedHint returns a hint about an earlier key that swallowed a brace, which
// shifts everything that follows, or else the hint given.
func (p *parser) gluedHint(otherwise string) string {
	if p.glued == nil {
		return otherwise
	}
	return GluedBrace(p.glued.name) + " at " + p.glued.pos.String()
}

// explain adds the hints to the error that only the whole text allows.
func (p *parser) explain() {
	e := p.err
	switch {
	case strings.HasPrefix(p.text, "\xff\xfe"), strings.HasPrefix(p.text, "\xfe\xff"):
		e.Hint = hintUTF16
	case p.missing != nil:
		e.Hint = p.missing.explain()
	case e.Cause == nil && e.Hint == "":
		e.Hint = p.gluedHint("")
	}
}

// missing is a variable that was not found, remembered until the maps around are
// complete.
type missing struct {
	name   string
	at     Pos
	scopes []*Value // outermost first
	near   *Entry   // an earlier key that differs only in case, if any
}

func newMissing(name string, at Pos, scopes []*Value) *missing {
	m := &missing{name: name, at: at, scopes: slices.Clone(scopes)}
	for _, scope := range scopes {
		for _, e := range scope.Map {
			if strings.EqualFold(e.Key, name) {
				m.near = &e
			}
		}
	}
	return m
}

// explain returns why the variable was not found.
func (m *missing) explain() string {
	for _, prefix := range []string{"2b$", "2x$", "2y$"} {
		if strings.HasPrefix(m.name, prefix) {
			return hintBcrypt
		}
	}
	for _, scope := range slices.Backward(m.scopes) {
		// A key before the reference would have been found, but for the one whose
		// value the reference is in.
		if v := scope.Get(m.name); v != nil && !v.Pos.before(m.at) {
			return fmt.Sprintf("%q is defined at %s: move that before its use", m.name, v.Pos)
		}
	}
	if m.near != nil {
		return fmt.Sprintf("names are case-sensitive: %q at %s is another one", m.near.Key, m.near.Pos)
	}
	return hintMissing
}
