package monitor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nats-server/internal/facts"
)

func TestUptime(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := uptime(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
	const day = 24 * time.Hour
	f(0, "0s")
	f(-time.Second, "0s")
	f(999*time.Millisecond, "0s")
	f(5*time.Second, "5s")
	f(time.Minute, "1m0s")
	f(3*time.Hour+9*time.Second, "3h0m9s")
	f(2*day+time.Second, "2d0h0m1s")
	f(377*day+3*time.Hour+4*time.Minute+5*time.Second, "1y12d3h4m5s")
}

func TestRTT(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := rtt(d); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
	f(0, "0s")
	f(999, "999ns")
	f(544_321, "544µs")
	f(1_697_155, "1.697155ms")
	f(time.Second, "1s")
}

func TestRing(t *testing.T) {
	f := func(r *Ring, want ...uint64) {
		t.Helper()
		all := r.All()
		if len(all) != len(want) {
			t.Fatalf("%d are remembered, want %v", len(all), want)
		}
		for i, c := range all {
			if c.ID != want[i] {
				t.Errorf("at %d is %d, want %v", i, c.ID, want)
			}
		}
	}
	r := NewRing(3)
	f(r)
	for id := range uint64(8) {
		r.Add(&facts.Connection{ID: id})
		if id == 1 {
			f(r, 0, 1)
		}
	}
	f(r, 5, 6, 7)
	r.Resize(5)
	f(r, 5, 6, 7)
	r.Add(&facts.Connection{ID: 8})
	f(r, 5, 6, 7, 8)
	r.Resize(2)
	f(r, 7, 8)
	r.Add(&facts.Connection{ID: 9})
	f(r, 8, 9)
}

// What all connections remembered hold together is bounded, also while they go round.
func TestRingForgetsSubscriptions(t *testing.T) {
	r := NewRing(10)
	const each = keptSubs / 5
	for id := range uint64(100) {
		c := &facts.Connection{ID: id, Subscriptions: each}
		if id%7 != 0 {
			c.Subs = make([]facts.Subscription, each)
		}
		r.Add(c)
		all, kept := r.All(), 0
		for i, x := range all {
			if kept += len(x.Subs); x.Subscriptions != each {
				t.Errorf("%d has forgotten how many there were", x.ID)
			}
			if i > 0 && len(x.Subs) == 0 && len(all[i-1].Subs) > 0 && x.ID%7 != 0 {
				t.Errorf("%d has lost its own before an older one", x.ID)
			}
		}
		if last := all[len(all)-1]; len(last.Subs) != len(c.Subs) {
			t.Errorf("the latest has lost its own")
		}
		if kept > keptSubs || id > 20 && kept < keptSubs-each {
			t.Errorf("after %d: %d are kept", id, kept)
		}
	}
}

// answer serves a request.
func answer(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func serveReports(w *world) (http.Handler, *Server) {
	s := NewServer(NewReports(w).Handlers(), nil)
	s.Apply(Settings{})
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { s.now.Load().ServeHTTP(rw, r) }), s
}

func TestPaths(t *testing.T) {
	hit := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, name, " ", r.URL.Path, " ", r.URL.RawQuery)
		})
	}
	s := NewServer(map[string]http.Handler{
		"/": hit("root"), "/x": hit("x"), "/page/": hit("page"), "/page": hit("exact"), "/page/deep/": hit("deep"),
	}, nil)
	f := func(base, path string, status int, want string) {
		t.Helper()
		s.Apply(Settings{BasePath: base})
		w := answer(s.now.Load(), path)
		if got := w.Body.String(); w.Code != status || status == 200 && got != want || status == 307 && w.Header().Get("Location") != want {
			t.Errorf("%q %s: got %d %s %s, want %d %s", base, path, w.Code, got, w.Header().Get("Location"), status, want)
		}
	}
	f("", "/", 200, "root / ")
	f("", "/x?a=1&b", 200, "x /x a=1&b")
	f("", "/x/", 404, "")
	f("", "/y", 404, "")
	f("", "/page", 200, "exact /page ")
	f("", "/page/", 200, "page /page/ ")
	f("", "/page/a/b", 200, "page /page/a/b ")
	f("", "/page/deep/b", 200, "deep /page/deep/b ")
	f("", "//x?a=1", 307, "/x?a=1")
	f("", "/./x", 307, "/x")
	f("", "/page/../x", 307, "/x")
	f("", "//evil.example/x", 307, "/evil.example/x")
	for _, base := range []string{"nats", "/nats", "/nats/", "//nats/."} {
		f(base, "/nats", 200, "root / ")
		f(base, "/nats/", 404, "")
		f(base, "/nats/x", 200, "x /x ")
		f(base, "/nats/page/a", 200, "page /page/a ")
		f(base, "/x", 404, "")
		f(base, "/natsx", 404, "")
		f(base, "/", 404, "")
	}
	f("a/b", "/a/b/x", 200, "x /x ")
	f("a/b", "/a/b", 200, "root / ")
	f("a/b", "/a/x", 404, "")
	f("/", "/x", 200, "x /x ")
}

// More reports at a time than there is room for are refused, not queued without end.
func TestHeavyReportsAreLimited(t *testing.T) {
	synctest.Test(t, testHeavyReports)
}

func testHeavyReports(t *testing.T) {
	busy, entered, leave := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	h := limited(busy, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
	}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer(h, "/")
	}()
	<-entered
	w := answer(h, "/")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	close(leave)
	<-done
}

