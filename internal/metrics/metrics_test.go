package metrics_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

const patience = 10 * time.Second

// scrape returns the metrics of a server with something to tell, and the server.
func scrape(t *testing.T, accept string) (text string, contentType string) {
	t.Helper()
	s := testkit.Start(t, &server.Options{Host: "127.0.0.1", Port: server.RandomPort, HTTPPort: server.RandomPort})
	for i := range 3 {
		nc, err := nats.Connect(s.ClientURL(), nats.Name(fmt.Sprint("canary-name-", i)))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		sub, err := nc.SubscribeSync("canary.subject")
		if err == nil {
			err = nc.Publish("canary.subject", []byte("12345"))
		}
		if err == nil {
			_, err = sub.NextMsg(patience)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequest(http.MethodGet, "http://"+s.MonitorAddr().String()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	client := http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %v %s", answer.StatusCode, err, b)
	}
	return string(b), answer.Header.Get("Content-Type")
}

func TestMetrics(t *testing.T) {
	text, kind := scrape(t, "")
	if !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Errorf("as %s", kind)
	}
	for _, want := range []string{
		`nats_connections{kind="clients"} 3`,
		`nats_connections_opened_total{kind="clients"} 3`,
		`nats_received_messages_total{kind="clients"} 3`,
		`nats_received_bytes_total{kind="clients"} 15`,
		`nats_sent_messages_total{kind="clients"} 6`, // 1 + 2 + 3
		`nats_sent_bytes_total{kind="clients"} 30`,
		`nats_account_received_messages_total{account="$G"} 3`,
		`nats_account_sent_bytes_total{account="$G"} 30`,
		`nats_account_subscriptions{account="$G"} 3`,
		`nats_account_connections{account="$G"} 3`,
		`nats_slow_consumers_total{kind="clients"} 0`,
		`nats_ready 1`,
		`nats_max_connections 65536`,
		"\ngo_goroutines ",
		"\nprocess_start_time_seconds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, name := range []string{"nats_flush_duration_seconds", "nats_flush_queued_bytes"} {
		m := regexp.MustCompile(name + `_count\{kind="clients"\} (\d+)`).FindStringSubmatch(text)
		if m == nil || m[1] == "0" {
			t.Errorf("%s: %v", name, m)
		}
	}
}

// Nothing that clients choose is a label, and neither is anything without bound.
func TestLabelsAreBounded(t *testing.T) {
	text, _ := scrape(t, "")
	if strings.Contains(text, "canary") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("a client shows in %s", text)
	}
	allowed := []string{"kind", "account", "reason", "le", "path", "server_id", "server_name", "version", "quantile"}
	for _, m := range regexp.MustCompile(`(?m)^nats_\w+\{(.*)\} `).FindAllStringSubmatch(text, -1) {
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(m[1], -1) {
			if !slices.Contains(allowed, label[1]) {
				t.Errorf("label %s", label[1])
			}
		}
	}
}

func TestOpenMetrics(t *testing.T) {
	text, kind := scrape(t, "application/openmetrics-text; version=1.0.0")
	if !strings.HasPrefix(kind, "application/openmetrics-text; version=1.0.0") || !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("as %s, ending in %q", kind, text[max(len(text)-20, 0):])
	}
}

// promtool runs the tool of Prometheus that checks things.
func promtool(t *testing.T, input string, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not there; it comes with Prometheus (Debian: apt-get install prometheus)")
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// of are the metrics of text whose name begins with a prefix, with what is said of them.
func of(text, prefix string) string {
	var b bytes.Buffer
	for line := range strings.Lines(text) {
		if name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "); strings.HasPrefix(name, prefix) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestPromtoolLikesTheMetrics(t *testing.T) {
	text, _ := scrape(t, "")
	promtool(t, of(text, "nats_"), "check", "metrics")
}

func TestPromtoolLikesTheAlerts(t *testing.T) {
	promtool(t, "", "check", "rules", "../../docs/monitoring/alerts.yml")
	promtool(t, "", "test", "rules", "../../docs/monitoring/alerts_test.yml")
}

// Alerts, dashboard and documentation name no metric that is not there, and the
// documentation names all.
func TestDocumentsNameRealMetrics(t *testing.T) {
	text, _ := scrape(t, "")
	known := map[string]bool{"nats_tls_certificate_not_after_seconds": true, "nats_connections_closed_total": true, "nats_http_requests_total": true} // where there is something
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (nats_\w+) (\w+)`).FindAllStringSubmatch(text, -1) {
		if known[m[1]] = true; m[2] == "histogram" {
			known[m[1]+"_bucket"] = true
		}
	}
	said := map[string]bool{}
	for _, file := range []string{"monitoring/alerts.yml", "monitoring/grafana.json", "monitoring.md"} {
		b, err := os.ReadFile("../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") && !json.Valid(b) {
			t.Errorf("%s is no JSON", file)
		}
		for _, name := range regexp.MustCompile(`\bnats_[a-z_]+`).FindAllString(string(b), -1) {
			if !known[name] {
				t.Errorf("%s names %s, which is not there", file, name)
			}
			if file == "monitoring.md" {
				said[name] = true
			}
		}
	}
	for name := range known {
		if !said[name] && !strings.HasSuffix(name, "_bucket") {
			t.Errorf("monitoring.md does not say what %s is", name)
		}
	}
}
