package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// watched starts a server that can be watched, and returns where.
func watched(t testing.TB, o server.Options) (s *server.Server, base string) {
	t.Helper()
	o.Host, o.Port = "127.0.0.1", server.RandomPort
	if o.HTTPSPort == 0 {
		o.HTTPPort = server.RandomPort
	}
	s = testkit.Start(t, &o)
	return s, "http://" + s.MonitorAddr().String()
}

// report asks for a path and decodes the answer into v.
func report(t testing.TB, base, path string, v any) {
	t.Helper()
	status, _, body := get(t, base, path)
	if err := json.Unmarshal([]byte(body), v); status != http.StatusOK || err != nil {
		t.Fatalf("%s: %d %v %s", path, status, err, body)
	}
}

// varz are the fields of /varz that tests look at.
type varz struct {
	Connections   int            `json:"connections"`
	Total         int            `json:"total_connections"`
	InMsgs        int            `json:"in_msgs"`
	InBytes       int            `json:"in_bytes"`
	OutMsgs       int            `json:"out_msgs"`
	OutBytes      int            `json:"out_bytes"`
	Slow          int            `json:"slow_consumers"`
	SlowStats     map[string]int `json:"slow_consumer_stats"`
	Subscriptions int            `json:"subscriptions"`
	Requests      map[string]int `json:"http_req_stats"`
	Mem           int            `json:"mem"`
	Uptime        string         `json:"uptime"`
	BasePath      string         `json:"http_base_path"`
	NotAfter      *time.Time     `json:"tls_cert_not_after"`
}

// connz are the fields of /connz that tests look at.
type connz struct {
	Num         int    `json:"num_connections"`
	Total       int    `json:"total"`
	Offset      int    `json:"offset"`
	Limit       int    `json:"limit"`
	ServerID    string `json:"server_id"`
	Connections []struct {
		CID           uint64     `json:"cid"`
		Name          string     `json:"name"`
		Lang          string     `json:"lang"`
		IP            string     `json:"ip"`
		Port          int        `json:"port"`
		User          string     `json:"authorized_user"`
		Reason        string     `json:"reason"`
		RTT           string     `json:"rtt"`
		InMsgs        int        `json:"in_msgs"`
		InBytes       int        `json:"in_bytes"`
		OutMsgs       int        `json:"out_msgs"`
		OutBytes      int        `json:"out_bytes"`
		Pending       int        `json:"pending_bytes"`
		Subscriptions int        `json:"subscriptions"`
		Start         time.Time  `json:"start"`
		Last          time.Time  `json:"last_activity"`
		Stop          *time.Time `json:"stop"`
		TLSVersion    string     `json:"tls_version"`
		Subs          []string   `json:"subscriptions_list"`
	} `json:"connections"`
}

