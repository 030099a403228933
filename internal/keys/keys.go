package keys

import (
	"slices"
	"strings"
)

// Change says what a reload does about a changed value.
type Change uint8

const (
	Live       Change = iota // takes effect at once, for those connected too
	NewClients               // takes effect for connections to come
	Restart                  // refuses the reload
)

// String is how plans put it.
func (c Change) String() string {
	return [...]string{"applied at once", "applied to new connections", "needs a restart"}[c]
}

// Row is one key.
type Row struct {
	Name    string // in lower case, as the aliases
	Aliases []string
	Value   Value  // where it goes, and in which form it comes
	Default string // as it would be written in a file; "" = none
	Since   string // first release of the reference that has the key; "" = always
	Doc     string // what it does, a sentence without the key

	Change Change
	Why    string // for Restart: the reason
	Label  string // name in log lines and plans, if that is not the path of the key
	Secret bool   // the value is never shown, nor what is inside of it
}

// Table is the keys of one block, in the order of the documentation.
type Table []Row

// find returns the row for a key in lower case, or nil.
func (t Table) find(key string) *Row {
	for i := range t {
		if t[i].Name == key || slices.Contains(t[i].Aliases, key) {
			return &t[i]
		}
	}
	return nil
}

// Unsupported returns rows for keys whose feature this version does not have. Such
// a key is an error, unless its value switches the feature off.
func Unsupported(names ...string) Table {
	t := make(Table, 0, len(names))
	for _, n := range names {
		first, aliases, _ := strings.Cut(n, " ")
		t = append(t, Row{Name: first, Aliases: strings.Fields(aliases), Value: notYet})
	}
	return t
}
