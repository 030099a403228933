package conf

import "time"

// Kind says which field of a Value holds it.
type Kind uint8

const (
	String Kind = iota + 1
	Int
	Float
	Bool
	Time
	Array
	Map
)

var kinds = [...]struct{ human, goType string }{
	{"nothing", "<nil>"},
	String: {"a string", "string"},
	Int:    {"an integer", "int64"},
	Float:  {"a decimal number", "float64"},
	Bool:   {"a boolean", "bool"},
	Time:   {"a time", "time.Time"},
	Array:  {"an array", "[]interface {}"},
	Map:    {"a map", "map[string]interface {}"},
}

// String returns the name for humans, with its article.
func (k Kind) String() string { return kinds[k].human }

// GoType returns the name that messages about wrong types use (spec:
// configuration.md 7.3).
func (k Kind) GoType() string { return kinds[k].goType }

// Value is one value of a tree. Values may be shared by several places of the
// tree and must not be changed.
type Value struct {
	Kind  Kind
	Str   string    // of a String
	Int   int64     // of an Int, sizes multiplied out
	Float float64   // of a Float, never infinite
	Bool  bool      // of a Bool
	Time  time.Time // of a Time, in UTC
	List  []*Value  // of an Array
	Map   []Entry   // of a Map: in file order, one per spelling, which is the last

	// Pos is where messages locate the value: at its key in a map. In an array it
	// is the first character, for strings the one inside the quotes and for
	// references the one behind the $; for maps and arrays it is just behind their
	// closing bracket (spec: configuration.md 7.2).
	Pos Pos
	At  Pos // the first character of the value itself

	Raw    string // source text of a scalar or a reference, cut after a few dozen bytes
	Quoted bool   // a string in quotes or a block

	used   bool           // some reference named this value
	index  map[string]int // of a Map with many entries: key to its last place in Map
	height int            // levels of maps and arrays, this one included
	weight int64          // see limits.go
}

// Entry is a key of a map and its value.
type Entry struct {
	Key   string // as written, without quotes
	Pos   Pos    // the first character of the key, inside the quotes
	Value *Value
}

// UsedAsVariable reports whether some $reference names this value. What a
// reference inserts is a value of its own, which only counts as used if something
// refers to it in turn.
func (v *Value) UsedAsVariable() bool { return v.used }

// Get returns the value of the key spelled exactly so, or nil.
func (v *Value) Get(key string) *Value {
	if i := v.find(key); i >= 0 {
		return v.Map[i].Value
	}
	return nil
}

// few is the number of entries up to which looking through them beats a Go map.
const few = 16

// find returns the last place of key in v.Map, or -1.
func (v *Value) find(key string) int {
	if v.index != nil {
		if i, ok := v.index[key]; ok {
			return i
		}
		return -1
	}
	for i := len(v.Map) - 1; i >= 0; i-- {
		if v.Map[i].Key == key {
			return i
		}
	}
	return -1
}

// put adds an entry to a map under construction. Earlier entries with the same
// key stay until settle.
func (v *Value) put(e Entry) {
	v.Map = append(v.Map, e)
	if v.index != nil {
		v.index[e.Key] = len(v.Map) - 1
	} else if len(v.Map) > few {
		v.reindex()
	}
}

func (v *Value) reindex() {
	v.index = nil
	if len(v.Map) <= few {
		return
	}
	v.index = make(map[string]int, 2*len(v.Map))
	for i, e := range v.Map {
		v.index[e.Key] = i
	}
}

// settle completes a map: the last of several entries with one key remains
// (spec: configuration.md 6).
func (v *Value) settle() {
	kept := v.Map[:0]
	for i, e := range v.Map {
		// Only places before i have been overwritten, so find still sees what
		// comes after it.
		if v.find(e.Key) == i {
			kept = append(kept, e)
			v.measure(e.Value, len(e.Key))
		}
	}
	if len(kept) < len(v.Map) {
		clear(v.Map[len(kept):])
		v.Map = kept
		v.reindex()
	}
}

// measure takes a child with a key of the length given into account.
func (v *Value) measure(child *Value, key int) {
	v.height = max(v.height, 1+child.height)
	v.weight += child.weight + int64(key)
}
