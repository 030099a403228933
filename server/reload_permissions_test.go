package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// reloads lets s go on with another configuration.
func reloads(t testing.TB, s *server.Server, config string) {
	t.Helper()
	next := parsed(t, config)
	next.Host, next.Port = "127.0.0.1", server.RandomPort // as before
	noErr(t, s.ReloadOptions(&next))
}

// entries is a configuration with these entries of users.
func entries(entries ...string) string {
	return "authorization { users: [\n" + strings.Join(entries, "\n") + "\n] }\n"
}

// Who is not let in by the new options any more is closed, one way or the other (spec:
// accounts-and-auth 1.12).
func TestReloadClosesClients(t *testing.T) {
	k := newKey(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("p"), bcrypt.MinCost)
	noErr(t, err)
	const (
		stays, gone, refused = "", "gone", violation
		user                 = "{user: u, pass: p}"
		other                = "{user: other, pass: p}"
	)
	nkey := "{nkey: " + k.public + "}"
	f := func(before, members, after, want string) {
		t.Helper()
		s, log := configured(t, before)
		r := testkit.Dial(t, s.Addr().String())
		if members == "SIGNED" {
			members = k.sign(t, r.Info)
		}
		if !tries(t, r, members) {
			t.Fatalf("%s does not let in %s", before, members)
		}
		says(t, r, "before", "SUB x 1\r\n", "")
		reloads(t, s, after)
		if want == stays {
			says(t, r, after, "PUB x 0\r\n\r\n", "MSG x 1 0\r\n\r\n")
			return
		}
		if want == refused {
			r.ExpectBytes(violation)
		}
		r.ExpectEOF()
		eventually(t, "the client is gone", func() bool { return s.NumClients() == 0 && s.NumSubscriptions() == 0 })
		reason := map[string]string{gone: "Client Closed", refused: "Authentication Failure"}[want]
		logged(t, log, " - Client connection closed: "+reason)
		if want == gone && log.has("authentication error") {
			t.Errorf("%s: logged as an authentication error", after)
		}
	}
	// Removed.
	f(entries(user, other), as("u"), entries(other), gone)
	f(entries(user, nkey), "SIGNED", entries(user), gone)
	f(entries(user, other), as("u"), entries(user), stays)
	f(entries(user, nkey), "SIGNED", entries(nkey), stays)
	f(entries(user, other), as("u"), "authorization {user: other, pass: p}", gone)
	f(entries(user, other), as("u"), "authorization {token: p}", gone)
	f(entries(user)+"no_auth_user: u", "", entries(other), gone)
	f(entries(user)+"no_auth_user: u", as("u"), entries(other), gone)
	// Changed.
	f(entries(user), as("u"), entries("{user: u, pass: P}"), refused)
	f(entries(user), as("u"), entries("{user: u}"), refused)
	f(entries(user), as("u"), entries("{user: u, pass: p, clients: IN_PROCESS}"), refused)
	f(entries(user), as("u"), entries("{user: u, pass: p, clients: STANDARD}"), stays)
	f(entries(user), as("u"), entries(fmt.Sprintf("{user: u, pass: %q}", hash)), stays)
	f(entries(nkey), "SIGNED", entries("{nkey: "+k.public+", clients: IN_PROCESS}"), refused)
	f(entries(nkey), "SIGNED", entries("{nkey: "+k.public+", permissions: {publish: x}}"), stays)
	f(entries(user)+"no_auth_user: u", "", entries(user), refused)
	f(entries(user)+"no_auth_user: u", as("u"), entries(user), stays)
	f(entries(user), as("u"), entries(user)+"no_auth_user: u", stays)
	// A single user, and a token.
	f("authorization {user: u, pass: p}", as("u"), "authorization {user: u, pass: P}", refused)
	f("authorization {user: u, pass: p}", as("u"), "authorization {user: U, pass: p}", refused)
	f("authorization {user: u, pass: p}", as("u"), "authorization {token: p}", refused)
	f("authorization {user: u, pass: p}", as("u"), entries(user), stays)
	f("authorization {token: t}", `"auth_token":"t"`, "authorization {token: T}", refused)
	f("authorization {token: t}", `"auth_token":"t"`, entries(user), refused)
	f("authorization {token: t}", `"auth_token":"t"`, "authorization {token: t, timeout: 3}", stays)
	// From nothing, and to nothing.
	f("", "", entries(user), refused)
	f("", as("u"), entries(user), stays)
	f("", `"user":"x"`, "authorization {token: t}", refused)
	f(entries(user), as("u"), "", stays)
	f("authorization {token: t}", `"auth_token":"t"`, "", stays)
}

