package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// parsed is what a configuration file with that text says.
func parsed(t testing.TB, config string) server.Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nats.conf")
	noErr(t, os.WriteFile(path, []byte(config), 0o600))
	o, _, err := server.ProcessConfigFile(path)
	noErr(t, err)
	return *o
}

// configured starts a server with a configuration file of that text. Its lines are
// kept, those for debugging included.
func configured(t testing.TB, config string) (*server.Server, *recorder) {
	t.Helper()
	return startLogged(t, parsed(t, config), true)
}

// twoUsers is a configuration with a user u, whose permissions are given, and a user
// adm, who may do everything. All passwords are p.
func twoUsers(permissions string) string {
	return "authorization { users: [ {user: u, password: p, permissions: {" + permissions + "}}, {user: adm, password: p} ] }"
}

// login connects a raw client with the members of CONNECT given, which wants no +OK.
func login(t testing.TB, s *server.Server, members string) *testkit.Raw {
	t.Helper()
	r := testkit.Dial(t, s.Addr().String())
	r.Connect(`{"verbose":false,"pedantic":false,` + members + `}`)
	return r
}

// as is the part of CONNECT for a user of twoUsers.
func as(user string) string { return `"user":"` + user + `","pass":"p"` }

// The lines that tell of a violation (spec: client-protocol 12).
func notPublish(subject string) string {
	return fmt.Sprintf("-ERR 'Permissions Violation for Publish to %q'\r\n", subject)
}

func notSubscribe(filter, group string) string {
	if group == "" {
		return fmt.Sprintf("-ERR 'Permissions Violation for Subscription to %q'\r\n", filter)
	}
	return fmt.Sprintf("-ERR 'Permissions Violation for Subscription to %q using queue %q'\r\n", filter, group)
}

// logged checks that a line has this text. A client may know before the operator does.
func logged(t testing.TB, log *recorder, text string) {
	t.Helper()
	if testkit.Within(patience, func() bool { return log.has(text) }) {
		return
	}
	var clients []string
	for _, line := range log.lines() {
		if strings.Contains(line, "cid:") || strings.Contains(line, "eload") {
			clients = append(clients, line)
		}
	}
	t.Errorf("no line %q in\n%s", text, strings.Join(clients, "\n"))
}

// says checks what a client gets for what it sends.
func says(t testing.TB, r *testkit.Raw, what, send, want string) {
	t.Helper()
	r.Send(send)
	if got := r.Sync(); got != want {
		t.Errorf("%s: for %q got %q, want %q", what, send, got, want)
	}
}

func TestPublishRules(t *testing.T) {
	f := func(permissions, allowed, refused string) {
		t.Helper()
		s, log := configured(t, twoUsers(permissions))
		r := login(t, s, as("u")+`,"headers":true`)
		for subject := range strings.FieldsSeq(allowed) {
			says(t, r, permissions, pub(subject, "x"), "")
			says(t, r, permissions, "HPUB "+subject+" 12 12\r\nNATS/1.0\r\n\r\n\r\n", "")
		}
		for subject := range strings.FieldsSeq(refused) {
			says(t, r, permissions, pub(subject, "x"), notPublish(subject))
			logged(t, log, fmt.Sprintf(" - Publish Violation - Subject %q", subject))
		}
	}
	f("", "foo foo.bar", "")
	f("publish: foo", "foo", "bar foo.bar")
	f(`publish: [foo, "bar.*"]`, "foo bar.a", "bar bar.a.b a")
	f("publish: {allow: foo}", "foo", "bar")
	f("publish: {allow: [foo, bar]}", "foo bar", "a")
	f("publish: {deny: foo}", "bar foo.bar", "foo")
	f(`publish: {deny: [foo, "bar.>"]}`, "bar a", "foo bar.a bar.a.b")
	f(`PUB: {Allow: "foo.>", DENY: ["*.bar", "foo.a.b"]}`, "foo.a foo.bar.a", "foo foo.bar foo.a.b a.bar")
	f(`import: "foo.*"`, "foo.a", "foo")
	f("subscribe: foo", "foo bar", "")
	// Wildcards in a subject that is published to are ordinary tokens.
	f(`publish: "foo.*"`, "foo.* foo.>", "* > foo.*.a")
	f(`publish: {deny: "foo.*"}`, "* > foo.a.*", "foo.* foo.>")
	// What is empty is as good as absent.
	f("publish: []", "foo", "")
	f("publish: {}", "foo", "")
	f("publish: {allow: []}", "foo", "")
	f("publish: {allow: [], deny: []}", "foo", "")
	f("publish: {allow: [], deny: foo}", "bar", "foo")
	// A subject with an empty token is matched by no entry.
	f(`publish: ">"`, "foo", "foo..bar .foo foo.")
	// No rule lets a client publish what is the servers' own.
	f("", "_GR_ $NRG", "_GR_.x $NRG.x")
	f(`publish: [">"]`, "_GR_ $NRG", "_GR_.x $NRG.x")
}

