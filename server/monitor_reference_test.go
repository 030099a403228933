package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// get asks for a path and returns the status, the header and the body.
func get(t testing.TB, base, path string) (int, http.Header, string) {
	t.Helper()
	client := http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	r, err := client.Get(base + path)
	noErr(t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	noErr(t, err)
	return r.StatusCode, r.Header, string(b)
}

// shape adds the paths of all fields of a decoded JSON value to all, each with the type
// of its value. What is in a list, or has a name that varies, counts as one.
func shape(all map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if strings.HasSuffix(path, "http_req_stats") {
				k = "*"
			}
			shape(all, path+"."+k, e)
		}
		if len(v) == 0 {
			all[path] = "object"
		}
	case []any:
		all[path] = "list"
		for _, e := range v {
			shape(all, path+"[]", e)
		}
	case nil:
		all[path] = "null"
	default:
		all[path] = fmt.Sprintf("%T", v)
	}
}

func shapeOf(t testing.TB, base, path string) map[string]string {
	t.Helper()
	status, _, body := get(t, base, path)
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil || status != http.StatusOK {
		t.Fatalf("%s%s: %d %v %s", base, path, status, err, body)
	}
	all := map[string]string{}
	shape(all, "", v)
	return all
}

var seconds = regexp.MustCompile(`"\d+s"`)

// valuesOf are the values that a field has in a report, in order. One server has started
// before the other, so that seconds are all alike.
func valuesOf(report, field string) (all []string) {
	for _, m := range regexp.MustCompile(`"`+field+`": ([^,\n{]+)`).FindAllStringSubmatch(report, -1) {
		all = append(all, seconds.ReplaceAllString(m[1], `"0s"`))
	}
	slices.Sort(all)
	return all
}

// Fields that releases after the reference's have, and those about features that are
// not here.
var (
	since = strings.Fields(`
		.in_client_msgs .in_client_bytes .out_client_msgs .out_client_bytes .stale_connections .stalled_clients .config_digest
		.slow_consumer_stats .stale_connection_stats .disk_io_wait_stats .tls_cert_not_after .server_name
		[].name .name_tag [].num_subscriptions .gateways .routes .leafs .account_tag .leafs`)
	absent = strings.Fields(`.imports .account_detail.imports .config.store_dir .git_commit .feature_flags`)
)

func expected(path string, list []string) bool {
	return slices.ContainsFunc(list, func(part string) bool {
		return strings.HasSuffix(path, part) || strings.Contains(path, part+".") || strings.Contains(path, part+"[")
	})
}

