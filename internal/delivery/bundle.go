package delivery

import (
	"bytes"

	"nats-server/internal/buf"
	"nats-server/internal/wire"
)

// mostBundles bounds how many sids are looked for among the receivers of a lane.
const mostBundles = 4

// shareLeast is from how many bytes on a bundle's messages are shared by their
// receivers rather than copied for each. A receiver that is behind holds the whole
// chunk, so it must be half full at least.
const shareLeast = buf.Max / 2

// bundle moves plain targets of l that can share an encoding into bundles.
func (s *Sender) bundle(l *lane) {
	if len(l.plain) < bundleLeast {
		return
	}
	l.each(func(t *target) { t.stage.inLane++ })
	rest := l.plain[:0]
	for _, t := range l.plain {
		if t.stage.inLane > 1 || t.stage == s.own || t.notes != nil || t.sub.Limited() || !l.join(t) {
			rest = append(rest, t)
		}
	}
	for i := range l.bundles {
		if b := &l.bundles[i]; len(b.targets) < bundleLeast {
			rest = append(rest, b.targets...)
			b.targets = nil
		}
	}
	clear(l.plain[len(rest):])
	l.plain = rest
	l.dropEmptyBundles()
	l.each(func(t *target) { t.stage.inLane = 0 })
}

// join adds t to the bundle with its prefix, unless there are too many prefixes.
func (l *lane) join(t target) bool {
	headers := !t.sub.To().NoHeaders.Load()
	for i := range l.bundles {
		if b := &l.bundles[i]; bytes.Equal(b.prefix, t.prefix) {
			b.targets = append(b.targets, t)
			b.headers = b.headers && headers
			return true
		}
	}
	if len(l.bundles) == mostBundles {
		return false
	}
	l.bundles = append(l.bundles, bundle{prefix: t.prefix, headers: headers, targets: []target{t}})
	return true
}

func (l *lane) dropEmptyBundles() {
	kept := l.bundles[:0]
	for _, b := range l.bundles {
		if len(b.targets) > 0 {
			kept = append(kept, b)
		}
	}
	clear(l.bundles[len(kept):])
	l.bundles = kept
}

// sendBundle stages m for all targets of a bundle of the lane at hand.
func (s *Sender) sendBundle(b *bundle, m *wire.Msg) {
	prefix := b.prefix
	switch {
	case m.Header == 0:
		prefix = prefix[1:] // MSG
	case !b.headers:
		s.spreadBundle(b)
		for i := range b.targets {
			s.send(&b.targets[i], m)
		}
		return
	}
	n := len(prefix) + len(m.Tail)
	if b.chunk != nil && b.chunk.Free() < n {
		s.spreadBundle(b)
	}
	if b.chunk == nil {
		b.chunk = buf.Get(max(n, buf.Max))
		s.bundled = s.last
	}
	dst := b.chunk.Extend(n)
	copy(dst[copy(dst, prefix):], m.Tail)
	b.msgs++
	b.payload += len(m.Body)
}

// spread gives the receivers what is kept in bundles.
func (s *Sender) spread() {
	l := s.bundled
	if l == nil {
		return
	}
	s.bundled = nil
	for i := range l.bundles {
		s.spreadBundle(&l.bundles[i])
	}
}

func (s *Sender) spreadBundle(b *bundle) {
	c, msgs, payload := b.chunk, b.msgs, b.payload
	if c == nil {
		return
	}
	b.chunk, b.msgs, b.payload = nil, 0, 0
	for i := range b.targets {
		t := &b.targets[i]
		if len(c.Data) < shareLeast {
			copy(s.reserve(t.stage, t.sub, len(c.Data), msgs, payload), c.Data)
			continue
		}
		s.commit(t.stage) // what was staged before
		t.stage.Lend(&t.sub.Tap, c.View(), msgs, payload)
		t.stage.subs = append(t.stage.subs, t.sub)
		s.commit(t.stage)
	}
	c.Release()
}
