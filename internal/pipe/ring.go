package pipe

// firstSize is what a ring takes, in bytes, when it is first used.
const firstSize = 512

// ring is a queue of bytes that grows up to a limit. The zero value takes
// nothing.
type ring struct {
	buf   []byte
	head  int // index of the oldest byte
	n     int // bytes queued
	limit int
}

// put appends as much of p as there is room for and returns how much.
func (r *ring) put(p []byte) int {
	p = p[:min(len(p), r.limit-r.n)]
	if len(p) == 0 {
		return 0
	}
	if r.n+len(p) > len(r.buf) {
		r.grow(r.n + len(p))
	}
	tail := (r.head + r.n) % len(r.buf)
	k := copy(r.buf[tail:], p)
	copy(r.buf, p[k:])
	r.n += len(p)
	return len(p)
}

// take moves the oldest bytes to p and returns how many. The ring must not be
// empty.
func (r *ring) take(p []byte) int {
	p = p[:min(len(p), r.n)]
	k := copy(p, r.buf[r.head:])
	copy(p[k:], r.buf)
	r.n -= len(p)
	r.head = (r.head + len(p)) % len(r.buf)
	if r.n == 0 {
		r.head = 0 // the next bytes need no wrapping
	}
	return len(p)
}

func (r *ring) grow(need int) {
	buf := make([]byte, min(max(2*len(r.buf), need, firstSize), r.limit))
	k := copy(buf[:r.n], r.buf[r.head:])
	copy(buf[k:r.n], r.buf)
	r.buf, r.head = buf, 0
}