// What was sent and received is counted for the connections, the account and the
// server, and stays counted when the connections have gone.
func TestTrafficIsCounted(t *testing.T) {
	s, base := watched(t, server.Options{})
	sub, pub := dial(t, s, nats.Name("sub")), dial(t, s, nats.Name("pub"))
	plain, err := sub.SubscribeSync("a.*")
	noErr(t, err)
	_, err = sub.QueueSubscribeSync("a.>", "g")
	noErr(t, err)
	flush(t, sub)
	m := nats.NewMsg("a.b")
	m.Header.Set("k", "v")
	m.Data = []byte("12345")
	size := len("NATS/1.0\r\nk: v\r\n\r\n12345")
	for range 10 {
		noErr(t, pub.PublishMsg(m))
	}
	flush(t, pub)
	for range 10 {
		next(t, plain)
	}
	totals := func() (v varz) {
		report(t, base, "/varz", &v)
		return v
	}
	want := varz{InMsgs: 10, InBytes: 10 * size, OutMsgs: 20, OutBytes: 20 * size}
	check := func(what string, got varz) {
		t.Helper()
		if got.InMsgs != want.InMsgs || got.InBytes != want.InBytes || got.OutMsgs != want.OutMsgs || got.OutBytes != want.OutBytes {
			t.Errorf("%s: got %+v, want %+v", what, got, want)
		}
	}
	check("while they are connected", totals())
	if v := totals(); v.Connections != 2 || v.Total != 2 || v.Subscriptions != 2 || v.Mem < 1<<20 || v.Uptime == "" {
		t.Errorf("%+v", v)
	}
	var c connz
	report(t, base, "/connz?subs=1", &c)
	if c.Num != 2 || c.Total != 2 || c.Limit != 1024 || len(c.Connections) != 2 {
		t.Fatalf("%+v", c)
	}
	one, two := c.Connections[0], c.Connections[1]
	if one.Name != "sub" || one.OutMsgs != 20 || one.OutBytes != 20*size || one.InMsgs != 0 || one.Subscriptions != 2 || len(one.Subs) != 2 {
		t.Errorf("the subscriber: %+v", one)
	}
	if two.Name != "pub" || two.InMsgs != 10 || two.InBytes != 10*size || two.OutMsgs != 0 || two.Lang != "go" || two.IP != "127.0.0.1" || two.Port == 0 {
		t.Errorf("the publisher: %+v", two)
	}
	for _, x := range c.Connections {
		if rtt, err := time.ParseDuration(x.RTT); err != nil || rtt <= 0 || rtt > patience {
			t.Errorf("%s: rtt %s", x.Name, x.RTT)
		}
		if x.Last.Before(x.Start) || x.Last.After(time.Now()) {
			t.Errorf("%s: start %v, last activity %v", x.Name, x.Start, x.Last)
		}
	}
	account := func() (v varz) {
		var z struct {
			Accounts []struct {
				Sent, Received struct{ Msgs, Bytes int }
			} `json:"account_statz"`
		}
		report(t, base, "/accstatz?unused=1", &z)
		a := z.Accounts[0]
		return varz{InMsgs: a.Received.Msgs, InBytes: a.Received.Bytes, OutMsgs: a.Sent.Msgs, OutBytes: a.Sent.Bytes}
	}
	check("of the account", account())

	sub.Close()
	pub.Close()
	testkit.Eventually(t, patience, "both have gone", func() bool { return totals().Connections == 0 })
	check("after they have gone", totals())
	check("of the account after that", account())
	if v := totals(); v.Total != 2 || v.Subscriptions != 0 {
		t.Errorf("%+v", v)
	}
	var closed connz
	report(t, base, "/connz?state=closed&sort=stop&subs=1&auth=1", &closed)
	if closed.Total != 2 || closed.Connections[0].Reason != "Client Closed" || closed.Connections[0].Stop == nil {
		t.Errorf("%+v", closed)
	}
}

func TestClosedConnectionsAreBounded(t *testing.T) {
	s, base := watched(t, server.Options{MaxClosedClients: 3})
	for i := range 5 {
		nc := dial(t, s, nats.Name(fmt.Sprint("n", i)))
		nc.Close()
		testkit.Eventually(t, patience, "it is remembered", func() bool {
			_, _, body := get(t, base, "/connz?state=closed")
			return strings.Contains(body, fmt.Sprintf(`"n%d"`, i))
		})
	}
	var c connz
	report(t, base, "/connz?state=closed", &c)
	names := ""
	for _, x := range c.Connections {
		names += x.Name
	}
	if names != "n2n3n4" {
		t.Errorf("remembered are %s", names)
	}
}

// Those who are not let in are remembered with the reason, too.
func TestWhyConnectionsWereClosed(t *testing.T) {
	s, base := watched(t, server.Options{Username: "u", Password: "p", MaxConn: 1})
	r := testkit.Dial(t, s.Addr().String())
	r.Send("CONNECT {\"user\":\"u\",\"pass\":\"wrong\",\"name\":\"guess\"}\r\n")
	_, err := r.TryClosed()
	noErr(t, err)
	testkit.Eventually(t, patience, "it has gone", func() bool { return s.NumClients() == 0 })
	first := testkit.Dial(t, s.Addr().String())
	first.Connect(`{"user":"u","pass":"p"}`)
	over := testkit.Dial(t, s.Addr().String())
	_, err = over.TryClosed()
	noErr(t, err)
	var c connz
	testkit.Eventually(t, patience, "both are remembered", func() bool {
		report(t, base, "/connz?state=closed&auth=1", &c)
		return c.Total == 2
	})
	if x := c.Connections[0]; x.Reason != "Authentication Failure" || x.Name != "guess" || x.User != "u" {
		t.Errorf("%+v", x)
	}
	if x := c.Connections[1]; x.Reason != "Maximum Connections Exceeded" {
		t.Errorf("%+v", x)
	}
}

