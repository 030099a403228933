package server_test

import (
	"fmt"
	"strings"
	"testing"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// The tests of this file are named after the classes of holes that servers of this
// kind have had, by the number of a public advisory. What the classes have in common:
// a way around the one gate, or a rule that one path enforces and another does not.
// Others are where their subject is: FuzzParser and the limits of wire (lengths),
// TestCanaries (secrets), TestMemoryOfUnfinishedInput (bytes before authentication),
// the tests of tlsconf (distinguished names), and TestMatrix (rules × paths).

// CVE-2019-13126: sizes that overflow.
func TestAdvisoryHugeSizes(t *testing.T) {
	s := testkit.Start(t, nil)
	other := testkit.Dial(t, s.Addr().String())
	other.Connect(`{"verbose":false}`)
	for _, size := range []string{"2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
		"18446744073709551616", "-1", "999999999", "000000000000001"} {
		for _, line := range []string{"PUB foo " + size, "HPUB foo 12 " + size, "HPUB foo " + size + " " + size, "UNSUB 1 " + size} {
			r := testkit.Dial(t, s.Addr().String())
			r.Connect(`{"verbose":false,"headers":true}`)
			r.Send(line + "\r\nx\r\nPING\r\n")
			r.TryClosed() // in whichever way
		}
	}
	if other.Sync() != "" || s.NumPanics() != 0 {
		t.Errorf("others hear of it, or %d sessions have panicked", s.NumPanics())
	}
}

// CVE-2022-24450: fields of CONNECT that ask for another account are no way into it.
func TestAdvisoryConnectChoosesNoAccount(t *testing.T) {
	for _, config := range []string{"", `authorization { user: u, password: p }`, `authorization { users: [ {user: u, password: p} ] }`,
		`accounts { B { users: [ {user: u, password: p} ] }, A {} }`} {
		s, _ := configured(t, config)
		for _, member := range []string{`"account":"$SYS"`, `"account":"A"`, `"account":"$G"`, `"new_account":true`, `"account":"A","new_account":true`} {
			r := testkit.Dial(t, s.Addr().String())
			r.Send(`CONNECT {"verbose":false,"user":"u","pass":"p",` + member + "}\r\nSUB > 1\r\nPING\r\n")
			r.ExpectBytes("-ERR 'Authorization Violation'\r\n")
			r.ExpectEOF()
		}
	}
}

// CVE-2022-29946, GHSA-wh7g, GHSA-jx8g: no form of subscription gets what is denied,
// be the rule for the filter, for a part of it, or for a queue group.
func TestAdvisoryDeniedBySomeForm(t *testing.T) {
	f := func(permissions, filter, group string, denied ...string) {
		t.Helper()
		s, _ := configured(t, twoUsers(permissions))
		r, adm := login(t, s, as("u")), login(t, s, as("adm")+`,"headers":true`)
		r.Send(strings.Join(strings.Fields("SUB "+filter+" "+group+" 1"), " ") + "\r\n")
		if refusal := r.Sync(); refusal != "" && refusal != notSubscribe(filter, group) {
			t.Errorf("%s %s: %q", filter, group, refusal)
		}
		for _, subject := range denied {
			adm.Send("PUB " + subject + " 1\r\nx\r\nHPUB " + subject + " r 12 13\r\nNATS/1.0\r\n\r\nx\r\n")
		}
		adm.Sync()
		if got := r.Sync(); got != "" {
			t.Errorf("%s: %q in group %q gets %q", permissions, filter, group, got)
		}
	}
	for _, group := range []string{"", "q"} {
		f(`subscribe: { deny: ["a.b"] }`, "a.b", group, "a.b")
		f(`subscribe: { deny: ["a.b"] }`, "a.*", group, "a.b")
		f(`subscribe: { deny: ["a.b"] }`, ">", group, "a.b")
		f(`subscribe: { deny: ["a.*"] }`, "*.b", group, "a.b")
		f(`subscribe: { deny: ["a.*.c"] }`, "a.b.*", group, "a.b.c")
		f(`subscribe: { deny: ["a.>"] }`, "*.*", group, "a.b", "a.x")
		f(`subscribe: { allow: ["a.*"], deny: ["a.b"] }`, "a.*", group, "a.b")
		f(`subscribe: { allow: [">"], deny: ["*.b.>"] }`, "a.>", group, "a.b.c", "a.b.c.d")
	}
	f(`subscribe: { deny: ["a.b q"] }`, "a.b", "q", "a.b")
	f(`subscribe: { allow: ["a.b q"] }`, "a.b", "", "a.b")
	f(`subscribe: { allow: ["a.b q"] }`, "a.b", "other", "a.b")
	f(`subscribe: { allow: ["a.b q"], deny: ["a.b"] }`, "a.b", "q", "a.b")
	f(`subscribe: { deny: ["a.b", "a.b q"] }`, "a.b", "other", "a.b")
}

// CVE-2023-47090: there is no set of credentials beside which nobody in particular may
// come in, unless it says so.
func TestAdvisoryAnonymousBesideCredentials(t *testing.T) {
	const nkey = "UBPP6TXOMCGWGAM5TNQA6WXDYBOEOO4CGLKNQULKOJ2774ZCT4DUEZ5V"
	for _, config := range []string{
		`authorization { user: u, password: p }`,
		`authorization { token: t }`,
		`authorization { users: [ {user: u, password: p} ] }`,
		`authorization { users: [ {user: u} ] }`,
		`authorization { users: [ {nkey: ` + nkey + `} ] }`,
		`authorization { users: [ {user: u, password: p}, {nkey: ` + nkey + `} ] }`,
		`authorization { default_permissions: {}, users: [ {user: u, password: p} ] }`,
		`accounts { A { users: [ {user: u, password: p} ] } }`,
		`accounts { "$SYS" { users: [ {user: u, password: p} ] }, A {} }`,
		`accounts { "$SYS" { users: [ {user: u, password: p} ] } }, authorization {}`,
		`accounts { "$SYS" { users: [ {user: u, password: p} ] } }, authorization { users: [ {user: v, password: p} ] }`,
		`accounts { S { users: [ {user: u, password: p} ] } }, system_account: S, authorization { timeout: 1 }`,
	} {
		s, _ := configured(t, config)
		for _, line := range []string{"CONNECT {}", `CONNECT {"user":""}`, `CONNECT {"pass":""}`, `CONNECT {"user":"x"}`, `CONNECT {"auth_token":""}`,
			`CONNECT {"jwt":"x"}`, `CONNECT {"nkey":"x"}`, "PING", "SUB > 1", "PUB foo 0\r\n", "INFO {}", "PONG", "UNSUB 1", "RS+ $G >", "A+ x", "LS+ >"} {
			r := testkit.Dial(t, s.Addr().String())
			r.Send(line + "\r\n")
			if got, err := r.TryClosed(); err != nil || got != "-ERR 'Authorization Violation'\r\n" {
				t.Errorf("%s: %s: %q, %v", config, line, got, err)
			}
		}
	}
}

// A variable in the block that looks like the password of a single user is none: who
// knows it, and no name, does not get in.
func TestAdvisoryVariableIsNoPassword(t *testing.T) {
	for _, config := range []string{
		`authorization { PASS: abc, users: [ {user: u, password: $PASS}, {user: v, password: w} ] }`,
		`authorization { PASS: abc }, accounts { A { users: [ {user: u, password: abc}, {user: v, password: w} ] } }`,
	} {
		s, _ := configured(t, config)
		for _, members := range []string{`"pass":"abc"`, `"user":"","pass":"abc"`, `"user":"v","pass":"abc"`, `"auth_token":"abc"`} {
			r := testkit.Dial(t, s.Addr().String())
			r.Send("CONNECT {" + members + "}\r\n")
			r.ExpectBytes("-ERR 'Authorization Violation'\r\n")
			r.ExpectEOF()
		}
		r := login(t, s, `"user":"u","pass":"abc"`)
		if got := r.Sync(); got != "" {
			t.Errorf("%s: %q", config, got)
		}
	}
}

// GHSA-38x3, GHSA-hmmp: the way in without CONNECT leads through the same gate, and to a
// client like any other: not to another kind of peer, and not by a type of connection
// that the user must not have.
func TestAdvisoryWithoutConnect(t *testing.T) {
	s, _ := configured(t, `no_auth_user: u, authorization { users: [ {user: u, password: p, permissions: {publish: {deny: "no"}}} ] }`)
	for _, line := range []string{"RS+ $G >", "RMSG $G foo 2\r\nhi", "LS+ >", "LMSG foo 2\r\nhi", "A+ $G", "MSG foo 1 2\r\nhi"} {
		r := testkit.Dial(t, s.Addr().String())
		r.Send("PING\r\n" + line + "\r\n")
		if got, err := r.TryClosed(); err != nil || got != "PONG\r\n-ERR 'Unknown Protocol Operation'\r\n" {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
	r := testkit.Dial(t, s.Addr().String())
	r.Send("PUB no 0\r\n\r\nPING\r\n")
	r.ExpectBytes(notPublish("no") + "PONG\r\n")

	s, _ = configured(t, `no_auth_user: u, authorization { users: [ {user: u, password: p, allowed_connection_types: [WEBSOCKET]} ] }`)
	for _, line := range []string{"PING", "CONNECT {}", `CONNECT {"user":"u","pass":"p"}`} {
		r := testkit.Dial(t, s.Addr().String())
		r.Send(line + "\r\n")
		r.ExpectBytes("-ERR 'Authorization Violation'\r\n")
		r.ExpectEOF()
	}
}

// GHSA-g33f: keys and signatures of any length and content are refused, no more.
func TestAdvisoryKeysOfAnyLength(t *testing.T) {
	const nkey = "UBPP6TXOMCGWGAM5TNQA6WXDYBOEOO4CGLKNQULKOJ2774ZCT4DUEZ5V"
	s, _ := configured(t, `authorization { users: [ {nkey: `+nkey+`} ] }`)
	for n := range len(nkey) + 2 {
		key := (nkey + "AA")[:n]
		for _, sig := range []string{"", "A", strings.Repeat("A", 85), strings.Repeat("A", 86), strings.Repeat("A", 5000), "=", "*"} {
			r := testkit.Dial(t, s.Addr().String())
			r.Send(fmt.Sprintf("CONNECT {\"verbose\":false,\"nkey\":%q,\"sig\":%q}\r\n", key, sig))
			if got, err := r.TryClosed(); err != nil || len(got) == 0 || !strings.HasPrefix(got, "-ERR '") {
				t.Fatalf("%d bytes, %.10q: %q, %v", n, sig, got, err)
			}
		}
	}
	if s.NumPanics() != 0 {
		t.Errorf("%d sessions have panicked", s.NumPanics())
	}
}

// What servers keep for themselves is not for clients, whatever they may do: the
// subjects of replies between servers and the group of system services.
func TestAdvisoryReservedSubjects(t *testing.T) {
	s := testkit.Start(t, new(server.Options))
	r := testkit.Dial(t, s.Addr().String())
	r.Connect(`{"verbose":false,"pedantic":false,"headers":true}`)
	for _, subject := range []string{"_GR_.abc.x", "$NRG.V.x"} {
		r.Send("PUB " + subject + " 0\r\n\r\n")
		r.ExpectBytes(notPublish(subject))
	}
	for _, reply := range []string{"_R_.a.b", "_GR_.a.b", "$JS.ACK.a"} {
		r.Send("PUB foo " + reply + " 0\r\n\r\n")
		r.Expect("-ERR 'Permissions Violation for Publish with Reply of .*")
	}
	r.Send("SUB foo _sys_ 1\r\n")
	r.ExpectBytes(notSubscribe("foo", "_sys_"))
}
