package insight

import (
	"bytes"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	subjectsKept = 1024 // heaviest subjects that are told apart
	prefixesKept = 256  // of each depth
	depths       = 3    // tokens that a prefix has at most

	// longest is how many bytes of a subject are kept; together with the number of
	// places it bounds the memory.
	longest = 256

	// memory is the time after which a message counts for 1/e: short enough to be
	// called now, long enough for a hundred reads of a quiet connection.
	memory = 5 * time.Second
)

// inbox is what replies of requests go to; all together count as one subject.
var (
	inbox      = []byte("_INBOX.")
	allInboxes = []byte("_INBOX.>")
)

// collection is what was sampled since somebody began to look. Instead of making all
// counts smaller as time passes, later messages count more: by e for every memory
// after base. Whoever reads the counts divides by what a message counts then.
type collection struct {
	missed atomic.Uint64 // messages of reads that found the lock taken

	mu       sync.Mutex
	since    time.Time
	base     time.Time
	counted  uint64 // messages of reads that did not
	samples  uint64
	msgs     float64
	bytes    float64
	subjects *sketch
	prefixes [depths]*sketch // by number of tokens, less one
}

func newCollection(now time.Time) *collection {
	c := &collection{since: now, base: now, subjects: newSketch(subjectsKept)}
	for i := range c.prefixes {
		c.prefixes[i] = newSketch(prefixesKept)
	}
	return c
}

// offer takes a message that stands for n of a read. It does not wait: a read that
// finds another at work is only counted, and the report makes up for it.
func (c *collection) offer(account string, subject []byte, n uint64, size int) {
	if !c.mu.TryLock() {
		c.missed.Add(n)
		return
	}
	defer c.mu.Unlock()
	weight := c.weight(time.Now())
	msgs := weight * float64(n)
	bytes := msgs * float64(size)
	c.counted += n
	c.samples++
	c.msgs += msgs
	c.bytes += bytes
	subject = fold(subject)
	c.subjects.add(account, subject, msgs, bytes)
	c.addPrefixes(account, subject, msgs, bytes)
}

// addPrefixes counts a message for what its subject begins with: a.b.c for "a" and
// "a.b", which stand for all subjects with more tokens.
func (c *collection) addPrefixes(account string, subject []byte, msgs, size float64) {
	end := 0
	for i := range c.prefixes {
		dot := bytes.IndexByte(subject[end:], '.')
		if dot < 0 {
			return
		}
		end += dot
		c.prefixes[i].add(account, subject[:end], msgs, size)
		end++
	}
}

// weight is what a message counts at that time. Before it grows beyond what numbers
// can be added to each other exactly enough, all counts are put in units of now.
func (c *collection) weight(now time.Time) float64 {
	const most = 1e9
	w := math.Exp(float64(now.Sub(c.base)) / float64(memory))
	if w < most {
		return w
	}
	c.base = now
	c.msgs /= w
	c.bytes /= w
	c.subjects.scale(1 / w)
	for _, p := range c.prefixes {
		p.scale(1 / w)
	}
	return 1
}

// fold returns what a subject is counted as.
func fold(subject []byte) []byte {
	if bytes.HasPrefix(subject, inbox) {
		return allInboxes
	}
	return subject[:min(len(subject), longest)]
}
