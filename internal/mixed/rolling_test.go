//go:build unix

package mixed_test

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
)

var rolls = flag.Int("rolls", 1, "how often TestRolling replaces each server there and back")

// TestRolling replaces the servers of a cluster one by one, there and back, while
// clients ask and work is shared. What gets lost must not be more than where the
// reference replaces the reference.
func TestRolling(t *testing.T) {
	t.Parallel()
	ways := map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "lame duck": syscall.SIGUSR2}
	reports := map[string]*report{}
	for name := range ways {
		reports[name+" reference"], reports[name+" mixed"] = new(report), new(report)
	}
	t.Run("all", func(t *testing.T) {
		for name, how := range ways {
			t.Run(name+" reference", func(t *testing.T) {
				t.Parallel()
				*reports[name+" reference"] = roll(t, theirs(t), theirs(t), how)
			})
			t.Run(name+" mixed", func(t *testing.T) {
				t.Parallel()
				*reports[name+" mixed"] = roll(t, theirs(t), ours(t), how)
			})
		}
	})
	for name := range ways {
		r, m := reports[name+" reference"], reports[name+" mixed"]
		t.Logf("%s, reference only: %v", name, r)
		t.Logf("%s, mixed:          %v", name, m)
		m.notWorse(t, name, r)
	}
}

// report is what became of questions and of work.
type report struct {
	replaced                        int
	asked, nobody, timeouts, other  int
	published, lost, doubled, wrong int
	perStep                         []int // work lost, by the server that was being replaced
}

func (r *report) String() string {
	return fmt.Sprintf("%d replaced; of %d questions %d found nobody, %d were not answered in time, %d failed otherwise; of %d pieces of work %d were lost %v, %d done twice, %d were wrong",
		r.replaced, r.asked, r.nobody, r.timeouts, r.other, r.published, r.lost, r.perStep, r.doubled, r.wrong)
}

// notWorse allows for chance: what was on its way in the moment when a server ended is
// lost on any server, and how much that is depends on the moment, and on how busy the
// machine is.
func (r *report) notWorse(t *testing.T, name string, than *report) {
	t.Helper()
	if r.replaced == 0 || than.replaced == 0 {
		return // failed, and has said so
	}
	f := func(what string, ours, theirs int) {
		t.Helper()
		if limit := 2*theirs + 50; ours > limit {
			t.Errorf("%s: %s: %d, and with reference servers only %d (limit %d)", name, what, ours, theirs, limit)
		}
	}
	f("questions without an answer", r.nobody+r.timeouts+r.other, than.nobody+than.timeouts+than.other)
	f("work lost", r.lost, than.lost)
	if r.doubled > than.doubled || r.wrong > 0 {
		t.Errorf("%s: %d pieces of work done twice (reference only: %d), %d wrong", name, r.doubled, than.doubled, r.wrong)
	}
}

// roll replaces one program by the other and back.
func roll(t *testing.T, from, to program, how syscall.Signal) report {
	var c cluster
	for i := range 3 {
		n := newNode(t, fmt.Sprint("n", i), "lame_duck_grace_period: \"1ms\"\nlame_duck_duration: \"30s\"\n")
		for _, other := range c {
			n.routes = append(n.routes, other.cluster)
		}
		n.start(from)
		c = append(c, n)
	}
	c[0].routes = []string{c[1].cluster, c[2].cluster} // from the next start on
	c[1].routes = []string{c[0].cluster, c[2].cluster}
	c.joined()
	ex := startExercise(t, c)
	ex.progress(100)
	for range *rolls {
		for _, next := range []program{to, from} {
			for _, n := range c {
				n.end(how)
				n.start(next)
				c.joined()
				ex.progress(100)
				ex.mu.Lock()
				ex.report.replaced++
				ex.mu.Unlock()
			}
		}
	}
	return ex.end()
}

// exercise is clients that reconnect: some ask and publish work, some answer and do it.
type exercise struct {
	t        *testing.T
	askers   []*nats.Conn
	workers  []*nats.Conn
	stop     chan struct{}
	stopped  sync.Once
	done     sync.WaitGroup
	answered atomic.Int64

	mu     sync.Mutex
	report report
	sent   map[string]int // pieces of work, and how many servers had been replaced
	work   map[string]int // how often each was done
}

// pace is the time between two questions of a client, or two pieces of work.
const pace = 2 * time.Millisecond

