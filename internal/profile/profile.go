// Package profile serves profiles of the running program in the form that `go tool
// pprof` asks for. Unlike net/http/pprof, it leaves the default mux of an embedding
// program alone, and does not show the arguments of the process.
package profile

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"time"
)

// most is how long a profile over time may take.
const most = 5 * time.Minute

// Handlers returns the handlers by their paths.
func Handlers() map[string]http.Handler {
	all := map[string]http.Handler{
		"/debug/pprof/":        http.HandlerFunc(index),
		"/debug/pprof/profile": overTime(30*time.Second, pprof.StartCPUProfile, pprof.StopCPUProfile),
		"/debug/pprof/trace":   overTime(time.Second, trace.Start, trace.Stop),
	}
	for _, name := range names() {
		all["/debug/pprof/"+name] = snapshot(name)
	}
	return all
}

// names are the profiles of one moment.
func names() (all []string) {
	for _, p := range pprof.Profiles() {
		all = append(all, p.Name())
	}
	return all
}

// index lists what there is.
func index(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/debug/pprof/" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, name := range append(names(), "profile", "trace") {
		fmt.Fprintln(w, name)
	}
}

// snapshot serves a profile of the moment: as text with debug=1 or 2.
func snapshot(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		debug, _ := strconv.Atoi(r.FormValue("debug"))
		if r.FormValue("gc") == "1" && name == "heap" {
			runtime.GC()
		}
		if debug > 0 {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		} else {
			w.Header().Set("Content-Type", "application/octet-stream")
		}
		pprof.Lookup(name).WriteTo(w, debug)
	})
}

// overTime serves what is recorded for a while, seconds if they are given. Only one
// recording of a kind is possible at a time.
func overTime(usual time.Duration, start func(io.Writer) error, stop func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := usual
		if seconds, err := strconv.ParseFloat(r.FormValue("seconds"), 64); err == nil && seconds > 0 {
			d = min(time.Duration(seconds*float64(time.Second)), most)
		}
		// The limit of the server is for answers that need not be recorded first.
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d + 30*time.Second))
		w.Header().Set("Content-Type", "application/octet-stream")
		if err := start(w); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		defer stop()
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
		}
	})
}
