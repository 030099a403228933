package subject

import (
	"encoding/binary"
	"math/bits"
)

const (
	word = 8 // bytes
	low  = 0x7F7F7F7F7F7F7F7F
	seps = sep * (^uint64(0) / 0xFF)
)

// Shape is what there is to know about a subject before its tokens are looked at.
type Shape struct {
	Tokens int
	Last   int  // where the last token begins
	Empty  bool // some token is empty
}

// ShapeOf returns the shape of s. It reads a word at a time, since it is called for
// most messages.
func ShapeOf(s []byte) Shape {
	var tokens, last int
	var doubled uint64
	before := uint64(0x80) // the beginning is like a separator: another one may not follow
	n := len(s)
	for i := 0; i < n; i += word {
		found := separators(load(s, i))
		doubled |= found & (found<<8 | before)
		before = found >> (64 - 8)
		if found != 0 {
			tokens += bits.OnesCount64(found)
			last = i + bits.Len64(found)/8
		}
	}
	return Shape{tokens + 1, last, doubled != 0 || last == n}
}

// load returns the word of s at i, filled up with zeros.
func load(s []byte, i int) (w uint64) {
	n := len(s)
	switch left := n - i; {
	case left >= word:
		return binary.LittleEndian.Uint64(s[i:])
	case n >= word: // with some bytes before i, to be shifted out
		return binary.LittleEndian.Uint64(s[n-word:]) >> (8 * (word - left))
	}
	for at, c := range s {
		w |= uint64(c) << (8 * at)
	}
	return w
}

// separators returns a word with 0x80 where w has a separator, and 0 elsewhere.
func separators(w uint64) uint64 {
	w ^= seps
	return ^((w&low + low) | w | low)
}
