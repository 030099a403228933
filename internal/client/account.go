package client

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"slices"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/conn"
	"nats-server/internal/wire"
)

// Account is an account that clients may be in, and what it allows them. As a limit, 0 is
// none, and a negative one lets nothing pass.
type Account struct {
	*account.Account
	MaxConnections int // at a time
	MaxSubs        int // per connection
	MaxPayload     int // bytes of one message
}

// most is the number that a limit allows.
func most(limit int) int {
	if limit == 0 {
		return math.MaxInt
	}
	return max(limit, 0)
}

// account returns the one with that name.
func (h *Hub) account(set *Settings, name string) (a Account, ok bool) {
	if name == "" || name == account.Global {
		return Account{Account: h.cfg.Global}, true
	}
	a, ok = set.Accounts[name]
	return a, ok
}

// belongs reports whether id is somebody of the account.
func belongs(id *auth.Identity, a *account.Account) bool {
	return id.Account == a.Name || id.Account == "" && a.Name == account.Global
}

// Account is the one that the session is in. Any goroutine may call it.
func (s *Session) Account() *account.Account { return s.acct.Load() }

// adopt goes on with other settings, or in another account: the tightest of their limits
// counts. It is called between commands, at most with the payload of one yet to come.
func (s *Session) adopt(set *Settings) {
	s.settings = set
	s.maxSubs = min(most(set.MaxSubs), most(set.Accounts[s.Account().Name].MaxSubs))
	s.parser.Limits.ControlLine = set.MaxControlLine
	s.parser.Limits.Payload = s.maxPayload(set)
}

// maxPayload is how many bytes a message may have. Any goroutine may call it.
func (s *Session) maxPayload(set *Settings) int {
	return min(set.MaxPayload, most(set.Accounts[s.Account().Name].MaxPayload))
}

// enterAccount moves the session to where id belongs, if that is somewhere else. The
// caller holds mu, and the session has no subscriptions.
func (s *Session) enterAccount(set *Settings, id *auth.Identity) error {
	next, ok := s.hub.account(set, id.Account)
	if !ok {
		return refusal(wire.ErrAccountFailed, conn.AuthenticationViolation,
			fmt.Sprintf("Problem registering with account %q: account missing", id.Account))
	}
	old := s.Account()
	if next.Account == old {
		return nil
	}
	if !next.Join(most(next.MaxConnections)) {
		return fullAccount()
	}
	s.acct.Store(next.Account)
	old.Leave()
	return nil
}

func fullAccount() *conn.Verdict {
	return refusal(wire.ErrMaxAccountConns, conn.MaxAccountConnectionsExceeded, wire.ErrMaxAccountConns)
}

// ShrinkAccounts ends the sessions that are too many for their accounts, the newest of
// each, and those that have more subscriptions than theirs allows (spec:
// accounts-and-auth 1.11).
func (h *Hub) ShrinkAccounts() {
	set := h.settings.Load()
	members := make(map[string][]*Session)
	for _, s := range h.Sessions() {
		s.mu.Lock() // whoever is about to bind or to subscribe does so first, or notices
		a, n := set.Accounts[s.Account().Name], s.sids.Len()
		s.mu.Unlock()
		switch {
		case a.Account == nil || s.conn.Closed():
		case n > most(a.MaxSubs):
			s.conn.End(refusal(wire.ErrMaxSubscriptions, conn.MaxSubscriptionsExceeded, wire.ErrMaxSubscriptions))
		default:
			members[a.Name] = append(members[a.Name], s)
		}
	}
	for name, in := range members {
		allowed := most(set.Accounts[name].MaxConnections)
		if len(in) <= allowed {
			continue
		}
		slices.SortFunc(in, func(a, b *Session) int { return cmp.Compare(a.conn.ID, b.conn.ID) })
		for _, s := range in[allowed:] {
			s.conn.End(fullAccount())
		}
	}
}

// place is where logins from this connection stand in line: an address, or a network
// where one peer has many.
func (s *Session) place() string {
	a, _ := s.conn.RemoteAddr().(*net.TCPAddr)
	if a == nil {
		return ""
	}
	ip := a.AddrPort().Addr().Unmap()
	if network, err := ip.Prefix(64); err == nil && ip.Is6() {
		return network.String()
	}
	return ip.String()
}
