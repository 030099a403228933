package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/testkit"
	"nats-server/server"
)

func TestReloadMaxPayload(t *testing.T) {
	const tooMuch = "-ERR 'Maximum Payload Violation'"
	limit := func(n int32) func(*server.Options) { return func(o *server.Options) { o.MaxPayload = n } }
	of := func(n int) string { return pub("x", strings.Repeat("x", n)) }
	s := startChanging(t, server.Options{MaxPayload: 10})
	first := s.client()
	announces(t, first, `"max_payload":10,`)
	answer(t, first, of(10), "", false)
	answer(t, s.client(), of(11), tooMuch, true)

	s.reload(limit(20))
	answer(t, first, of(20), "", false)
	second := s.client()
	announces(t, second, `"max_payload":20,`)
	answer(t, second, of(21), tooMuch, true)

	s.reload(limit(5))
	answer(t, s.client(), of(5), "", false)
	answer(t, first, of(6), tooMuch, true)

	last := s.client()
	last.Send("SUB x 1\r\n")
	s.reload(limit(-1))
	announces(t, s.client(), `"max_payload":-1,`)
	const huge = 1<<20 + 1 // more than the default
	last.Send(of(huge))
	last.ExpectLine(fmt.Sprintf("MSG x 1 %d", huge))
}

// A payload that has arrived in part when its limit changes is judged by the new one.
func TestReloadMaxPayloadInTheMiddle(t *testing.T) {
	f := func(limit int32, want string, ends bool) {
		t.Helper()
		s := startChanging(t, server.Options{MaxPayload: 10})
		seer := s.client()
		seer.Send("SUB > 1\r\n")
		seer.Sync()
		r := s.dial()
		r.Connect(`{"verbose":false,"pedantic":true}`)
		r.Send("PUB x.* 10\r\n01234")
		r.ExpectLine("-ERR 'Invalid Publish Subject'") // the server has come so far
		s.reload(func(o *server.Options) { o.MaxPayload = limit })
		answer(t, r, "56789\r\n", want, ends)
		delivered := "MSG x.* 1 10\r\n0123456789\r\n"
		if ends {
			delivered = ""
		}
		if got := seer.Sync(); got != delivered {
			t.Errorf("with %d: %q was delivered", limit, got)
		}
	}
	f(20, "", false)
	f(10, "", false)
	f(-1, "", false)
	f(9, "-ERR 'Maximum Payload Violation'", true)
}

func TestReloadMaxControlLine(t *testing.T) {
	const tooLong = "-ERR 'maximum control line exceeded'"
	limit := func(n int32) func(*server.Options) { return func(o *server.Options) { o.MaxControlLine = n } }
	of := func(n int) string { return "SUB " + strings.Repeat("x", n-2) + " 1\r\n" }
	s := startChanging(t, server.Options{MaxControlLine: 100})
	first, second := s.client(), s.client()
	answer(t, first, of(100), "", false)
	answer(t, s.client(), of(101), tooLong, true)
	s.reload(limit(200))
	answer(t, first, of(200), "", false)
	s.reload(limit(50))
	answer(t, second, of(50), "", false)
	answer(t, first, of(51), tooLong, true)
	// A line without its end is not waited for.
	s.reload(limit(100))
	second.Send(of(70)[:70])
	s.reload(limit(50))
	answer(t, second, "x", tooLong, true)
}

func TestReloadMaxSubscriptions(t *testing.T) {
	const tooMany = "-ERR 'maximum subscriptions exceeded'"
	limit := func(n int) func(*server.Options) { return func(o *server.Options) { o.MaxSubs = n } }
	s := startChanging(t, server.Options{MaxSubs: 1})
	r := s.client()
	answer(t, r, "SUB a 1\r\n", "", false)
	answer(t, r, "SUB a 2\r\n", tooMany, false)
	s.reload(limit(2))
	answer(t, r, "SUB a 2\r\n", "", false)
	answer(t, r, "SUB a 3\r\n", tooMany, false)
	s.reload(limit(1)) // those that are there stay
	answer(t, r, "SUB a 3\r\n", tooMany, false)
	r.Send(pub("a", ""))
	if got := r.Sync(); strings.Count(got, "MSG a ") != 2 {
		t.Errorf("of two subscriptions: %q", got)
	}
	answer(t, r, "UNSUB 1\r\nSUB a 1\r\n", tooMany, false)
	answer(t, r, "UNSUB 2\r\nSUB a 1\r\n", "", false)
	s.reload(limit(0))
	answer(t, r, "SUB a 2\r\nSUB a 3\r\nSUB a 4\r\n", "", false)
}