func TestSubscribeRules(t *testing.T) {
	f := func(permissions, allowed, refused string) {
		t.Helper()
		s, log := configured(t, twoUsers(permissions))
		r := login(t, s, as("u"))
		n := 0
		try := func(sub string, want func(filter, group string) string) {
			t.Helper()
			filter, group, _ := strings.Cut(sub, " ")
			n++
			says(t, r, permissions, fmt.Sprintf("SUB %s %d\r\n", sub, n), want(filter, group))
		}
		for sub := range strings.SplitSeq(allowed, ", ") {
			if sub != "" {
				try(sub, func(string, string) string { return "" })
			}
		}
		numSubs(t, s, uint32(n))
		for sub := range strings.SplitSeq(refused, ", ") {
			before := s.NumSubscriptions()
			try(sub, notSubscribe)
			filter, group, queue := strings.Cut(sub, " ")
			line := fmt.Sprintf(" - Subscription Violation - Subject %q, SID %d", filter, n)
			if queue {
				line = fmt.Sprintf(" - Subscription Violation - Subject %q, Queue: %q, SID %d", filter, group, n)
			}
			logged(t, log, line)
			numSubs(t, s, before)
		}
	}
	f("", "foo, >, foo q", "foo _sys_, > _sys_")
	f("publish: foo", "bar, bar q", "bar _sys_")
	f("subscribe: foo", "foo, foo q", "bar, foo.a, *, >, bar q")
	f(`sub: [foo, "bar.*"]`, "foo, bar.a, bar.*, bar.a q", "bar, bar.a.b, bar.a.b q")
	f(`export: {allow: foo}`, "foo", "bar")
	f("subscribe: {deny: foo}", "bar, *, >, foo.>, * q", "foo, foo q")
	f(`subscribe: {allow: "foo.>", deny: "foo.bar"}`, "foo.a, foo.>, foo.*", "foo.bar, foo, *.bar, >")
	f(`subscribe: {deny: "foo.bar"}`, ">, *, foo.>, foo.*, *.bar", "foo.bar, foo.bar q")
	// Wildcards in a filter are looked up as ordinary tokens.
	f(`subscribe: "foo.*"`, "foo.*, foo.bar", ">, *.bar, foo, foo.>.x")
	f(`subscribe: "foo.>"`, "foo.*, foo.a.*, foo.>, foo.*.>", "foo, *.a, >, *")
	f(`subscribe: {deny: "foo.*"}`, ">, foo, foo.a.b, foo.a.>, *.a", "foo.>, foo.*, foo.a")
	f(`subscribe: {allow: "s.x"}`, "s.x", "s.*")
	f(`subscribe: {deny: "s.no"}`, "s.*", "s.no")
	f(`subscribe: {deny: "s.*"}`, ">, s.x.y", "s.*, s.>")
	// A '>' needs a '>': here, and on purpose, less is allowed than elsewhere.
	f(`subscribe: "foo.*"`, "foo.a", "foo.>")
	f(`subscribe: "*"`, "foo, *", ">")
	// Entries with a queue.
	f(`subscribe: "foo v1"`, "foo v1", "foo, foo v2, bar v1")
	f(`subscribe: [foo, "foo v1"]`, "foo, foo v1", "foo v2, bar, bar v1")
	f(`subscribe: ["foo.>", "foo.a v1", "foo.a *.prod"]`, "foo.a, foo.b v2, foo.a v1, foo.a x.prod", "foo.a v2, foo.a prod, foo.a x.y.prod")
	f(`subscribe: {allow: ["foo *.prod"]}`, "foo a.prod", "foo, foo prod, foo a.dev, foo a.b.prod")
	f(`subscribe: {allow: ["foo >"]}`, "foo a, foo a.b", "foo")
	f(`subscribe: ["foo  	 v1"]`, "foo v1", "foo, foo v2")
	f(`subscribe: {allow: ["foo.*"], deny: ["foo.* v1"]}`, "foo.a, foo.a v2", "foo.a v1, foo.* v1")
	f(`subscribe: {deny: ["foo v1"]}`, "foo, foo v2, * v1, > v1, bar v1", "foo v1")
	f(`subscribe: {deny: ["foo v*", "foo *.x"]}`, "foo v1, foo x", "foo v*, foo a.x")
	f(`subscribe: {allow: ["foo v1"], deny: ["foo v1"]}`, "", "foo v1, foo")
	// Nothing is allowed that is not said, inboxes included.
	f("subscribe: foo", "foo", "_INBOX.a.*, _INBOX.a.b")
	f(`subscribe: [foo, "_INBOX.>"]`, "_INBOX.a.*, _INBOX.a.b", "_INBOX")
	f("subscribe: []", "foo, foo q", "foo _sys_")
	f("subscribe: {}", "foo", "foo _sys_")
	f("subscribe: {deny: []}", "foo", "foo _sys_")
}

