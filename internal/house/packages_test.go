package house

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "nats-server"

// pkg is a package as one operating system sees it.
type pkg struct {
	path, dir, doc string
	system         string
	imports        []string
	testImports    []string
}

// systems are those whose files differ.
var systems = []string{"linux", "darwin", "windows"}

// packages lists every package of the module, once for each system.
func packages(t *testing.T) (all []pkg) {
	t.Helper()
	const format = `{{.ImportPath}}|{{.Dir}}|{{.Doc}}|{{join .Imports " "}}|{{join .TestImports " "}} {{join .XTestImports " "}}`
	for _, system := range systems {
		for line := range strings.Lines(golist(t, system, "-e", "-f", format, module+"/...")) {
			f := strings.Split(strings.TrimSpace(line), "|")
			if len(f) < 5 {
				t.Fatalf("go list says %q", line)
			}
			// A doc text may hold the separator, the other fields do not.
			n := len(f)
			all = append(all, pkg{
				path: f[0], dir: f[1], doc: strings.Join(f[2:n-2], "|"), system: system,
				imports: strings.Fields(f[n-2]), testImports: strings.Fields(f[n-1]),
			})
		}
	}
	if len(all) < 20*len(systems) {
		t.Fatalf("go list finds only %d packages", len(all)/len(systems))
	}
	return all
}

// golist runs go list as if on the system given, "" for this one.
func golist(t *testing.T, system string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Env = os.Environ()
	if system != "" {
		cmd.Env = append(cmd.Env, "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	}
	out, err := cmd.Output()
	if err != nil {
		detail := ""
		if ee, ok := err.(*exec.ExitError); ok {
			detail = string(ee.Stderr)
		}
		t.Fatalf("go list %q: %v\n%s", args, err, detail)
	}
	return string(out)
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// foreign reports whether a package is of another module: its first element is a
// domain.
func foreign(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

func TestEveryPackageHasAComment(t *testing.T) {
	for _, p := range packages(t) {
		_, base, _ := strings.Cut(filepath.ToSlash(p.path), "internal/")
		want := "Package " + base + " "
		if base == "" {
			base = filepath.Base(p.path)
			want = "Package " + base + " "
			if p.path == module || p.path == module+"/bench" || p.path == module+"/util/mkpasswd" {
				want = "Command " + base + " "
			}
		}
		switch {
		case p.doc == "":
			t.Errorf("%s (%s) has no package comment: say what it is for", p.path, p.system)
		case !strings.HasPrefix(p.doc, want):
			t.Errorf("the comment of %s begins %.40q, not %q", p.path, p.doc, want)
		}
	}
}

// Only one comment: with several, nobody knows which is the one.
func TestOneCommentPerPackage(t *testing.T) {
	for _, p := range packages(t) {
		if p.system != systems[0] {
			continue
		}
		files, err := filepath.Glob(filepath.Join(p.dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		var with []string
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if parsed.Doc != nil && parsed.Doc.Text() != "" {
				with = append(with, filepath.Base(file))
			}
		}
		if len(with) > 1 {
			t.Errorf("%s has package comments in %q", p.path, with)
		}
	}
}

// main joins two packages, which is all there is to test about it here.
func TestMainIsThin(t *testing.T) {
	dir := strings.TrimSpace(golist(t, "", "-f", "{{.Dir}}", module))
	files := strings.TrimSpace(golist(t, "", "-f", "{{.GoFiles}}", module))
	if files != "[main.go]" {
		t.Errorf("the root package is made of %s", files)
	}
	text, err := os.ReadFile(filepath.Join(dir, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n > 40 {
		t.Errorf("main.go has %d lines", n)
	}
}