func TestConnzPagesSortsAndFilters(t *testing.T) {
	s, base := watched(t, server.Options{Users: []*server.User{{Username: "a", Password: "p"}, {Username: "b", Password: "p"}}})
	for i := range 6 {
		nc := dial(t, s, nats.Name(fmt.Sprint("c", i)), nats.UserInfo(string(rune('a'+i%2)), "p"))
		for j := range (i * 5) % 6 {
			_, err := nc.SubscribeSync(fmt.Sprint("s", j))
			noErr(t, err)
			noErr(t, nc.Publish("none", make([]byte, 10*(6-i))))
		}
		flush(t, nc)
	}
	f := func(query, names string, total, limit int) {
		t.Helper()
		var c connz
		report(t, base, "/connz?"+query, &c)
		got := ""
		for _, x := range c.Connections {
			got += strings.TrimPrefix(x.Name, "c")
		}
		if got != names || c.Total != total || c.Limit != limit || c.Num != len(names) {
			t.Errorf("%s: got %q of %d, limit %d; want %q of %d, limit %d", query, got, c.Total, c.Limit, names, total, limit)
		}
	}
	f("", "012345", 6, 1024)
	f("limit=0&offset=-7", "012345", 6, 1024)
	f("limit=2", "01", 6, 2)
	f("limit=2&offset=5", "5", 6, 2)
	f("offset=6", "", 6, 1024)
	f("offset=9000000000", "", 6, 1024)
	f("sort=subs", "123450", 6, 1024)
	f("sort=subs&limit=2&offset=1", "23", 6, 2)
	f("sort=msgs_from", "123450", 6, 1024)
	f("sort=bytes_from", "123450", 6, 1024)
	f("sort=start", "012345", 6, 1024)
	f("sort=uptime", "543210", 6, 1024)
	f("user=a", "024", 6, 1024)
	f("user=a&limit=1&offset=1", "2", 6, 1)
	f("user=none", "", 6, 1024)
	f("mqtt_client=x", "", 6, 1024)
	f("cid=2&user=none", "1", 6, 1)
	f("cid=99", "", 6, 1)
	f("acc=$G", "012345", 6, 1024)
	f("acc=none", "", 0, 1024)
	f("state=closed", "", 0, 1024)
	f("state=any", "012345", 6, 1024)
	f("state=ANY&sort=cid", "012345", 6, 1024)
	f("limit=2&limit=3", "01", 6, 2)
	f("callback=x", "012345", 6, 1024)
}

func TestSubszFilters(t *testing.T) {
	s, base := watched(t, server.Options{})
	for i := range 3 {
		nc := dial(t, s)
		for _, filter := range []string{"a.b", "a.*", fmt.Sprint("own", i)} {
			_, err := nc.SubscribeSync(filter)
			noErr(t, err)
		}
		flush(t, nc)
	}
	f := func(query string, listed, total int) {
		t.Helper()
		var z struct {
			Num   int                                 `json:"num_subscriptions"`
			Total int                                 `json:"total"`
			Subs  []struct{ Subject, Account string } `json:"subscriptions_list"`
		}
		report(t, base, "/subsz?"+query, &z)
		if z.Num != 9 || z.Total != total || len(z.Subs) != listed {
			t.Errorf("%s: %+v", query, z)
		}
	}
	f("", 0, 0)
	f("subs=1", 9, 9)
	f("subs=1&limit=4", 4, 9)
	f("subs=1&limit=4&offset=7", 2, 9)
	f("subs=1&offset=100", 0, 9)
	f("subs=1&test=a.b", 6, 6)
	f("subs=1&test=a.b&limit=2&offset=3", 2, 6)
	f("subs=1&test=own1", 1, 1)
	f("subs=1&test=nothing", 0, 0)
	f("subs=1&acc=$G", 9, 9)
	if _, _, body := get(t, base, "/subscriptionsz?acc=none"); !strings.Contains(body, `"num_subscriptions": 0,`) {
		t.Error(body)
	}
	var v varz
	report(t, base, "/varz", &v)
	if v.Requests["/subsz"] != 11 || v.Requests["/subscriptionsz"] != 0 {
		t.Errorf("%v", v.Requests)
	}
}

