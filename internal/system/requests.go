package system

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nats-server/internal/monitor"
)

// server is who answers.
type server struct {
	Name      string    `json:"name"`
	Host      string    `json:"host"`
	ID        string    `json:"id"`
	Cluster   string    `json:"cluster,omitempty"`
	Version   string    `json:"ver"`
	JetStream bool      `json:"jetstream"`
	Flags     uint64    `json:"flags"`
	Seq       uint64    `json:"seq"`
	Time      time.Time `json:"time"`
}

// response is an answer with a report.
type response struct {
	Server server `json:"server"`
	Data   any    `json:"data"`
}

// failed is an answer without the report that was asked for.
type failed struct {
	Server server          `json:"server"`
	Data   json.RawMessage `json:"data,omitempty"`
	Error  fault           `json:"error"`
}

type fault struct {
	Code        int    `json:"code"`
	Description string `json:"description"`
}

// answer makes the value to respond with. Without one there is no answer.
type answer func(r *Responder, q request, o options) (v any, err error)

// ofServer are the requests to servers, by the last token of the subject.
var ofServer = map[string]answer{
	"IDZ": func(r *Responder, _ request, _ options) (any, error) {
		s := r.server()
		return struct {
			Name string `json:"name"`
			Host string `json:"host"`
			ID   string `json:"id"`
		}{s.Name, s.Host, s.ID}, nil
	},
	"STATSZ": func(r *Responder, _ request, _ options) (any, error) {
		return struct {
			Server server `json:"server"`
			Stats  stats  `json:"statsz"`
		}{r.server(), r.stats()}, nil
	},
	"VARZ":     report("/varz"),
	"SUBSZ":    report("/subsz"),
	"CONNZ":    report("/connz"),
	"ROUTEZ":   report("/routez"),
	"GATEWAYZ": report("/gatewayz"),
	"LEAFZ":    report("/leafz"),
	"ACCOUNTZ": report("/accountz"),
	"JSZ":      report("/jsz"),
	"HEALTHZ":  report("/healthz"),
}

// ofAccount are the requests about one account.
var ofAccount = map[string]answer{
	"CONNZ": report("/connz"),
	"SUBSZ": report("/subsz"),
	"LEAFZ": report("/leafz"),
	"JSZ":   report("/jsz"),
	"INFO": func(r *Responder, q request, _ options) (any, error) {
		z, err := r.cfg.Reports.Accountz(q.account)
		if err != nil {
			return nil, err
		}
		return response{Server: r.server(), Data: z.Detail}, nil
	},
	"STATZ": accountStats,
}

// quick are those that never wait for a report that takes long.
var quick = map[string]bool{ping: true, "STATSZ": true, "IDZ": true}

const (
	serverPrefix  = "$SYS.REQ.SERVER."
	accountPrefix = "$SYS.REQ.ACCOUNT."
	ping          = "PING" // to all servers; alone it is STATSZ
)

// subjects are those that the server with that id listens to.
func subjects(id string) []string {
	all := []string{serverPrefix + ping}
	for kind := range ofServer {
		all = append(all, serverPrefix+ping+"."+kind, serverPrefix+id+"."+kind)
	}
	for kind := range ofAccount {
		all = append(all, accountPrefix+"*."+kind)
	}
	return all
}

// parts takes the subject of a request apart.
func parts(subject string) (account, kind string) {
	kind = subject[strings.LastIndexByte(subject, '.')+1:]
	if about, ok := strings.CutPrefix(subject, accountPrefix); ok {
		account, _, _ = strings.Cut(about, ".")
	}
	return account, kind
}

// answer makes the answer to a request and sends it.
func (r *Responder) answer(q request) error {
	var o options
	if body := strings.TrimSpace(string(q.body)); body != "" && q.kind != "IDZ" {
		if err := json.Unmarshal([]byte(body), &o); err != nil {
			return r.respond(q, r.refuse(http.StatusBadRequest, err.Error()))
		}
	}
	if !o.meets(r.server()) {
		return nil
	}
	kind, table := q.kind, ofServer
	switch {
	case q.account != "":
		table = ofAccount
	case kind == ping:
		kind = "STATSZ"
	}
	answer := table[kind]
	if answer == nil {
		return nil
	}
	switch v, err := answer(r, q, o); {
	case err != nil:
		f := r.refuse(http.StatusInternalServerError, err.Error())
		f.Data = json.RawMessage("null")
		return r.respond(q, f)
	case v != nil:
		return r.respond(q, v)
	}
	return nil
}

func (r *Responder) refuse(code int, text string) failed {
	return failed{Server: r.server(), Error: fault{code, text}}
}

// server is this one, with a new number for the next answer.
func (r *Responder) server() server {
	a := r.cfg.About()
	r.out.Lock()
	defer r.out.Unlock()
	r.seq++
	return server{
		Name: a.Name, Host: a.Options.Host, ID: a.ID, Cluster: a.ClusterName, Version: a.Version,
		Seq: r.seq, Time: time.Now().UTC(),
	}
}

