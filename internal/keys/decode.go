package keys

import (
	"strings"

	"nats-server/internal/conf"
)

// Decode stores the values of a map in the fields of a table. The report says what
// was wrong; what was right has been stored nevertheless.
func Decode(t Table, root *conf.Value) *Report {
	r := &Report{root: t}
	r.decode(t, root)
	return r
}

// decode takes the entries in file order, so that of two spellings of one key the
// later wins (spec: configuration.md 1, 8).
func (r *Report) decode(t Table, v *conf.Value) {
	outer := r.secret
	for i := range v.Map {
		e := &v.Map[i]
		key := strings.ToLower(e.Key)
		row := t.find(key)
		switch {
		case row != nil:
			r.secret = outer || row.Secret
			row.Value.read(r, key, e.Value)
		case r.strict:
			r.Errorf(e.Pos, "error parsing %s config, unknown field %q%s", r.path[len(r.path)-1], conf.Excerpt(e.Key), r.suggestion(t, e.Key))
		case !e.Value.UsedAsVariable():
			r.Errorf(e.Pos, "unknown field %q%s", conf.Excerpt(e.Key), r.suggestion(t, e.Key))
		}
	}
	r.secret = outer
}

// Block decodes a map within another value and reports whether nothing was wrong
// with it.
func (r *Report) Block(key string, t Table, v *conf.Value) bool { return r.block(key, t, v, false) }

func (r *Report) block(key string, t Table, v *conf.Value, strict bool) bool {
	before, outer := len(r.errors), r.strict
	r.path, r.strict = append(r.path, key), strict
	r.decode(t, v)
	r.path, r.strict = r.path[:len(r.path)-1], outer
	return len(r.errors) == before
}
