package server_test

import (
	"net"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// A server before 2.2 does not tell that it wants the answers to requests by the import of
// a service. It gets one to each (spec: cluster-routes 20, 21.14).
func TestServiceRepliesOfOldServers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	noErr(t, err)
	defer l.Close()
	s := clustered(t, server.ClusterOptions{Name: "C1", PoolSize: -1, Routes: []string{"nats://" + l.Addr().String()}},
		server.Options{Accounts: accountsOf([]string{"APP"}), NoSystemAccount: true})
	app := dial(t, s, nats.UserInfo("APP", "p"))
	_, err = app.Subscribe("svc", func(m *nats.Msg) {
		m.Respond([]byte("yes"))
		m.Respond([]byte("no"))
	})
	noErr(t, err)
	flush(t, app)
	nc, err := l.Accept()
	noErr(t, err)
	old := testkit.Attach(t, nc)
	next := func() string {
		for {
			line, err := old.TryLine()
			noErr(t, err)
			verb, _, _ := strings.Cut(line, " ")
			if verb != "INFO" && verb != "CONNECT" && line != "PING\r\n" {
				return strings.TrimSuffix(line, "\r\n")
			}
		}
	}
	sees := func(want ...string) {
		t.Helper()
		for _, w := range want {
			if got := next(); got != w {
				t.Fatalf("got %q, want %q", got, w)
			}
		}
	}
	info := func(more string) {
		old.Send(`INFO {"server_id":"NOLD","version":"2.0.0-RC14","proto":2,"host":"127.0.0.1","port":1,"max_payload":1048576` + more + "} \r\n")
	}
	info("")
	sees("RS+ APP svc")
	old.Send("RMSG APP svc _R_.abc 1\r\nx\r\n")
	sees("RMSG APP _R_.abc 3", "yes")
	old.Send("RMSG APP svc _R_.abc 1\r\nx\r\nRMSG APP nobody _R_.def 1\r\nx\r\nRMSG APP svc _INBOX.abc 1\r\nx\r\n")
	sees("RMSG APP _R_.abc 3", "yes")
	old.Send("RS+ APP _R_.abc\r\nRMSG APP svc _R_.abc 1\r\nx\r\n") // as newer ones do
	sees("RMSG APP _R_.abc 3", "yes", "RMSG APP _R_.abc 2", "no")
	old.Send("PING\r\n")
	sees("PONG")
	noErr(t, app.Publish("_R_.def", nil))
	noErr(t, app.Publish("_INBOX.abc", nil))
	flush(t, app)
	old.Send("PING\r\n")
	sees("PONG")
	old.Close()

	nc, err = net.Dial("tcp", s.ClusterAddr().String())
	noErr(t, err)
	old = testkit.Attach(t, nc)
	old.Send(`CONNECT {"name":"NNEW","cluster":"C1"}` + "\r\n")
	info(`,"server_name":"B","cluster":"C1"`) // tells itself
	sees("RS+ APP svc")
	old.Send("RMSG APP svc _R_.ghi 1\r\nx\r\nPING\r\n")
	sees("PONG")
	flush(t, app)
	old.Send("PING\r\n")
	sees("PONG")
	old.Close()
}
