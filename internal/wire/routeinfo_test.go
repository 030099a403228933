package wire_test

import (
	"strings"
	"testing"

	"nats-server/internal/wire"
)

// The exact bytes (spec: cluster-routes 4.2, 4.3, 21).
func TestRouteInfoLines(t *testing.T) {
	i := wire.RouteInfo{
		ServerID: "ID", ServerName: "B", Version: "2.9.10", Proto: 2, Go: "go1.19.8", Host: "127.0.0.1", Port: 12020,
		Headers: true, MaxPayload: 1048576, Nonce: "n", Cluster: "C1", ConnectURLs: []string{"127.0.0.1:12021"}, LeafOrigin: true,
	}
	const want = `INFO {"server_id":"ID","server_name":"B","version":"2.9.10","proto":2,"go":"go1.19.8","host":"127.0.0.1","port":12020,` +
		`"headers":true,"max_payload":1048576,"nonce":"n","cluster":"C1","connect_urls":["127.0.0.1:12021"],"lnoc":true}`
	if got := string(i.Line()); got != want+" \r\n" {
		t.Errorf("own: %q", got)
	}
	if got := string(i.ForwardedLine()); got != want+"\r\n" {
		t.Errorf("forwarded: %q", got)
	}
	i = wire.RouteInfo{Import: &wire.Rules{Allow: []string{"imp.>"}}}
	if got := string(i.Line()); !strings.Contains(got, `"import":{"allow":["imp.\u003e"]}`) {
		t.Errorf("permissions: %q", got)
	}
	c := wire.RouteConnect{Echo: true, Headers: true, Name: "ID", Cluster: "C1", LeafOrigin: true}
	if got := string(c.Line()); got != `CONNECT {"echo":true,"verbose":false,"pedantic":false,"tls_required":false,"headers":true,"name":"ID","cluster":"C1","lnoc":true}`+"\r\n" {
		t.Errorf("%q", got)
	}
}

func TestRouteInfoIsDecoded(t *testing.T) {
	f := func(in string, ok bool) {
		t.Helper()
		var i wire.RouteInfo
		if err := i.Decode([]byte(in)); (err == nil) != ok {
			t.Errorf("%s: %v", in, err)
		}
		_ = i.Line()
	}
	f(`{}`, true)
	f(`{"server_id":"a","unknown":{"a":[1,2,{}]},"import":null,"connect_urls":null}`, true)
	f(`{"SERVER_ID":"a"}  `, true)
	f(`null`, true)
	f(``, false)
	f(`[]`, false)
	f(`{"server_id":1}`, false)
	f(`{"port":1e99}`, false)
	f(`{"server_id":"a"`, false)
	f(strings.Repeat(`{"import":`, 20000), false)
}
