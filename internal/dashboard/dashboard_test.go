package dashboard_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"nats-server/internal/keys"
	"nats-server/internal/options"
	"nats-server/server"
)

func TestHeaders(t *testing.T) {
	_, url := start(t, server.Options{})
	f := func(path string, status int, contentType, cache string) {
		t.Helper()
		r, _ := get(t, url+path)
		h := r.Header
		if r.StatusCode != status || h.Get("Content-Type") != contentType || h.Get("Cache-Control") != cache {
			t.Errorf("%s: %d %s, %s", path, r.StatusCode, h.Get("Content-Type"), h.Get("Cache-Control"))
		}
		if policy := h.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'self';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s has the headers %v", path, h)
		}
	}
	f("/dashboard", 200, "text/html; charset=utf-8", "no-cache")
	f("/dashboard/app.js", 200, "text/javascript; charset=utf-8", "no-cache")
	f("/dashboard/style.css", 200, "text/css; charset=utf-8", "no-cache")
	f("/dashboard/icon.svg", 200, "image/svg+xml", "no-cache")
	f("/dashboard/subjects.json", 200, "application/json", "no-store")
	f("/dashboard/config.json", 200, "application/json", "no-store")
	f("/dashboard/nothing", 404, "text/plain; charset=utf-8", "no-store")
	f("/dashboard/index.html", 404, "text/plain; charset=utf-8", "no-store")
}

func TestFilesAreKeptUntilTheyChange(t *testing.T) {
	_, url := start(t, server.Options{})
	r, _ := get(t, url+"/dashboard/app.js")
	tag := r.Header.Get("ETag")
	if r, body := get(t, url+"/dashboard/app.js", "If-None-Match", tag); r.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("%d for the ETag %s", r.StatusCode, tag)
	}
	if r, _ := get(t, url+"/dashboard/app.js", "If-None-Match", `"other"`); r.StatusCode != http.StatusOK {
		t.Errorf("%d for another ETag", r.StatusCode)
	}
}

func TestSlashLeadsToThePage(t *testing.T) {
	_, url := start(t, server.Options{HTTPBasePath: "a/b"})
	if r, _ := get(t, url+"/a/b/dashboard/"); r.StatusCode != http.StatusPermanentRedirect || r.Header.Get("Location") != "../dashboard" {
		t.Errorf("%d to %s", r.StatusCode, r.Header.Get("Location"))
	}
}

func TestOnlyReads(t *testing.T) {
	_, url := start(t, server.Options{})
	r, err := http.Post(url+"/dashboard/config.json", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST is answered with %d", r.StatusCode)
	}
}

// The gate of monitoring is before the dashboard.
func TestGate(t *testing.T) {
	_, url := start(t, server.Options{HTTPUsername: "u", HTTPPassword: "p"})
	for _, path := range []string{"/dashboard", "/dashboard/app.js", "/dashboard/config.json", "/dashboard/subjects.json"} {
		if r, _ := get(t, url+path); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d without credentials", path, r.StatusCode)
		}
		if r, _ := get(t, url+path, "Authorization", "Basic dTpw"); r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d with credentials", path, r.StatusCode)
		}
	}
}

// Secrets are in no answer, in whatever way they are configured; that they are
// configured is told.
func TestNoSecretIsTold(t *testing.T) {
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	nkey, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{
		`authorization { user: "CANARY", password: "CANARY" }`,
		`authorization { token: "CANARY" }`,
		`authorization { users: [ { user: "CANARY", password: "CANARY", permissions: { publish: "CANARY" } } ] }`,
		`authorization { users: [ { nkey: ` + nkey + ` } ] }`,
		`accounts { A: { users: [ { user: "CANARY", password: "CANARY" } ] } }`,
		`cluster { name: C, listen: "127.0.0.1:-1", routes: [ "nats://CANARY:CANARY@127.0.0.1:1" ], authorization { user: CANARY, password: CANARY } }`,
		`http_auth { user: "CANARY", password: "CANARY" }`,
		`http_auth { token: "CANARY" }`,
	}
	canary := regexp.MustCompile(`(?i)canary|` + nkey)
	for _, text := range secrets {
		file := filepath.Join(t.TempDir(), "server.conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, _, err := options.Load(file)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		_, url := start(t, *o)
		_, body := get(t, url+"/dashboard/config.json", "Authorization", "Basic Q0FOQVJZOkNBTkFSWQ==")
		var shown []keys.Shown
		if err := json.Unmarshal([]byte(body), &shown); err != nil {
			t.Fatalf("%s: %v in %s", text, err, body)
		}
		if found := canary.FindString(body); found != "" {
			t.Errorf("%s: %s is told", text, found)
		}
		told := false
		for _, s := range shown {
			told = told || s.Secret && !s.Default
			if s.Secret && s.Value != "" {
				t.Errorf("%s: %s has the value %s", text, s.Name, s.Value)
			}
		}
		if !told {
			t.Errorf("%s: it is not told that there is a secret", text)
		}
	}
}

// The page needs nothing from elsewhere, and its scripts never make markup of a text.
func TestFilesKeepTheRules(t *testing.T) {
	elsewhere := regexp.MustCompile(`(https?:)?//[a-z0-9-]+\.[a-z]`)
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|DOMParser|setHTML|srcdoc`)
	err := fs.WalkDir(os.DirFS("page"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join("page", path))
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(b), "http://www.w3.org/", "")
		if found := elsewhere.FindString(text); found != "" {
			t.Errorf("%s mentions another place: %s", path, found)
		}
		if found := markup.FindString(text); found != "" {
			t.Errorf("%s may make markup: %s", path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
