// Package buf lends byte chunks in a few size classes.
//
// A chunk has exactly one holder at a time; handing it on hands over the duty to
// give it back. Chunks larger than the largest class are allocated to measure and
// left to the garbage collector, so that one huge message does not pin memory.
package buf

import "sync"

// Capacities of the smallest class and of the largest that is kept for reuse.
const (
	Min = 512
	Max = 64 << 10
)

var classes = [...]int{Min, 4 << 10, 16 << 10, Max}

// oversize marks a chunk made to measure, which no pool takes back.
const oversize = len(classes)

var pools [len(classes)]sync.Pool

// Chunk is a piece of memory: Data is what has been written so far, the rest of
// its capacity is free. It belongs to whoever holds it, and is not safe for
// concurrent use.
type Chunk struct {
	Data  []byte
	class int
}

// Get borrows an empty chunk with room for at least n bytes.
func Get(n int) *Chunk {
	class := 0
	for class < oversize && classes[class] < n {
		class++
	}
	if class == oversize {
		return &Chunk{Data: make([]byte, 0, n), class: oversize}
	}
	if c, ok := pools[class].Get().(*Chunk); ok {
		return c
	}
	return &Chunk{Data: make([]byte, 0, classes[class]), class: class}
}

// Release gives the chunk back. The holder must not touch it afterwards.
func (c *Chunk) Release() {
	if c.class == oversize {
		return
	}
	c.Data = c.Data[:0]
	pools[c.class].Put(c)
}

// Free returns how many bytes can still be appended without allocating.
func (c *Chunk) Free() int { return cap(c.Data) - len(c.Data) }

// Extend makes the next n bytes part of Data and returns them for the caller to
// fill. There must be room for them.
func (c *Chunk) Extend(n int) []byte {
	at := len(c.Data)
	c.Data = c.Data[:at+n]
	return c.Data[at : at+n : at+n]
}
