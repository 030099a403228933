package process

import "unsafe"

// overwrite blanks out a part of an argument in the memory that ps and /proc show. On
// Linux the runtime's arguments lie there, and there it may be written to.
func overwrite(s string) {
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	for i := range b {
		b[i] = 'x'
	}
}