// Clients that have said nothing yet are judged by the options in force when they do.
func TestReloadBeforeUsersConnect(t *testing.T) {
	s, _ := configured(t, entries("{user: u, pass: p}"))
	early, late := testkit.Dial(t, s.Addr().String()), testkit.Dial(t, s.Addr().String())
	reloads(t, s, entries("{user: v, pass: p, permissions: {publish: x}}"))
	if tries(t, early, as("u")) {
		t.Error("a user of former options is let in")
	}
	if !tries(t, late, as("v")) {
		t.Fatal("a new user is refused")
	}
	says(t, late, "new", "PUB y 0\r\n\r\n", notPublish("y"))

	// One that needed no credentials does now.
	open, _ := configured(t, "")
	silent, busy := testkit.Dial(t, open.Addr().String()), testkit.Dial(t, open.Addr().String())
	says(t, busy, "open", "SUB x 1\r\n", "+OK\r\n")
	reloads(t, open, entries("{user: u, pass: p}"))
	for _, r := range []*testkit.Raw{silent, busy} {
		r.ExpectBytes(violation)
		r.ExpectEOF()
	}
	eventually(t, "both are gone", func() bool { return open.NumClients() == 0 && open.NumSubscriptions() == 0 })
}

// Subscriptions that are not allowed any more end, with a line for the client and one
// in the log. The others stay.
func TestReloadEndsSubscriptions(t *testing.T) {
	for _, who := range []string{"b", newKey(t).public} {
		f := func(before, subs, after, told string, stay uint32) {
			t.Helper()
			k := newKey(t)
			name, entry := "b", "{user: b, pass: p, permissions: {"
			if who != "b" {
				name, entry = k.public, "{nkey: "+k.public+", permissions: {"
			}
			s, log := configured(t, entries(entry+before+"}}"))
			r := testkit.Dial(t, s.Addr().String())
			members := as("b")
			if who != "b" {
				members = k.sign(t, r.Info)
			}
			r.Connect(`{"verbose":false,` + members + "}")
			kind := map[bool]string{true: "user", false: "nkey"}[who == "b"]
			for sub := range strings.SplitSeq(subs, ", ") {
				says(t, r, before, "SUB "+sub+"\r\n", "")
			}
			reloads(t, s, entries(entry+after+"}}"))
			numSubs(t, s, stay)
			got := strings.SplitAfter(r.Sync(), "\r\n")
			slices.Sort(got) // in no particular order
			var want []string
			for what := range strings.SplitSeq(told, ", ") {
				if what != "" {
					want = append(want, "-ERR 'Permissions Violation for Subscription to "+what+"'\r\n")
					logged(t, log, fmt.Sprintf("INF %s - cid:1 - \"$G/%s:%s\" - Removed sub %s for User %q - not authorized", r.Conn.LocalAddr(), kind, name, what, name))
				}
			}
			if slices.Sort(want); !slices.Equal(got[1:], want) {
				t.Errorf("from %s to %s: got %q, want %q", before, after, got, want)
			}
			if told == "" && log.has("Removed sub") {
				t.Errorf("from %s to %s: %q", before, after, log.lines())
			}
		}
		f("", "foo 1, bar q 2, bar 3", "subscribe: bar", `"foo" (sid "1")`, 2)
		f("", "foo 1, bar q 2, foo q 3", "subscribe: {deny: [foo, bar]}", `"foo" (sid "1"), "bar" using queue "q" (sid "2"), "foo" using queue "q" (sid "3")`, 0)
		f("subscribe: [foo, bar]", "foo 1, bar 2", "subscribe: foo", `"bar" (sid "2")`, 1)
		f("subscribe: [foo, bar]", "foo 1, bar 2", "", "", 2)
		f("", "foo q 1, foo r 2, foo 3", `subscribe: {deny: ["foo q"]}`, `"foo" using queue "q" (sid "1")`, 2)
		f("", "foo q 1, foo r 2, foo 3", `subscribe: [foo, "foo q"]`, `"foo" using queue "r" (sid "2")`, 2)
		f("", "* 1, > 2, foo.> 3, foo.* 4", `subscribe: {deny: "foo.*"}`, `"foo.>" (sid "3"), "foo.*" (sid "4")`, 2)
		f("", "* 1, > 2, foo.> 3", `subscribe: {deny: foo}`, "", 3)
		f("", "foo.* 1, foo.> 2", `subscribe: "foo.*"`, `"foo.>" (sid "2")`, 1)
		f("", "a\"b 1, c q\" s'2", `subscribe: x`, `"a\"b" (sid "1"), "c" using queue "q\"" (sid "s'2")`, 0)
		f("", "foo 1, foo q 2", "publish: x", "", 2)
		f("subscribe: [foo, bar]", "foo 1", "subscribe: [bar, foo]", "", 1)
	}
}