func TestTooManySubscriptions(t *testing.T) {
	w := newWorld(t)
	all := make([]facts.Subscription, maxEntries/2+1)
	for id := range uint64(2) {
		w.clients = append(w.clients, Client{ID: id + 1, Peer: &client{facts.Connection{ID: id + 1, Account: "$G", Subscriptions: len(all), Subs: all}}})
	}
	h, _ := serveReports(w)
	for _, path := range []string{"/connz?subs=1", "/connz?subs=detail", fmt.Sprintf("/subsz?subs=1&limit=%d", 2*maxEntries)} {
		if a := answer(h, path); a.Code != http.StatusRequestEntityTooLarge || a.Body.Len() > 1000 {
			t.Errorf("%s: %d, %d bytes", path, a.Code, a.Body.Len())
		}
	}
	for _, path := range []string{"/connz", "/connz?subs=1&limit=1", "/subsz?subs=1"} {
		if a := answer(h, path); a.Code != http.StatusOK {
			t.Errorf("%s: %d", path, a.Code)
		}
	}
}

func TestRoutez(t *testing.T) {
	w := newWorld(t)
	w.routes = []facts.Route{{
		Connection: facts.Connection{ID: 7, IP: "1.2.3.4", Port: 5, Start: time.Now(), LastActivity: time.Now(), Subscriptions: 1,
			Subs: []facts.Subscription{{Subject: "a", SID: "R $G a"}}},
		RemoteID: "R", RemoteName: "r", Configured: true, Export: &facts.Permissions{Allow: []string{"x"}},
	}}
	h, _ := serveReports(w)
	var z Routez
	noErr(t, json.Unmarshal(answer(h, "/routez?subs=detail").Body.Bytes(), &z))
	if z.NumRoutes != 1 || z.Routes[0].RID != 7 || z.Routes[0].RemoteID != "R" || !z.Routes[0].IsConfigured || z.Routes[0].DidSolicit ||
		z.Routes[0].SubsDetail[0].Subject != "a" || z.Routes[0].Export.Allow[0] != "x" || z.Routes[0].Import != nil {
		t.Errorf("%+v", z.Routes[0])
	}
	var v Varz
	noErr(t, json.Unmarshal(answer(h, "/varz").Body.Bytes(), &v))
	if v.Remotes != 1 {
		t.Errorf("%d remotes", v.Remotes)
	}
}

func TestStates(t *testing.T) {
	w := newWorld(t)
	h, _ := serveReports(w)
	f := func(health Health, path string, status int, body string) {
		t.Helper()
		w.health = health
		if a := answer(h, path); a.Code != status || a.Body.String() != body {
			t.Errorf("%+v %s: %d %s", health, path, a.Code, a.Body)
		}
	}
	const ok = `{"status":"ok"}`
	starting := Health{}
	f(starting, "/livez", 200, ok)
	f(starting, "/startupz", 503, `{"status":"unavailable","reasons":["starting: the listener for clients is not up yet"]}`)
	f(starting, "/readyz", 503, `{"status":"unavailable","reasons":["starting: the listener for clients is not up yet"]}`)
	f(starting, "/healthz", 500, `{"status":"error","error":"failed to be ready for connections after 1ms: server"}`)
	stopping := Health{Started: true, Stopping: true}
	f(stopping, "/livez", 200, ok)
	f(stopping, "/startupz", 200, ok)
	f(stopping, "/readyz", 503, `{"status":"unavailable","reasons":["shutting down"]}`)
}

// Whatever is asked for, the answer is well formed and within its bounds.
func FuzzConnzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "limit=3&offset=2", "limit=-1", "offset=-9223372036854775808", "limit=9223372036854775807&offset=9223372036854775807",
		"cid=18446744073709551615", "cid=3&state=all", "sort=idle&state=any", "sort=stop&state=closed", "subs=detail&auth=1",
		"user=u&acc=$G", "limit=%zz", "sort=reason&state=closed", "acc=none", "limit=+7", "limit=0x10", "subs=DETAIL;auth=1",
	} {
		f.Add(seed)
	}
	w := newWorld(f)
	for id := uint64(1); id <= 20; id++ {
		c := facts.Connection{ID: id, Account: "$G", User: "u", Subscriptions: 1, Start: time.Now(), Subs: []facts.Subscription{{Subject: "s"}}}
		w.clients = append(w.clients, Client{ID: c.ID, Peer: &client{c}})
		c.ID, c.Stop, c.Reason = id+100, time.Now(), "Client Closed"
		w.closed = append(w.closed, &c)
	}
	reports := NewReports(w)
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		o, err := connzOptions(values)
		if err != nil {
			return
		}
		z, err := reports.Connz(o)
		if err != nil {
			return
		}
		if z.Offset < 0 || z.Limit <= 0 || z.NumConnections != len(z.Connections) || z.NumConnections > z.Limit || z.NumConnections > z.Total || z.Total > 40 {
			t.Errorf("%q: %+v", query, z)
		}
		seen := map[uint64]bool{}
		for _, c := range z.Connections {
			if seen[c.CID] {
				t.Errorf("%q: %d twice", query, c.CID)
			}
			seen[c.CID] = true
		}
		if b, err := json.Marshal(z); err != nil || !strings.HasPrefix(string(b), `{"server_id":`) {
			t.Errorf("%q: %v %s", query, err, b)
		}
	})
}
