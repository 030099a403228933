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
		case !e.Value.UsedAsVariable():
			r.Errorf(e.Pos, "unknown field %q%s", conf.Excerpt(e.Key), r.suggestion(t, e.Key))
		}
	}
	r.secret = outer
}

// Block decodes a map within another value and reports whether nothing was wrong
// with it.
func (r *Report) Block(key string, t Table, v *conf.Value) bool {
	before := len(r.errors)
	r.path = append(r.path, key)
	r.decode(t, v)
	r.path = r.path[:len(r.path)-1]
	return len(r.errors) == before
}
