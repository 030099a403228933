package insight

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// read shows a Look the subjects of one read.
func read(s *Sampler, l *Look, subjects ...string) {
	l.Begin(s)
	if !l.On() {
		return
	}
	for _, subj := range subjects {
		l.See([]byte(subj), 10)
	}
	l.End("A")
}

func find(t *testing.T, rows []Row, subject string) Row {
	t.Helper()
	for _, r := range rows {
		if r.Subject == subject {
			return r
		}
	}
	t.Fatalf("no row for %q in %v", subject, rows)
	return Row{}
}

func about(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*want {
		t.Errorf("%s is %g, want %g give or take %g%%", what, got, want, 100*tolerance)
	}
}

func TestOffWhileNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Sampler
		var l Look
		l.Begin(&s)
		if l.On() {
			t.Error("on before the first report")
		}
		if r := s.Report(); r.Samples != 0 || r.Subjects == nil {
			t.Errorf("the first report has %+v", r)
		}
		time.Sleep(8 * time.Second)
		s.Report()
		time.Sleep(8 * time.Second)
		if !s.Watching() {
			t.Error("a second report does not keep it on")
		}
		time.Sleep(3 * time.Second)
		if s.Watching() {
			t.Error("on longer than ten seconds after the last report")
		}
		s.Report()
		s.Stop()
		if s.Watching() {
			t.Error("on after Stop")
		}
		time.Sleep(time.Minute) // nothing of the old timer
	})
}

func TestNilSampler(t *testing.T) {
	var l Look
	read(nil, &l, "a")
	if l.On() {
		t.Error("on without a Sampler")
	}
}

// Each message of a read is picked equally often, wherever it stands.
func TestPickIsFair(t *testing.T) {
	const rounds, n = 40000, 8
	var s Sampler
	defer s.Stop()
	s.watch()
	var l Look
	picked := make(map[string]int)
	for range rounds {
		l.Begin(&s)
		for i := range n {
			l.See([]byte{byte('a' + i)}, 1)
		}
		picked[string(l.subject)]++
		l.into = nil
	}
	for i := range n {
		about(t, fmt.Sprintf("how often the message at %d is picked", i), float64(picked[string(rune('a'+i))]), rounds/n, 0.1)
	}
}

// A steady stream is estimated right from the beginning, and forgotten after its end.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Sampler
		defer s.Stop()
		s.Report()
		var l Look
		flow := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				read(&s, &l, "a.x", "a.x", "a.x", "b.y.z.w", "_INBOX.1.2", "_INBOX.3")
				s.watch()
			}
		}
		check := func() {
			t.Helper()
			r := s.Report()
			about(t, "the total", r.Total.Msgs, 600, 0.05)
			about(t, "the total of bytes", r.Total.Bytes, 6000, 0.05)
			about(t, "a.x", find(t, r.Subjects, "a.x").Msgs, 300, 0.25)
			about(t, "the share of a.x", find(t, r.Subjects, "a.x").Share, 0.5, 0.25)
			about(t, "the bytes of a.x", find(t, r.Subjects, "a.x").Bytes, 3000, 0.25)
			about(t, "inboxes", find(t, r.Subjects, "_INBOX.>").Msgs, 200, 0.3)
			about(t, "prefix a", find(t, r.Prefixes, "a").Msgs, 300, 0.25)
			about(t, "prefix b.y.z", find(t, r.Prefixes, "b.y.z").Msgs, 100, 0.4)
		}
		flow(3 * time.Second)
		check()
		flow(150 * time.Second) // more than once beyond what a count may weigh
		check()
		for range 1000 { // seconds of silence, with somebody looking
			time.Sleep(time.Second)
			s.Report()
		}
		r := s.Report()
		if len(r.Subjects)+len(r.Prefixes) != 0 {
			t.Errorf("what has faded is still there: %+v", r)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	})
}

// However many subjects there are, the sketch is bounded, never reports more than
// there was, and keeps what is heavy.
func TestManySubjects(t *testing.T) {
	c := newCollection(time.Now())
	var l Look
	const n = 200_000
	for i := range n {
		subj := "orders." + fmt.Sprint(rand.Uint32()) + ".new"
		if i%10 == 0 {
			subj = "heavy"
		}
		l = Look{into: c, next: 1}
		l.See([]byte(subj), 1)
		l.End("A")
	}
	if len(c.subjects.byKey) != subjectsKept || len(c.subjects.heap) != subjectsKept {
		t.Errorf("%d subjects are kept, in %d places", len(c.subjects.byKey), len(c.subjects.heap))
	}
	for i, e := range c.subjects.heap {
		if e.at != i || c.subjects.byKey[e.key] != e {
			t.Fatalf("%v is not where it should be", e)
		}
	}
	r := c.report(time.Now())
	if len(r.Subjects) > shown || len(r.Prefixes) > depths*shown {
		t.Errorf("%d subjects and %d prefixes are shown", len(r.Subjects), len(r.Prefixes))
	}
	if r.Subjects[0].Subject != "heavy" {
		t.Errorf("the heaviest is %q", r.Subjects[0].Subject)
	}
	about(t, "the share of the heavy one", r.Subjects[0].Share, 0.1, 0.05)
	about(t, "the share of the prefix", find(t, r.Prefixes, "orders").Share, 0.9, 0.02)
	sum := 0.0
	for _, row := range r.Subjects {
		sum += row.Share
	}
	if sum > 1.000001 {
		t.Errorf("the shares add up to %g", sum)
	}
}

func TestFold(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := string(fold([]byte(in))); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	f("a.b", "a.b")
	f("_INBOX.abc.1", "_INBOX.>")
	f("_INBOXES.a", "_INBOXES.a")
	f(strings.Repeat("x", 4000), strings.Repeat("x", 256))
}

// Readers of connections and those who look, all at once; for the race detector.
func TestConcurrent(t *testing.T) {
	var s Sampler
	defer s.Stop()
	s.Report()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			var l Look
			for j := range 2000 {
				read(&s, &l, fmt.Sprintf("s%d.%d", i, j%50), "x")
			}
		})
	}
	wg.Go(func() {
		for range 100 {
			s.Report()
			s.Stop()
		}
		s.Report()
	})
	wg.Wait()
	var l Look
	read(&s, &l, "x")
	if r := s.Report(); r.Samples == 0 {
		t.Error("nothing was sampled")
	}
}

// What is collected of reads that find the lock taken is made up for.
func TestMissedReads(t *testing.T) {
	c := newCollection(time.Now().Add(-time.Hour))
	c.base = time.Now()
	c.offer("A", []byte("a"), 10, 1)
	before := c.report(c.base).Total.Msgs
	c.mu.Lock()
	c.offer("A", []byte("a"), 30, 1)
	c.mu.Unlock()
	about(t, "the total", c.report(c.base).Total.Msgs, 4*before, 0.001)
}

func TestNoAllocation(t *testing.T) {
	var off, on Sampler
	on.watch()
	defer on.Stop()
	var l Look
	subj := []byte("orders.eu.new.1")
	f := func(s *Sampler) {
		t.Helper()
		if n := testing.AllocsPerRun(1000, func() {
			l.Begin(s)
			if l.On() {
				l.See(subj, 1)
				l.End("A")
			}
		}); n != 0 {
			t.Errorf("%v allocations per read", n)
		}
	}
	f(&off)
	f(&on)
}