// Messages that match a deny entry do not reach a connection, by whatever
// subscription.
func TestDeniedDeliveries(t *testing.T) {
	msg := regexp.MustCompile(`MSG (\S+) (\S+) 0\r\n\r\n`)
	f := func(permissions, subs, published, want string) {
		t.Helper()
		s, _ := configured(t, twoUsers(permissions))
		r, adm := login(t, s, as("u")), login(t, s, as("adm"))
		sid := 0
		for sub := range strings.SplitSeq(subs, ", ") {
			sid++
			says(t, r, permissions, fmt.Sprintf("SUB %s %d\r\n", sub, sid), "")
		}
		for range 3 { // looked up, remembered, and from memory
			for subject := range strings.FieldsSeq(published) {
				adm.Send(pub(subject, ""))
			}
			adm.Sync()
			text := r.Sync()
			var got []string
			for _, m := range msg.FindAllStringSubmatch(text, -1) {
				got = append(got, m[1]+":"+m[2])
			}
			slices.Sort(got)
			if rest := msg.ReplaceAllString(text, ""); rest != "" || strings.Join(got, " ") != want {
				t.Errorf("%s: SUB %s gets %q, want %s", permissions, subs, text, want)
			}
		}
	}
	f("subscribe: {deny: foo}", "*, >", "foo bar foo.a", "bar:1 bar:2 foo.a:2")
	f(`subscribe: {deny: "foo v1"}`, "* v1, >", "foo bar", "bar:1 bar:2 foo:2")
	f(`subscribe: {deny: "foo v1"}`, "* v2", "foo bar", "bar:1 foo:1")
	f(`subscribe: {deny: "foo *.x"}`, "* a.x, * x", "foo bar", "bar:1 bar:2 foo:2")
	f(`subscribe: {deny: "*.b"}`, "s.*", "s.a s.b", "s.a:1")
	f(`subscribe: {deny: "s.*.b"}`, "s.>, s.a.*, *.a.b", "s.a.b s.a.c s.b", "s.a.c:1 s.a.c:2 s.b:1")
	f(`subscribe: {deny: "foo.bar"}`, "foo.>, foo.*, *.bar, >", "foo.bar foo.a a.bar", "a.bar:3 a.bar:4 foo.a:1 foo.a:2 foo.a:4")
	f(`subscribe: {allow: "foo.>", deny: "foo.*.secret.>"}`, "foo.>", "foo.a.secret foo.a.secret.b foo.b", "foo.a.secret:1 foo.b:1")
	// Wildcards in a published subject are ordinary tokens here, too.
	f(`subscribe: {deny: "foo.*"}`, ">", "foo.* foo.> foo * foo.*.a", "*:1 foo.*.a:1 foo:1")
	// Allow entries say who may subscribe, not what is delivered.
	f("subscribe: {allow: [foo, bar], deny: bar}", "foo", "foo bar", "foo:1")
	f("publish: {deny: foo}", ">", "foo", "foo:1")
}

