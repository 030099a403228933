package perms_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nats-server/internal/perms"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// memory is a Replies with a clock of its own.
type memory struct {
	t *testing.T
	r *perms.Replies
	d time.Duration // since start
}

func newMemory(t *testing.T, c perms.Config) *memory {
	t.Helper()
	return &memory{t: t, r: perms.NewReplies(compile(t, c))}
}

func (m *memory) note(text string) { m.r.Note([]byte(text), start.Add(m.d)) }

func (m *memory) use(text string, want bool) {
	m.t.Helper()
	if got := m.r.Use([]byte(text), start.Add(m.d)); got != want {
		m.t.Errorf("reply %.40q at %v: %v", text, m.d, got)
	}
}

func responses(max int, expires time.Duration) perms.Config {
	return perms.Config{Responses: &perms.Responses{Max: max, Expires: expires}}
}

func TestRepliesAreCounted(t *testing.T) {
	f := func(max, want int) {
		t.Helper()
		m := newMemory(t, responses(max, 0))
		m.use("rep.1", false)
		m.note("rep.1")
		m.note("rep.2")
		for range want {
			m.use("rep.1", true)
		}
		if max >= 0 {
			m.use("rep.1", false)
		}
		m.use("rep.2", true)
		m.use("rep.3", false)
	}
	f(0, 1)
	f(1, 1)
	f(2, 2)
	f(-1, 1000)
}

func TestRepliesExpire(t *testing.T) {
	f := func(expires, lives time.Duration) {
		t.Helper()
		m := newMemory(t, responses(-1, expires))
		m.note("rep")
		m.use("rep", true)
		m.d = lives
		m.use("rep", true)
		if expires >= 0 {
			m.d++
			m.use("rep", false)
			m.d = 0
			m.use("rep", false)
		}
	}
	f(0, 2*time.Minute)
	f(time.Second, time.Second)
	f(-1, 10_000*time.Hour)
}

// A second request with the same reply has its own answers and its own time.
func TestReplyStartsAnew(t *testing.T) {
	m := newMemory(t, responses(2, time.Second))
	m.note("rep")
	m.use("rep", true)
	m.d = 800 * time.Millisecond
	m.note("rep")
	m.d = 1600 * time.Millisecond
	m.use("rep", true)
	m.use("rep", true)
	m.use("rep", false)

	// The first of these is unused, so that there is one answer to two requests.
	m = newMemory(t, responses(1, 0))
	m.note("rep")
	m.note("rep")
	m.use("rep", true)
	m.use("rep", false)
}

func TestRepliesThatNeedNoMemory(t *testing.T) {
	c := responses(2, 0)
	c.Publish = &perms.Rules{Allow: list("ok.>"), Deny: list("ok.no")}
	m := newMemory(t, c)
	m.note("ok.yes")
	m.use("ok.yes", false)
	m.note("")
	m.use("", false)

	// Also what is denied may be answered to.
	m.note("ok.no")
	m.use("ok.no", true)

	m = newMemory(t, perms.Config{Publish: &perms.Rules{Allow: list()}})
	m.note("rep")
	m.use("rep", false)
}

func TestRepliesAreBounded(t *testing.T) {
	f := func(name string, noted, kept int, text func(i int) string) {
		t.Helper()
		m := newMemory(t, responses(-1, -1))
		for i := range noted {
			m.note(text(i))
		}
		m.use(text(0), false)
		m.use(text(noted-kept-1), false)
		m.use(text(noted-kept), true)
		m.use(text(noted-1), true)

		// A reply noted again is no longer the oldest.
		m.note(text(noted - kept))
		m.note(text(noted))
		m.use(text(noted-kept), true)
		m.use(text(noted-kept+1), false)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	f("count", 100_000, 65_536, func(i int) string { return fmt.Sprintf("_INBOX.%d", i) })
	tail := strings.Repeat("x", 4096-8)
	f("text", 5000, 2048, func(i int) string { return fmt.Sprintf("%07d.", i) + tail })

	// One reply larger than all that is kept, and small ones after it.
	m := newMemory(t, responses(1, 0))
	huge := strings.Repeat("x", 8<<20+1)
	m.note("small")
	m.note(huge)
	m.use(huge, false)
	m.note("small")
	m.use("small", true)
}

// Used and expired replies make room: what was noted last is there however many
// there were before.
func TestRepliesUnderSteadyTraffic(t *testing.T) {
	m := newMemory(t, responses(1, time.Minute))
	m.note("first")
	for i := range 200_000 {
		text := fmt.Sprintf("rep.%d", i)
		m.note(text)
		m.use(text, true)
	}
	m.use("first", true)

	for i := range 50_000 {
		m.note(fmt.Sprintf("old.%d", i))
	}
	m.d = 2 * time.Minute
	for i := range 60_000 {
		m.note(fmt.Sprintf("new.%d", i))
	}
	for i := range 60_000 {
		m.use(fmt.Sprintf("new.%d", i), true)
	}
	m.use("old.49999", false)
}

// What is of no use any more goes without being asked for.
func TestRepliesAreSweptAway(t *testing.T) {
	f := func(when string, m *memory, want int) {
		t.Helper()
		if got := m.r.Len(); got != want {
			t.Errorf("%s: %d replies are held", when, got)
		}
	}
	m := newMemory(t, responses(2, time.Minute))
	for i := range 1000 {
		m.note(fmt.Sprintf("rep.%d", i))
	}
	m.use("rep.0", true)
	f("all noted", m, 1000)
	m.use("rep.0", true)
	f("one used up", m, 999)
	m.d = time.Hour
	m.use("rep.1", false)
	f("one found expired", m, 998)
	m.note("late")
	f("one noted", m, 998-4+1)
	for range 250 {
		m.note("late")
	}
	f("many noted", m, 1)
}
