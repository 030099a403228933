package conn

import "nats-server/internal/buf"

// Codec turns what a connection sends into another form, and what it receives back. One
// goroutine at a time seals, and one opens.
type Codec interface {
	// Seal takes over a batch of bytes to send and returns the sealed ones.
	Seal(batch []*buf.Chunk) []*buf.Chunk
	// Frame returns how many bytes the first frame of b takes, or at least takes, and if
	// it is complete how many it opens to.
	Frame(b []byte) (size, plain int, err error)
	// Open opens a complete frame into dst, whose length Frame has said.
	Open(dst, frame []byte) error
}

// Encode has everything sealed that is queued from now on. It is called once at most.
func (c *Conn) Encode(codec Codec) {
	q := &c.Out
	q.mu.Lock()
	defer q.mu.Unlock()
	q.codec, q.plain = codec, len(q.out)
}

// Decode has everything opened that follows what Consume takes. It is called from within
// Consume, which must return then; once at most.
func (c *Conn) Decode(codec Codec) { c.codec = codec }

// seal turns a batch that has just been taken into what is written.
func (c *Conn) seal() {
	f := &c.flusher
	if f.unsealed == nil {
		return
	}
	codec := f.unsealed
	f.unsealed = nil
	before := size(f.batch)
	f.batch = codec.Seal(f.batch)
	c.Out.wrote(before - size(f.batch))
}

func size(batch []*buf.Chunk) (n int) {
	for _, c := range batch {
		n += len(c.Data)
	}
	return n
}

// source is where the link puts what it reads: what is sealed is not what the session
// gets.
func (c *Conn) source() *input {
	if c.codec == nil {
		return &c.in
	}
	c.sealed.flood = c.in.flood
	return &c.sealed
}

// rest lets a reader that has to wait hold little memory.
func (c *Conn) rest() {
	c.in.rest()
	c.sealed.rest()
}

// switchOver makes what follows a command that has called Decode sealed input.
func (c *Conn) switchOver() {
	c.sealed.chunk, c.sealed.start = c.in.chunk, c.in.start
	c.in.chunk, c.in.start = nil, 0
}

// open feeds the session what is complete of the sealed input, a frame at a time, until
// somebody has to return before more is taken.
func (c *Conn) open() (hold func()) {
	sealed := &c.sealed
	for !c.Closed() && hold == nil && !c.in.again && sealed.chunk != nil {
		b := sealed.chunk.Data[sealed.start:]
		size, plain, err := c.codec.Frame(b)
		if err == nil && len(b) < size {
			sealed.consumed(0, size)
			return nil
		}
		if err == nil {
			err = c.codec.Open(c.in.extend(plain), b[:size])
		}
		if err != nil {
			c.fault(&Verdict{Reason: ProtocolViolation, Log: err.Error()})
			return nil
		}
		sealed.start += size
		if plain > 0 {
			hold = c.consume()
		}
	}
	if sealed.chunk != nil {
		c.in.again = c.in.again || hold != nil // there may be another frame
	}
	return hold
}

// extend returns n bytes of memory at the end of what is there, which become part of it.
func (in *input) extend(n int) []byte {
	switch {
	case n == 0:
		return nil
	case in.chunk == nil:
		in.chunk = buf.Get(n)
	case in.chunk.Free() < n:
		left := in.chunk.Data[in.start:]
		bigger := buf.Get(len(left) + max(n, len(left))) // large commands come in many frames
		bigger.Data = append(bigger.Data, left...)
		in.chunk.Release()
		in.chunk, in.start = bigger, 0
	}
	return in.chunk.Extend(n)
}
