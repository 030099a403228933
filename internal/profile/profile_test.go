package profile

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func ask(path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	all := Handlers()
	h := all[r.URL.Path]
	if h == nil {
		h = all["/debug/pprof/"] // what is below a path that ends in a slash
	}
	h.ServeHTTP(w, r)
	return w
}

// Everything that is listed is there, in the form that pprof reads.
func TestProfiles(t *testing.T) {
	list := ask("/debug/pprof/").Body.String()
	for _, name := range strings.Fields(list) {
		w := ask("/debug/pprof/" + name + "?seconds=0.01&gc=1")
		b := w.Body.Bytes()
		if name == "trace" {
			if w.Code != http.StatusOK || !bytes.HasPrefix(b, []byte("go 1.")) {
				t.Errorf("trace: %d %.20q", w.Code, b)
			}
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err == nil {
			_, err = io.Copy(io.Discard, z)
		}
		if w.Code != http.StatusOK || err != nil {
			t.Errorf("%s: %d %v", name, w.Code, err)
		}
	}
	for _, want := range []string{"heap", "goroutine", "allocs", "block", "mutex", "profile", "trace"} {
		if !strings.Contains(list, want+"\n") {
			t.Errorf("%s is not in the list %q", want, list)
		}
	}
	if w := ask("/debug/pprof/goroutine?debug=2"); !strings.Contains(w.Body.String(), "TestProfiles") {
		t.Errorf("as text: %s", w.Body)
	}
	for _, path := range []string{"/debug/pprof/cmdline", "/debug/pprof/none"} {
		if w := ask(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
