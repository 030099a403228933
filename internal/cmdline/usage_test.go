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
	yet := declare(fs).yet
	fs.VisitAll(func(f *flag.Flag) {
		if !yet[f.Name] {
			declared = append(declared, f.Name)
		}
	})
	rows, _, _ := strings.Cut(usage, "\nCommands:\n")
	for _, line := range strings.Split(rows, "\n") {
		if !strings.HasPrefix(line, "    ") {
			continue
		}
		for _, m := range regexp.MustCompile(`[ ,]--?(\w+)`).FindAllStringSubmatch(line[:min(37, len(line))], -1) {
			shown = append(shown, m[1])
		}
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
	if !strings.HasSuffix(usage, "\n\n\n") {
		t.Errorf("ends with %q", usage[len(usage)-20:])
	}
	row := regexp.MustCompile(`^    (-\w, | {4}|-DVV? |-VV |-t |-sl,|-ms,|mkpasswd ).* +[A-Zp]`)
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
	ours := strings.Split(`        --against <file or pid>      With -t: show what a reload changes, compared to another
                                     configuration file or a running server (pid or PID file)
        --logtime_utc                Timestamps in UTC
        --log_format <text or json>  Form of the log lines (default: text)
Commands:
    mkpasswd [-p] [-c <cost>]        Make a password and its bcrypt hash`, "\n")
	for _, line := range strings.Split(usage, "\n") {
		if !slices.Contains(reference, line) && !slices.Contains(ours, line) {
			t.Errorf("the reference has no line %q", line)
		}
	}
}
