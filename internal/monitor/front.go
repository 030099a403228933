package monitor

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// front finds the handler of a request (spec: monitoring 2.1, 2.2). It is immutable.
type front struct {
	handlers map[string]http.Handler
	base     string // "" or /prefix
	gate     *Gate
}

// cleanBase is a configured base path as requests have it, without the last slash.
func cleanBase(base string) string {
	if base = path.Clean("/" + base); base == "/" {
		return ""
	}
	return base
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := r.URL.Path
	if clean := cleanPath(p); clean != p {
		to := url.URL{Path: clean, RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, to.String(), http.StatusTemporaryRedirect)
		return
	}
	h, below := f.find(p)
	if h == nil {
		http.NotFound(w, r)
		return
	}
	if !open[below] && !f.gate.admits(w, r) {
		return
	}
	local := *r
	u := *r.URL
	u.Path, u.RawPath = below, ""
	local.URL = &u
	h.ServeHTTP(w, &local)
}

// open are the paths of probes, for which no one is asked who he is: they say no more
// than whether the server works, and their callers have nowhere to keep a secret.
var open = map[string]bool{"/healthz": true, "/livez": true, "/readyz": true, "/startupz": true}

// find returns the handler for a path, and the path without the base path.
func (f *front) find(p string) (h http.Handler, below string) {
	below, ok := strings.CutPrefix(p, f.base)
	switch {
	case !ok:
		return nil, ""
	case f.base != "" && below == "": // the landing page, of which "/" is no name then
		return f.handlers["/"], "/"
	case below == "/" && f.base != "", !strings.HasPrefix(below, "/"):
		return nil, ""
	}
	if h = f.handlers[below]; h != nil {
		return h, below
	}
	for at := strings.LastIndexByte(below, '/'); at > 0; at = strings.LastIndexByte(below[:at], '/') {
		if h = f.handlers[below[:at+1]]; h != nil {
			return h, below
		}
	}
	return nil, ""
}

// cleanPath is a path without empty and dotted parts.
func cleanPath(p string) string {
	clean := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}
