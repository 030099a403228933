package server_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// inside connects a raw client within the process.
func inside(t testing.TB, s *server.Server, members string) *testkit.Raw {
	t.Helper()
	nc, err := s.InProcessConn()
	noErr(t, err)
	r := testkit.Attach(t, nc)
	r.Greeting()
	r.Connect(`{"verbose":false,"pedantic":false,` + members + `}`)
	return r
}

// answering is a client u that answers requests, and one that sends them.
type answering struct {
	t           testing.TB
	u, adm      *testkit.Raw
	permissions string
}

// withAnswers runs f with a server on which u has the permissions given and has
// subscribed to req.>, and to work as one of a group. Time is virtual.
func withAnswers(t *testing.T, permissions string, f func(*answering)) {
	t.Helper()
	o := parsed(t, twoUsers(permissions))
	o.DontListen, o.PingInterval = true, 1000*time.Hour
	synctest.Test(t, func(t *testing.T) {
		s, err := server.NewServer(&o)
		noErr(t, err)
		noErr(t, s.Start())
		a := &answering{t, inside(t, s, as("u")), inside(t, s, as("adm")), permissions}
		time.Sleep(3 * time.Second)
		for _, r := range []*testkit.Raw{a.u, a.adm} { // the only ones for long
			r.ExpectLine("PING")
			r.Send("PONG\r\n")
		}
		says(t, a.u, permissions, "SUB req.> 1\r\nSUB work q 2\r\n", "")
		f(a)
		s.Shutdown()
	})
}

// request has u get a request with that reply.
func (a *answering) request(reply string) {
	a.t.Helper()
	a.adm.Send("PUB req.x " + reply + " 0\r\n\r\n")
	a.adm.Sync()
	if got, want := a.u.Sync(), "MSG req.x 1 "+reply+" 0\r\n\r\n"; got != want {
		a.t.Errorf("%s: the request is %q, want %q", a.permissions, got, want)
	}
}

// answer checks that u may publish to a reply, or may not.
func (a *answering) answer(reply string, may bool) {
	a.t.Helper()
	want := ""
	if !may {
		want = notPublish(reply)
	}
	says(a.t, a.u, a.permissions, "PUB "+reply+" 0\r\n\r\n", want)
}

// Each form of allow_responses lets so many answers pass, for so long.
func TestResponseForms(t *testing.T) {
	const never, many = -1, 50
	f := func(value string, most int, expires time.Duration) {
		t.Helper()
		withAnswers(t, "allow_responses: "+value, func(a *answering) {
			t.Helper()
			a.request("rep.1")
			for i := range many {
				a.answer("rep.1", most < 0 || i < most)
			}
			a.request("rep.2")
			time.Sleep(max(expires, 0))
			a.answer("rep.2", true)
			a.request("rep.3")
			if expires == never {
				time.Sleep(100 * time.Hour)
			} else {
				time.Sleep(expires + 1)
			}
			a.answer("rep.3", expires == never)
		})
	}
	f("true", 1, 2*time.Minute)
	f("false", -1, never) // nothing is said, so nothing is forbidden
	f("{}", 1, 2*time.Minute)
	f("{max: 2}", 2, 2*time.Minute)
	f("{max: 0, expires: 0s}", 1, 2*time.Minute)
	f("{max: -1}", -1, 2*time.Minute)
	f(`{max: -7, expires: "-5s"}`, -1, never)
	f(`{expires: "1s"}`, 1, time.Second)
	f(`{max_msgs: 3, expiration: "1m"}`, 3, time.Minute)
	f(`{max_messages: 4, ttl: "1h"}`, 4, time.Hour)
	f(`{max_responses: 5}`, 5, 2*time.Minute)
}

