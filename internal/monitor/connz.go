package monitor

import (
	"cmp"
	"net/url"
	"slices"
	"sync"
	"time"

	"nats-server/internal/facts"
)

// Subs is how much of subscriptions a report shows.
type Subs int

const (
	NoSubs Subs = iota
	SubsList
	SubsDetail
)

// State is whether connections are wanted that are open.
type State int

const (
	Open State = iota
	Closed
	All
)

// DefaultLimit is how many entries a page has unless something else is asked for.
const DefaultLimit = 1024

// ConnzOptions say what Connz shows (spec: monitoring 7.4). The zero value asks for the
// first page of open connections.
type ConnzOptions struct {
	Sort          string
	Auth          bool // with who the clients are
	Subs          Subs
	Offset, Limit int
	CID           uint64 // only this connection; 0 = all
	State         State
	User, Account string // only of these; "" = all
	MQTTClient    string // as User; no client has one
}

// connzOptions decodes the parameters of a request.
func connzOptions(q url.Values) (o ConnzOptions, err error) {
	p := params{values: q}
	o.Auth = p.boolean("auth")
	o.Subs = p.subs()
	o.Offset = p.integer("offset")
	o.Limit = p.integer("limit")
	o.CID = p.id("cid")
	o.State = p.state()
	o.Sort, o.User, o.Account, o.MQTTClient = p.text("sort"), p.text("user"), p.text("acc"), p.text("mqtt_client")
	return o, p.err
}

// Connz is the report on the connections of clients (spec: monitoring 7).
type Connz struct {
	head
	NumConnections int           `json:"num_connections"`
	Total          int           `json:"total"`
	Offset         int           `json:"offset"`
	Limit          int           `json:"limit"`
	Connections    []*Connection `json:"connections"`
}

// candidate is a connection that may be shown, and what it is sorted by.
type candidate struct {
	id     uint64
	key    int64
	reason string
	open   Peer              // nil for a closed one
	closed *facts.Connection // nil for an open one
}

// facts returns what is known of the candidate, with its subscriptions if so many of
// them may be shown. f may be used for it.
func (c *candidate) facts(f *facts.Connection, subs int) *facts.Connection {
	if c.closed != nil {
		return c.closed
	}
	*f = facts.Connection{}
	c.open.Facts(f, subs)
	return f
}

// Connz returns a page of connections.
func (r *Reports) Connz(o ConnzOptions) (*Connz, error) {
	order, err := orderOf(o.Sort, o.State)
	if err != nil {
		return nil, err
	}
	c := &Connz{head: r.head(), Offset: max(o.Offset, 0), Limit: o.Limit}
	if c.Limit <= 0 {
		c.Limit = DefaultLimit
	}
	if o.Account != "" && !r.hasAccount(o.Account) {
		c.ServerID = ""
		return c, nil
	}
	now := c.Now
	room := candidates.Get().(*[]candidate)
	all := r.candidates(o, (*room)[:0], &c.Total)
	*room = all
	defer func() {
		clear(*room)
		candidates.Put(room)
	}()
	if o.CID > 0 {
		c.Limit = 1
		all = only(all, o)
	} else {
		all = matching(all, o)
		order.sort(all, now)
	}
	page := all[min(c.Offset, len(all)):]
	page = page[:min(c.Limit, len(page))]
	c.Connections, err = describe(page, o, now)
	c.NumConnections = len(c.Connections)
	return c, err
}

func (r *Reports) hasAccount(name string) bool {
	return slices.ContainsFunc(r.source.Accounts(), func(a Account) bool { return a.Name == name })
}

// candidates are the connections in the states wanted, and of the account wanted.
func (r *Reports) candidates(o ConnzOptions, all []candidate, total *int) []candidate {
	if o.State != Closed {
		open := r.source.Clients()
		all = slices.Grow(all, len(open))
		for _, c := range open {
			all = append(all, candidate{id: c.ID, open: c.Peer})
		}
	}
	if o.State != Open {
		for _, f := range r.source.Closed() {
			all = append(all, candidate{id: f.ID, closed: f})
		}
	}
	if o.Account != "" {
		var f facts.Connection
		all = slices.DeleteFunc(all, func(c candidate) bool {
			in := c.facts(&f, 0).Account
			if c.closed != nil && in == global {
				in = "" // as it is stored (spec: monitoring 7.4)
			}
			return in != o.Account
		})
	}
	*total = len(all)
	return all
}

