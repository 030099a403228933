package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"nats-server/internal/insight"
	"nats-server/internal/keys"
)

// Path is where the page is. What else there is is below it.
const Path = "/dashboard"

//go:embed page
var page embed.FS

// Config is what the page asks for beyond the reports of monitoring. The functions are
// called by any number of requests at a time.
type Config struct {
	Subjects func() insight.Report
	Settings func() []keys.Shown
}

// types are those of the files. The system's own table may be wrong, and browsers run
// no script of another type.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// policy is strict enough that even markup which got into the page could not run a
// script or send anything away.
const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler returns the handler of Path and everything below it. Requests come without
// the base path.
func Handler(cfg Config) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+Path, file("index.html"))
	mux.Handle("GET "+Path+"/{$}", http.HandlerFunc(withoutSlash))
	mux.Handle("GET "+Path+"/subjects.json", report(cfg.Subjects))
	mux.Handle("GET "+Path+"/config.json", report(cfg.Settings))
	names, err := fs.Glob(page, "page/*")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	for _, name := range names {
		if name = path.Base(name); name != "index.html" {
			mux.Handle("GET "+Path+"/"+name, file(name))
		}
	}
	return guarded(mux)
}

// guarded adds the headers that every answer has.
func guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set := w.Header().Set
		set("Content-Security-Policy", policy)
		set("X-Content-Type-Options", "nosniff")
		set("X-Frame-Options", "DENY")
		set("Referrer-Policy", "no-referrer")
		set("Cross-Origin-Resource-Policy", "same-origin")
		set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}

// file serves one embedded file. Browsers may keep it, but ask whether it is still the
// same: it changes with the server's version.
func file(name string) http.Handler {
	data, err := page.ReadFile("page/" + name)
	if err != nil {
		panic(err) // the name is not of this package
	}
	tag := fmt.Sprintf(`"%x"`, sha256.Sum256(data))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", types[path.Ext(name)])
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
	})
}

// withoutSlash leads to the page, whose relative paths would be wrong with a slash. The
// way there is relative, too, since the base path is not known here.
func withoutSlash(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", ".."+strings.TrimSuffix(r.URL.Path, "/"))
	w.WriteHeader(http.StatusPermanentRedirect)
}

// report serves what f returns as JSON.
func report[T any](f func() T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := json.Marshal(f())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(b)
	})
}
