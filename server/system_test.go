package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// withSystem are options with a user of the system account, and one of another.
func withSystem(o server.Options) server.Options {
	o.Accounts = []*server.Account{
		{Name: "$SYS", Users: []*server.User{{Username: "sys", Password: "p"}}},
		{Name: "A", Users: []*server.User{{Username: "a", Password: "p"}}},
	}
	return o
}

// asSystem is a client of the system account, when the server answers there.
func asSystem(t testing.TB, url string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, nats.UserInfo("sys", "p"), nats.Timeout(patience))
	noErr(t, err)
	t.Cleanup(nc.Close)
	testkit.Eventually(t, patience, "somebody answers", func() bool {
		_, err := nc.Request("$SYS.REQ.SERVER.PING.IDZ", nil, patience)
		return err == nil
	})
	return nc
}

// systemReply is what all answers have in common.
type systemReply struct {
	Server struct {
		Name, Host, ID, Cluster, Ver string
		Time                         time.Time
	}
	Data  json.RawMessage
	Stats json.RawMessage `json:"statsz"`
	Error *struct {
		Code        int
		Description string
	}
}

// What clients of the system account may ask a server, and how it answers (spec: monitoring
// 14, accounts-and-auth 7.4; checked against the reference).
func TestSystemRequests(t *testing.T) {
	o := withSystem(server.Options{ServerName: "one"})
	s := testkit.Start(t, &o)
	nc := asSystem(t, s.ClientURL())
	a := dial(t, s, nats.UserInfo("a", "p"), nats.Name("one of A"))
	_, err := a.SubscribeSync("a.b")
	noErr(t, err)
	flush(t, a)
	ask := func(subject, body string) (m *nats.Msg, r systemReply) {
		t.Helper()
		m, err := nc.Request("$SYS.REQ."+subject, []byte(body), patience)
		if err != nil {
			t.Fatalf("%s %s: %v", subject, body, err)
		}
		noErr(t, json.Unmarshal(m.Data, &r))
		return m, r
	}
	f := func(subject, body string, want ...string) {
		t.Helper()
		_, r := ask(subject, body)
		if r.Server.ID != s.ID() || r.Server.Name != "one" || r.Server.Host != "127.0.0.1" || r.Server.Ver != server.Version || r.Server.Time.IsZero() {
			t.Errorf("%s %s: answered by %+v", subject, body, r.Server)
		}
		for _, w := range want {
			if !strings.Contains(string(r.Data)+string(r.Stats), w) {
				t.Errorf("%s %s: no %s in %s%s", subject, body, w, r.Data, r.Stats)
			}
		}
	}
	for _, to := range []string{"PING", s.ID()} {
		f("SERVER."+to+".VARZ", "", `"server_name":"one"`, `"connections":2`, `"subscriptions":2`)
		f("SERVER."+to+".STATSZ", "", `"connections":2`, `"active_accounts":2`, `"active_servers":1`)
		f("SERVER."+to+".CONNZ", "", `"num_connections":2`, `"limit":1024`)
		f("SERVER."+to+".CONNZ", `{"acc":"A","auth":true,"subscriptions":true}`, `"num_connections":1`, `"authorized_user":"a"`, `"subscriptions_list":["a.b"]`)
		f("SERVER."+to+".CONNZ", `{"acc":"A","filter_subject":"a.*","subscriptions_detail":true}`, `"num_connections":1`, `"subject":"a.b"`)
		f("SERVER."+to+".CONNZ", `{"acc":"A","filter_subject":"b.*"}`, `"num_connections":0`)
		f("SERVER."+to+".CONNZ", `{"state":1}`, `"num_connections":0`)
		f("SERVER."+to+".CONNZ", `{"limit":1,"offset":1,"sort":"uptime"}`, `"num_connections":1`, `"total":2`, `"offset":1`)
		f("SERVER."+to+".SUBSZ", `{"subscriptions":true,"account":"A"}`, `"total":1`, `"subject":"a.b"`)
		f("SERVER."+to+".ROUTEZ", "", `"num_routes":0`)
		f("SERVER."+to+".GATEWAYZ", `{"accounts":true}`, `"outbound_gateways":{}`)
		f("SERVER."+to+".LEAFZ", "", `"leafnodes":0`)
		f("SERVER."+to+".JSZ", "", `"disabled":true`)
		f("SERVER."+to+".ACCOUNTZ", "", `"accounts":["$G","$SYS","A"]`)
		f("SERVER."+to+".ACCOUNTZ", `{"account":"A"}`, `"account_name":"A"`, `"client_connections":1`)
		f("SERVER."+to+".HEALTHZ", `{"details":true}`, `{"status":"ok","status_code":200}`)
	}
	f("SERVER.PING", "", `"connections":2`)
	f("SERVER.PING.VARZ", `{"server_name":"on","host":"127","tags":[]}`, `"server_name":"one"`)
	f("SERVER.PING.VARZ", `{"server_name":"one","host":"127.0.0.1","exact_match":true}`, `"server_name":"one"`)
	f("ACCOUNT.A.CONNZ", "", `"num_connections":1`)
	f("ACCOUNT.NOPE.CONNZ", "", `"server_id":""`, `"connections":null`)
	f("ACCOUNT.A.SUBSZ", "", `"subject":"a.b"`)
	f("ACCOUNT.A.INFO", "", `"account_name":"A"`, `"subscriptions":1`)
	f("ACCOUNT.A.STATZ", "", `"acc":"A"`, `"conns":1`)
	f("ACCOUNT.PING.STATZ", `{"accounts":["A"]}`, `"account_statz":[{"acc":"A"`)
	f("ACCOUNT.PING.STATZ", `{"include_unused":true}`, `{"acc":"$G"`, `{"acc":"$SYS"`, `{"acc":"A"`)
	if m, _ := ask("SERVER.PING.IDZ", "{bad"); string(m.Data) != fmt.Sprintf(`{"name":"one","host":"127.0.0.1","id":%q}`, s.ID()) {
		t.Errorf("IDZ: %s", m.Data)
	}

	refused := func(subject, body string, code int, data, want string) {
		t.Helper()
		_, r := ask(subject, body)
		if r.Error == nil || r.Error.Code != code || !strings.Contains(r.Error.Description, want) || string(r.Data) != data {
			t.Errorf("%s %s: data %q, %+v", subject, body, r.Data, r.Error)
		}
	}
	refused("SERVER.PING.CONNZ", `{"sort":"bogus"}`, 500, "null", "invalid sorting option: bogus")
	refused("SERVER.PING.CONNZ", `{"sort":`, 400, "", "unexpected end of JSON input")
	refused("SERVER.PING.CONNZ", `{"state":"all"}`, 400, "", "cannot unmarshal string")
	refused("SERVER.PING.CONNZ", `{"state":7}`, 500, "null", "invalid state: 7")
	refused("SERVER.PING.CONNZ", `{"filter_subject":"a"}`, 500, "null", "filter by subject only valid with account filtering")
	refused("ACCOUNT.NOPE.INFO", "", 500, "null", "Account NOPE does not exist")

	// Who is not meant says nothing. A later answer shows that there is none.
	silent := func(subject, body string) {
		t.Helper()
		inbox, err := nc.SubscribeSync(nats.NewInbox())
		noErr(t, err)
		noErr(t, nc.PublishRequest("$SYS.REQ."+subject, inbox.Subject, []byte(body)))
		noErr(t, nc.PublishRequest("$SYS.REQ.SERVER.PING.VARZ", inbox.Subject, nil))
		var r struct{ Data struct{ Proto int } }
		m := next(t, inbox)
		if noErr(t, json.Unmarshal(m.Data, &r)); r.Data.Proto != 1 {
			t.Errorf("%s %s: %s", subject, body, m.Data)
		}
		noErr(t, inbox.Unsubscribe())
	}
	silent("SERVER.PING.CONNZ", `{"server_name":"two"}`)
	silent("SERVER.PING.CONNZ", `{"server_name":"on","exact_match":true}`)
	silent("SERVER.PING.CONNZ", `{"cluster":"C"}`)
	silent("SERVER.PING.CONNZ", `{"tags":["x"]}`)
	silent("SERVER.PING.CONNZ", `{"domain":"d"}`)
	silent("ACCOUNT.$G.STATZ", "")

	for _, subject := range []string{"SERVER.PING.FOO", "SERVER." + s.ID() + ".FOO", "ACCOUNT.A.FOO", "ACCOUNT.A.CONNS"} {
		if m, err := nc.Request("$SYS.REQ."+subject, nil, patience); err != nats.ErrNoResponders {
			t.Errorf("%s: %v, %v", subject, m, err)
		}
	}
	if m, err := a.Request("$SYS.REQ.SERVER.PING", nil, patience); err != nats.ErrNoResponders {
		t.Errorf("in another account: %v, %v", m, err)
	}
	flush(t, nc)
	if clients, subs := s.NumClients(), s.NumSubscriptions(); clients != 2 || subs != 3 {
		t.Errorf("%d clients, %d subscriptions", clients, subs) // that of a, and the inboxes of both
	}
}