// Both servers, with the same configuration and clients, say the same things in the
// same form.
func TestReportsAreThoseOfTheReference(t *testing.T) {
	port := freePort(t)
	const config = "server_name: x\nmax_subscriptions: 100\nauthorization { users: [{user: u, password: p}, {user: v, password: p, permissions: {publish: {deny: \"no\"}}}] }\n"
	refAddr := testkit.StartReferenceConfig(t, config+fmt.Sprintf("http: \"127.0.0.1:%d\"\n", port))
	path := filepath.Join(t.TempDir(), "x.conf")
	noErr(t, os.WriteFile(path, []byte(config+"listen: \"127.0.0.1:-1\"\nhttp: \"127.0.0.1:-1\"\n"), 0o600))
	o, _, err := server.ProcessConfigFile(path)
	noErr(t, err)
	s := testkit.Start(t, o)

	bases := map[string]string{"theirs": fmt.Sprintf("http://127.0.0.1:%d", port), "ours": "http://" + s.MonitorAddr().String()}
	for who, addr := range map[string]string{"theirs": refAddr, "ours": s.Addr().String()} {
		nc, err := nats.Connect("nats://"+addr, nats.UserInfo("u", "p"), nats.Name("one"), nats.Timeout(patience))
		noErr(t, err)
		defer nc.Close()
		_, err = nc.SubscribeSync("foo.*")
		noErr(t, err)
		sub, err := nc.QueueSubscribeSync("foo.bar", "g")
		noErr(t, err)
		noErr(t, sub.AutoUnsubscribe(5))
		noErr(t, nc.Publish("foo.bar", []byte("x")))
		flush(t, nc)
		gone, err := nats.Connect("nats://"+addr, nats.UserInfo("v", "p"), nats.Name("gone"), nats.Timeout(patience))
		noErr(t, err)
		_, err = gone.SubscribeSync("bar")
		noErr(t, err)
		noErr(t, gone.Publish("no", []byte("123")))
		m := nats.NewMsg("foo.x")
		m.Header.Set("k", "v")
		noErr(t, gone.PublishMsg(m))
		flush(t, gone)
		gone.Close()
		testkit.Eventually(t, patience, "a closed connection", func() bool {
			_, _, body := get(t, bases[who], "/connz?state=closed")
			return strings.Contains(body, `"num_connections": 1`)
		})
	}
	for _, path := range []string{"/varz", "/connz?subs=1", "/connz?state=closed&subs=1"} {
		_, _, theirs := get(t, bases["theirs"], path)
		_, _, ours := get(t, bases["ours"], path)
		for _, field := range strings.Fields(`in_msgs in_bytes out_msgs out_bytes connections total_connections num_connections total msgs bytes
			subscriptions pending_bytes uptime idle name lang conns client_connections subject max sid reason max_payload ping_interval auth_timeout`) {
			if path == "/varz" && field == "subscriptions" { // counts the system account's
				continue
			}
			a, b := valuesOf(theirs, field), valuesOf(ours, field)
			if field == "pending_bytes" && strings.Contains(path, "closed") {
				a = []string{"0"} // there what was written just before the end may count as pending
			}
			if !slices.Equal(a, b) {
				t.Errorf("%s: %s is %q there and %q here", path, field, a, b)
			}
		}
	}
	late := map[string][]string{"/subsz": {".server_id", ".now", ".total", ".offset", ".limit"}} // there only with subs
	for _, path := range []string{
		"/varz", "/connz", "/connz?auth=1&subs=1", "/connz?subs=detail", "/connz?state=closed&auth=1&subs=detail", "/connz?state=all",
		"/connz?cid=999", "/connz?acc=none", "/routez", "/gatewayz", "/gatewayz?gw_name=x", "/subsz", "/subsz?subs=1&acc=$G&test=foo.bar",
		"/accountz", "/accountz?acc=$G", "/accstatz", "/accstatz?unused=1", "/healthz",
	} {
		theirs, ours := shapeOf(t, bases["theirs"], path), shapeOf(t, bases["ours"], path)
		for field, kind := range theirs {
			if ours[field] != kind && !expected(field, absent) {
				t.Errorf("%s: %s is a %s there and %q here", path, field, kind, ours[field])
			}
		}
		for field, kind := range ours {
			if theirs[field] == "" && !expected(field, slices.Concat(since, late[path])) && !expected(field, absent) {
				t.Errorf("%s: %s, a %s, is not there", path, field, kind)
			}
		}
	}
	for _, path := range []string{
		"/connz?auth=yes", "/connz?subs=x", "/connz?offset=x", "/connz?limit=99999999999999999999", "/connz?cid=-1", "/connz?state=half",
		"/connz?sort=bogus", "/connz?sort=stop", "/connz?sort=reason&state=all", "/subsz?test=foo.*", "/subsz?test=foo..bar", "/subsz?limit=x",
		"/accountz?acc=ZZ", "/routez?subs=maybe", "/leafz?subs=x", "/varz/", "/nothing", "/connz?auth=x&limit=y", "/connz?limit=y&auth=x",
		"/accstatz?unused=x", "/gatewayz?accs=x",
	} {
		theirStatus, _, theirs := get(t, bases["theirs"], path)
		status, header, ours := get(t, bases["ours"], path)
		if status != theirStatus || ours != theirs || header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %d %q here, %d %q there, as %s", path, status, ours, theirStatus, theirs, header.Get("Content-Type"))
		}
	}
}
