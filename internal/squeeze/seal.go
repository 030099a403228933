package squeeze

import (
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/s2"

	"nats-server/internal/buf"
)

// Level is how much work is done for fewer bytes.
type Level uint32

// The levels, by work.
const (
	Uncompressed Level = iota // the form alone
	Fast
	Better
	Best
)

// blockBytes is how much is compressed at a time.
const blockBytes = 128 << 10

// writers of each level, not in use. They are large, and needed only while a batch is
// sealed.
var writers = [...]sync.Pool{
	Uncompressed: {New: newWriter(s2.WriterUncompressed())},
	Fast:         {New: newWriter()},
	Better:       {New: newWriter(s2.WriterBetterCompression())},
	Best:         {New: newWriter(s2.WriterBestCompression())},
}

func newWriter(more ...s2.WriterOption) func() any {
	options := append(more, s2.WriterConcurrency(1), s2.WriterBlockSize(blockBytes))
	return func() any { return s2.NewWriter(nil, options...) }
}

// Codec is for one connection. Its level may be changed at any time; else it is used by
// one goroutine that seals and one that opens.
type Codec struct {
	level atomic.Uint32
	begun bool // of who opens: a stream has begun
}

// New returns a codec that seals at that level, and opens what was sealed at any.
func New(l Level) *Codec {
	c := new(Codec)
	c.SetLevel(l)
	return c
}

// SetLevel changes the level from the next batch on.
func (c *Codec) SetLevel(l Level) { c.level.Store(uint32(l)) }

// Level is the level of the next batch.
func (c *Codec) Level() Level { return Level(c.level.Load()) }

// Seal takes over a batch of bytes to send and returns the sealed ones.
func (c *Codec) Seal(batch []*buf.Chunk) (sealed []*buf.Chunk) {
	pool := &writers[c.Level()]
	w := pool.Get().(*s2.Writer)
	out := new(sink)
	w.Reset(out)
	for i, chunk := range batch {
		w.Write(chunk.Data) // to memory, which does not fail
		chunk.Release()
		batch[i] = nil
	}
	w.Close()
	w.Reset(nil)
	pool.Put(w)
	return out.chunks
}

// sink gathers bytes in chunks.
type sink struct{ chunks []*buf.Chunk }

func (s *sink) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		last := len(s.chunks) - 1
		if last < 0 || s.chunks[last].Free() == 0 {
			s.chunks = append(s.chunks, buf.Get(min(len(rest), buf.Max)))
			continue
		}
		n := min(len(rest), s.chunks[last].Free())
		copy(s.chunks[last].Extend(n), rest)
		rest = rest[n:]
	}
	return len(b), nil
}