func TestResponses(t *testing.T) {
	f := func(permissions string, check func(*answering)) {
		t.Helper()
		withAnswers(t, permissions, check)
		withAnswers(t, strings.Replace(permissions, "allow_responses", "publish_allow_responses", 1), check)
	}
	// Without an allow list nothing else may be published.
	f("allow_responses: true", func(a *answering) {
		a.answer("any", false)
		a.answer("rep.1", false)
		a.request("rep.1")
		a.answer("rep.2", false)
		a.answer("rep.1.x", false)
		a.answer("rep.*", false)
		a.answer("rep.1", true)
		a.answer("rep.1", false)
	})
	// With one, that as well.
	f(`publish: "ok.>", allow_responses: {max: 2}`, func(a *answering) {
		a.answer("ok.1", true)
		a.request("ok.1") // may be published to anyway: is not counted
		for range 5 {
			a.answer("ok.1", true)
		}
		a.answer("any", false)
		a.request("rep.1")
		a.answer("rep.1", true)
		a.answer("rep.1", true)
		a.answer("rep.1", false)
	})
	// What is denied may be answered.
	f(`publish: {allow: ">", deny: "rep.>"}, allow_responses: true`, func(a *answering) {
		a.answer("any", true)
		a.answer("rep.1", false)
		a.request("rep.1")
		a.answer("rep.1", true)
		a.answer("rep.1", false)
	})
	// A deny list alone does not let anything else pass.
	f(`publish: {deny: "rep.>"}, allow_responses: true`, func(a *answering) {
		a.answer("any", false)
		a.request("any")
		a.answer("any", true)
	})
	// A second request with the same reply counts anew (spec: client-protocol 12).
	f("allow_responses: {max: 2, expires: 10s}", func(a *answering) {
		a.request("rep.1")
		a.answer("rep.1", true)
		time.Sleep(9 * time.Second)
		a.request("rep.1")
		time.Sleep(9 * time.Second)
		a.answer("rep.1", true)
		a.answer("rep.1", true)
		a.answer("rep.1", false)
	})
	// Replies are counted one by one.
	f("allow_responses: true", func(a *answering) {
		for i := range 100 {
			a.request(fmt.Sprint("rep.", i))
		}
		for i := range 100 {
			a.answer(fmt.Sprint("rep.", 99-i), true)
		}
		for i := range 100 {
			a.answer(fmt.Sprint("rep.", i), false)
		}
	})
}

// Only what is delivered to the connection itself may be answered by it.
func TestResponsesNeedDelivery(t *testing.T) {
	withAnswers(t, `subscribe: {deny: ["req.no", "work.no"]}, allow_responses: true`, func(a *answering) {
		deliver := func(subject, reply, want string) {
			t.Helper()
			a.adm.Send("PUB " + subject + " " + reply + " 0\r\n\r\n")
			a.adm.Sync()
			if got := a.u.Sync(); got != want {
				t.Errorf("for %s got %q, want %q", subject, got, want)
			}
		}
		deliver("other", "rep.1", "")
		a.answer("rep.1", false)
		deliver("req.no", "rep.2", "")
		a.answer("rep.2", false)
		deliver("work", "rep.3", "MSG work 2 rep.3 0\r\n\r\n")
		a.answer("rep.3", true)
		// A group whose other member is chosen now and then.
		says(t, a.adm, "another member", "SUB work q 1\r\n", "")
		for i := range 50 {
			reply := fmt.Sprint("rep.w", i)
			a.adm.Send("PUB work " + reply + " 0\r\n\r\n")
			theirs := a.adm.Sync() != ""
			if mine := a.u.Sync() != ""; mine == theirs {
				t.Fatalf("message %d: mine %v, theirs %v", i, mine, theirs)
			}
			a.answer(reply, !theirs)
		}
		// After the subscription is gone, what was delivered may still be answered.
		a.request("rep.4")
		says(t, a.u, "unsubscribed", "UNSUB 1\r\n", "")
		deliver("req.x", "rep.5", "")
		a.answer("rep.5", false)
		a.answer("rep.4", true)
	})
}

// The message of a subscription that ends with it may be answered, and so may one
// that is delivered more than once.
func TestResponsesOfLimitedSubscriptions(t *testing.T) {
	withAnswers(t, "allow_responses: true", func(a *answering) {
		says(t, a.u, "a limit", "SUB once 3\r\nUNSUB 3 1\r\nSUB twice 4\r\nSUB * 5\r\n", "")
		a.adm.Send("PUB once rep.1 0\r\n\r\nPUB once rep.2 0\r\n\r\nPUB twice rep.3 0\r\n\r\n")
		a.adm.Sync()
		a.u.Sync()
		for _, reply := range []string{"rep.1", "rep.2", "rep.3"} {
			a.answer(reply, true)
			a.answer(reply, false)
		}
	})
}

// A violation by a client that may answer is told and logged like any other, and an
// answer is delivered like any message.
func TestResponseReachesTheRequester(t *testing.T) {
	s, log := configured(t, `authorization { users = [
		{user: r, password: p, permissions: {subscribe: "req.>", publish: "ok.>", allow_responses: {max: 2, expires: "1m"}}},
		{user: adm, password: p} ] }`)
	r, adm := login(t, s, as("r")), login(t, s, as("adm"))
	says(t, r, "responder", "SUB req.a 1\r\n", "")
	says(t, adm, "requester", "SUB rep.1 9\r\nPUB req.a rep.1 2\r\nhi\r\n", "")
	says(t, r, "responder", "", "MSG req.a 1 rep.1 2\r\nhi\r\n")
	says(t, r, "responder", "PUB rep.1 3\r\none\r\nPUB rep.1 3\r\ntwo\r\nPUB rep.1 1\r\n3\r\n", notPublish("rep.1"))
	says(t, adm, "requester", "", "MSG rep.1 9 3\r\none\r\nMSG rep.1 9 3\r\ntwo\r\n")
	logged(t, log, `Publish Violation - Subject "rep.1"`)
}