func startExercise(t *testing.T, c cluster, options ...nats.Option) *exercise {
	t.Helper()
	ex := &exercise{t: t, stop: make(chan struct{}), sent: map[string]int{}, work: map[string]int{}}
	for i := range c {
		w := resilient(t, c, i, options...)
		if _, err := w.QueueSubscribe("ask", "answers", func(m *nats.Msg) { _ = m.Respond(m.Data) }); err != nil {
			t.Fatal(err)
		}
		if _, err := w.QueueSubscribe("work", "workers", ex.do); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		ex.workers = append(ex.workers, w)
		ex.askers = append(ex.askers, resilient(t, c, i, options...))
	}
	ex.fence()
	t.Cleanup(ex.halt)
	for i, nc := range ex.askers {
		ex.done.Go(func() { ex.every(func(n int) { ex.ask(nc, fmt.Sprintf("%d.%d", i, n)) }) })
		ex.done.Go(func() { ex.every(func(n int) { ex.publish(nc, fmt.Sprintf("%d.%d", i, n)) }) })
	}
	return ex
}

// resilient is a client that knows all servers, and begins with one.
func resilient(t *testing.T, c cluster, first int, options ...nats.Option) *nats.Conn {
	t.Helper()
	var urls []string
	for i := range c {
		urls = append(urls, c[(first+i)%len(c)].url())
	}
	options = append(options, nats.DontRandomize(), comesBack, nats.Timeout(patience), nats.ReconnectBufSize(64<<20))
	nc, err := nats.Connect(strings.Join(urls, ","), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func (ex *exercise) every(f func(n int)) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ex.stop:
			return
		case <-tick.C:
			f(n)
		}
	}
}

func (ex *exercise) ask(nc *nats.Conn, text string) {
	m, err := nc.Request("ask", []byte(text), 2*time.Second)
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.report.asked++
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		ex.report.nobody++
	case errors.Is(err, nats.ErrTimeout):
		ex.report.timeouts++
	case err != nil:
		ex.report.other++
	case string(m.Data) != text:
		ex.report.wrong++
	default:
		ex.answered.Add(1)
	}
}

func (ex *exercise) publish(nc *nats.Conn, text string) {
	ex.mu.Lock()
	ex.sent[text] = ex.report.replaced
	ex.mu.Unlock()
	if err := nc.Publish("work", []byte(text)); err != nil {
		ex.t.Errorf("publishing: %v", err)
	}
}

func (ex *exercise) do(m *nats.Msg) {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.work[string(m.Data)]++
}

// progress waits until n more questions have been answered.
func (ex *exercise) progress(n int64) {
	ex.t.Helper()
	from := ex.answered.Load()
	testkit.Eventually(ex.t, patience, "questions are answered", func() bool { return ex.answered.Load() >= from+n })
}

// fence waits until a message from each asker has reached each worker: whatever was
// sent before has arrived, or is lost.
func (ex *exercise) fence() {
	ex.t.Helper()
	for _, from := range ex.askers {
		for _, to := range ex.workers {
			subject := unique("fence")
			sub, err := to.SubscribeSync(subject)
			if err != nil {
				ex.t.Fatal(err)
			}
			testkit.Eventually(ex.t, patience, "a message crosses", func() bool {
				if err := from.Publish(subject, nil); err != nil {
					ex.t.Fatal(err)
				}
				_, err := sub.NextMsg(50 * time.Millisecond)
				return err == nil
			})
			_ = sub.Unsubscribe()
		}
	}
}

// halt has the clients neither ask nor publish any more.
func (ex *exercise) halt() {
	ex.stopped.Do(func() { close(ex.stop) })
	ex.done.Wait()
}

// end stops the clients and says what became of everything.
func (ex *exercise) end() report {
	ex.t.Helper()
	ex.halt()
	ex.fence()
	for _, nc := range append(ex.askers, ex.workers...) {
		nc.Close()
	}
	ex.mu.Lock()
	defer ex.mu.Unlock()
	r := ex.report
	r.published = len(ex.sent)
	r.perStep = make([]int, r.replaced+1)
	for text, step := range ex.sent {
		if ex.work[text] == 0 {
			r.lost++
			r.perStep[step]++
		}
	}
	for text, times := range ex.work {
		if times > 1 {
			r.doubled++
		}
		if _, ok := ex.sent[text]; !ok {
			r.wrong++
		}
	}
	return r
}
