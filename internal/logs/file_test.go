package logs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func openTest(t *testing.T, path string) *File {
	t.Helper()
	l, err := OpenFile(path, Config{NoTime: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func checkFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s has %q, want %q", path, got, want)
	}
}

func TestFileAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := openTest(t, path)
	l.Noticef("new")
	checkFile(t, path, "old\n"+pid+"[INF] new\n")
}

func TestFileMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	path := filepath.Join(t.TempDir(), "log")
	openTest(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got&^0o640 != 0 || got&0o600 != 0o600 {
		t.Errorf("mode %o, want 640 less the umask", got)
	}
}

func TestFileCannotBeOpened(t *testing.T) {
	if _, err := OpenFile(filepath.Join(t.TempDir(), "no", "log"), Config{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want a not-exist error", err)
	}
}

func TestReopenAfterRename(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be renamed")
	}
	path := filepath.Join(t.TempDir(), "log")
	l := openTest(t, path)
	l.Noticef("before")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	l.Noticef("between")
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
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
	l := openTest(t, filepath.Join(dir, "log"))
	if err := os.Rename(dir, dir+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want a not-exist error", err)
	}
	l.Noticef("still here")
	checkFile(t, filepath.Join(dir+".moved", "log"), pid+"[INF] still here\n")
}

func TestCloseTwiceThenUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := openTest(t, path)
	l.Noticef("kept")
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l.Noticef("dropped")
	if err := l.Reopen(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	checkFile(t, path, pid+"[INF] kept\n")
}
