package keys

import (
	"fmt"
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
	for i := range v.Map {
		e := &v.Map[i]
		row := t.find(e.Key)
		switch {
		case row != nil:
			row.Value.read(r, strings.ToLower(e.Key), e.Value)
		case !e.Value.UsedAsVariable():
			r.Errorf(e.Pos, "unknown field %q%s", e.Key, r.suggestion(t, e.Key))
		}
	}
}

// suggestion is what the operator may have meant by a key that is not in t.
func (r *Report) suggestion(t Table, key string) string {
	if hint := conf.GluedBrace(key); hint != "" {
		return ": " + hint
	}
	low := strings.ToLower(key)
	if name := nearest(t, low); name != "" {
		return fmt.Sprintf(", did you mean %q?", name)
	}
	if block := whereIs(r.root, low, ""); block != "" {
		return fmt.Sprintf(": that key belongs into %s", block)
	}
	if len(r.path) > 0 && r.root.find(low) != nil {
		return ": that key belongs outside of this block"
	}
	return ""
}

// whereIs returns the path of a block that has the key.
func whereIs(t Table, key, path string) string {
	for i := range t {
		if t[i].Value.sub == nil {
			continue
		}
		at := strings.TrimPrefix(path+"."+t[i].Name, ".")
		if t[i].Value.sub.find(key) != nil {
			return at
		}
		if found := whereIs(t[i].Value.sub, key, at); found != "" {
			return found
		}
	}
	return ""
}

// nearest returns the name in t that a misspelt key is most likely to be, or "".
func nearest(t Table, key string) (best string) {
	least := 1 + len(key)/4 // edits that still count as a slip
	try := func(name string) {
		if d := distance(key, name); d <= least {
			best, least = name, d-1
		}
	}
	for i := range t {
		try(t[i].Name)
		for _, a := range t[i].Aliases {
			try(a)
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make b of a. Keys longer than any known one are far from all.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest {
		return len(a)
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
