package logs

import (
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// What a flood of one kind of line is: more than burst lines at once, and more than
// one per interval after that. What is suppressed is summed up every summaryAfter.
const (
	burst        = 50
	interval     = time.Second / 10
	summaryAfter = 5 * time.Second
)

// maxLast is how much of the last suppressed line is kept, in bytes.
const maxLast = 512

// throttle recognises floods: lines of the same level and format, which are the
// same call most of the time, whoever caused them. It runs a timer only while there
// is something to sum up.
type throttle struct {
	off atomic.Bool

	summing sync.Mutex // held while summaries are logged; taken before mu

	mu    sync.Mutex
	kinds [64]kind
	timer *time.Timer // nil if there is nothing to sum up
}

// kind is one format and what became of its lines. It is free for another format
// as soon as it has nothing to remember.
type kind struct {
	level  level
	format string
	// due is when all lines that have passed would have, had they come one per
	// interval. How far it lies ahead is how much of the burst is used up.
	due        time.Time
	suppressed int
	last       []byte // text of the last suppressed line
}

var seed = maphash.MakeSeed()

// Throttle switches the suppression of floods on, where it is at first, or off.
// Of warnings and errors with the same format, a burst of 50 passes and then 10
// per second; the others are counted, and every five seconds a line of their level
// tells how many they were and shows the last. Other levels always pass.
func (g *Log) Throttle(on bool) {
	g.throttle.off.Store(!on)
	if !on {
		g.summarise(g.logger.Load)
	}
}

// passes tells whether a line is to be logged.
func (g *Log) passes(l level, format string, v []any) bool {
	t := &g.throttle
	if t.off.Load() || t.take(l, format) {
		return true
	}
	// The arguments must not be kept, they may change. Formatting them under the
	// lock would not do either: an argument may log.
	p := buffers.Get().(*[]byte)
	b := fmt.Appendf((*p)[:0], format, v...)
	g.suppress(l, format, b)
	putBuffer(p, b)
	return false
}

// take lets a line pass, if it is not one too many.
func (t *throttle) take(l level, format string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	k := t.kind(l, format, now)
	if k == nil {
		return true
	}
	if k.due.Before(now) {
		k.due = now
	}
	if k.due.Sub(now) > (burst-1)*interval {
		return false
	}
	k.due = k.due.Add(interval)
	return true
}

// kind finds the place of a format near where its hash points to, or a free one.
// It returns nil if others are in the way: then the line passes. mu is held.
func (t *throttle) kind(l level, format string, now time.Time) *kind {
	const tries = 8
	h := maphash.String(seed, format) + uint64(l)
	var free *kind
	for i := range uint64(tries) {
		k := &t.kinds[(h+i)%uint64(len(t.kinds))]
		if k.level == l && k.format == format {
			return k
		}
		if free == nil && k.suppressed == 0 && !k.due.After(now) {
			free = k
		}
	}
	if free != nil {
		free.level, free.format = l, format
	}
	return free
}

// suppress counts a line that take has refused, text, and sees to it that it is
// summed up.
func (g *Log) suppress(l level, format string, text []byte) {
	t := &g.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kind(l, format, time.Now())
	if k == nil { // it has lost its place since: not a flood any more
		return
	}
	k.suppressed++
	k.last = append(k.last[:0], text[:min(len(text), maxLast)]...)
	if t.timer == nil {
		t.timer = time.AfterFunc(summaryAfter, func() { g.summarise(g.logger.Load) })
	}
}

// summary is what is said about a kind of line.
type summary struct {
	level level
	count int
	last  string
}

// summarise logs how many lines have been suppressed since the last time, to the
// logger that get returns. Several calls take turns, so that all is said when any
// of them returns.
func (g *Log) summarise(get func() *holder) {
	t := &g.throttle
	t.summing.Lock()
	defer t.summing.Unlock()
	l := get()
	for _, s := range t.summaries() {
		if l == nil {
			return
		}
		say := l.Warnf
		if s.level == fault {
			say = l.Errorf
		}
		say("Suppressed %d similar lines: last %q", s.count, s.last)
	}
}

// summaries collects what there is to say and stops the timer.
func (t *throttle) summaries() []summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer == nil {
		return nil
	}
	t.timer.Stop()
	t.timer = nil
	var all []summary
	for i := range t.kinds {
		if k := &t.kinds[i]; k.suppressed > 0 {
			all = append(all, summary{k.level, k.suppressed, string(k.last)})
			k.suppressed, k.last = 0, nil
		}
	}
	return all
}
