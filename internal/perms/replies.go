package perms

import (
	"sync"
	"time"
)

// What one connection can make the server remember.
const (
	maxReplies = 1 << 16
	maxText    = 8 << 20 // bytes of all replies together
)

// sweep is how many expired replies a delivery takes away: more than it brings, and
// few enough not to hold it up.
const sweep = 4

// Replies remembers to which replies a connection may answer (spec: accounts-and-auth
// 2.5). It holds at most 65,536 replies and 8 MiB of their text; beyond that the one
// noted longest ago is forgotten. A nil *Replies remembers nothing. Replies is safe
// for concurrent use.
type Replies struct {
	perms *Permissions

	mu     sync.Mutex
	byText map[string]*reply
	ring   reply // between the newest and the oldest
	bytes  int   // of text
}

// reply is in the order in which replies were noted, which is the order in which
// they expire but for what concurrent callers' clocks differ.
type reply struct {
	text         string
	noted        time.Time
	uses         int
	older, newer *reply
}

// NewReplies returns an empty memory for a connection with permissions p, nil if p
// has no responses.
func NewReplies(p *Permissions) *Replies {
	if !p.Responds() {
		return nil
	}
	r := &Replies{perms: p, byText: make(map[string]*reply)}
	r.ring.older, r.ring.newer = &r.ring, &r.ring
	return r
}

// Note remembers that a message with that reply was delivered to the connection. It
// does nothing if there is no reply, or if the connection may publish to it anyway.
// A reply that is remembered already starts anew (spec: client-protocol 12).
func (r *Replies) Note(text []byte, now time.Time) {
	if r == nil || len(text) == 0 || r.perms.MayPublish(text) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for range sweep {
		if oldest := r.ring.newer; oldest != &r.ring && r.expired(oldest, now) {
			r.forget(oldest)
		}
	}
	e := r.byText[string(text)]
	if e == nil {
		e = &reply{text: string(text)}
		r.byText[e.text] = e
		r.bytes += len(e.text)
	} else {
		e.unlink()
	}
	e.noted, e.uses = now, 0
	e.older, e.newer = r.ring.older, &r.ring
	e.older.newer, e.newer.older = e, e
	for len(r.byText) > maxReplies || r.bytes > maxText {
		r.forget(r.ring.newer)
	}
}

// Use reports whether the connection may publish to a reply though its rules do not
// let it, and counts that as an answer if so.
func (r *Replies) Use(text []byte, now time.Time) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byText[string(text)]
	if e == nil {
		return false
	}
	if r.expired(e, now) {
		r.forget(e)
		return false
	}
	if e.uses++; e.uses == r.perms.responses.max {
		r.forget(e)
	}
	return true
}

func (r *Replies) expired(e *reply, now time.Time) bool {
	expires := r.perms.responses.expires
	return expires >= 0 && now.Sub(e.noted) > expires
}

func (r *Replies) forget(e *reply) {
	e.unlink()
	delete(r.byText, e.text)
	r.bytes -= len(e.text)
}

func (e *reply) unlink() { e.older.newer, e.newer.older = e.newer, e.older }
