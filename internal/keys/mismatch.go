package keys

import (
	"fmt"
	"strings"
	"unicode"

	"nats-server/internal/conf"
)

// expect reports whether v has a kind, and says so otherwise.
func (r *Report) expect(key string, v *conf.Value, want conf.Kind) bool {
	if v.Kind == want {
		return true
	}
	r.Errorf(v.Pos, "%s expects %s, but %s%s", key, want, r.found(v), r.hint(v, want))
	return false
}

func (r *Report) negative(key string, v *conf.Value) {
	r.Errorf(v.Pos, "%s value can not be negative, but is %s", key, v.Raw)
}

// found says what v is instead of what was expected. Secrets are not quoted, since
// messages get into logs.
func (r *Report) found(v *conf.Value) string {
	text := "the value"
	if v.Raw != "" && !r.secret {
		text = oneLine(v.Raw)
	}
	return text + " is " + v.Kind.String()
}

// oneLine keeps a message on its line.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, s)
}

// hint says how to write v as what was meant, if it is known. What has to change
// about a reference is the value it stands for.
func (r *Report) hint(v *conf.Value, want conf.Kind) string {
	name, reference := referenced(v)
	switch {
	case v.Kind == conf.Map || v.Kind == conf.Array:
		return ""
	case want == conf.String && reference:
		return fmt.Sprintf(": put quotes around the value of %s; in the environment they are part of it, as in %s='\"…\"'", name, name)
	case want == conf.String && r.secret:
		return ": put it in quotes"
	case want == conf.String:
		return fmt.Sprintf(": put it in quotes, \"%s\"", v.Raw)
	case v.Kind != conf.String:
		return ""
	case isBare(v.Str, want) && reference:
		return ": leave out the quotes around the value of " + name
	case isBare(v.Str, want):
		return ": leave out the quotes"
	case v.Quoted && !reference && strings.HasPrefix(v.Str, "$"):
		return ": leave out the quotes, within which $ has no meaning"
	case want == conf.Bool:
		return ": write true or false"
	}
	return ""
}

// referenced returns the name of the variable that gave v its value, if one did. Only
// a bcrypt hash begins like a reference and is none.
func referenced(v *conf.Value) (name string, ok bool) {
	name, ok = strings.CutPrefix(v.Raw, "$")
	return name, ok && v.Raw != v.Str
}

// isBare reports whether a text would be a value of the kind if it had no quotes.
func isBare(text string, want conf.Kind) bool {
	for _, c := range text {
		if c != '-' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	f, err := conf.Parse([]byte("k = "+text), "")
	return err == nil && f.Root.Get("k").Kind == want
}
