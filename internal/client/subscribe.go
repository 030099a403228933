package client

import (
	"fmt"

	"nats-server/internal/conn"
	"nats-server/internal/interest"
	"nats-server/internal/subject"
	"nats-server/internal/wire"
)

// sysGroup is a queue group that servers keep for themselves.
const sysGroup = "_sys_"

// subscribe carries out SUB (spec: client-protocol 8). What this client published
// before is handed over first: it was not for this subscription.
func (s *Session) subscribe(arg []byte) error {
	filter, group, sid, ok := wire.SubArgs(arg)
	if !ok {
		return s.badArguments("processSub", arg)
	}
	s.used = true
	s.sender.Commit()
	for {
		if set := s.hub.settings.Load(); set != s.settings {
			s.adopt(set)
		}
		rights := s.self.Rights.Load()
		if complaint := s.refuseSub(filter, group, sid); complaint != "" {
			s.complain(complaint)
			return nil
		}
		if s.find(sid) != nil {
			break
		}
		if !subject.ValidFilter(filter) {
			s.complain(wire.ErrInvalidSubject)
			return nil
		}
		if s.insert(interest.NewSub(&s.self, filter, group, sid), rights) {
			break
		}
	}
	s.confirm()
	return nil
}

// insert adds a subscription that was found to be allowed by rights and the settings,
// unless those are not in force any more.
func (s *Session) insert(sub *interest.Sub, rights *interest.Rights) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.self.Rights.Load() != rights || s.hub.settings.Load() != s.settings {
		return false
	}
	s.sids.Add(sub)
	s.Account().Subscribe(sub)
	return true
}

// refuseSub returns why the client may not have that subscription, or "".
func (s *Session) refuseSub(filter, group, sid []byte) string {
	cfg, log := s.settings, s.hub.cfg.Log
	switch {
	case string(group) == sysGroup:
		log.Errorf("%s - Subscription Violation - Subject %q, Queue: %q, SID %s", s.conn, filter, group, sid)
		return wire.SubscribeViolation(filter, group)
	case !s.rights().MaySubscribe(filter, group):
		if len(group) > 0 {
			log.Errorf("%s - Subscription Violation - Subject %q, Queue: %q, SID %s", s.conn, filter, group, sid)
		} else {
			log.Errorf("%s - Subscription Violation - Subject %q, SID %s", s.conn, filter, sid)
		}
		return wire.SubscribeViolation(filter, group)
	case cfg.MaxSubTokens > 0 && subject.Tokens(filter) > cfg.MaxSubTokens:
		log.Errorf("%s - Subscription Violation Too Many Tokens - Subject %q, SID %s", s.conn, filter, sid)
		return wire.TooManyTokens(filter)
	case s.numSubs() >= s.maxSubs:
		log.Errorf("%s - %s", s.conn, wire.ErrMaxSubscriptions)
		return wire.ErrMaxSubscriptions
	}
	return ""
}

// unsubscribe carries out UNSUB (spec: client-protocol 8).
func (s *Session) unsubscribe(arg []byte) error {
	sid, most, ok := wire.UnsubArgs(arg)
	if !ok {
		return s.badArguments("processUnsub", arg)
	}
	s.used = true
	s.sender.Commit()
	if sub := s.find(sid); sub != nil && !(most > 0 && s.limit(sub, most)) {
		s.leave(sub)
	}
	s.confirm()
	return nil
}

// limit lets sub end after most messages, counted from its beginning, and reports
// false if it has had as many.
func (s *Session) limit(sub *interest.Sub, most int) (goesOn bool) {
	acct := s.Account()
	sub.Limit()
	acct.Changed(sub)
	if sub.Group() != "" {
		s.conn.Lengthy()
		acct.AwaitChoices() // those count, and none is lost because of the limit
	}
	s.self.Queue.Locked(func() {
		if goesOn = !sub.Ended && sub.Delivered < uint64(most); goesOn {
			sub.Max = uint32(most)
		}
	})
	return goesOn
}

func (s *Session) badArguments(what string, arg []byte) error {
	return &conn.Verdict{Reason: conn.ProtocolViolation, Log: fmt.Sprintf("%s Parse Error: %q", what, arg)}
}

func (s *Session) find(sid []byte) *interest.Sub {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sids.Find(sid)
}

func (s *Session) numSubs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sids.Len()
}

// leave ends a subscription by the client's wish. What is staged for it elsewhere
// is dropped when it is handed over, unless it is for it alone: a queue group
// member first gets every message for which it was chosen (spec: client-protocol
// 22).
func (s *Session) leave(sub *interest.Sub) {
	if !s.remove(sub) {
		return
	}
	if sub.Group() != "" {
		s.conn.Lengthy()
		s.Account().AwaitChoices()
	}
	s.self.Queue.Locked(func() { sub.Ended = true })
}

// expired is told by whoever delivered the last message of a subscription.
func (s *Session) expired(sub *interest.Sub) { s.remove(sub) }

// remove takes a subscription out of the interest. Both tables change under one lock:
// a reload that finds no subscription here may rely on there being none. It reports
// false if that has been done already.
func (s *Session) remove(sub *interest.Sub) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	present := s.sids.Remove(sub)
	if present {
		s.Account().Unsubscribe(sub)
	}
	return present
}

// changed tells publishers that something about this client's subscriptions is not
// as they remember it.
func (s *Session) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sids.Each(s.Account().Changed)
}

// manySubs is how many subscriptions take long to remove.
const manySubs = 1000

// dropAll ends all subscriptions.
func (s *Session) dropAll() {
	n := s.numSubs()
	if n > manySubs {
		s.conn.Lengthy()
	}
	all := make([]*interest.Sub, 0, n)
	s.mu.Lock()
	s.sids.Each(func(sub *interest.Sub) { all = append(all, sub) })
	s.sids = interest.Sids{}
	for _, sub := range all {
		s.Account().Unsubscribe(sub)
	}
	s.mu.Unlock()
	s.self.Queue.Locked(func() {
		for _, sub := range all {
			sub.Ended = true
		}
	})
}
