package monitor

import (
	"cmp"
	"net/url"
	"slices"

	"nats-server/internal/facts"
	"nats-server/internal/subject"
)

// SublistStats are about tables of subscriptions. There is no cache of matches besides
// what each publishing connection remembers, so the numbers about it are 0.
type SublistStats struct {
	Subscriptions uint32  `json:"num_subscriptions"`
	Cache         uint32  `json:"num_cache"`
	Inserts       uint64  `json:"num_inserts"`
	Removes       uint64  `json:"num_removes"`
	Matches       uint64  `json:"num_matches"`
	CacheHitRate  float64 `json:"cache_hit_rate"`
	MaxFanout     uint32  `json:"max_fanout"`
	AvgFanout     float64 `json:"avg_fanout"`
}

func (s *SublistStats) add(a Account) {
	s.Subscriptions += uint32(a.Subscriptions)
	s.Inserts += a.Inserts
	s.Removes += a.Removes
}

// SubszOptions say what Subsz shows.
type SubszOptions struct {
	Subs          bool // the subscriptions themselves
	Offset, Limit int
	Test          string // only those that get messages to this subject; "" = all
	Account       string // only of this one; "" = all
}

func subszOptions(q url.Values) (o SubszOptions, err error) {
	p := params{values: q}
	o.Subs = p.boolean("subs")
	o.Offset = p.integer("offset")
	o.Limit = p.integer("limit")
	o.Test, o.Account = p.text("test"), p.text("acc")
	return o, p.err
}

// Subsz is the report on subscriptions (spec: monitoring 11).
type Subsz struct {
	head
	SublistStats
	Total  int            `json:"total"`
	Offset int            `json:"offset"`
	Limit  int            `json:"limit"`
	Subs   []Subscription `json:"subscriptions_list,omitempty"`
}

// Subsz returns the report on subscriptions.
func (r *Reports) Subsz(o SubszOptions) (*Subsz, error) {
	z := &Subsz{head: r.head(), Offset: max(o.Offset, 0), Limit: o.Limit}
	if z.Limit <= 0 {
		z.Limit = DefaultLimit
	}
	if o.Test != "" && !subject.Literal([]byte(o.Test)) {
		return nil, badRequest("invalid test subject, must be valid publish subject: %s", o.Test)
	}
	for _, a := range r.source.Accounts() {
		if o.Account == "" || o.Account == a.Name {
			z.add(a)
		}
	}
	if o.Subs {
		p := pager{z: z, o: o}
		room := crowds.Get().(*[]Client)
		defer release(room)
		*room = r.source.AppendClients((*room)[:0])
		slices.SortFunc(*room, func(a, b Client) int { return cmp.Compare(a.ID, b.ID) })
		for _, c := range *room {
			p.take(c)
		}
		if len(z.Subs) > maxEntries {
			return nil, errTooMuch
		}
	}
	return z, nil
}

// pager collects a page of subscriptions.
type pager struct {
	z     *Subsz
	o     SubszOptions
	known facts.Connection
}

// take goes through the subscriptions of one client. Those of which none is on the page
// are only counted.
func (p *pager) take(c Client) {
	z, f := p.z, &p.known
	n := c.NumSubscriptions()
	if n == 0 {
		return
	}
	if p.o.Test == "" && p.o.Account == "" && (z.Total+n <= z.Offset || z.Total-z.Offset >= z.Limit) {
		z.Total += n
		return
	}
	*f = facts.Connection{}
	c.Facts(f, n)
	if p.o.Account != "" && f.Account != p.o.Account {
		return
	}
	for i := range f.Subs {
		s := &f.Subs[i]
		if p.o.Test != "" && !subject.Match(s.Subject, p.o.Test) {
			continue
		}
		if at := z.Total - z.Offset; at >= 0 && at < z.Limit && len(z.Subs) <= maxEntries {
			z.Subs = append(z.Subs, detail(s, f.ID, f.Account))
		}
		z.Total++
	}
}
