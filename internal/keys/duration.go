package keys

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"nats-server/internal/conf"
)

const units = `durations are written like "30s", "2m" or "1h30m", with the units h, m, s, ms, us and ns`

// AnyDuration is a time like "1h15m", of which a negative one has a meaning.
func AnyDuration(p *time.Duration) Value {
	d := DurationText(p)
	text := d.read
	d.read = func(r *Report, key string, v *conf.Value) {
		if n, err := time.ParseDuration(v.Str); v.Kind == conf.String && err == nil && n < 0 {
			*p = n
			return
		}
		text(r, key, v)
	}
	return d
}

// DurationText is a time like "1h15m", not negative.
func DurationText(p *time.Duration) Value {
	return Value{
		form: "duration",
		show: func() string { return p.String() },
		read: func(r *Report, key string, v *conf.Value) {
			if v.Kind == conf.String {
				r.duration(key, v, p, "error parsing "+key+":")
				return
			}
			r.Errorf(v.Pos, "%s expects a duration such as \"2m\" or \"1m30s\", but %s%s", key, r.found(v), asDuration(v))
		},
	}
}

// Duration is DurationText, or an integer that means seconds, of which the operator
// is warned (spec: configuration.md 3).
func Duration(p *time.Duration) Value {
	d := DurationText(p)
	text := d.read
	d.read = func(r *Report, key string, v *conf.Value) {
		if v.Kind != conf.Int {
			text(r, key, v)
			return
		}
		if r.seconds(key, v, float64(v.Int), p) {
			r.Warnf(v.Pos, key, "%s should be converted to a duration%s", key, asDuration(v))
		}
	}
	return d
}

// Seconds is a number of seconds, or a duration (spec: configuration.md 3, secs).
// More than a minute, as a number, is rarely meant.
func Seconds(p *time.Duration) Value {
	return Value{
		form: "seconds or duration",
		show: func() string { return p.String() },
		read: func(r *Report, key string, v *conf.Value) {
			s := v.Float
			switch v.Kind {
			case conf.Int:
				s = float64(v.Int)
			case conf.Float:
			case conf.String:
				r.duration(key, v, p, fmt.Sprintf("error parsing %s, '%s'", r.where(), key))
				return
			default:
				r.Errorf(v.Pos, "error parsing %s, '%s' wrong type: expected seconds or a duration such as \"2s\", but %s", r.where(), key, r.found(v))
				return
			}
			if r.seconds(key, v, s, p) && *p > time.Minute {
				r.Warnf(v.Pos, key, "%s of %s (%f seconds) is high, consider keeping it under 60 seconds. possibly caused by unquoted duration; use '1m' instead of 1m, for example", key, v.Raw, s)
			}
		},
	}
}

// duration stores the duration that a text is; failure begins the message if it is
// none.
func (r *Report) duration(key string, v *conf.Value, p *time.Duration, failure string) {
	switch d, err := time.ParseDuration(v.Str); {
	case err != nil:
		r.Errorf(v.Pos, "%s %v; %s", failure, err, units)
	case d < 0:
		r.negative(key, v)
	default:
		*p = d
	}
}

// seconds stores s seconds, if that is possible.
func (r *Report) seconds(key string, v *conf.Value, s float64, p *time.Duration) bool {
	switch {
	case s < 0:
		r.negative(key, v)
	case s > math.MaxInt64/float64(time.Second)-1:
		r.Errorf(v.Pos, "%s value is too big: %s seconds", key, v.Raw)
	default:
		*p = time.Duration(s * float64(time.Second))
		return true
	}
	return false
}

// asDuration says how to write a number as a duration. Without its quotes, "2m" is
// two million.
func asDuration(v *conf.Value) string {
	switch {
	case v.Kind == conf.Float && v.Float > 0:
		return fmt.Sprintf(": write \"%ss\"", strconv.FormatFloat(v.Float, 'f', -1, 64))
	case v.Kind != conf.Int || v.Int < 0:
		return ""
	}
	number := strconv.FormatInt(v.Int, 10)
	write := number + "s"
	if v.Raw == number {
		return fmt.Sprintf(": write %q", write)
	}
	if d, err := time.ParseDuration(v.Raw); err == nil && d > 0 {
		write = v.Raw
	}
	return fmt.Sprintf(": without quotes, %s is the number %s and means seconds; write %q", v.Raw, number, write)
}