// A subscription that has ended that way is gone for good, and its sid free.
func TestReloadedSubscriptionIsGone(t *testing.T) {
	s, _ := configured(t, twoUsers(""))
	r, adm := login(t, s, as("u")), login(t, s, as("adm"))
	says(t, r, "before", "SUB foo 1\r\nSUB foo q 2\r\n", "")
	says(t, adm, "before", "SUB foo q 7\r\n", "")
	reloads(t, s, twoUsers("subscribe: bar"))
	r.Sync()
	says(t, adm, "group", strings.Repeat(pub("foo", ""), 20), strings.Repeat("MSG foo 7 0\r\n\r\n", 20))
	says(t, r, "gone", "UNSUB 1\r\nUNSUB 2 5\r\nSUB foo 3\r\nSUB bar 1\r\n", notSubscribe("foo", ""))
	reloads(t, s, twoUsers(""))
	says(t, adm, "again", pub("foo", "")+pub("bar", ""), "MSG foo 7 0\r\n\r\n")
	says(t, r, "again", "SUB foo 3\r\n", "MSG bar 1 0\r\n\r\n")
}

// What may be published and delivered changes at once, for those who are connected.
func TestReloadChangesRights(t *testing.T) {
	const foo = "PUB foo 0\r\n\r\n"
	s, _ := configured(t, twoUsers(""))
	r, adm := login(t, s, as("u")), login(t, s, as("adm"))
	says(t, r, "before", "SUB * 1\r\nSUB * q 2\r\nSUB > 3\r\n", "")
	all := []string{"MSG foo 1 0\r\n\r\n", "MSG foo 2 0\r\n\r\n", "MSG foo 3 0\r\n\r\n"}
	f := func(permissions string, may bool, sids ...int) {
		t.Helper()
		reloads(t, s, twoUsers(permissions))
		for range 3 {
			if !may { // so another one does
				says(t, r, permissions, foo, notPublish("foo"))
				says(t, adm, permissions, foo, "")
			} else {
				r.Send(foo)
			}
			got := strings.SplitAfter(r.Sync(), "\r\n\r\n")
			var expected []string
			for _, sid := range sids {
				expected = append(expected, all[sid-1])
			}
			got = got[:len(got)-1]
			if slices.Sort(got); !slices.Equal(got, expected) {
				t.Errorf("%s: got %q, want %q", permissions, got, expected)
			}
		}
	}
	f("", true, 1, 2, 3)
	f("publish: bar", false, 1, 2, 3)
	f("subscribe: {deny: foo}", true)
	f(`subscribe: {deny: "foo q"}`, true, 1, 3)
	f("publish: {deny: foo}, subscribe: {deny: foo}", false)
	f("allow_responses: true", false, 1, 2, 3)
	f("publish: foo, allow_responses: true", true, 1, 2, 3)
	f("publish: bar, subscribe: {deny: bar}", false, 1, 2, 3)
	f("", true, 1, 2, 3)
	numSubs(t, s, 3)
}

