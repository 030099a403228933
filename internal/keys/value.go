package keys

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"nats-server/internal/conf"
)

// Value is where the value of a key goes: it knows the form, and the field.
type Value struct {
	form string // for people, as in the documentation
	read func(r *Report, key string, v *conf.Value)
	show func() string // the field's present value
	sub  Table         // of a block
	each Table         // of the maps in a list
}

// Quiet is a value that another key shows, too: comparisons leave it out.
func (v Value) Quiet() Value {
	v.show = nil
	return v
}

// Then adds a check of what was read, such as of keys that exclude each other.
func (v Value) Then(check func(r *Report, at conf.Pos)) Value {
	read := v.read
	v.read = func(r *Report, key string, value *conf.Value) {
		read(r, key, value)
		check(r, value.Pos)
	}
	return v
}

// Bool is a boolean.
func Bool(p *bool) Value {
	return Value{
		form: "boolean",
		show: func() string { return strconv.FormatBool(*p) },
		read: func(r *Report, key string, v *conf.Value) {
			if expect(r, key, v, conf.Bool) {
				*p = v.Bool
			}
		},
	}
}

// Not is a boolean whose field means the opposite.
func Not(p *bool) Value {
	return Value{
		form: "boolean",
		show: func() string { return strconv.FormatBool(!*p) },
		read: func(r *Report, key string, v *conf.Value) {
			if expect(r, key, v, conf.Bool) {
				*p = !v.Bool
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
			if expect(r, key, v, conf.String) {
				*p = v.Str
			}
		},
	}
}

// OneOf is one of a few texts.
func OneOf(p *string, texts ...string) Value {
	s := String(p)
	s.form = `"` + strings.Join(texts, `", "`) + `"`
	read := s.read
	s.read = func(r *Report, key string, v *conf.Value) {
		for _, t := range texts {
			if v.Kind == conf.String && v.Str == t {
				*p = t
				return
			}
		}
		if v.Kind != conf.String {
			read(r, key, v)
			return
		}
		r.Errorf(v.Pos, "%s must be %s, but is %q", key, orList(texts), v.Str)
	}
	return s
}

func orList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = "'" + t + "'"
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// Strings is a text or an array of texts.
func Strings(p *[]string) Value {
	return Value{
		form: "string or array of strings",
		show: func() string { return fmt.Sprintf("%q", *p) },
		read: func(r *Report, key string, v *conf.Value) {
			list := v.List
			if v.Kind != conf.Array {
				list = []*conf.Value{v}
			}
			*p = nil
			for _, e := range list {
				switch {
				case e.Kind == conf.String:
					*p = append(*p, e.Str)
				case v.Kind == conf.Array:
					r.Errorf(e.Pos, "error parsing %s: unsupported type in array %s%s", key, e.Kind.GoType(), hintFor(e, conf.String))
				default:
					r.Errorf(e.Pos, "error parsing %s: unsupported type %s%s", key, e.Kind.GoType(), hintFor(e, conf.String))
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
			case !expect(r, key, v, conf.Int):
			case v.Int > most:
				r.Errorf(v.Pos, "%s value is too big: %s, at most %d is possible", key, v.Raw, most)
			case v.Int < least && least >= 0:
				r.Errorf(v.Pos, "%s value can not be negative, but is %s", key, v.Raw)
			case v.Int < least:
				r.Errorf(v.Pos, "%s value of %s is too small, at least %d is possible", key, v.Raw, least)
			default:
				*p = T(v.Int)
			}
		},
	}
}

// Duration is a time like "1h15m", or an integer that means seconds, of which the
// operator is warned (spec: configuration.md 3). Negative ones are refused.
func Duration(p *time.Duration) Value {
	d := DurationText(p)
	text := d.read
	d.read = func(r *Report, key string, v *conf.Value) {
		if v.Kind != conf.Int {
			text(r, key, v)
			return
		}
		if seconds(r, key, v, float64(v.Int), p) {
			r.Warnf(v.Pos, key, "%s should be converted to a duration%s", key, inSeconds(v))
		}
	}
	return d
}

// inSeconds explains what a number means where a duration was written. "2m" is two
// million without its quotes.
func inSeconds(v *conf.Value) string {
	if n := len(v.Raw); n > 0 && strings.IndexByte("0123456789", v.Raw[n-1]) < 0 {
		return fmt.Sprintf(": without quotes %s is the number %d, which means seconds; write %q", v.Raw, v.Int, v.Raw)
	}
	return fmt.Sprintf(": write \"%ds\"", v.Int)
}

// DurationText is a time like "1h15m", not negative.
func DurationText(p *time.Duration) Value {
	return Value{
		form: "duration",
		show: func() string { return p.String() },
		read: func(r *Report, key string, v *conf.Value) {
			if v.Kind != conf.String {
				r.Errorf(v.Pos, "%s expects a duration such as \"2m\" or \"1m30s\", but %s is %s", key, v.Raw, v.Kind)
				return
			}
			if d, err := time.ParseDuration(v.Str); err != nil {
				r.Errorf(v.Pos, "error parsing %s: %v", key, err)
			} else if d < 0 {
				r.Errorf(v.Pos, "%s value can not be negative, but is %s", key, v.Str)
			} else {
				*p = d
			}
		},
	}
}

// Seconds is a number of seconds, or a duration (spec: configuration.md 3, secs).
func Seconds(p *time.Duration) Value {
	return Value{
		form: "seconds or duration",
		show: func() string { return p.String() },
		read: func(r *Report, key string, v *conf.Value) {
			switch v.Kind {
			case conf.Int:
				if seconds(r, key, v, float64(v.Int), p) && *p > time.Minute {
					r.Warnf(v.Pos, key, "%s of %s (%f seconds) is high, consider keeping it under 60 seconds. possibly caused by unquoted duration; use '1m' instead of 1m, for example", key, v.Raw, float64(v.Int))
				}
			case conf.Float:
				seconds(r, key, v, v.Float, p)
			case conf.String:
				d, err := time.ParseDuration(v.Str)
				if err != nil {
					r.Errorf(v.Pos, "error parsing %s, '%s' %v", r.block(), key, err)
				} else if d < 0 {
					r.Errorf(v.Pos, "%s value can not be negative, but is %s", key, v.Str)
				} else {
					*p = d
				}
			default:
				r.Errorf(v.Pos, "error parsing %s, '%s' wrong type: expected seconds or a duration such as \"2s\", but it is %s", r.block(), key, v.Kind)
			}
		},
	}
}

// seconds stores s seconds, if that is possible.
func seconds(r *Report, key string, v *conf.Value, s float64, p *time.Duration) bool {
	switch {
	case s < 0:
		r.Errorf(v.Pos, "%s value can not be negative, but is %s", key, v.Raw)
	case s > math.MaxInt64/float64(time.Second)-1:
		r.Errorf(v.Pos, "%s value is too big: %s seconds", key, v.Raw)
	default:
		*p = time.Duration(s * float64(time.Second))
		return true
	}
	return false
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
					r.Errorf(v.Pos, "could not parse address string %q: %s expects a port or host:port", v.Str, key)
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

// Port is the number of a TCP port, 0 for the default and -1 for a random one.
func Port(p *int) Value {
	i := Int(p, -1, math.MaxUint16)
	i.form = "port"
	return i
}

// Block is a map with keys of its own.
func Block(t Table) Value {
	return Value{form: "map", sub: t, read: func(r *Report, key string, v *conf.Value) {
		if v.Kind != conf.Map {
			r.Errorf(v.Pos, "Expected map to define %s, got %s", key, v.Kind.GoType())
			return
		}
		r.Block(key, t, v)
	}}
}

// List is an array of maps with the keys of each, which are only for the
// documentation: read calls Report.Block for every element.
func List(each Table, show func() string, read func(r *Report, key string, v *conf.Value)) Value {
	return Value{form: "array of maps", each: each, show: show, read: read}
}

// Custom is a value of any other form. show describes the field's present value for
// comparisons.
func Custom(form string, show func() string, read func(r *Report, key string, v *conf.Value)) Value {
	return Value{form: form, show: show, read: read}
}

// notYet is the value of a key without a feature.
var notYet = Value{form: "–", read: func(r *Report, key string, v *conf.Value) {
	off := v.Kind == conf.Bool && !v.Bool ||
		v.Kind == conf.String && (v.Str == "disabled" || v.Str == "disable")
	if !off {
		r.Errorf(v.Pos, "%q is not supported by this version", key)
	}
}}

// expect reports whether v has a kind, and says so otherwise.
func expect(r *Report, key string, v *conf.Value, want conf.Kind) bool {
	if v.Kind == want {
		return true
	}
	if v.Kind == conf.Map || v.Kind == conf.Array {
		r.Errorf(v.Pos, "%s expects %s, but is %s", key, want, v.Kind)
	} else {
		r.Errorf(v.Pos, "%s expects %s, but %s is %s%s", key, want, v.Raw, v.Kind, hintFor(v, want))
	}
	return false
}

// hintFor says how to write the value as what it was meant to be.
func hintFor(v *conf.Value, want conf.Kind) string {
	switch {
	case want == conf.String && v.Kind != conf.Map && v.Kind != conf.Array:
		return fmt.Sprintf(": put it in quotes, \"%s\"", v.Raw)
	case want != conf.String && v.Kind == conf.String && v.Quoted:
		return ": leave out the quotes"
	}
	return ""
}