// Answers are compressed as the request asks for.
func TestSystemAnswersAreCompressed(t *testing.T) {
	o := withSystem(server.Options{})
	nc := asSystem(t, testkit.Start(t, &o).ClientURL())
	f := func(accept, encoding string, open func(b []byte) (io.Reader, error)) {
		t.Helper()
		q := nats.NewMsg("$SYS.REQ.SERVER.PING.VARZ")
		q.Header.Set("Accept-Encoding", accept)
		m, err := nc.RequestMsg(q, patience)
		noErr(t, err)
		r, err := open(m.Data)
		noErr(t, err)
		var v systemReply
		if noErr(t, json.NewDecoder(r).Decode(&v)); v.Server.ID == "" || m.Header.Get("Content-Encoding") != encoding {
			t.Errorf("%s: %v", accept, m.Header)
		}
	}
	plain := func(b []byte) (io.Reader, error) { return bytes.NewReader(b), nil }
	snappy := func(b []byte) (io.Reader, error) { return s2.NewReader(bytes.NewReader(b)), nil }
	f("snappy", "snappy", snappy)
	f("s2", "snappy", snappy)
	f("GZIP", "gzip", func(b []byte) (io.Reader, error) { return gzip.NewReader(bytes.NewReader(b)) })
	f("br", "identity", plain)
}