// The member of a queue group that may not have a message is passed over.
func TestDeniedMemberIsPassedOver(t *testing.T) {
	f := func(deny string) {
		t.Helper()
		s, _ := configured(t, twoUsers(`subscribe: {deny: "`+deny+`"}`))
		r, other, adm := login(t, s, as("u")), login(t, s, as("adm")), login(t, s, as("adm"))
		says(t, r, deny, "SUB * v1 1\r\nSUB > v1 2\r\n", "")
		says(t, other, deny, "SUB foo v1 1\r\nSUB bar v1 1\r\n", "")
		const n = 100
		adm.Send(strings.Repeat(pub("foo", ""), n))
		adm.Sync()
		if got := other.Sync(); got != strings.Repeat("MSG foo 1 0\r\n\r\n", n) {
			t.Errorf("%s: the one that may have all gets %s", deny, testkit.Quote(got))
		}
		says(t, r, deny, "", "")
	}
	f("foo")
	f("foo v1")
	f("foo *")
}

// Publishing that reaches only those who are denied it reaches nobody.
func TestDeniedIsNoDelivery(t *testing.T) {
	s, _ := configured(t, twoUsers("subscribe: {deny: foo}"))
	r := login(t, s, as("u"))
	says(t, r, "denied", "SUB > 1\r\n", "")
	adm := login(t, s, as("adm")+`,"headers":true,"no_responders":true`)
	says(t, adm, "nobody", "SUB reply 7\r\nPUB foo reply 0\r\n\r\n",
		"HMSG reply 7 35 35\r\nNATS/1.0 503\r\nNats-Subject: foo\r\n\r\n\r\n")
}

// A violation is the whole answer: no +OK, and the connection goes on.
func TestViolationsWhenVerbose(t *testing.T) {
	s, _ := configured(t, twoUsers(`publish: ["ok", "_GR_.>"], subscribe: "ok"`))
	r := testkit.Dial(t, s.Addr().String())
	r.Send(`CONNECT {"verbose":true,"pedantic":true,` + as("u") + "}\r\n")
	r.ExpectBytes("+OK\r\n")
	r.Send("SUB ok 1\r\nSUB no 2\r\nSUB no q 3\r\nPUB no 1\r\nx\r\nUNSUB 2\r\nPUB no.* 1\r\nx\r\nPUB ok _R_.x 1\r\nx\r\nPUB ok 1\r\nx\r\nPING\r\n")
	r.ExpectBytes("+OK\r\n" + notSubscribe("no", "") + notSubscribe("no", "q") + notPublish("no") + "+OK\r\n" +
		"-ERR 'Invalid Publish Subject'\r\n" + notPublish("no.*") +
		"-ERR 'Permissions Violation for Publish with Reply of \"_R_.x\"'\r\n" +
		"+OK\r\nMSG ok 1 1\r\nx\r\nPONG\r\n")
}

// What is told quotes as Go does.
func TestViolationsQuote(t *testing.T) {
	s, log := configured(t, twoUsers("publish: ok, subscribe: ok"))
	r := login(t, s, as("u"))
	says(t, r, "publish", "PUB a\"b\\\x01\x7f\xff 0\r\n\r\n", `-ERR 'Permissions Violation for Publish to "a\"b\\\x01\x7f\xff"'`+"\r\n")
	says(t, r, "subscribe", "SUB a\"b q\"\x02 1\r\n", `-ERR 'Permissions Violation for Subscription to "a\"b" using queue "q\"\x02"'`+"\r\n")
	logged(t, log, `Publish Violation - Subject "a\"b\\\x01\x7f\xff"`)
	logged(t, log, `Subscription Violation - Subject "a\"b", Queue: "q\"\x02", SID 1`)
}

