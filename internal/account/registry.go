package account

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// System is the name of the account for what servers tell each other, unless the
// configuration gives it another.
const System = "$SYS"

// Registry holds the accounts of a server. Those that a reload takes away are out of
// force and are not found any more, but come back as they were if another reload names
// them again: whoever holds one meanwhile and those who find it later share one
// subject space. It is safe for concurrent use; finding an account takes no lock.
type Registry struct {
	global *Account

	mu      sync.Mutex
	watcher Watcher
	ever    map[string]*Account
	inForce atomic.Pointer[map[string]*Account] // a new map for every change
}

// NewRegistry returns a registry that holds the global account.
func NewRegistry() *Registry {
	r := &Registry{global: New(Global), ever: make(map[string]*Account)}
	r.ever[Global] = r.global
	r.Set(nil)
	return r
}

// Global is the account of everyone without another. It is always in force.
func (r *Registry) Global() *Account { return r.global }

// Lookup returns the account with that name, or nil.
func (r *Registry) Lookup(name string) *Account { return (*r.inForce.Load())[name] }

// Find is Lookup for a name that was just read, and does not allocate.
func (r *Registry) Find(name []byte) *Account { return (*r.inForce.Load())[string(name)] }

// Set puts the accounts with these names in force, besides the global one, and no
// others.
func (r *Registry) Set(names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	live := map[string]*Account{Global: r.global}
	for _, name := range names {
		a := r.ever[name]
		if a == nil {
			a = New(name)
			if r.watcher != nil {
				a.watch(r.watcher)
			}
			r.ever[name] = a
		}
		live[name] = a
	}
	r.inForce.Store(&live)
}

// Watch lets w know of the local interest in all accounts. It must be called before
// anybody subscribes.
func (r *Registry) Watch(w Watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watcher = w
	for _, a := range r.ever {
		a.watch(w)
	}
}

// All returns the accounts in force by name.
func (r *Registry) All() []*Account {
	return slices.SortedFunc(maps.Values(*r.inForce.Load()), func(a, b *Account) int {
		return strings.Compare(a.Name, b.Name)
	})
}

// NumSubscriptions returns how many subscriptions all accounts have, those out of
// force included, whose subscribers are on their way out.
func (r *Registry) NumSubscriptions() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.ever {
		n += a.NumSubscriptions()
	}
	return n
}