// All servers of a cluster answer, ours and the reference, whichever is asked.
func TestSystemRequestsInACluster(t *testing.T) {
	route := freePort(t)
	theirs := testkit.StartReferenceConfig(t, fmt.Sprintf(`server_name: theirs
		accounts { $SYS { users: [{user: sys, password: p}] } }
		cluster { name: C1, listen: "127.0.0.1:%d" }`, route))
	var urls []string
	for _, name := range []string{"one", "two"} {
		s := clustered(t, server.ClusterOptions{Name: "C1", Routes: []string{fmt.Sprintf("nats://127.0.0.1:%d", route)}}, withSystem(server.Options{ServerName: name}))
		urls = append(urls, s.ClientURL())
	}
	for _, url := range append(urls, "nats://"+theirs) {
		nc := asSystem(t, url)
		testkit.Eventually(t, patience, "all answer at "+url, func() bool {
			inbox, err := nc.SubscribeSync(nats.NewInbox())
			noErr(t, err)
			noErr(t, nc.PublishRequest("$SYS.REQ.SERVER.PING.ROUTEZ", inbox.Subject, nil))
			var names []string
			for len(names) < 3 {
				m, err := inbox.NextMsg(time.Second)
				if err != nil {
					return false
				}
				var r systemReply
				noErr(t, json.Unmarshal(m.Data, &r))
				names = append(names, r.Server.Name+" "+r.Server.Cluster)
			}
			slices.Sort(names)
			return slices.Equal(names, []string{"one C1", "theirs C1", "two C1"})
		})
	}
}

// A flood of requests is answered in part, and harms nobody.
func TestFloodOfSystemRequests(t *testing.T) {
	o := withSystem(server.Options{})
	s := testkit.Start(t, &o)
	nc := asSystem(t, s.ClientURL())
	inbox := nats.NewInbox()
	var mu sync.Mutex
	answers := map[int]int{} // by code
	_, err := nc.Subscribe(inbox, func(m *nats.Msg) {
		var r systemReply
		if err := json.Unmarshal(m.Data, &r); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if r.Error != nil {
			answers[r.Error.Code]++
		} else {
			answers[200]++
		}
	})
	noErr(t, err)
	const many = 5000
	for range many {
		noErr(t, nc.PublishRequest("$SYS.REQ.SERVER.PING.VARZ", inbox, nil))
	}
	testkit.Eventually(t, patience, "all are answered", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return answers[200] > 0 && answers[200]+answers[503] == many
	})
	_, err = nc.Request("$SYS.REQ.SERVER.PING.VARZ", nil, patience)
	noErr(t, err)
}