// Replies that servers keep for themselves are refused, and no others.
func TestReservedReplies(t *testing.T) {
	s, log := configured(t, twoUsers("publish: foo"))
	r, all := login(t, s, as("u")), login(t, s, as("adm"))
	says(t, all, "all", "SUB > 1\r\n", "")
	for _, reply := range []string{"_R_.x", "_GR_.x", "$JS.ACK.x", "_R_.", "_R_.a.b"} {
		says(t, r, "reserved", "PUB foo "+reply+" 0\r\n\r\n", fmt.Sprintf("-ERR 'Permissions Violation for Publish with Reply of %q'\r\n", reply))
		logged(t, log, fmt.Sprintf(" - Publish Violation - Reply %q", reply))
	}
	says(t, all, "all", "", "")
	for _, reply := range []string{"bar", "_R_", "_RX_.x", "$JS.ACK", "$SYS.x", "no.>", "a..b"} {
		says(t, r, "not reserved", "PUB foo "+reply+" 0\r\n\r\n", "")
		says(t, all, "all", "", "MSG foo 1 "+reply+" 0\r\n\r\n")
	}
}

func TestTooManyTokens(t *testing.T) {
	o := parsed(t, twoUsers(`subscribe: {deny: "d.>"}`))
	o.MaxSubTokens = 3
	s, log := startLogged(t, o, true)
	r := login(t, s, as("u"))
	says(t, r, "enough", "SUB a.b.c 1\r\n", "")
	says(t, r, "too many", "SUB a.b.c.d 2\r\n", `-ERR 'Permissions Violation for Subscription to "a.b.c.d", too many tokens'`+"\r\n")
	says(t, r, "too many in a group", "SUB a.b.c.d q 3\r\n", `-ERR 'Permissions Violation for Subscription to "a.b.c.d", too many tokens'`+"\r\n")
	says(t, r, "denied first", "SUB d.b.c.d 4\r\n", notSubscribe("d.b.c.d", ""))
	logged(t, log, `Subscription Violation Too Many Tokens - Subject "a.b.c.d", SID 2`)
	numSubs(t, s, 1)
}

// Where permissions are found (spec: accounts-and-auth 1.3).
func TestDefaultPermissions(t *testing.T) {
	f := func(config, connect, send, want string) {
		t.Helper()
		s, _ := configured(t, config)
		says(t, login(t, s, connect), config, send, want)
	}
	const both = "PUB def.a 0\r\n\r\nPUB p.a 0\r\n\r\n"
	entries := `users: [{user: a, pass: p}, {user: p, pass: p, permissions: {publish: "p.>"}}, {user: e, pass: p, permissions: {}}]`
	for _, name := range []string{"default_permissions", "default_permission", "permissions"} {
		defaults := name + `: {publish: "def.>", subscribe: "def.>"}`
		for _, config := range []string{
			"authorization {\n" + entries + "\n" + defaults + "\n}",
			"authorization {\n" + defaults + "\n" + entries + "\n}",
		} {
			f(config, as("a"), both+"SUB p 1\r\n", notPublish("p.a")+notSubscribe("p", ""))
			f(config, as("p"), both+"SUB p 1\r\n", notPublish("def.a"))
			f(config, as("e"), both+"SUB p 1\r\n", "")
		}
	}
	// They mean nothing to those who are not users of a list.
	f(`authorization {user: a, pass: p, permissions: {publish: "def.>"}}`, as("a"), both, "")
	f(`authorization {token: t, permissions: {publish: "def.>"}}`, `"auth_token":"t"`, both, "")
	f(`authorization {permissions: {publish: "def.>"}}`, as("a"), both, "")
}

func TestPermissionsThatAreNone(t *testing.T) {
	f := func(permissions, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "nats.conf")
		noErr(t, os.WriteFile(path, []byte(twoUsers(permissions)), 0o600))
		if _, _, err := server.ProcessConfigFile(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", permissions, err, want)
		}
	}
	f(`publish: "foo q"`, `subject "foo q" is not a valid subject`)
	f(`publish: {deny: ["foo", "foo q"]}`, `subject "foo q" is not a valid subject`)
	f(`publish: "foo..bar"`, `subject "foo..bar" is not a valid subject`)
	f(`subscribe: {deny: "foo.>.a"}`, `subject "foo.>.a" is not a valid subject`)
	f(`subscribe: "foo q..a"`, `queue "q..a" is not a valid queue`)
	f(`subscribe: "foo q a"`, `is not a valid subject`)
	f(`allow_responses: "yes"`, "error parsing response permissions, expected a boolean or a map")
	f(`allow_responses: {expires: soon}`, "error parsing expires")
}
