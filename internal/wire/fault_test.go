package wire_test

import (
	"testing"

	"nats-server/internal/wire"
)

// The texts are what clients compare; here they stand once more, so that nobody
// changes one without meaning to.
func TestErrorTexts(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got, line := string(wire.AppendErr([]byte("+OK\r\n"), text)), "+OK\r\n-ERR '"+want+"'\r\n"; got != line {
			t.Errorf("got %q, want %q", got, line)
		}
	}
	f(wire.ErrUnknownOp, "Unknown Protocol Operation")
	f(wire.ErrAuthorization, "Authorization Violation")
	f(wire.ErrAuthTimeout, "Authentication Timeout")
	f(wire.ErrMaxConnections, "maximum connections exceeded")
	f(wire.ErrMaxSubscriptions, "maximum subscriptions exceeded")
	f(wire.ErrMaxPayload, "Maximum Payload Violation")
	f(wire.ErrMaxControlLine, "maximum control line exceeded")
	f(wire.ErrClientProtocol, "invalid client protocol")
	f(wire.ErrNoRespNoHeaders, "no responders requires headers support")
	f(wire.ErrStale, "Stale Connection")
	f(wire.ErrInvalidSubject, "Invalid Subject")
	f(wire.ErrInvalidPublish, "Invalid Publish Subject")

	b := func(s string) []byte { return []byte(s) }
	f(wire.PublishViolation(b("foo")), `Permissions Violation for Publish to "foo"`)
	f(wire.PublishViolation(b("a\"\x00\xff")), `Permissions Violation for Publish to "a\"\x00\xff"`)
	f(wire.ReplyViolation(b("_R_.x")), `Permissions Violation for Publish with Reply of "_R_.x"`)
	f(wire.SubscribeViolation(b("foo"), nil), `Permissions Violation for Subscription to "foo"`)
	f(wire.SubscribeViolation(b("foo"), b("q")), `Permissions Violation for Subscription to "foo" using queue "q"`)
	f(wire.TooManyTokens(b("a.b.c.d")), `Permissions Violation for Subscription to "a.b.c.d", too many tokens`)
}