func TestReloadMaxSubTokens(t *testing.T) {
	refused := func(subject string) string {
		return fmt.Sprintf("-ERR 'Permissions Violation for Subscription to %q, too many tokens'", subject)
	}
	limit := func(n int) func(*server.Options) { return func(o *server.Options) { o.MaxSubTokens = n } }
	s := startChanging(t, server.Options{MaxSubTokens: 1})
	r := s.client()
	answer(t, r, "SUB a.b 1\r\n", refused("a.b"), false)
	s.reload(limit(2))
	answer(t, r, "SUB a.b 1\r\n", "", false)
	answer(t, r, "SUB a.b.c 2\r\n", refused("a.b.c"), false)
	s.reload(limit(1))
	answer(t, r, "SUB a.> 2\r\n", refused("a.>"), false)
	answer(t, r, pub("a.b", ""), "MSG a.b 1 0\r\n", false)
	s.reload(limit(0))
	answer(t, r, "SUB a.b.c.d.e 2\r\n", "", false)
}

func TestReloadMaxConnections(t *testing.T) {
	const full = "-ERR 'maximum connections exceeded'"
	limit := func(n int) func(*server.Options) { return func(o *server.Options) { o.MaxConn = n } }
	s := startChanging(t, server.Options{MaxConn: 2})
	clients := []*testkit.Raw{s.client(), s.client()}
	answer(t, s.dial(), "", full, true)
	s.reload(limit(5))
	clients = append(clients, s.client(), s.client(), s.client())
	answer(t, s.dial(), "", full, true)
	s.reload(limit(5 + 1))
	if n := s.NumClients(); n != 5 {
		t.Errorf("%d clients are left of 5", n)
	}
	eventually(t, "both refusals are logged", func() bool { return len(linesWith(s.log, "maximum connections exceeded")) == 2 })

	lines := s.reload(limit(2))
	if diff := cmp.Diff([]string{
		"ERR <client> - maximum connections exceeded",
		"ERR <client> - maximum connections exceeded",
		"ERR <client> - maximum connections exceeded",
		"INF Closed 3 connections to fall within max_connections",
		"INF Reloaded: max_connections = 2",
	}, anonymous(lines)); diff != "" {
		t.Error(diff)
	}
	// Those that were not closed yet must not be taken for present.
	if lines := s.reload(limit(1)); lines[len(lines)-2] != "INF Closed 1 connections to fall within max_connections" {
		t.Errorf("of the two that were left: %q", lines)
	}
	left := 0
	for _, r := range clients {
		r.Send("PING\r\n")
		switch line, err := r.TryLine(); {
		case err != nil:
			t.Fatal(err)
		case line == "PONG\r\n":
			left++
		default:
			if rest, err := r.TryClosed(); line+rest != full+"\r\n" || err != nil {
				t.Errorf("a client too many gets %q, %v", line+rest, err)
			}
		}
	}
	if left != 1 {
		t.Errorf("%d clients are left", left)
	}

	s.reload(limit(-1)) // nobody
	answer(t, s.dial(), "", full, true)
	eventually(t, "everybody is gone", func() bool { return s.NumClients() == 0 })
	s.reload(limit(1))
	answer(t, s.client(), "", "", false)
}

// anonymous is the lines without addresses and numbers of clients.
func anonymous(lines []string) (out []string) {
	for _, line := range lines {
		level, text, _ := strings.Cut(line, " ")
		if who, what, is := strings.Cut(text, " - "); is && strings.Contains(what, "cid:") && who != "" {
			_, what, _ = strings.Cut(what, " - ")
			text = "<client> - " + what
		}
		out = append(out, level+" "+text)
	}
	return out
}

