package client_test

import (
	"strings"
	"testing"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// traced runs a client that sends text and returns the trace lines, without the
// name of the connection.
func traced(t *testing.T, o server.Options, text string) []string {
	t.Helper()
	s, log := start(t, o, true)
	r := testkit.Dial(t, s.Addr().String())
	prefix := "TRC " + r.Conn.LocalAddr().String() + " - cid:1 - "
	r.Send(text)
	noErr(t, r.HalfClose())
	_, err := r.TryClosed()
	noErr(t, err)
	gone(t, s)
	var lines []string
	for _, line := range log.with("TRC ") {
		rest, ok := strings.CutPrefix(line, prefix)
		if !ok {
			t.Errorf("trace line %q does not begin with %q", line, prefix)
		}
		lines = append(lines, rest)
	}
	return lines
}

// The forms that people grep for. Commands come before what they cause.
func TestTraceForms(t *testing.T) {
	f := func(o server.Options, text string, want ...string) {
		t.Helper()
		got := traced(t, o, text)
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%q is traced as %q, want %q", text, got, want)
		}
	}
	f(server.Options{}, "PING\r\n", "<<- [PING]", "->> [PONG]")
	f(server.Options{}, "SUB foo bar 1\r\n", "<<- [SUB foo bar 1]", "->> [OK]")
	f(server.Options{}, "UNSUB 1 5\r\n", "<<- [UNSUB 1 5]", "->> [OK]")
	f(server.Options{}, "SUB a..b 1\r\n", "<<- [SUB a..b 1]", "->> [-ERR 'Invalid Subject']")
	f(server.Options{}, "nonsense\r\n", "->> [-ERR 'Unknown Protocol Operation']")
	f(server.Options{}, "PUB foo bar 2\r\nhi\r\n", "<<- [PUB foo bar 2]", `<<- MSG_PAYLOAD: ["hi"]`, "->> [OK]")
	f(server.Options{MaxTracedMsgLen: 3}, "PUB foo 5\r\nhello\r\n", "<<- [PUB foo 5]", `<<- MSG_PAYLOAD: ["hel..."]`, "->> [OK]")
}

func TestTraceOfDeliveries(t *testing.T) {
	got := traced(t, server.Options{}, "CONNECT {\"headers\":true,\"pass\":\"x\",\"verbose\":false}\r\nSUB foo 1\r\nPUB foo 2\r\n\x00\n\r\nHPUB foo r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n")
	want := []string{
		`<<- [CONNECT {"headers":true,"pass":"[REDACTED]","verbose":false}]`,
		"<<- [SUB foo 1]",
		"<<- [PUB foo 2]",
		`<<- MSG_PAYLOAD: ["\x00\n"]`,
		"<<- [HPUB foo r 12 14]",
		`<<- MSG_PAYLOAD: ["NATS/1.0\r\n\r\nhi"]`,
		"->> [MSG foo 1 2]",
		`->> MSG_PAYLOAD: ["\x00\n"]`,
		"->> [HMSG foo 1 r 12 14]",
		`->> MSG_PAYLOAD: ["NATS/1.0\r\n\r\nhi"]`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoTraceUnlessAskedFor(t *testing.T) {
	s, log := start(t, server.Options{}, false)
	r := testkit.Dial(t, s.Addr().String())
	r.Send("PUB foo 2\r\nhi\r\n")
	r.ExpectLine("+OK")
	if found := log.with("TRC "); len(found) != 0 {
		t.Errorf("got %q", found)
	}
}
