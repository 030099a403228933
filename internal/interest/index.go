package interest

import "hash/maphash"

// seed makes the hashes of this process unpredictable to those who choose
// subjects and sids.
var seed = maphash.MakeSeed()

func hash(s string) uint64      { return maphash.String(seed, s) }
func hashBytes(b []byte) uint64 { return maphash.Bytes(seed, b) }

// keyed is a pointer to something that knows its own key.
type keyed[T any] interface {
	*T
	key() string
}

// index is a hash table of things that know their key. It stores one pointer and
// one byte per slot, a third of what a Go map needs, which counts with millions
// of subscriptions. Collisions go to the next slot; a tag of seven hash bits per
// slot spares most comparisons. The zero index is empty. Not safe for concurrent
// use.
type index[T any, P keyed[T]] struct {
	tags  []uint8 // free, gone, or 0x80 | hash bits
	slots []P
	live  int
	used  int // live and gone
}

const (
	free = 0
	gone = 1

	minSlots = 8
)

func tagOf(h uint64) uint8 { return 0x80 | uint8(h>>57) }

// find returns the thing with that key, which has hash h, or nil.
func (x *index[T, P]) find(h uint64, key []byte) P {
	if at := x.locate(h, key); at >= 0 {
		return x.slots[at]
	}
	return nil
}

func (x *index[T, P]) locate(h uint64, key []byte) int {
	if x.live == 0 {
		return -1
	}
	mask := uint64(len(x.tags) - 1)
	tag := tagOf(h)
	for i := h & mask; ; i = (i + 1) & mask {
		switch x.tags[i] {
		case free:
			return -1
		case tag:
			if x.slots[i].key() == string(key) {
				return int(i)
			}
		}
	}
}

// add inserts p, whose key has hash h and must not be present.
func (x *index[T, P]) add(h uint64, p P) {
	if x.used >= len(x.tags)/8*7 {
		x.resize()
	}
	x.place(h, p)
	x.live++
}

func (x *index[T, P]) place(h uint64, p P) {
	mask := uint64(len(x.tags) - 1)
	i := h & mask
	for x.tags[i] > gone {
		i = (i + 1) & mask
	}
	if x.tags[i] == free {
		x.used++
	}
	x.tags[i], x.slots[i] = tagOf(h), p
}

// swap puts p in the place of another thing with the same key.
func (x *index[T, P]) swap(h uint64, key []byte, p P) { x.slots[x.locate(h, key)] = p }

// remove deletes the thing with that key, if present, and returns it.
func (x *index[T, P]) remove(h uint64, key []byte) P {
	at := x.locate(h, key)
	if at < 0 {
		return nil
	}
	p := x.slots[at]
	x.slots[at] = nil
	x.tags[at] = gone
	x.live--
	// Nobody probes past a free slot: those gone just before one are free too.
	mask := len(x.tags) - 1
	if x.tags[(at+1)&mask] == free {
		for x.tags[at] == gone {
			x.tags[at] = free
			x.used--
			at = (at - 1) & mask
		}
	}
	if len(x.tags) > minSlots && x.live < len(x.tags)/8 {
		x.resize()
	}
	return p
}

// resize makes a table in which the live things fill between a quarter and a half
// of the slots; without any there is none.
func (x *index[T, P]) resize() {
	n := minSlots
	for n/2 < x.live+1 {
		n *= 2
	}
	old := x.slots
	x.tags, x.slots, x.used = make([]uint8, n), make([]P, n), 0
	for _, p := range old {
		if p != nil {
			x.place(hash(p.key()), p)
		}
	}
	if x.live == 0 {
		x.used = 0
	}
}

// each calls f for everything in the index, which f must not change.
func (x *index[T, P]) each(f func(P)) {
	for _, p := range x.slots {
		if p != nil {
			f(p)
		}
	}
}
