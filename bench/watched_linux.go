package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// watchedConns is how many clients are connected while reports are asked for: as
	// many as 20,000 open files allow.
	watchedConns = 19_700
	watchEvery   = 100 * time.Millisecond

	// One window differs from the next by more than what is looked for, so there are
	// many of them.
	watchWindow = 500 * time.Millisecond
	watchPairs  = 45
)

// watcher asks for reports again and again while it is on.
type watcher struct {
	on    atomic.Bool
	took  map[string][]int64 // by path, in nanoseconds; of its thread
	paths []string
}

func (w *watcher) run(e *env, port int) error {
	client := &http.Client{Timeout: 5 * time.Second}
	block := make([]byte, 256<<10) // large, as it is our answer that is measured, not the client
	defer client.CloseIdleConnections()
	next := time.Now()
	for !e.failed.Load() {
		next = next.Add(watchEvery)
		for _, path := range w.paths {
			if !w.on.Load() {
				continue
			}
			start := time.Now()
			r, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, path))
			if err != nil {
				return err
			}
			for err == nil {
				_, err = r.Body.Read(block)
			}
			r.Body.Close()
			if err != io.EOF {
				return err
			}
			if r.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %s", path, r.Status)
			}
			w.took[path] = append(w.took[path], int64(time.Since(start)))
		}
		nap(time.Until(next))
	}
	return nil
}

// runWatched compares what a publisher and its subscriber get through while nobody
// watches, and while two reports are asked for ten times a second, in turns. The figure
// is by how many percent the throughput falls, as the median.
func runWatched(e *env) (measurement, error) {
	if err := checkFiles(watchedConns); err != nil {
		return measurement{}, err
	}
	monitor, err := freePort()
	if err != nil {
		return measurement{}, err
	}
	p, err := e.startServer("--user", "u", "--pass", "p", "-m", fmt.Sprint(monitor))
	if err != nil {
		return measurement{}, err
	}
	conns, err := e.openIdle(p.port, watchedConns)
	if err != nil {
		return measurement{}, err
	}
	e.spawn(func() error { return e.answerPings(conns) })
	w := &watcher{took: map[string][]int64{}, paths: []string{"/varz", "/connz?limit=1024"}}
	e.spawn(func() error { return w.run(e, monitor) })
	f, err := e.shapeFlow(p, p, shape{pubs: 1, subs: 1, size: 128, user: "u", pass: "p"}, hotSubject)
	if err != nil {
		return measurement{}, err
	}
	flows := []*flow{f}
	r := e.receive(f.subs, nil)
	rate := func(watched bool) (float64, error) {
		w.on.Store(watched)
		already, start := total(flows), time.Now()
		err := e.pump(flows, watchWindow)
		return float64(total(flows)-already) / time.Since(start).Seconds(), err
	}
	if _, err := rate(false); err != nil {
		return measurement{}, err
	}
	var falls []float64
	for pair := range watchPairs {
		var got [2]float64                              // alone, watched
		for _, i := range []int{pair % 2, 1 - pair%2} { // each first in turn, as the machine gets slower or faster
			if got[i], err = rate(i == 1); err != nil {
				return measurement{}, err
			}
		}
		falls = append(falls, 100*(1-got[1]/got[0]))
	}
	r.end()
	if err := f.verify(); err != nil {
		return measurement{}, err
	}
	m := measurement{Figure: spreadOf(falls).Median, RSS: e.peakMB()}
	if err := e.firstError(); err != nil {
		return m, err
	}
	e.stop()
	sp := spreadOf(falls)
	m.Note = fmt.Sprintf("%d connections, falls by %.1f %% (%.1f to %.1f in %d pairs)", watchedConns, sp.Median, sp.Min, sp.Max, len(falls))
	for _, path := range w.paths {
		ns := w.took[path]
		slices.Sort(ns)
		m.Note += fmt.Sprintf(", %s in %.1f ms (p90 %.1f)", path, float64(percentile(ns, 0.5))/1e6, float64(percentile(ns, 0.9))/1e6)
	}
	return m, nil
}
