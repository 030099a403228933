package dashboard_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/nats-io/nats.go"

	"nats-server/internal/insight"
	"nats-server/internal/testkit"
	"nats-server/server"
)

// start runs a server with its dashboard and returns the address of that.
func start(t *testing.T, o server.Options) (s *server.Server, url string) {
	t.Helper()
	o.HTTPHost, o.HTTPPort = "127.0.0.1", server.RandomPort
	s = testkit.Start(t, &o)
	return s, "http://" + s.MonitorAddr().String()
}

func connect(t *testing.T, s *server.Server, options ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// traffic publishes some thousand messages a second until the test ends, to a
// subscriber of its own.
func traffic(t *testing.T, nc *nats.Conn) {
	t.Helper()
	if _, err := nc.Subscribe("orders.>", func(m *nats.Msg) {}); err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-end:
				return
			case <-pace.C:
			}
			for i := range 20 {
				subject := "orders.eu.new"
				if i%4 == 0 {
					subject = "orders.us.<b>bold</b>"
				}
				if nc.Publish(subject, make([]byte, 100)) != nil {
					return
				}
			}
		}
	})
	t.Cleanup(func() {
		close(end)
		wg.Wait()
	})
}

// What clients publish is reported while somebody looks, with inboxes as one.
func TestSubjectsReport(t *testing.T) {
	t.Parallel()
	s, url := start(t, server.Options{})
	nc := connect(t, s)
	traffic(t, nc)
	if _, err := nc.Subscribe("service", func(m *nats.Msg) { m.Respond(nil) }); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		_, body := get(t, url+"/dashboard/subjects.json")
		var r insight.Report
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			t.Fatal(err)
		}
		if has(r.Subjects, "orders.eu.new") && has(r.Subjects, "service") && has(r.Subjects, "_INBOX.>") && has(r.Prefixes, "orders.eu") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the report is %s", body)
		}
		if _, err := nc.Request("service", nil, patience); err != nil {
			t.Fatal(err)
		}
	}
}

func has(rows []insight.Row, subject string) bool {
	return slices.ContainsFunc(rows, func(r insight.Row) bool { return r.Subject == subject && r.Account == "$G" && r.Msgs > 0 })
}

// With a real server and real clients, figures move, names are shown as they are, and
// the page works in every section.
func TestAgainstOurServer(t *testing.T) {
	t.Parallel()
	s, url := start(t, server.Options{ServerName: "e2e", HTTPBasePath: "/nats"})
	connect(t, s, nats.Name(hostile))
	traffic(t, connect(t, s, nats.Name("talker")))
	b := open(t, 1280, 844)
	b.visit(url + "/nats/dashboard")
	const in = `document.querySelector(".legend strong").textContent`
	b.until(`document.getElementById("name").textContent === "e2e" && parseFloat(` + in + `) > 0`)
	before := eval[string](b, in)
	b.until(fmt.Sprintf(`%s !== %q`, in, before))
	b.picture("real-overview")
	b.section("connections")
	b.until(fmt.Sprintf(`[...document.querySelectorAll("td.code")].some(td => td.textContent === %q)`, hostile))
	eval[chromedp.Void](b, `void [...document.querySelectorAll("main button")].find(b => b.textContent === "Top talkers").click()`)
	b.until(`document.querySelectorAll("tbody tr").length === 1 && document.querySelector("td.code").textContent === "talker"`)
	b.section("subjects")
	b.until(`document.querySelector("td.code")?.textContent === "orders.eu.new" && parseFloat(document.querySelector("td.num").textContent) > 0`)
	b.until(`[...document.querySelectorAll("td.code")].some(td => td.textContent === "orders.us.<b>bold</b>")`)
	b.picture("real-subjects")
	eval[chromedp.Void](b, `void document.querySelectorAll(".choice button")[1].click()`)
	b.until(`document.querySelector("td.code").textContent === "orders.>" && document.querySelector("td.share").textContent === "100 %"`)
	b.section("accounts")
	b.until(`[...document.querySelectorAll("tbody tr")].some(tr => tr.cells[0].textContent === "$G" && parseFloat(tr.cells[4].textContent) > 0)`)
	b.picture("real-accounts")
	b.section("network")
	b.until(`[...document.querySelectorAll(".empty")].some(e => e.checkVisibility() && e.textContent.includes("on its own"))`)
	b.section("config")
	b.until(`[...document.querySelectorAll("tbody tr")].some(tr => tr.cells[0].textContent === "server_name" && tr.cells[1].textContent.includes("e2e"))`)
	b.picture("real-config")
	b.noProblems()
}

// Other servers of a cluster are in the picture, and no longer when they have gone.
func TestClusterInThePicture(t *testing.T) {
	t.Parallel()
	cluster := server.ClusterOptions{Name: "C", Host: "127.0.0.1", Port: server.RandomPort}
	hub, url := start(t, server.Options{ServerName: "hub", Cluster: cluster})
	cluster.Routes = []string{"nats://" + hub.ClusterAddr().String()}
	testkit.Start(t, &server.Options{ServerName: "left", Cluster: cluster})
	right := testkit.Start(t, &server.Options{ServerName: "right", Cluster: cluster})
	b := open(t, 1280, 844)
	b.visit(url + "/dashboard#network")
	const peers = `[...document.querySelectorAll(".node.route .name")].map(n => n.textContent).join()`
	b.until(peers + ` === "left,right" && document.querySelector(".node.self .name").textContent === "hub"`)
	b.until(`[...document.querySelectorAll(".graph .label")].every(l => /^[\d.]+ (µs|ms)/.test(l.textContent))`)
	b.picture("real-network")
	right.Shutdown()
	b.until(peers + ` === "left"`)
	b.noProblems()
}

// get returns the answer to a request.
func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	defer client.CloseIdleConnections()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(b)
}