// candidates of former requests, for their memory.
var candidates = sync.Pool{New: func() any { return new([]candidate) }}

// global is the account of everyone without another.
const global = "$G"

// only is the one connection asked for: an open one whatever else is asked for.
func only(all []candidate, o ConnzOptions) []candidate {
	var found []candidate
	for _, c := range all {
		switch {
		case c.id != o.CID:
		case c.open != nil:
			return []candidate{c}
		default:
			found = append(found, c)
		}
	}
	return matching(found, o)
}

// matching are the candidates that the filters let through.
func matching(all []candidate, o ConnzOptions) []candidate {
	switch {
	case o.MQTTClient != "":
		return nil
	case o.User == "":
		return all
	}
	var f facts.Connection
	return slices.DeleteFunc(all, func(c candidate) bool { return c.facts(&f, 0).User != o.User })
}

// order is how connections are sorted.
type order struct {
	key    func(f *facts.Connection, now time.Time) int64 // nil = by id
	reason bool                                           // by the text of the reason
}

func (o order) sort(all []candidate, now time.Time) {
	if o.key != nil || o.reason {
		var f facts.Connection
		for i := range all {
			known := all[i].facts(&f, 0)
			if all[i].reason = known.Reason; o.key != nil {
				all[i].key = o.key(known, now)
			}
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		if o.reason {
			return cmp.Or(cmp.Compare(a.reason, b.reason), cmp.Compare(a.id, b.id))
		}
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.id, b.id))
	})
}

// orders are the keys to sort by, smallest first.
var orders = map[string]order{
	"":           {},
	"cid":        {},
	"start":      {},
	"subs":       {key: func(f *facts.Connection, _ time.Time) int64 { return -int64(f.Subscriptions) }},
	"pending":    {key: func(f *facts.Connection, _ time.Time) int64 { return -f.Pending }},
	"msgs_to":    {key: func(f *facts.Connection, _ time.Time) int64 { return -f.OutMsgs }},
	"msgs_from":  {key: func(f *facts.Connection, _ time.Time) int64 { return -f.InMsgs }},
	"bytes_to":   {key: func(f *facts.Connection, _ time.Time) int64 { return -f.OutBytes }},
	"bytes_from": {key: func(f *facts.Connection, _ time.Time) int64 { return -f.InBytes }},
	"last":       {key: func(f *facts.Connection, _ time.Time) int64 { return -f.LastActivity.UnixNano() }},
	"idle":       {key: func(f *facts.Connection, now time.Time) int64 { return -int64(idle(f, now)) }},
	"uptime":     {key: func(f *facts.Connection, now time.Time) int64 { return int64(end(f, now).Sub(f.Start)) }},
	"stop":       {key: func(f *facts.Connection, _ time.Time) int64 { return -f.Stop.UnixNano() }},
	"reason":     {reason: true},
	"rtt":        {key: func(f *facts.Connection, _ time.Time) int64 { return -int64(f.RTT) }},
}

func orderOf(name string, state State) (order, error) {
	o, ok := orders[name]
	switch {
	case !ok:
		return o, badRequest("invalid sorting option: %s", name)
	case (name == "stop" || name == "reason") && state != Closed:
		return o, badRequest("sort by %s only valid on closed connections", name)
	}
	return o, nil
}

// end is the moment up to which times of a connection count.
func end(f *facts.Connection, now time.Time) time.Time {
	if f.Stop.IsZero() {
		return now
	}
	return f.Stop
}

func idle(f *facts.Connection, now time.Time) time.Duration { return end(f, now).Sub(f.LastActivity) }

// describe makes the entries of a page.
func describe(page []candidate, o ConnzOptions, now time.Time) ([]*Connection, error) {
	list, all := make([]*Connection, len(page)), make([]Connection, len(page))
	left := maxEntries
	for i := range page {
		var room facts.Connection
		wanted := 0
		if o.Subs != NoSubs {
			wanted = left + 1
		}
		f := page[i].facts(&room, wanted)
		if o.Subs != NoSubs {
			if left -= len(f.Subs); left < 0 {
				return nil, errTooMuch
			}
		}
		all[i] = connection(f, o, now)
		list[i] = &all[i]
	}
	return list, nil
}
