package options_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/keys"
	"nats-server/internal/options"
)

// TestDocumentation fails when docs/configuration.md is not what the introduction and
// the tables say; with -update it writes the file.
func TestDocumentation(t *testing.T) {
	introduction, err := os.ReadFile("testdata/introduction.md")
	if err != nil {
		t.Fatal(err)
	}
	tables := keys.Reference("Keys", new(options.Options).Keys(), 2)
	want := string(introduction) + "\n" + strings.TrimSuffix(tables, "\n")

	const path = "../../docs/configuration.md"
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
		t.Errorf("go test ./internal/options -update writes it anew: %v -want +got\n%s", err, diff)
	}
}

// The examples of the introduction are configurations that load.
func TestDocumentedExamples(t *testing.T) {
	t.Setenv("ALICE", "wonderland")
	t.Setenv("ADDRESS", "127.0.0.1:4333")
	introduction, err := os.ReadFile("testdata/introduction.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(introduction), "```conf\n")
	if len(parts) != 3 {
		t.Errorf("%d parts", len(parts))
	}
	for _, part := range parts[1:] {
		example, _, _ := strings.Cut(part, "```\n")
		o, warnings, err := options.Load(write(t, example))
		if err != nil || warnings != nil {
			t.Errorf("%s: %v %q", example, err, warnings)
			continue
		}
		if _, err := o.Complete(); err != nil {
			t.Errorf("%s: %v", example, err)
		}
	}
}
