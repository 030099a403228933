package dashboard_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"nats-server/internal/dashboard"
	"nats-server/internal/insight"
	"nats-server/internal/keys"
)

// object is a report, or a part of one.
type object = map[string]any

// hostile is a text of a client that would like to be markup.
const hostile = `<img src=x onerror="document.title='owned'">`

// fake is a monitor that makes up a busy server in a cluster, in the form of spec:
// monitoring. Its counters grow with time.
type fake struct {
	start time.Time
	alone bool        // no other servers
	down  atomic.Bool // answers nothing
	base  string      // path prefix
	polls atomic.Int64
}

func newFake() *fake { return &fake{start: time.Now().Add(-90061 * time.Second)} }

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.down.Load() {
		panic(http.ErrAbortHandler)
	}
	below, ok := strings.CutPrefix(r.URL.Path, f.base)
	if !ok {
		http.NotFound(w, r)
		return
	}
	if strings.HasPrefix(below, dashboard.Path) {
		r.URL.Path = below
		dashboard.Handler(dashboard.Config{Subjects: f.subjects, Settings: f.settings}).ServeHTTP(w, r)
		return
	}
	reports := map[string]func(*http.Request) object{
		"/varz": f.varz, "/connz": f.connz, "/routez": f.routez,
		"/gatewayz": f.gatewayz, "/leafz": f.leafz, "/accstatz": f.accstatz,
	}
	report, ok := reports[below]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if below == "/varz" {
		f.polls.Add(1)
	}
	o := report(r)
	o["now"] = time.Now().UTC()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(o)
}

// counted is a counter that grows by so much per second.
func (f *fake) counted(perSecond float64) int64 {
	return int64(perSecond * time.Since(f.start).Seconds())
}

func (f *fake) varz(*http.Request) object {
	wave := float64(time.Now().Unix()%60) / 60
	return object{
		"server_id": "NAGFR2SKG2Y5XL3M4ZQXV6U2QWJX5GZV7CFNTLRKSJOTUJZEXAMPLE00", "server_name": "eu-north-1", "version": "3.0.0",
		"go": "go1.26.8", "host": "0.0.0.0", "port": 4222, "max_connections": 65536, "max_payload": 1 << 20,
		"max_pending": 64 << 20, "cluster": object{"name": "europe"}, "start": f.start.UTC(), "uptime": "1d1h1m1s",
		"config_load_time": f.start.UTC(), "config_digest": "sha256:" + strings.Repeat("0af3", 16), "tags": []string{"zone:2"},
		"mem": 48_300_000 + int(wave*9e6), "cores": 2, "gomaxprocs": 2, "cpu": 31.5 + 20*wave,
		"connections": 1204, "total_connections": 20418, "routes": 8, "remotes": 2, "leafnodes": 3,
		"in_msgs": f.counted(18250) + int64(9e4*wave), "in_bytes": f.counted(2.3e6) + int64(4e7*wave),
		"out_msgs": f.counted(36800) + int64(8e4*wave), "out_bytes": f.counted(4.7e6) + int64(3e7*wave),
		"slow_consumers": 3, "stale_connections": 1, "stalled_clients": 12, "subscriptions": 18230,
		"slow_consumer_stats": object{"clients": 3, "routes": 0, "gateways": 0, "leafs": 0},
	}
}

