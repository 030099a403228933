package monitor

import (
	"time"
)

// Accountz is the report on accounts (spec: monitoring 12): their names, or all about
// one of them.
type Accountz struct {
	head
	System   string         `json:"system_account,omitempty"`
	Accounts []string       `json:"accounts,omitempty"`
	Detail   *AccountDetail `json:"account_detail,omitempty"`
}

// AccountDetail is all about one account.
type AccountDetail struct {
	Name          string       `json:"account_name"`
	Updated       time.Time    `json:"update_time"`
	System        bool         `json:"is_system,omitempty"`
	Expired       bool         `json:"expired"`
	Complete      bool         `json:"complete"`
	JetStream     bool         `json:"jetstream_enabled"`
	Leafs         int          `json:"leafnode_connections"`
	Clients       int          `json:"client_connections"`
	Subscriptions uint32       `json:"subscriptions"`
	NameTag       string       `json:"name_tag,omitempty"`
	Sublist       SublistStats `json:"sublist_stats"`
}

// Accountz returns the report on accounts, or on the one with that name.
func (r *Reports) Accountz(name string) (*Accountz, error) {
	z := &Accountz{head: r.head()}
	for _, a := range r.source.Accounts() {
		if a.System {
			z.System = a.Name
		}
		switch name {
		case "":
			z.Accounts = append(z.Accounts, a.Name)
		case a.Name:
			totals := r.accountTotals()[name]
			if totals == nil {
				totals = new(accountTotals)
			}
			z.Detail = &AccountDetail{
				Name: name, Updated: a.Updated.UTC(), System: a.System, Complete: true, NameTag: name,
				Clients: totals.clients, Leafs: totals.leafs, Subscriptions: uint32(a.Subscriptions),
			}
			z.Detail.Sublist.add(a)
		}
	}
	if name != "" && z.Detail == nil {
		return nil, badRequest("Account %s does not exist", name)
	}
	return z, nil
}

// Accstatz is the report on the traffic of accounts.
type Accstatz struct {
	head
	Accounts []*AccountStat `json:"account_statz"`
}

// AccountStat is the traffic of one account.
type AccountStat struct {
	Account       string `json:"acc"`
	Name          string `json:"name"`
	Conns         int    `json:"conns"`
	Leafs         int    `json:"leafnodes"`
	TotalConns    int    `json:"total_conns"`
	Subscriptions uint32 `json:"num_subscriptions"`
	Sent          Moved  `json:"sent"`
	Received      Moved  `json:"received"`
	SlowConsumers int64  `json:"slow_consumers"`
}

// Moved is messages that went one way, all together and over links to other servers.
type Moved struct {
	Count
	Gateways Count `json:"gateways"`
	Routes   Count `json:"routes"`
	Leafs    Count `json:"leafs"`
}

// Count is a number of messages and their bytes.
type Count struct {
	Msgs  int64 `json:"msgs"`
	Bytes int64 `json:"bytes"`
}

func (m *Moved) add(kind string, msgs, bytes int64) {
	m.Msgs += msgs
	m.Bytes += bytes
	switch kind {
	case "gateways":
		m.Gateways = Count{msgs, bytes}
	case "routes":
		m.Routes = Count{msgs, bytes}
	case "leafs":
		m.Leafs = Count{msgs, bytes}
	}
}

// Accstatz returns the traffic of the accounts that are in use, or of all.
func (r *Reports) Accstatz(unused bool) *Accstatz {
	z := &Accstatz{head: r.head(), Accounts: []*AccountStat{}}
	totals := r.accountTotals()
	for _, a := range r.source.Accounts() {
		t := totals[a.Name]
		if t == nil {
			t = new(accountTotals)
		}
		if conns := t.clients + t.leafs; unused || conns > 0 {
			z.Accounts = append(z.Accounts, &AccountStat{
				Account: a.Name, Name: a.Name, Conns: t.clients, Leafs: t.leafs, TotalConns: conns,
				Subscriptions: uint32(a.Subscriptions), Sent: t.sent, Received: t.received, SlowConsumers: t.slow,
			})
		}
	}
	return z
}

// accountTotals is an account over all kinds of connections.
type accountTotals struct {
	clients, leafs int
	sent, received Moved
	slow           int64
}

func (r *Reports) accountTotals() map[string]*accountTotals {
	all := make(map[string]*accountTotals)
	for _, k := range r.source.Kinds() {
		for name, part := range k.Total.Accounts {
			t := all[name]
			if t == nil {
				t = new(accountTotals)
				all[name] = t
			}
			switch k.Name {
			case "clients":
				t.clients = part.Open
			case "leafs":
				t.leafs = part.Open
			}
			t.sent.add(k.Name, part.OutMsgs, part.OutBytes)
			t.received.add(k.Name, part.InMsgs, part.InBytes)
			t.slow += part.SlowConsumers
		}
	}
	return all
}
