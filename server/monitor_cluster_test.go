package server_test

import (
	"strings"
	"testing"
	"time"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// What goes over routes is in the reports, and stays in the totals when they have ended.
func TestReportsOnRoutes(t *testing.T) {
	one := clustered(t, server.ClusterOptions{Name: "C1", PoolSize: -1, Username: "r", Password: "canary", Export: &server.SubjectPermission{Allow: []string{"a.>"}}},
		server.Options{ServerName: "one", HTTPPort: server.RandomPort, HTTPHost: "127.0.0.1"})
	two := clustered(t, server.ClusterOptions{Name: "C1", Routes: []string{"nats-route://r:canary@" + one.ClusterAddr().String()}},
		server.Options{ServerName: "two", HTTPPort: server.RandomPort, HTTPHost: "127.0.0.1"})
	base := "http://" + one.MonitorAddr().String()

	nc := dial(t, two)
	sub, err := nc.SubscribeSync("a.b")
	noErr(t, err)
	_, err = nc.QueueSubscribeSync("a.q", "g")
	noErr(t, err)
	flush(t, nc)
	var z struct {
		NumRoutes int `json:"num_routes"`
		Export    struct{ Allow []string }
		Routes    []struct {
			RID, Port    int
			RemoteID     string `json:"remote_id"`
			RemoteName   string `json:"remote_name"`
			IP, RTT      string
			Start        time.Time
			OutMsgs      int      `json:"out_msgs"`
			OutBytes     int      `json:"out_bytes"`
			Subs         []string `json:"subscriptions_list"`
			DidSolicit   bool     `json:"did_solicit"`
			IsConfigured bool     `json:"is_configured"`
		}
	}
	testkit.Eventually(t, patience, "the interest is there", func() bool {
		z.Routes = nil
		report(t, base, "/routez?subs=1", &z)
		return z.NumRoutes == 1 && len(z.Routes[0].Subs) == 2
	})
	pub := dial(t, one)
	noErr(t, pub.Publish("a.b", []byte("12345")))
	flush(t, pub)
	next(t, sub)
	z.Routes = nil
	report(t, base, "/routez", &z)
	r := z.Routes[0]
	if r.RemoteID != two.ID() || r.RemoteName != "two" || r.IP != "127.0.0.1" || r.Port == 0 || r.RID == 0 || r.Start.IsZero() ||
		r.OutMsgs != 1 || r.OutBytes != 5 || r.DidSolicit || r.IsConfigured || r.Subs != nil || len(z.Export.Allow) != 1 {
		t.Errorf("%+v", z)
	}
	var v struct {
		varz
		Routes, Remotes int
		OutClientMsgs   int `json:"out_client_msgs"`
		Cluster         struct {
			Name string
			Port int `json:"cluster_port"`
			URLs []string
		}
	}
	report(t, base, "/varz", &v)
	if v.Routes != 1 || v.Remotes != 1 || v.InMsgs != 1 || v.OutMsgs != 1 || v.OutClientMsgs != 0 || v.Cluster.Name != "C1" || v.Cluster.Port == 0 || v.Connections != 1 {
		t.Errorf("%+v", v)
	}
	other := "http://" + two.MonitorAddr().String()
	report(t, other, "/varz", &v)
	if len(v.Cluster.URLs) != 1 || v.Cluster.URLs[0] != one.ClusterAddr().String() || v.InMsgs != 1 || v.OutMsgs != 1 {
		t.Errorf("%+v", v)
	}
	for _, at := range []string{base, other} {
		for _, path := range []string{"/varz", "/routez?subs=detail", "/metrics"} {
			if _, _, body := get(t, at, path); strings.Contains(body, "canary") {
				t.Errorf("%s shows the password: %s", path, body)
			}
		}
	}
	two.Shutdown()
	testkit.Eventually(t, patience, "the route has ended", func() bool { return one.NumRoutes() == 0 })
	testkit.Eventually(t, patience, "and is counted", func() bool {
		_, _, body := get(t, base, "/metrics")
		return strings.Contains(body, `nats_sent_messages_total{kind="routes"} 1`) && strings.Contains(body, `nats_connections{kind="routes"} 0`) &&
			strings.Contains(body, `nats_connections_closed_total{kind="routes",`)
	})
}
