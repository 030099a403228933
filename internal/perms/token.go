package perms

import (
	"encoding/binary"
	"math/bits"
)

// word is how many bytes of a token a key can hold.
const word = 8

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
	dots = '.' * ones
)

// first returns the length of the first token of s, which may be 0, and its key: the
// token itself, filled up with zeros, if it is no longer than a word, otherwise a hash.
// Keys have no seed, as the tables in which they are used hold what the operator has
// chosen.
func first(s []byte) (n int, key uint64) {
	for ; len(s)-n >= word; n += word {
		w := binary.LittleEndian.Uint64(s[n:])
		x := w ^ dots
		if dot := (x - ones) &^ x & tops; dot != 0 { // its lowest bit is in the first byte that is a dot
			before := bits.TrailingZeros64(dot) &^ 7
			return n + before/8, mix(key) ^ w&(1<<before-1)
		}
		key = mix(key) ^ w
	}
	var w uint64
	for shift := 0; n < len(s) && s[n] != '.'; n, shift = n+1, shift+8 {
		w |= uint64(s[n]) << shift
	}
	return n, mix(key) ^ w
}

// mix spreads each bit of a key over all bits. It leaves 0 as it is.
func mix(key uint64) uint64 {
	const odd = 0x9E3779B97F4A7C15
	high, low := bits.Mul64(key, odd)
	return high ^ low
}
