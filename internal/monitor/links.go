package monitor

import "net/url"

// Gatewayz is the report on gateways, of which there are none (spec: monitoring 9).
type Gatewayz struct {
	head
	Outbound map[string]struct{} `json:"outbound_gateways"`
	Inbound  map[string]struct{} `json:"inbound_gateways"`
}

func (r *Reports) gatewayz(q url.Values) (any, error) {
	p := params{values: q}
	p.boolean("accs")
	p.subs()
	z := &Gatewayz{head: r.head(), Outbound: map[string]struct{}{}, Inbound: map[string]struct{}{}}
	return z, p.err
}

// Leafz is the report on leafnodes, of which there are none (spec: monitoring 10).
type Leafz struct {
	head
	NumLeafs int        `json:"leafnodes"`
	Leafs    []struct{} `json:"leafs"`
}

func (r *Reports) leafz(q url.Values) (any, error) {
	p := params{values: q}
	p.boolean("subs")
	return &Leafz{head: r.head(), Leafs: []struct{}{}}, p.err
}

// Jsz is the report on JetStream, which is not there (spec: monitoring 13).
type Jsz struct {
	Memory          int `json:"memory"`
	Storage         int `json:"storage"`
	ReservedMemory  int `json:"reserved_memory"`
	ReservedStorage int `json:"reserved_storage"`
	Accounts        int `json:"accounts"`
	HAAssets        int `json:"ha_assets"`
	API             struct {
		Level  int `json:"level"`
		Total  int `json:"total"`
		Errors int `json:"errors"`
	} `json:"api"`
	head
	Disabled bool `json:"disabled"`
	Config   struct {
		MaxMemory  int `json:"max_memory"`
		MaxStorage int `json:"max_storage"`
	} `json:"config"`
	Streams   int `json:"streams"`
	Consumers int `json:"consumers"`
	Messages  int `json:"messages"`
	Bytes     int `json:"bytes"`
	Total     int `json:"total"`
}

func (r *Reports) jsz(url.Values) (any, error) { return &Jsz{head: r.head(), Disabled: true}, nil }
