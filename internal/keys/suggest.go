package keys

import (
	"fmt"
	"strings"

	"nats-server/internal/conf"
)

// suggestion is what the operator may have meant by a key that is not in t.
func (r *Report) suggestion(t Table, written string) string {
	if hint := conf.GluedBrace(written); hint != "" {
		return ": " + hint
	}
	key := strings.ToLower(written)
	if name := nearest(t, key); name != "" {
		return fmt.Sprintf(", did you mean %q?", name)
	}
	if written != key && strings.Trim(written, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" {
		return fmt.Sprintf(": it is no key, and no value refers to it as $%s without quotes", written)
	}
	if len(r.path) > 0 && r.root.find(key) != nil {
		return ": that key belongs outside of this block"
	}
	if block := whereIs(r.root, key, ""); block != "" {
		return fmt.Sprintf(": that key belongs in %q", block)
	}
	return ""
}

// whereIs returns the path of a block that has the key, or "".
func whereIs(t Table, key, path string) string {
	for i := range t {
		v := &t[i].Value
		inner := v.sub
		if inner == nil {
			inner = v.each
		}
		at := strings.TrimPrefix(path+" "+t[i].Name, " ")
		if inner.find(key) != nil {
			return at
		}
		if found := whereIs(inner, key, at); found != "" {
			return found
		}
	}
	return ""
}

// nearest returns the name in t that a misspelt key is most likely to be, or "".
func nearest(t Table, key string) (best string) {
	least := 1 + len(key)/5 // edits that still count as a slip
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
