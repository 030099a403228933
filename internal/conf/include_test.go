package conf_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"nats-server/internal/conf"
)

// write makes files below a new directory, which becomes the current one, so that
// paths in messages are short.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// slashes makes messages the same on every system.
func slashes(s string) string { return strings.ReplaceAll(s, `\`, "/") }

func TestIncludes(t *testing.T) {
	write(t, map[string]string{
		"sub.conf":    "x=1\nport=2",
		"empty.conf":  "",
		"a b.conf":    "x=2",
		"d/e.conf":    "include f.conf\ny=$x",
		"d/f.conf":    "x=3",
		"comma.conf,": "x=4",
		"a#b":         "x=5",
		"bom.conf":    "\ufeffx=6",
		"abs/a.conf":  "x=7",
	})
	f := parses(t)
	f("include sub.conf", "x=1 port=2")
	f("INCLUDE\tsub.conf", "x=1 port=2")
	f("Include  \t sub.conf # c", "x=1 port=2")
	f("include 'a b.conf'", "x=2")
	f(`include "a b.conf"#c`, "x=2")
	f("include a#b", "x=5")
	f("include bom.conf", "x=6")
	f("include empty.conf", "")
	f("include sub.conf'\ny=1", "x=1 port=2 y=1")
	f("include sub.conf;y=1", "x=1 port=2 y=1")
	f("include comma.conf, \n y=1", "x=4 y=1")
	f("{include sub.conf}", "x=1 port=2")
	f("m {include sub.conf}", "m={x=1 port=2}")
	f("m {y=1, include 'sub.conf', z=$x}", "m={y=1 x=1 port=2 z=1}")
	f("include d/e.conf", "x=3 y=3")
	f("port=1\ninclude sub.conf", "x=1 port=2")
	f("include sub.conf\nport=1", "x=1 port=1")
	f("x=0\na=$x\ninclude sub.conf\nb=$x", "a=0 x=1 port=2 b=1")
	f("m {include sub.conf}\n m {y=$x}", "variable reference for 'x' on line 2 can not be found")
	f("include=x\n", `include="x"`)
	f("include:x\n", `include="x"`)
	f(`"include" x`, `include="x"`)
	f("included x", `included="x"`)
	f("a {include =x}", "error parsing include file '=x', "+notThere("=x"))
	f("include", "config is invalid (f:1:7)")
	f("include "+filepath.ToSlash(abs(t, "sub.conf")), "x=1 port=2")

	f("include [", line1+"'Expected include value but found start of an array'")
	f("include {", line1+"'Expected include value but found start of a map'")
	f("include (", line1+"'Expected include value but found start of a block'")
	f("include 5", line1+"'Expected include value but found start of a number'")
	f("include -", line1+"'Expected include value but found start of a number'")
	f(`include \x`, line1+"'Expected include value but found escape sequence'")
	f("include\n", line2+"'Expected include value but found new line'")
	f("include \r\n", line1+"'Expected include value but found new line'")
	f("include 'x", line1+"'Unexpected EOF in quoted include'")
	f("include \"x\n", line2+"'Unexpected EOF in double quoted include'")
	f("include sub.conf y=1", line1+topEnd+"y' instead.'")
	f("m {include sub.conf y=1}", line1+mapEnd+"y' instead.'")
	f("m {include sub.conf", line1+mapEnd+atEOF)
	f("include nowhere.conf", "error parsing include file 'nowhere.conf', "+notThere("nowhere.conf"))
	f("include x\\y", `error parsing include file 'x\y', `+notThere(`x\y`))
}

func abs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// notThere is what the system says about a file that does not exist.
func notThere(path string) string {
	_, err := os.Open(path)
	return err.Error()
}

func TestIncludedTwice(t *testing.T) {
	write(t, map[string]string{"sub.conf": "x=1"})
	parses(t)("a {include sub.conf}\nb {include sub.conf}", "a={x=1} b={x=1}")
}

func TestIncludePositions(t *testing.T) {
	write(t, map[string]string{"d/main.conf": "a=1\n m {include sub.conf}", "d/sub.conf": "x=1\ny=2"})
	file, err := conf.Load("d/main.conf")
	if err != nil {
		t.Fatal(err)
	}
	m := file.Root.Get("m")
	got := slashes(m.Pos.String() + " " + m.Get("x").Pos.String() + " " + m.Get("y").Pos.String())
	if want := "d/main.conf:2:2 d/sub.conf:1:0 d/sub.conf:2:1"; got != want {
		t.Errorf("located at %s, want %s", got, want)
	}
}

func TestIncludeErrors(t *testing.T) {
	write(t, map[string]string{
		"a.conf":     "\ninclude 'd/b.conf'",
		"d/b.conf":   "# c\n  include \"c.conf\"",
		"d/c.conf":   "m {\n x 1 y\n}",
		"v.conf":     "\n x=$nowhere",
		"self.conf":  "include self.conf",
		"one.conf":   "m {include two.conf}",
		"two.conf":   "include ./d/../one.conf",
		"d/dir/x":    "",
		"gone.conf":  "include d/gone.conf",
		"gone2.conf": "include /d/gone.conf",
	})
	f := func(path, want string) {
		t.Helper()
		_, err := conf.Load(path)
		if err == nil || slashes(err.Error()) != want {
			t.Errorf("%s:\n got %v\nwant %s", path, err, want)
		}
	}
	f("a.conf", "a.conf:2:1: error parsing include file 'd/b.conf', error parsing include file 'c.conf', Parse error on line 2: "+
		mapEnd+"y' instead.' (at d/c.conf:2:6, the map began at d/c.conf:1:2); separate entries with a new line or a comma, and put quotes around a value with blanks")
	f("self.conf", "self.conf:1:0: error parsing include file 'self.conf', include cycle for 'self.conf'")
	f("./self.conf", "./self.conf:1:0: error parsing include file 'self.conf', include cycle for 'self.conf'")
	f("one.conf", "one.conf:1:3: error parsing include file 'two.conf', error parsing include file './d/../one.conf', include cycle for 'one.conf' (at two.conf:1:0)")
	f("gone.conf", "gone.conf:1:0: error parsing include file 'd/gone.conf', "+slashes(notThere(filepath.FromSlash("d/gone.conf")))+
		"; the path is taken from the directory of the including file, even if it begins with a slash")
	f("gone2.conf", "gone2.conf:1:0: error parsing include file '/d/gone.conf', "+slashes(notThere(filepath.FromSlash("d/gone.conf")))+
		"; the path is taken from the directory of the including file, even if it begins with a slash")
	f("v.conf", "v.conf:2:4: variable reference for 'nowhere' on line 2 can not be found; neither an earlier key of that name in the maps around nor an environment variable exists; put the value in quotes if its $ is meant literally")

	_, err := conf.Load("gone.conf")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing include is not %v: %v", fs.ErrNotExist, err)
	}
	_, err = conf.Parse([]byte("include d"), file)
	if e := new(conf.Error); !errors.As(err, &e) || !strings.HasPrefix(e.Text, "error parsing include file 'd', ") {
		t.Errorf("a directory is included: %v", err)
	}
}

