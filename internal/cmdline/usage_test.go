package cmdline

import (
	"flag"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestUsageNamesEveryFlagAndNoOther(t *testing.T) {
	var declared, shown []string
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	declare(fs)
	fs.VisitAll(func(f *flag.Flag) { declared = append(declared, f.Name) })
	for _, m := range regexp.MustCompile(`(?m)(?:^ +|, )--?(\w+)`).FindAllStringSubmatch(usage, -1) {
		shown = append(shown, m[1])
	}
	slices.Sort(declared)
	slices.Sort(shown)
	if !slices.Equal(declared, shown) {
		t.Errorf("flags %v\nusage %v", declared, shown)
	}
}

func TestUsageShape(t *testing.T) {
	if !strings.HasPrefix(usage, "\nUsage: nats-server [options]\n\n") {
		t.Errorf("starts with %q", usage[:40])
	}
	if !strings.HasSuffix(usage, "version\n\n\n") {
		t.Errorf("ends with %q", usage[len(usage)-20:])
	}
	row := regexp.MustCompile(`^    (-\w, | {4}|-DV)[^A-Z]* [A-Z]`)
	for _, line := range strings.Split(usage, "\n") {
		switch {
		case !strings.HasPrefix(line, " "), line == "    -n, --name":
		case !row.MatchString(line) || line[36] != ' ' || line[37] == ' ':
			t.Errorf("row %q", line)
		}
	}
}

// TestUsageLinesAreThoseOfTheReference: what we have in common with the reference
// server is described in the same lines.
func TestUsageLinesAreThoseOfTheReference(t *testing.T) {
	path, err := exec.LookPath("nats-server")
	if err != nil {
		t.Skip("no reference nats-server on the PATH")
	}
	out, err := exec.Command(path, "-h").Output()
	if err != nil {
		t.Fatal(err)
	}
	reference := strings.Split(string(out), "\n")
	for _, line := range strings.Split(usage, "\n") {
		if !slices.Contains(reference, line) {
			t.Errorf("the reference has no line %q", line)
		}
	}
}
