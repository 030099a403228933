package monitor

import (
	"cmp"
	"iter"
	"net/url"
	"slices"
	"time"

	"nats-server/internal/facts"
	"nats-server/internal/subject"
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

	// FilterSubject leaves those that have a subscription whose subject it matches; "" = all.
	FilterSubject string
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

// connzPage is a Connz of which the entries are made one by one. It must be released.
type connzPage struct {
	Connz // but for the entries
	shown []Client
	o     ConnzOptions
	room  *[]Client // backs shown; nil = there is nothing to release
}

func (p *connzPage) release() {
	if p.room != nil {
		release(p.room)
		p.room, p.shown = nil, nil
	}
}

// Connz returns a page of connections.
func (r *Reports) Connz(o ConnzOptions) (*Connz, error) {
	p, err := r.page(o)
	if err != nil {
		return nil, err
	}
	defer p.release()
	for c, err := range p.entries() {
		if err != nil {
			return nil, err
		}
		kept := *c
		p.Connections = append(p.Connections, &kept)
	}
	return &p.Connz, nil
}

func (r *Reports) page(o ConnzOptions) (*connzPage, error) {
	order, err := orderOf(o.Sort, o.State)
	if err != nil {
		return nil, err
	}
	p := &connzPage{Connz: Connz{head: r.head(), Offset: max(o.Offset, 0), Limit: o.Limit}, o: o}
	if p.Limit <= 0 {
		p.Limit = DefaultLimit
	}
	if o.Account != "" && !r.hasAccount(o.Account) {
		p.ServerID = ""
		return p, nil
	}
	p.room = crowds.Get().(*[]Client)
	*p.room = r.candidates(o, (*p.room)[:0], &p.Total)
	all := *p.room
	if o.CID > 0 {
		p.Limit = 1
		all = only(all, o)
	} else {
		all = matching(all, o)
		order.sort(all, p.Now)
	}
	all = all[min(p.Offset, len(all)):]
	p.shown = all[:min(p.Limit, len(all))]
	p.NumConnections, p.Connections = len(p.shown), []*Connection{}
	return p, nil
}

// entries makes the entries, each of which is only good until the next one.
func (p *connzPage) entries() iter.Seq2[*Connection, error] {
	return func(yield func(*Connection, error) bool) {
		var known facts.Connection
		var c Connection
		left := maxEntries
		for i := range p.shown {
			wanted := 0
			if p.o.Subs != NoSubs {
				wanted = left + 1
			}
			known = facts.Connection{}
			p.shown[i].Facts(&known, wanted)
			if p.o.Subs != NoSubs {
				if left -= len(known.Subs); left < 0 {
					yield(nil, errTooMuch)
					return
				}
			}
			if c = connection(&known, p.o, p.Now); !yield(&c, nil) {
				return
			}
		}
	}
}

func (r *Reports) hasAccount(name string) bool {
	return slices.ContainsFunc(r.source.Accounts(), func(a Account) bool { return a.Name == name })
}

// candidates appends to all the connections in the states wanted, and of the account
// wanted.
func (r *Reports) candidates(o ConnzOptions, all []Client, total *int) []Client {
	if o.State != Closed {
		all = r.source.AppendClients(all)
	}
	if o.State != Open {
		for _, f := range r.source.Closed() {
			all = append(all, Client{ID: f.ID, Peer: ended{f}})
		}
	}
	if o.Account != "" {
		var f facts.Connection
		all = slices.DeleteFunc(all, func(c Client) bool {
			f = facts.Connection{}
			c.Facts(&f, 0)
			if _, closed := c.Peer.(ended); closed && f.Account == global {
				f.Account = "" // as it is stored (spec: monitoring 7.4)
			}
			return f.Account != o.Account
		})
	}
	*total = len(all)
	return all
}

// global is the account of everyone without another.
const global = "$G"

// only is the one connection asked for: an open one whatever else is asked for.
func only(all []Client, o ConnzOptions) []Client {
	var found []Client
	for _, c := range all {
		if c.ID != o.CID {
			continue
		}
		if _, closed := c.Peer.(ended); !closed {
			return []Client{c}
		}
		found = append(found, c)
	}
	return matching(found, o)
}

// matching are the candidates that the filters let through.
func matching(all []Client, o ConnzOptions) []Client {
	switch {
	case o.MQTTClient != "":
		return nil
	case o.User == "" && o.FilterSubject == "":
		return all
	}
	subs := 0
	if o.FilterSubject != "" {
		subs = maxEntries
	}
	var f facts.Connection
	return slices.DeleteFunc(all, func(c Client) bool {
		f = facts.Connection{}
		c.Facts(&f, subs)
		return o.User != "" && f.User != o.User || o.FilterSubject != "" && !slices.ContainsFunc(f.Subs, func(s facts.Subscription) bool {
			return subject.Match(o.FilterSubject, s.Subject)
		})
	})
}

// order is how connections are sorted.
type order struct {
	key    func(f *facts.Connection, now time.Time) int64 // nil = by id
	reason bool                                           // by the text of the reason
}

func (o order) sort(all []Client, now time.Time) {
	switch {
	case o.reason: // only of those that have ended
		slices.SortFunc(all, func(a, b Client) int {
			return cmp.Or(cmp.Compare(a.Peer.(ended).Reason, b.Peer.(ended).Reason), cmp.Compare(a.ID, b.ID))
		})
		return
	case o.key == nil:
		slices.SortFunc(all, func(a, b Client) int { return cmp.Compare(a.ID, b.ID) })
		return
	}
	var f facts.Connection
	for i := range all {
		f = facts.Connection{}
		all[i].Facts(&f, 0)
		all[i].key = o.key(&f, now)
	}
	slices.SortFunc(all, func(a, b Client) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.ID, b.ID))
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