func TestSlowConsumersAreCounted(t *testing.T) {
	s, base := watched(t, server.Options{MaxPending: 64 << 10, MaxPayload: 32 << 10})
	r := testkit.Dial(t, s.Addr().String())
	r.Connect("{}")
	r.Send("SUB big 1\r\nPING\r\n")
	r.ReadUntil("PONG")
	pub := dial(t, s)
	testkit.Eventually(t, patience, "it is cut off", func() bool {
		noErr(t, pub.Publish("big", make([]byte, 32<<10)))
		flush(t, pub)
		return s.NumSlowConsumers() == 1
	})
	testkit.Eventually(t, patience, "all is told", func() bool {
		var v varz
		report(t, base, "/varz", &v)
		_, _, account := get(t, base, "/accstatz?unused=1")
		_, _, metrics := get(t, base, "/metrics")
		return v.Slow == 1 && v.SlowStats["clients"] == 1 && v.SlowStats["routes"] == 0 &&
			strings.Contains(account, `"slow_consumers": 1`) &&
			strings.Contains(metrics, `nats_slow_consumers_total{kind="clients"} 1`) &&
			strings.Contains(metrics, `nats_connections_closed_total{kind="clients",reason="Slow Consumer (Pending Bytes)"} 1`)
	})
}

// What is sent counts for the account that the client is in at the time.
func TestTrafficOfAccounts(t *testing.T) {
	s, base := watched(t, server.Options{
		Accounts: []*server.Account{
			{Name: "A", Users: []*server.User{{Username: "a", Password: "p"}}},
			{Name: "B", Users: []*server.User{{Username: "b", Password: "p"}}},
		},
	})
	type stat struct {
		Acc            string
		Conns          int
		Sent, Received struct{ Msgs, Bytes int }
	}
	stats := func() map[string]stat {
		var z struct {
			Accounts []stat `json:"account_statz"`
		}
		report(t, base, "/accstatz?unused=1", &z)
		all := make(map[string]stat)
		for _, a := range z.Accounts {
			all[a.Acc] = a
		}
		return all
	}
	r := testkit.Dial(t, s.Addr().String())
	r.Connect(`{"user":"a","pass":"p"}`)
	r.Send("SUB x 1\r\nPUB x 3\r\nabc\r\nPING\r\n")
	r.ReadUntil("PONG")
	r.Connect(`{"user":"b","pass":"p"}`)
	r.Send("PUB x 5\r\n12345\r\nPING\r\n")
	r.ReadUntil("PONG")
	check := func(conns int) {
		t.Helper()
		all := stats()
		a, b := all["A"], all["B"]
		if a.Received.Msgs != 1 || a.Received.Bytes != 3 || a.Sent.Msgs != 1 || a.Sent.Bytes != 3 || a.Conns != 0 {
			t.Errorf("A: %+v", a)
		}
		if b.Received.Msgs != 1 || b.Received.Bytes != 5 || b.Sent.Msgs != 0 || b.Conns != conns {
			t.Errorf("B: %+v", b)
		}
		if len(all) != 4 || all["$G"].Received.Msgs != 0 || all["$SYS"].Acc != "$SYS" {
			t.Errorf("%+v", all)
		}
	}
	check(1)
	var c struct {
		Connections []struct {
			Account string
			User    string `json:"authorized_user"`
			Tag     string `json:"name_tag"`
		}
	}
	report(t, base, "/connz?auth=1&acc=B", &c)
	if len(c.Connections) != 1 || c.Connections[0].Account != "B" || c.Connections[0].User != "b" || c.Connections[0].Tag != "B" {
		t.Errorf("%+v", c)
	}
	noErr(t, r.Close())
	testkit.Eventually(t, patience, "it has gone", func() bool { return s.NumClients() == 0 })
	check(0)
	var z struct {
		System string `json:"system_account"`
		Detail struct {
			System bool `json:"is_system"`
		} `json:"account_detail"`
	}
	report(t, base, "/accountz?acc=$SYS", &z)
	if z.System != "$SYS" || !z.Detail.System {
		t.Errorf("%+v", z)
	}
}
