// Package account is a subject space of its own: an account and who is interested
// in what within it. Every connection is bound to one from the start.
package account

import (
	"hash/fnv"
	"sync"
	"sync/atomic"

	"nats-server/internal/interest"
)

// Global is the account of everyone without another.
const Global = "$G"

// Account is one subject space. It is safe for concurrent use.
type Account struct {
	Name     string
	Salt     uint64 // tells its subjects from those of other accounts in a table of hashes
	Hash     uint32 // by which servers agree on one of several connections: FNV-1a of the name
	interest interest.Table
	batches  sync.RWMutex // held for reading by those who have chosen queue group members
	watcher  Watcher      // nil if nobody is to know of local interest; set once
	conns    atomic.Int64
}

// New returns an account without subscriptions.
func New(name string) *Account {
	h := fnv.New32a()
	h.Write([]byte(name))
	return &Account{Name: name, Salt: interest.Hash([]byte(name)), Hash: h.Sum32()}
}

// Subscribe makes s visible to every message whose processing starts afterwards.
func (a *Account) Subscribe(s *interest.Sub) { a.interest.Insert(s) }

// Unsubscribe removes s, which must be subscribed.
func (a *Account) Unsubscribe(s *interest.Sub) { a.interest.Remove(s) }

// Changed tells publishers that something about s is not as they remember it.
func (a *Account) Changed(s *interest.Sub) { a.interest.Touch(s) }

// Watcher wants to know what local subscribers are interested in, to tell other servers.
type Watcher interface {
	// LocalInterest is told of changes as interest.Told says, under the lock of a shard.
	LocalInterest(a *Account, filter, group string, n int)
	// Settle is called after changes, with no lock held, to send what is to be sent.
	Settle()
}

// Announce lets the watcher send what it was told of.
func (a *Account) Announce() {
	if a.watcher != nil {
		a.watcher.Settle()
	}
}

// EachLocal is interest.Table.EachLocal for this account.
func (a *Account) EachLocal(f func(filter, group string, n int), done func()) {
	a.interest.EachLocal(f, done)
}

func (a *Account) watch(w Watcher) {
	a.watcher = w
	a.interest.Watch(func(filter, group string, n int) { w.LocalInterest(a, filter, group, n) })
}

// BeginChoice must be called before a message is staged for a member of a queue
// group, and EndChoice after it was handed over. Between the two the caller must
// not wait for anything.
func (a *Account) BeginChoice() { a.batches.RLock() }

// EndChoice ends what BeginChoice began.
func (a *Account) EndChoice() { a.batches.RUnlock() }

// AwaitChoices returns when every message for which a member was chosen before the
// call has been handed over. A member that leaves its group, and whose interest is
// gone, has then had everything that is meant for it; it loses nothing and nothing
// has to be given to another member out of order. The caller must not be between
// BeginChoice and EndChoice.
func (a *Account) AwaitChoices() {
	a.batches.Lock()
	//lint:ignore SA2001 waiting is the purpose
	a.batches.Unlock()
}

// Match is interest.Table.Match for this account.
func (a *Account) Match(hash uint64, subj []byte, subs []*interest.Sub) ([]*interest.Sub, interest.Stamp) {
	return a.interest.Match(hash, subj, subs)
}

// Join counts a connection as one of the account's, unless it has so many already.
func (a *Account) Join(most int) bool {
	for {
		n := a.conns.Load()
		if n >= int64(most) {
			return false
		}
		if a.conns.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Leave ends what a successful Join began.
func (a *Account) Leave() { a.conns.Add(-1) }

// NumConnections returns how many connections the account has.
func (a *Account) NumConnections() int { return int(a.conns.Load()) }

// NumSubscriptions returns how many subscriptions the account has.
func (a *Account) NumSubscriptions() int { return a.interest.Len() }

// Changes returns how many subscriptions the account ever got and lost.
func (a *Account) Changes() (inserted, removed uint64) { return a.interest.Changes() }
