package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/wire"
)

var anyServer = wire.ServerInfo{
	ServerID:   "NID",
	ServerName: "name <&>\n\"",
	Version:    "1.2.3",
	Proto:      1,
	Go:         "go1.26",
	Host:       "0.0.0.0",
	Port:       4222,
	Headers:    true,
	MaxPayload: 1 << 20,
}

// alwaysThere is what every INFO of anyServer holds.
func alwaysThere() map[string]any {
	return map[string]any{
		"server_id": "NID", "server_name": "name <&>\n\"", "version": "1.2.3", "proto": 1.0, "go": "go1.26",
		"host": "0.0.0.0", "port": 4222.0, "headers": true, "max_payload": float64(1 << 20),
	}
}

func TestInfo(t *testing.T) {
	f := func(i wire.ServerInfo, c wire.PerClient, change func(map[string]any)) {
		t.Helper()
		tmpl, err := i.Template()
		if err != nil {
			t.Fatal(err)
		}
		line := string(tmpl.Append([]byte("PONG\r\n"), c))
		doc, ok := strings.CutPrefix(line, "PONG\r\nINFO {")
		doc, ended := strings.CutSuffix(doc, "} \r\n")
		if !ok || !ended || strings.ContainsAny(doc, "\r\n") {
			t.Fatalf("bad line %q", line)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte("{"+doc+"}"), &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		want := alwaysThere()
		change(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v %+v: %s", i, c, diff)
		}
	}
	f(anyServer, wire.PerClient{ID: 5}, func(m map[string]any) { m["client_id"] = 5.0 })
	f(anyServer, wire.PerClient{ID: 6, IP: "::1"}, func(m map[string]any) {
		m["client_id"], m["client_ip"] = 6.0, "::1"
	})
	f(anyServer, wire.PerClient{ID: 7, IP: "127.0.0.1", LameDuck: true}, func(m map[string]any) {
		m["client_id"], m["client_ip"], m["ldm"] = 7.0, "127.0.0.1", true
	})
	f(anyServer, wire.PerClient{ID: 8, ConnectInfo: true, RemoteAccount: "$G\"\n"}, func(m map[string]any) {
		m["client_id"], m["connect_info"], m["remote_account"] = 8.0, true, "$G\"\n"
	})
	f(anyServer, wire.PerClient{ID: 9, RemoteAccount: "only with ConnectInfo"}, func(m map[string]any) { m["client_id"] = 9.0 })

	more := anyServer
	more.AuthRequired, more.GitCommit, more.Headers = true, "abc1234", false
	f(more, wire.PerClient{ID: 1}, func(m map[string]any) {
		m["client_id"], m["auth_required"], m["git_commit"], m["headers"] = 1.0, true, "abc1234", false
	})
}

func TestInfoTemplateServesManyClients(t *testing.T) {
	tmpl, err := anyServer.Template()
	if err != nil {
		t.Fatal(err)
	}
	a := tmpl.Append(nil, wire.PerClient{ID: 1})
	b := string(tmpl.Append(nil, wire.PerClient{ID: 2}))
	poison(a)
	if again := string(tmpl.Append(nil, wire.PerClient{ID: 2})); again != b {
		t.Errorf("got %q, then %q", b, again)
	}
}
