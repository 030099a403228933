package conn

import "nats-server/internal/buf"

// Tap is the part of a subscription that the queue of its connection guards: how
// much went to it and whether it takes more. It is embedded in the subscription,
// so that one million of them stay small. All fields are read and written under
// the queue's lock only.
type Tap struct {
	Delivered uint64 // messages accepted since the subscription began
	Max       uint32 // after so many it ends; 0 = no limit
	Ended     bool   // takes nothing more
	// Chosen tells that its messages go to nobody else: it is a member of a queue
	// group. They are not dropped because the peer has fallen behind since they
	// were staged; whoever chooses looks at Refuses before. Set once.
	Chosen bool
}

// Run is a stretch of staged bytes for one Tap, or, with a nil Tap, of bytes that
// are for the connection itself.
type Run struct {
	Tap  *Tap
	End  int // offset in the chunk where the run ends; it begins where the one before ends
	Msgs int // messages in the run; means nothing for a nil Tap, as the next
	// Payload is the bytes of the messages themselves, headers included.
	Payload int
}

// Stage collects what one reader has for one Queue until it commits. It belongs
// to that reader.
type Stage struct {
	Queue *Queue
	Runs  []Run
	// First returns the length of the first message in b. Only a subscription
	// that ends in the middle of a run needs it.
	First func(b []byte) int

	chunk *buf.Chunk // nil while the stage is empty
	want  int        // size of the chunk to borrow next: it follows the use
}

// Empty reports whether there is nothing to commit.
func (s *Stage) Empty() bool { return s.chunk == nil }

// Fits reports whether n more bytes can be added before the next Commit.
func (s *Stage) Fits(n int) bool { return s.chunk == nil || s.chunk.Free() >= n }

// Add appends n bytes, which are so many messages with so much payload for tap, and
// which the caller must fill at once. They must fit. It reports in fresh whether they
// begin a new run.
func (s *Stage) Add(tap *Tap, n, msgs, payload int) (dst []byte, fresh bool) {
	if s.chunk == nil {
		s.chunk = buf.Get(max(n, s.want))
	}
	dst = s.chunk.Extend(n)
	if last := len(s.Runs) - 1; last >= 0 && s.Runs[last].Tap == tap {
		s.Runs[last].End += n
		s.Runs[last].Msgs += msgs
		s.Runs[last].Payload += payload
		return dst, false
	}
	s.Runs = append(s.Runs, Run{tap, len(s.chunk.Data), msgs, payload})
	return dst, true
}

// Lend puts a chunk with messages for tap into an empty stage, which takes it over.
func (s *Stage) Lend(tap *Tap, c *buf.Chunk, msgs, payload int) {
	s.chunk = c
	s.Runs = append(s.Runs, Run{tap, len(c.Data), msgs, payload})
}

// Overflowing tells the stage that it had to commit in the middle of a read, so
// that it borrows a larger chunk from now on.
func (s *Stage) Overflowing() { s.want = min(4*max(s.want, 512), buf.Max) }

// reset empties the stage, whose chunk has a new holder, and learns from its size.
func (s *Stage) reset(used int) {
	s.want = min(max(s.want/2, used), buf.Max)
	s.chunk = nil
	clear(s.Runs) // keep no subscription alive
	s.Runs = s.Runs[:0]
}

// take returns the first n messages in b.
func (s *Stage) take(b []byte, n int) []byte {
	end := 0
	for ; n > 0; n-- {
		end += s.First(b[end:])
	}
	return b[:end]
}
