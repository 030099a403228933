package monitor

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

const (
	// mostHeavy is how many reports over many connections are made at a time.
	mostHeavy = 2

	// heavyWait is how long a request waits until one of them is done.
	heavyWait = 2 * time.Second

	// maxStacks is how many bytes of stacks are shown.
	maxStacks = 16 << 20
)

// report makes the answer to a request.
type report struct {
	counted string // as http_req_stats names it; "" = not
	heavy   bool   // it may go through all connections
	make    func(q url.Values) (any, error)
}

// Handlers returns the handlers of all endpoints by their paths.
func (r *Reports) Handlers() map[string]http.Handler {
	busy := make(chan struct{}, mostHeavy)
	all := map[string]http.Handler{
		"/":        http.HandlerFunc(r.landing),
		"/healthz": http.HandlerFunc(r.serveHealth),
		"/stacksz": limited(busy, http.HandlerFunc(stacks)),
		"/raftz": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			complain(w, &Fault{http.StatusNotFound, "No Raft nodes registered"})
		}),
		"/debug/vars": limited(busy, http.HandlerFunc(vars)),
	}
	for path, p := range map[string]func() Probe{"/livez": r.Livez, "/readyz": r.Readyz, "/startupz": r.Startupz} {
		all[path] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { serveProbe(w, p()) })
	}
	reports := r.reports()
	for path, p := range reports {
		h := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.serve(w, req, p) })
		if all[path] = h; p.heavy {
			all[path] = limited(busy, h)
		}
	}
	all["/subscriptionsz"] = all["/subsz"]
	return all
}

func (r *Reports) reports() map[string]report {
	return map[string]report{
		"/varz": {counted: "/varz", make: func(url.Values) (any, error) { return r.Varz(), nil }},
		"/connz": {heavy: true, make: func(q url.Values) (any, error) {
			o, err := connzOptions(q)
			if err != nil {
				return nil, err
			}
			r.counted("/connz")
			return orFault(r.page(o))
		}},
		"/routez": {heavy: true, make: func(q url.Values) (any, error) {
			subs, err := routezOptions(q)
			if err != nil {
				return nil, err
			}
			r.counted("/routez")
			return orFault(r.Routez(subs))
		}},
		"/gatewayz": {counted: "/gatewayz", make: r.gatewayz},
		"/leafz":    {counted: "/leafz", make: r.leafz},
		"/subsz": {counted: "/subsz", heavy: true, make: func(q url.Values) (any, error) {
			o, err := subszOptions(q)
			if err != nil {
				return nil, err
			}
			return orFault(r.Subsz(o))
		}},
		"/accountz": {counted: "/accountz", make: func(q url.Values) (any, error) { return orFault(r.Accountz(q.Get("acc"))) }},
		"/accstatz": {counted: "/accstatz", make: func(q url.Values) (any, error) {
			p := params{values: q}
			unused := p.boolean("unused")
			return r.Accstatz(unused), p.err
		}},
		"/jsz": {counted: "/jsz", make: r.jsz},
		"/ipqueuesz": {make: func(q url.Values) (any, error) {
			p := params{values: q}
			p.boolean("all")
			return struct{}{}, p.err
		}},
	}
}

// Ask makes the report of an endpoint for who asks by other means than HTTP, and need not
// count as a request. There filter_subject is a parameter of /connz, too (spec: monitoring
// 14).
func (r *Reports) Ask(path string, q url.Values) (any, error) {
	switch path {
	case "/healthz":
		p := params{values: q}
		h, status := r.healthz(&p)
		h.Code = status
		return h, p.err
	case "/connz":
		o, err := connzOptions(q)
		if err != nil {
			return nil, err
		}
		o.FilterSubject = q.Get("filter_subject")
		return orFault(r.Connz(o))
	case "/routez":
		subs, err := routezOptions(q)
		if err != nil {
			return nil, err
		}
		return orFault(r.Routez(subs))
	}
	e, ok := r.reports()[path]
	if !ok {
		return nil, &Fault{http.StatusNotFound, "no such report: " + path}
	}
	return e.make(q)
}

// orFault keeps a nil pointer from becoming an answer.
func orFault[T any](v *T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (r *Reports) serve(w http.ResponseWriter, req *http.Request, p report) {
	if p.counted != "" {
		r.counted(p.counted)
	}
	v, err := p.make(req.URL.Query())
	if err != nil {
		complain(w, err)
		return
	}
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room)
	if *room, err = encode((*room)[:0], v); err != nil {
		complain(w, err)
		return
	}
	writeJSON(w, http.StatusOK, *room)
}

// rooms are for answers, which may be large and are asked for again and again.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

func encode(dst []byte, v any) ([]byte, error) {
	if own, ok := v.(interface {
		appendJSON(dst []byte) ([]byte, error)
	}); ok {
		return own.appendJSON(dst)
	}
	b, err := json.MarshalIndent(v, "", "  ")
	return append(dst, b...), err
}

func writeJSON(w http.ResponseWriter, status int, b []byte) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(b)
}

// complain answers with an error as it is (spec: monitoring 2.1).
func complain(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var f *Fault
	if errors.As(err, &f) {
		status = f.Status
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write([]byte(err.Error()))
}

// limited lets only so many requests through at a time as busy has room for.
func limited(busy chan struct{}, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := time.NewTimer(heavyWait)
		defer t.Stop()
		select {
		case busy <- struct{}{}:
			defer func() { <-busy }()
			h.ServeHTTP(w, r)
		case <-r.Context().Done():
		case <-t.C:
			w.Header().Set("Retry-After", "1")
			complain(w, &Fault{http.StatusServiceUnavailable, "too many requests at a time"})
		}
	})
}

func (r *Reports) serveHealth(w http.ResponseWriter, req *http.Request) {
	r.counted("/healthz")
	p := params{values: req.URL.Query()}
	h, status := r.healthz(&p)
	if p.err != nil {
		complain(w, p.err)
		return
	}
	b, _ := json.Marshal(h) // texts always encode
	writeJSON(w, status, b)
}

func serveProbe(w http.ResponseWriter, p Probe) {
	status := http.StatusOK
	if p.Status != "ok" {
		status = http.StatusServiceUnavailable
	}
	b, _ := json.Marshal(p) // texts always encode
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, b)
}

// stacks shows what every goroutine is doing.
func stacks(w http.ResponseWriter, _ *http.Request) {
	b := make([]byte, 64<<10)
	n := runtime.Stack(b, true)
	for n == len(b) && len(b) < maxStacks {
		b = make([]byte, 4*len(b))
		n = runtime.Stack(b, true)
	}
	writeJSON(w, http.StatusOK, b[:n])
}

// vars shows what the runtime counts. Arguments of the process are left out: there may
// be secrets among them.
func vars(w http.ResponseWriter, _ *http.Request) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b, _ := json.MarshalIndent(map[string]any{"cmdline": []string{filepath.Base(os.Args[0])}, "memstats": m}, "", "  ") // numbers always encode
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Write(b)
}
