// Package buf lends byte chunks in a few size classes.
//
// A chunk has exactly one holder at a time; handing it on hands over the duty to
// give it back. Chunks larger than the largest class are allocated to measure and
// left to the garbage collector, so that one huge message does not pin memory.
package buf

import (
	"sync"
	"sync/atomic"
)

// Capacities of classes: the smallest, that of full chunks, and the largest.
const (
	Min = 512
	Max = 64 << 10
	Big = 256 << 10
)

var classes = [...]int{Min, 4 << 10, 16 << 10, Max, Big}

const (
	oversize = len(classes)     // a chunk made to measure, which no pool takes back
	view     = len(classes) + 1 // a chunk that shows the data of another
)

var (
	pools [len(classes)]sync.Pool
	views sync.Pool
)

// Chunk is a piece of memory: Data is what has been written so far, the rest of
// its capacity is free. It belongs to whoever holds it, and is not safe for
// concurrent use.
type Chunk struct {
	Data   []byte
	class  int
	origin *Chunk       // of a view
	shown  atomic.Int32 // views of this chunk, and one for its holder while there are any
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

// View returns a chunk with the same data, for another holder. Nobody may change
// the data from now on, nor add to it. All must Release theirs.
func (c *Chunk) View() *Chunk {
	if c.shown.Load() == 0 {
		c.shown.Store(1)
	}
	c.shown.Add(1)
	v, ok := views.Get().(*Chunk)
	if !ok {
		v = &Chunk{class: view}
	}
	v.Data, v.origin = c.Data[:len(c.Data):len(c.Data)], c
	return v
}

// Release gives the chunk back. The holder must not touch it afterwards.
func (c *Chunk) Release() {
	switch {
	case c.class == view:
		origin := c.origin
		c.Data, c.origin = nil, nil
		views.Put(c)
		origin.Release()
	case c.shown.Load() > 0 && c.shown.Add(-1) > 0:
		// others still look at it
	case c.class != oversize:
		c.Data = c.Data[:0]
		pools[c.class].Put(c)
	}
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