// A permission to answer comes and goes with a reload; one that stays the same keeps
// what it remembers.
func TestReloadOfResponses(t *testing.T) {
	s, _ := configured(t, twoUsers("publish: ok"))
	r, adm := login(t, s, as("u")), login(t, s, as("adm"))
	says(t, r, "before", "SUB req 1\r\n", "")
	request := func(reply string) {
		t.Helper()
		says(t, adm, "request", "PUB req "+reply+" 0\r\n\r\n", "")
		says(t, r, "request", "", "MSG req 1 "+reply+" 0\r\n\r\n")
	}
	answer := func(what, reply, want string) { t.Helper(); says(t, r, what, "PUB "+reply+" 0\r\n\r\n", want) }
	for range 2 {
		request("rep.1")
		answer("without", "rep.1", notPublish("rep.1"))
		reloads(t, s, twoUsers("publish: ok, allow_responses: true"))
		answer("a former request", "rep.1", notPublish("rep.1"))
		request("rep.1")
		request("rep.2")
		answer("with", "rep.1", "")
		reloads(t, s, twoUsers("publish: [ok], allow_responses: {max: 1}")+"\nmax_payload: 100")
		answer("the same", "rep.2", "")
		answer("the same", "rep.1", notPublish("rep.1"))
		request("rep.3")
		reloads(t, s, twoUsers("publish: ok"))
		answer("gone", "rep.3", notPublish("rep.3"))
	}
}

func TestReloadLog(t *testing.T) {
	key1, key2 := newKey(t).public, newKey(t).public
	f := func(before, after string, want ...string) {
		t.Helper()
		s, log := configured(t, before)
		reloads(t, s, after)
		var got []string
		for _, line := range log.lines() {
			if _, text, ok := strings.Cut(line, "INF Reloaded: "); ok {
				got = append(got, text)
			}
		}
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("from %s to %s: %q, want %q", before, after, got, want)
		}
	}
	f(entries("{user: u, pass: a}"), entries("{user: u, pass: b}"), "authorization users")
	f(entries("{user: u}"), entries("{user: u}", "{user: v}"), "authorization users")
	f(entries("{user: u}"), entries("{user: u, permissions: {publish: x}}"), "authorization users")
	f(entries("{user: u, permissions: {publish: x}}"), entries("{user: u, permissions: {publish: y}}"), "authorization users")
	f(entries("{user: u}"), entries("{user: u}"))
	f("authorization {user: a, pass: p}", "authorization {user: b, pass: p}", "authorization username")
	f("authorization {user: a, pass: p}", "authorization {user: a, pass: q}", "authorization password")
	f("authorization {token: a}", "authorization {token: b}", "authorization token")
	f("authorization {token: a}", "authorization {token: a, timeout: 3}", "authorization timeout = 3 (for new connections)")
	f(entries("{nkey: "+key1+"}"), entries("{nkey: "+key2+"}"), "authorization nkey users")
	f(entries("{user: u}", "{nkey: "+key1+"}"), entries("{user: v}", "{nkey: "+key2+"}"), "authorization users", "authorization nkey users")
}

// A reload that fails leaves everybody what they had.
func TestFailedReloadChangesNoRights(t *testing.T) {
	s, _ := configured(t, twoUsers("publish: ok"))
	r := login(t, s, as("u"))
	says(t, r, "before", "SUB foo 1\r\n", "")
	bad := parsed(t, entries("{user: other, pass: p}"))
	bad.Host, bad.Port, bad.NoAuthUser = "127.0.0.1", server.RandomPort, "nobody"
	if s.ReloadOptions(&bad) == nil {
		t.Error("a user that does not exist may stand for others")
	}
	says(t, r, "after", "PUB ok 0\r\n\r\nPUB no 0\r\n\r\n", notPublish("no"))
	numSubs(t, s, 1)
}