func TestReloadLogLevels(t *testing.T) {
	s := startChanging(t, server.Options{})
	r := s.client()
	const published = "HPUB x 12 17\r\nNATS/1.0\r\n\r\nhello\r\n"
	f := func(change func(*server.Options), want ...string) {
		t.Helper()
		s.reload(change)
		before := len(s.log.lines())
		r.Send(published)
		r.Sync()
		noErr(t, s.client().Close())
		var got []string
		for _, line := range anonymous(s.log.lines()[before:]) {
			if strings.Contains(line, "HPUB") || strings.Contains(line, "PAYLOAD") || strings.Contains(line, "created") {
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	const (
		hpub    = "TRC <client> - <<- [HPUB x 12 17]"
		whole   = `TRC <client> - <<- MSG_PAYLOAD: ["NATS/1.0\r\n\r\nhello"]`
		headers = `TRC <client> - <<- MSG_PAYLOAD: ["NATS/1.0\r\n\r\n"]`
		cut     = `TRC <client> - <<- MSG_PAYLOAD: ["NATS..."]`
		created = "DBG <client> - Client connection created"
	)
	f(func(o *server.Options) {})
	f(func(o *server.Options) { o.Debug = true }, created)
	f(func(o *server.Options) { o.Debug, o.Trace = false, true }, hpub, whole)
	f(func(o *server.Options) { o.MaxTracedMsgLen = 4 }, hpub, cut)
	f(func(o *server.Options) { o.MaxTracedMsgLen, o.TraceHeaders = 0, true }, hpub, headers)
	f(func(o *server.Options) { o.TraceHeaders, o.TraceVerbose = false, true }, hpub, whole)
	f(func(o *server.Options) { o.Trace, o.TraceVerbose = false, false })

	// What SetLogger has said stays if the options say nothing else than before.
	s.SetLogger(s.log, true, true)
	f(func(o *server.Options) { o.MaxSubs = 5 }, hpub, whole, created)
}

// What is announced is announced to newcomers; others hear nothing.
func TestReloadInfo(t *testing.T) {
	s := startChanging(t, server.Options{ServerName: "one", ClientAdvertise: "a.example:1"})
	first := s.client()
	announces(t, first, `"server_name":"one"`)
	announces(t, first, `"host":"a.example","port":1,`)
	s.reload(func(o *server.Options) { o.ServerName, o.ClientAdvertise = "two", "b.example" })
	second := s.client()
	announces(t, second, `"server_name":"two"`)
	announces(t, second, fmt.Sprintf(`"host":"b.example","port":%s,`, port(s)))
	s.reload(func(o *server.Options) { o.ServerName, o.ClientAdvertise = "", "" })
	third := s.client()
	announces(t, third, fmt.Sprintf(`"server_name":%q`, s.ID()))
	announces(t, third, fmt.Sprintf(`"host":"127.0.0.1","port":%s,`, port(s)))
	answer(t, first, "", "", false)
	answer(t, second, "", "", false)
	if s.Name() != s.ID() {
		t.Errorf("the name is %s", s.Name())
	}
}

func port(s *changing) string { return s.Addr().String()[len("127.0.0.1:"):] }

func TestReloadNoHeaderSupport(t *testing.T) {
	const hpub = "HPUB x 12 12\r\nNATS/1.0\r\n\r\n\r\n"
	s := startChanging(t, server.Options{})
	first := s.client()
	first.Send("SUB x 1\r\n")
	s.reload(func(o *server.Options) { o.NoHeaderSupport = true })
	second := s.client()
	announces(t, second, `"headers":false`)
	answer(t, second, hpub, "", true)
	answer(t, first, hpub, "HMSG x 1 12 12\r\nNATS/1.0\r\n\r\n", false)
	s.reload(func(o *server.Options) { o.NoHeaderSupport = false })
	// What INFO has promised is kept, also to one who has not said CONNECT yet.
	promised := s.dial()
	s.reload(func(o *server.Options) { o.NoHeaderSupport = true })
	promised.Connect(`{"verbose":false,"headers":true,"no_responders":true}`)
	answer(t, promised, hpub, "", false)
	s.reload(func(o *server.Options) { o.NoHeaderSupport = false })
	third := s.client()
	announces(t, third, `"headers":true`)
	answer(t, third, hpub, "", false)
	if got := first.Sync(); got != strings.Repeat("HMSG x 1 12 12\r\nNATS/1.0\r\n\r\n\r\n", 2) {
		t.Errorf("got %q", got)
	}
}
