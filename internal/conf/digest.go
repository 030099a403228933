package conf

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Digest returns "sha256:" and the hash of what the configuration says: the JSON
// of its tree with sorted keys, and a line feed (spec: configuration.md 9). Order,
// comments, positions and file names do not matter; the spelling of keys does.
func (f *File) Digest() string {
	h := sha256.New()
	// Neither a hash nor a tree of plain data can fail.
	_ = json.NewEncoder(h).Encode(f.Root.plain())
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// plain returns the value as package json knows it. A value that is shared by many
// references is converted once for each; the limit on weight covers that.
func (v *Value) plain() any {
	switch v.Kind {
	case Int:
		return v.Int
	case Float:
		return v.Float
	case Bool:
		return v.Bool
	case Time:
		return v.Time
	case Array:
		list := make([]any, len(v.List))
		for i, e := range v.List {
			list[i] = e.plain()
		}
		return list
	case Map:
		m := make(map[string]any, len(v.Map))
		for _, e := range v.Map {
			m[e.Key] = e.Value.plain()
		}
		return m
	}
	return v.Str
}
