package insight

import (
	"sync"
	"sync/atomic"
	"time"
)

// watched is how long sampling goes on after a Report.
const watched = 10 * time.Second

// Sampler says whether messages are sampled. The zero value is off. It is safe for
// concurrent use.
type Sampler struct {
	active atomic.Pointer[collection] // nil while nobody looks

	mu    sync.Mutex
	until time.Time   // when sampling ends
	timer *time.Timer // not nil while active is not
}

// watch sees to it that sampling goes on for a while, and returns what was collected.
func (s *Sampler) watch() *collection {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.until = now.Add(watched)
	c := s.active.Load()
	if c == nil {
		c = newCollection(now)
		s.active.Store(c)
		s.timer = time.AfterFunc(watched, s.unwatched)
	}
	return c
}

// unwatched ends sampling, unless somebody has looked meanwhile.
func (s *Sampler) unwatched() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil {
		return
	}
	if left := time.Until(s.until); left > 0 {
		s.timer.Reset(left)
		return
	}
	s.off()
}

func (s *Sampler) off() {
	s.active.Store(nil)
	s.timer = nil
}

// Stop ends sampling at once. A later Report begins it again.
func (s *Sampler) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
		s.off()
	}
}

// Watching reports whether messages are sampled.
func (s *Sampler) Watching() bool { return s.active.Load() != nil }