// report is the answer that an endpoint of monitoring gives.
func report(path string) answer {
	return func(r *Responder, q request, o options) (any, error) {
		params, err := o.params(path, q.account)
		if err != nil {
			return nil, err
		}
		v, err := r.cfg.Reports.Ask(path, params)
		if err != nil {
			return nil, err
		}
		return response{Server: r.server(), Data: v}, nil
	}
}

func accountStats(r *Responder, q request, o options) (any, error) {
	z := r.cfg.Reports.Accstatz(o.IncludeUnused)
	kept := z.Accounts[:0]
	for _, a := range z.Accounts {
		if q.account == ping && o.wants(a.Account) || q.account == a.Account {
			kept = append(kept, a)
		}
	}
	if z.Accounts = kept; len(kept) == 0 && q.account != ping {
		return nil, nil
	}
	return response{Server: r.server(), Data: z}, nil
}

// options are what a request may say: which servers it is for, and what an endpoint has
// parameters for.
type options struct {
	ServerName string   `json:"server_name"`
	Cluster    string   `json:"cluster"`
	Host       string   `json:"host"`
	ExactMatch bool     `json:"exact_match"`
	Tags       []string `json:"tags"`
	Domain     string   `json:"domain"`

	Sort          string `json:"sort"`
	Auth          bool   `json:"auth"`
	Subs          bool   `json:"subscriptions"`
	SubsDetail    bool   `json:"subscriptions_detail"`
	Offset        int    `json:"offset"`
	Limit         int    `json:"limit"`
	CID           uint64 `json:"cid"`
	MQTTClient    string `json:"mqtt_client"`
	State         int    `json:"state"`
	User          string `json:"user"`
	InAccount     string `json:"acc"`
	FilterSubject string `json:"filter_subject"`
	Account       string `json:"account"`
	Test          string `json:"test"`
	Details       bool   `json:"details"`
	Stream        string `json:"stream"`
	Consumer      string `json:"consumer"`

	Accounts      []string `json:"-"` // of STATZ, see UnmarshalJSON
	IncludeUnused bool     `json:"include_unused"`
}

// UnmarshalJSON implements json.Unmarshaler. "accounts" is a list for STATZ, and a
// boolean for GATEWAYZ and JSZ, where there is nothing that it could show.
func (o *options) UnmarshalJSON(b []byte) error {
	type plain options
	var v struct {
		plain
		Accounts any `json:"accounts"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*o = options(v.plain)
	list, _ := v.Accounts.([]any)
	for _, name := range list {
		if text, ok := name.(string); ok {
			o.Accounts = append(o.Accounts, text)
		}
	}
	return nil
}

// wants reports whether the account is one of those asked for, which are all if none is
// named.
func (o *options) wants(account string) bool {
	return len(o.Accounts) == 0 || slices.Contains(o.Accounts, account)
}

// meets reports whether the request is for this server, which has no tags and no domain.
func (o *options) meets(s server) bool {
	fits := func(value, wanted string) bool {
		return wanted == "" || value == wanted || !o.ExactMatch && strings.Contains(value, wanted)
	}
	return len(o.Tags) == 0 && o.Domain == "" && fits(s.Name, o.ServerName) && fits(s.Cluster, o.Cluster) && fits(s.Host, o.Host)
}

var errFilter = errors.New("filter by subject only valid with account filtering")

// params are the options as an endpoint of monitoring has them, in a request about an
// account, or about the server.
func (o *options) params(path, account string) (url.Values, error) {
	p := url.Values{}
	set := func(name, v string) {
		if v != "" {
			p.Set(name, v)
		}
	}
	flag := func(name string, v bool) {
		if v {
			p.Set(name, "1")
		}
	}
	flag("auth", o.Auth)
	flag("subs", o.Subs || path == "/subsz" && account != "")
	if o.SubsDetail {
		p.Set("subs", "detail")
	}
	flag("details", o.Details)
	set("sort", o.Sort)
	set("user", o.User)
	set("mqtt_client", o.MQTTClient)
	set("test", o.Test)
	set("stream", o.Stream)
	set("consumer", o.Consumer)
	p.Set("offset", strconv.Itoa(o.Offset))
	p.Set("limit", strconv.Itoa(o.Limit))
	p.Set("cid", strconv.FormatUint(o.CID, 10))
	states := []string{"open", "closed", "all"}
	if o.State < 0 || o.State >= len(states) {
		return nil, &monitor.Fault{Status: http.StatusBadRequest, Text: "invalid state: " + strconv.Itoa(o.State)}
	}
	p.Set("state", states[o.State])
	if account == "" {
		account = o.InAccount
	}
	if account == "" {
		account = o.Account
	}
	set("acc", account)
	set("account", account)
	if o.FilterSubject != "" {
		if account == "" {
			return nil, errFilter
		}
		p.Set("filter_subject", o.FilterSubject)
	}
	return p, nil
}
