package insight

import "math/rand/v2"

// Look picks a message of each read of one connection. It belongs to the
// connection's reader; the zero value picks nothing. It may be used for many reads,
// each between a Begin and an End.
type Look struct {
	into    *collection // nil while nobody looks
	seen    uint64      // messages of this read
	next    uint64      // the one that is picked next
	subject []byte      // of the one picked last
	size    int
}

// Begin starts a read. A nil Sampler is off.
func (l *Look) Begin(s *Sampler) {
	if s == nil {
		return
	}
	if l.into = s.active.Load(); l.into != nil {
		l.seen, l.next = 0, 1
	}
}

// On reports whether messages are to be shown to See. It is meant to be asked before
// See, so that a message costs a comparison while nobody looks.
func (l *Look) On() bool { return l.into != nil }

// See shows a message of size bytes. The subject must stay as it is until End.
func (l *Look) See(subject []byte, size int) {
	if l.seen++; l.seen < l.next {
		return
	}
	l.subject, l.size = subject, size
	// The k-th message replaces the pick with probability 1/k. So the next to do so
	// comes after the m-th with probability k/m: that is drawn once, instead of a
	// number per message.
	u := 1 - rand.Float64() // not 0
	l.next = uint64(min(float64(l.seen)/u, 1<<62)) + 1
}

// End offers the message that was picked, if there was any, as one of account. It is
// called only if the Look is On.
func (l *Look) End(account string) {
	if l.seen > 0 {
		l.into.offer(account, l.subject, l.seen, l.size)
	}
	l.into, l.subject = nil, nil
}
