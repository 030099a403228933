package keys

import (
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"nats-server/internal/conf"
)

// Value is where the value of a key goes: it knows the form, and the field.
type Value struct {
	form   string // for people, as in the documentation
	read   func(r *Report, key string, v *conf.Value)
	show   func() string // the field's present value
	sub    Table         // of a block
	each   Table         // of the maps in a list
	absent bool          // the feature is to come
}

// Shown is a value whose field does not hold what is written in a file.
func (v Value) Shown(show func() string) Value {
	v.show = show
	return v
}

// Quiet is a value that another key shows, too: comparisons leave it out.
func (v Value) Quiet() Value {
	v.show = nil
	return v
}

// Then adds what has to be done with a value that was read, such as a check of its
// range. For a block it is done whatever was wrong inside, for what was right is in
// its fields.
func (v Value) Then(check func(r *Report, at conf.Pos)) Value {
	read := v.read
	v.read = func(r *Report, key string, value *conf.Value) {
		before := len(r.errors)
		read(r, key, value)
		if len(r.errors) == before || v.sub != nil && value.Kind == conf.Map {
			check(r, value.Pos)
		}
	}
	return v
}

// Bool is a boolean.
func Bool(p *bool) Value { return boolean(p, true) }

// Not is a boolean whose field means the opposite.
func Not(p *bool) Value { return boolean(p, false) }

func boolean(p *bool, same bool) Value {
	return Value{
		form: "boolean",
		show: func() string { return strconv.FormatBool(*p == same) },
		read: func(r *Report, key string, v *conf.Value) {
			if r.expect(key, v, conf.Bool) {
				*p = v.Bool == same
			}
		},
	}
}

// Satisfied is a boolean that asks for what is the case anyway, whatever its value.
func Satisfied() Value { return Bool(new(bool)) }

// String is a text.
func String(p *string) Value {
	return Value{
		form: "string",
		show: func() string { return strconv.Quote(*p) },
		read: func(r *Report, key string, v *conf.Value) {
			if r.expect(key, v, conf.String) {
				*p = v.Str
			}
		},
	}
}

// OneOf is one of a few texts.
func OneOf(p *string, texts ...string) Value {
	s := String(p)
	s.form = orList(texts, `"`)
	s.read = func(r *Report, key string, v *conf.Value) {
		switch {
		case !r.expect(key, v, conf.String):
		case slices.Contains(texts, v.Str):
			*p = v.Str
		default:
			r.Errorf(v.Pos, "%s must be %s, but is %q", key, orList(texts, "'"), v.Str)
		}
	}
	return s
}

func orList(texts []string, quote string) string {
	last := len(texts) - 1
	list := quote + texts[last] + quote
	if last > 0 {
		list = quote + strings.Join(texts[:last], quote+", "+quote) + quote + " or " + list
	}
	return list
}

// Strings is a text or an array of texts.
func Strings(p *[]string) Value {
	return Value{
		form: "string or array of strings",
		show: func() string { return fmt.Sprintf("%q", *p) },
		read: func(r *Report, key string, v *conf.Value) {
			list, in := []*conf.Value{v}, ""
			if v.Kind == conf.Array {
				list, in = v.List, " in array"
			}
			*p = nil
			for _, e := range list {
				if e.Kind == conf.String {
					*p = append(*p, e.Str)
				} else {
					r.Errorf(e.Pos, "error parsing %s: unsupported type%s %s%s", key, in, e.Kind.GoType(), r.hint(e, conf.String))
				}
			}
		},
	}
}

// Int is an integer from least to most; sizes like 8MB are integers.
func Int[T ~int | ~int32 | ~int64](p *T, least, most int64) Value {
	return Value{
		form: "integer",
		show: func() string { return strconv.FormatInt(int64(*p), 10) },
		read: func(r *Report, key string, v *conf.Value) {
			switch {
			case !r.expect(key, v, conf.Int):
			case v.Int > most:
				r.Errorf(v.Pos, "%s value is too big: %s, at most %d is possible", key, v.Raw, most)
			case v.Int < 0 && least >= 0:
				r.negative(key, v)
			case v.Int < least:
				r.Errorf(v.Pos, "%s value is too small: %s, at least %d is possible", key, v.Raw, least)
			default:
				*p = T(v.Int)
			}
		},
	}
}

// Port is the number of a TCP port, 0 for the default and -1 for a random one.
func Port(p *int) Value {
	i := Int(p, -1, math.MaxUint16)
	i.form = "port"
	return i
}

// Address is host:port, or a port alone (spec: configuration.md 3, addr).
func Address(host *string, port *int) Value {
	return Value{
		form: "host:port or port",
		show: func() string { return net.JoinHostPort(*host, strconv.Itoa(*port)) },
		read: func(r *Report, key string, v *conf.Value) {
			switch v.Kind {
			case conf.Int:
				Port(port).read(r, key, v)
			case conf.String:
				h, p, err := net.SplitHostPort(v.Str)
				if err != nil {
					r.Errorf(v.Pos, "could not parse address string %q: %s expects a port or host:port%s", v.Str, key, addressHint(v.Str))
					return
				}
				n, err := strconv.Atoi(p)
				if err != nil || n < -1 || n > math.MaxUint16 {
					r.Errorf(v.Pos, "could not parse port %q: it must be a number from 1 to 65535, or -1 for a random port", p)
					return
				}
				*host, *port = h, n
			default:
				r.Errorf(v.Pos, "expected port or host:port, got %s", v.Kind.GoType())
			}
		},
	}
}

func addressHint(text string) string {
	switch {
	case isBare(text, conf.Int):
		return ", a port without quotes"
	case strings.Count(text, ":") > 1:
		return `, an IPv6 address in brackets such as "[::1]:4222"`
	}
	return ""
}

// Block is a map with keys of its own.
func Block(t Table) Value { return block(t, false) }

// StrictBlock is a Block with no other keys but its own, not even as variables (spec:
// configuration.md 8).
func StrictBlock(t Table) Value { return block(t, true) }

func block(t Table, strict bool) Value {
	return Value{form: "map", sub: t, read: func(r *Report, key string, v *conf.Value) {
		if v.Kind != conf.Map {
			r.Errorf(v.Pos, "Expected map to define %s, got %s: write %s { … }", key, v.Kind.GoType(), key)
			return
		}
		r.block(key, t, v, strict)
	}}
}

// Nested is a map with keys of its own that is read by more than storing its values:
// read calls Report.Block.
func Nested(t Table, show func() string, read func(r *Report, key string, v *conf.Value)) Value {
	return Value{form: "map", each: t, show: show, read: read}
}

// List is an array of maps with the keys of each, which are for suggestions and the
// documentation: read calls Report.Block for every element. show is as for Custom.
func List(each Table, show func() string, read func(r *Report, key string, v *conf.Value)) Value {
	return Value{form: "array of maps", each: each, show: show, read: read}
}

// Custom is a value of any other form. show describes the field's present value for
// comparisons; it must not return "".
func Custom(form string, show func() string, read func(r *Report, key string, v *conf.Value)) Value {
	return Value{form: form, show: show, read: read}
}

// notYet is the value of a key without a feature.
var notYet = Value{absent: true, read: func(r *Report, key string, v *conf.Value) {
	if !isOff(v) {
		r.Errorf(v.Pos, "%q is not supported by this version", key)
	}
}}

func isOff(v *conf.Value) bool {
	switch v.Kind {
	case conf.Bool:
		return !v.Bool
	case conf.Int: // a port
		return v.Int == 0
	case conf.String:
		return v.Str == "disabled" || v.Str == "disable"
	}
	return false
}
