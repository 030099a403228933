package route

import (
	"bytes"
	"time"

	"nats-server/internal/account"
	"nats-server/internal/interest"
	"nats-server/internal/wire"
)

// replies are the subjects on which a server before 2.2 waits for answers of services:
// it asks with them, but does not tell that it wants them (spec: cluster-routes 20).
// The zero value is ready for use. They are guarded by Session.mu.
type replies struct {
	waiting []reply // the oldest first; some have been answered
}

type reply struct {
	to    *account.Account
	sub   *interest.Sub
	since time.Time
}

// How long, and how many, answers are waited for.
const (
	mostWait    = 10 * time.Minute
	mostReplies = 1 << 16
)

var servicePrefix = []byte("_R_.")

// expect makes the reply of m wanted, once, by a server that would not say so.
func (s *Session) expect(a *account.Account, m *wire.RoutedMsg) {
	if !bytes.HasPrefix(m.Reply, servicePrefix) {
		return
	}
	if found, _ := a.Match(interest.Hash(m.Subject), m.Subject, nil); len(found) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireLocked(time.Now())
	subs := s.remotes[a]
	if subs == nil {
		subs = new(interest.Remotes)
		s.remotes[a] = subs
	}
	if subs.Find(m.Reply, nil, nil) != nil {
		return
	}
	sub := interest.NewRemote(&s.self, m.Reply, nil, nil, 1)
	subs.Add(sub)
	a.Subscribe(sub)
	s.numSubs.Add(1)
	s.replies.waiting = append(s.replies.waiting, reply{a, sub, time.Now()})
}

// answered is called when an answer has been sent.
func (s *Session) answered(sub *interest.Sub) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.remotes {
		s.dropReplyLocked(a, sub)
	}
}

func (s *Session) expireLocked(now time.Time) {
	w := &s.replies.waiting
	for len(*w) > 0 && (len(*w) >= mostReplies || now.Sub((*w)[0].since) > mostWait) {
		s.dropReplyLocked((*w)[0].to, (*w)[0].sub)
		(*w)[0] = reply{}
		*w = (*w)[1:]
	}
}

// dropReplyLocked removes sub, if it is still there.
func (s *Session) dropReplyLocked(a *account.Account, sub *interest.Sub) {
	subs := s.remotes[a]
	if subs != nil && subs.Find([]byte(sub.Filter()), nil, nil) == sub {
		s.dropLocked(a, subs, sub)
	}
}