// connz has 250 open connections and as many closed ones.
func (f *fake) connz(r *http.Request) object {
	const total = 250
	q := r.URL.Query()
	offset, _ := strconv.Atoi(q.Get("offset"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	closed := q.Get("state") == "closed"
	list := []object{}
	for i := offset; i < min(offset+limit, total); i++ {
		list = append(list, f.connection(i+1, closed))
	}
	return object{"num_connections": len(list), "total": total, "offset": offset, "limit": limit, "connections": list}
}

func (f *fake) connection(cid int, closed bool) object {
	c := object{
		"cid": cid, "kind": "Client", "type": "nats", "ip": "10.1.2." + strconv.Itoa(cid%256), "port": 40000 + cid,
		"start": f.start.UTC(), "last_activity": time.Now().UTC(), "rtt": "1.280738ms", "uptime": "3h4m5s", "idle": "2s",
		"pending_bytes": 0, "in_msgs": f.counted(float64(300 / cid)), "out_msgs": f.counted(float64(900 / cid)),
		"in_bytes": f.counted(float64(30000 / cid)), "out_bytes": f.counted(float64(90000 / cid)), "subscriptions": 3 + cid%7,
		"name": fmt.Sprintf("orders-worker-%d", cid), "lang": "go", "version": "1.55.0", "authorized_user": "orders", "account": "SHOP",
	}
	switch cid {
	case 2:
		c["name"] = hostile
	case 3:
		c["pending_bytes"], c["stalls"] = 23_400_000, 17
	case 4:
		c["name"] = strings.Repeat("a-very-long-name-", 15)
	}
	if closed {
		c["stop"], c["reason"] = time.Now().Add(-time.Duration(cid)*time.Minute).UTC(), "Client Closed"
		if cid%5 == 0 {
			c["reason"] = "Slow Consumer (Pending Bytes)"
		}
	}
	return c
}

func (f *fake) routez(*http.Request) object {
	list := []object{}
	for i := range 8 {
		if f.alone {
			break
		}
		pending := 0
		if i == 5 {
			pending = 1_250_000
		}
		list = append(list, object{
			"rid": i, "remote_id": fmt.Sprintf("N%d", i/4), "remote_name": fmt.Sprintf("eu-%d", i/4), "did_solicit": i < 4,
			"is_configured": true, "ip": "10.0.0.2", "port": 6222, "rtt": "412µs", "pending_size": pending,
			"in_msgs": f.counted(1000), "out_msgs": f.counted(500), "subscriptions": 120, "compression": "s2_fast",
		})
	}
	return object{"num_routes": len(list), "routes": list}
}

func (f *fake) gatewayz(*http.Request) object {
	if f.alone {
		return object{"outbound_gateways": object{}, "inbound_gateways": object{}}
	}
	c := object{
		"cid": 11, "kind": "Gateway", "ip": "192.0.2.7", "port": 7222, "rtt": "21.5ms", "pending_bytes": 0,
		"in_msgs": f.counted(10), "out_msgs": f.counted(30), "subscriptions": 54, "name": "NB",
	}
	return object{
		"name": "europe", "host": "0.0.0.0", "port": 7222,
		"outbound_gateways": object{"america": object{"configured": true, "connection": c}},
		"inbound_gateways":  object{"america": []object{{"configured": false, "connection": c}}, "asia": []object{{"configured": false, "connection": c}}},
	}
}

func (f *fake) leafz(*http.Request) object {
	list := []object{}
	for i := range 3 {
		if f.alone {
			break
		}
		list = append(list, object{
			"id": 40 + i, "name": fmt.Sprintf("factory-%d%s", i, hostile), "is_spoke": false, "account": "SHOP", "ip": "198.51.100.4",
			"port": 50123, "rtt": "38.1ms", "in_msgs": f.counted(70), "out_msgs": f.counted(5), "subscriptions": 7,
		})
	}
	return object{"leafnodes": len(list), "leafs": list}
}

func (f *fake) accstatz(*http.Request) object {
	account := func(name string, scale float64) object {
		flow := func(perSecond float64) object {
			return object{"msgs": f.counted(perSecond * scale), "bytes": f.counted(100 * perSecond * scale)}
		}
		return object{
			"acc": name, "name": name, "conns": 4, "leafnodes": 1, "total_conns": 5, "num_subscriptions": 31,
			"sent": flow(2000), "received": flow(1000), "slow_consumers": int(3 * scale),
		}
	}
	return object{"account_statz": []object{account("$G", 0), account("SHOP", 1), account("METRICS", 0.2)}}
}

func (f *fake) subjects() insight.Report {
	r := insight.Report{Now: time.Now(), Watching: 12, Samples: 9000, Total: insight.Rate{Msgs: 10000, Bytes: 1e6}}
	row := func(subject string, tokens int, share float64) insight.Row {
		return insight.Row{Account: "SHOP", Subject: subject, Tokens: tokens, Share: share, Rate: insight.Rate{Msgs: 10000 * share, Bytes: 1e6 * share}}
	}
	r.Prefixes = []insight.Row{row("orders", 1, 0.8), row("orders.eu", 2, 0.5), row("orders.eu.new", 3, 0.3)}
	r.Subjects = []insight.Row{row("_INBOX.>", 0, 0.12), row(hostile, 0, 0.08)}
	for i := range 60 {
		r.Subjects = append(r.Subjects, row(fmt.Sprintf("orders.eu.new.%04d", i), 0, 0.3/float64(i+9)))
	}
	return r
}

func (f *fake) settings() []keys.Shown {
	return []keys.Shown{
		{Name: "listen", Value: "0.0.0.0:4222", Default: true, Reload: "needs a restart", Why: "clients have been told the address"},
		{Name: "authorization password", Secret: true, Reload: "applied to new connections"},
		{Name: "server_name", Value: `"eu-north-1"`, Reload: "applied at once"},
	}
}
