package logs

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// openTest opens a sink for cfg and the stream that it takes for stderr.
func openTest(t *testing.T, cfg Config) (Sink, *bytes.Buffer) {
	t.Helper()
	var stderr bytes.Buffer
	cfg.NoTime = true
	l, err := Open(cfg, &stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, &stderr
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, path, want string) {
	t.Helper()
	if got := readFile(t, path); got != want {
		t.Errorf("%s has %q, want %q", path, got, want)
	}
}

func TestFileAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	writeFile(t, path, "old\n")
	l, stderr := openTest(t, Config{File: path})
	l.Noticef("new")
	checkFile(t, path, "old\n"+pid+"[INF] new\n")
	if stderr.Len() > 0 {
		t.Errorf("stderr has %q", stderr)
	}
}

func TestFileMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	path := filepath.Join(t.TempDir(), "log")
	openTest(t, Config{File: path})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got&^0o640 != 0 || got&0o600 != 0o600 {
		t.Errorf("mode %o, want 640 less the umask", got)
	}
}

func TestReopenAfterRename(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be renamed")
	}
	path := filepath.Join(t.TempDir(), "log")
	l, _ := openTest(t, Config{File: path})
	l.Noticef("before")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	l.Noticef("between")
	l.Reopen()
	l.Warnf("after")
	checkFile(t, path+".1", pid+"[INF] before\n"+pid+"[INF] between\n")
	checkFile(t, path, pid+"[INF] File log re-opened\n"+pid+"[WRN] after\n")
}

func TestFailedReopenKeepsTheFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file's directory cannot be renamed")
	}
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "log")
	l, _ := openTest(t, Config{File: path})
	if err := os.Rename(dir, dir+".moved"); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	l.Noticef("still here")
	checkFile(t, filepath.Join(dir+".moved", "log"),
		pid+"[ERR] File log could not be re-opened, going on with the old file: open "+path+": no such file or directory\n"+
			pid+"[INF] still here\n")
}

func TestReopenOfOthers(t *testing.T) {
	l, out := openTest(t, Config{})
	l.Reopen()
	if got, want := out.String(), pid+"[INF] File log re-open ignored, not a file logger\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCloseTwiceThenUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, stderr := openTest(t, Config{File: path})
	l.Noticef("kept")
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l.Noticef("dropped")
	l.Reopen()
	checkFile(t, path, pid+"[INF] kept\n")
	if stderr.Len() > 0 {
		t.Errorf("stderr has %q", stderr)
	}
}

func TestFileHoldsJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, _ := openTest(t, Config{File: path, JSON: true})
	l.Noticef("x")
	if got := readFile(t, path); !strings.HasSuffix(got, `,"msg":"x"}`+"\n") {
		t.Errorf("got %q", got)
	}
}