// Two include files that lead to each other by links are not seen as a circle, but
// end all the same.
func TestIncludesThroughLinks(t *testing.T) {
	write(t, map[string]string{"d/a.conf": "include next/a.conf"})
	if err := os.Symlink(".", "d/next"); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	_, err := conf.Load("d/a.conf")
	if err == nil || !strings.Contains(err.Error(), "includes are nested more than 32 deep") {
		t.Errorf("error %v", err)
	}
}

func TestTooManyIncludes(t *testing.T) {
	write(t, map[string]string{"empty.conf": ""})
	e := failure(t, strings.Repeat("include empty.conf\n", 10_001))
	if e.Text != "error parsing include file 'empty.conf', more than 10000 files are included" || e.Pos.Line != 10_001 {
		t.Errorf("error %v", e)
	}
}

func TestLoad(t *testing.T) {
	write(t, map[string]string{"n.conf": "a=1\n"})
	f, err := conf.Load("n.conf")
	if err != nil || f.Path != "n.conf" || entries(f.Root) != "a=1" {
		t.Errorf("loaded %+v, error %v", f, err)
	}
	_, err = conf.Load("x.conf")
	if err == nil || err.Error() != notThere("x.conf") || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	var pe *fs.PathError
	if _, err := conf.Load("."); !errors.As(err, &pe) {
		t.Errorf("a directory gives %v", err)
	}
}

// What a shell passes for <(command) is a pipe.
func TestLoadPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skipf("pipes have no paths here: %v", err)
	}
	if _, err := w.WriteString("a=1\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	f, err := conf.Load(path)
	if err != nil || entries(f.Root) != "a=1" {
		t.Errorf("loaded %+v, error %v", f, err)
	}
}

// The working directory of an include in an environment variable is that of the
// process.
func TestIncludeInEnvironment(t *testing.T) {
	write(t, map[string]string{"sub.conf": "x=1", "d/main.conf": "a=$V", "loop.conf": "a=$W"})
	t.Setenv("V", "{include sub.conf}")
	file, err := conf.Load("d/main.conf")
	if err != nil || entries(file.Root) != "a={x=1}" {
		t.Errorf("loaded %+v, error %v", file, err)
	}
	t.Setenv("W", "{include loop.conf}")
	if e := failure(t, "a=$W"); !strings.HasSuffix(e.Text, "variable reference cycle for 'W'") {
		t.Errorf("error %v", e)
	}
}

func TestAbsoluteInclude(t *testing.T) {
	write(t, map[string]string{"etc/x.conf": "x=1"})
	path := abs(t, "etc/x.conf")
	f := parses(t)
	f("include "+strconv.Quote(filepath.ToSlash(path)), "x=1")
	if filepath.VolumeName(path) != "" {
		return // nothing can be below the directory of the including file
	}
	below := filepath.Join(".", path)
	if err := os.MkdirAll(filepath.Dir(below), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(below, []byte("x=2"), 0o600); err != nil {
		t.Fatal(err)
	}
	f("include "+path, "x=2")
}
