package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// files returns the contents of all files of a directory, keyed by name.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		if !e.IsDir() {
			all[e.Name()] = strings.ReplaceAll(readFile(t, filepath.Join(dir, e.Name())), pid, "")
		}
	}
	return all
}

// inTime runs a test at midnight 2000-01-01 UTC, where time passes by sleeping only.
func inTime(t *testing.T, f func(t *testing.T, dir, path string)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { f(t, dir, filepath.Join(dir, "log")) })
}

const filler = "123456789 123456789 123456789 123456789 123456789" // 49 bytes

// rotated is the first line of a file after rotation to a backup with the stamp.
func rotated(path, stamp string) string {
	return fmt.Sprintf("[INF] Rotated log, backup saved as \"%s.%s\"\n", path, stamp)
}

func TestRotation(t *testing.T) {
	inTime(t, func(t *testing.T, dir, path string) {
		filler := strings.Repeat(filler, 10)
		limit := int64(2 * len(pid+"[INF] "+filler+"\n"))
		l, stderr := openTest(t, Config{File: path, SizeLimit: limit, UTC: true})
		l.Noticef(filler)
		l.Noticef(filler) // reaches the limit, which is not over it
		if all := files(t, dir); len(all) != 1 {
			t.Fatalf("too early: %v", all)
		}
		time.Sleep(42 * time.Nanosecond)
		l.Warnf("one more")
		l.Warnf("another")
		const stamp = "2000.01.01.02.00.00.000000042" // local time, whatever the lines have
		want := map[string]string{
			"log." + stamp: "[INF] " + filler + "\n[INF] " + filler + "\n[WRN] one more\n",
			"log":          rotated(path, stamp) + "[WRN] another\n",
		}
		if diff := cmp.Diff(want, files(t, dir)); diff != "" {
			t.Error(diff)
		}
		if stderr.Len() > 0 {
			t.Errorf("stderr has %q", stderr)
		}
	})
}

func TestNoRotationWithoutLimit(t *testing.T) {
	inTime(t, func(t *testing.T, dir, path string) {
		l, _ := openTest(t, Config{File: path, MaxFiles: 2})
		for range 1000 {
			l.Noticef(filler)
		}
		if all := files(t, dir); len(all) != 1 {
			t.Errorf("%d files", len(all))
		}
	})
}

func TestRotationAtOpen(t *testing.T) {
	inTime(t, func(t *testing.T, dir, path string) {
		old := strings.Repeat("old\n", 100)
		writeFile(t, path, old)
		openTest(t, Config{File: path, SizeLimit: 300})
		const stamp = "2000.01.01.02.00.00.000000000"
		want := map[string]string{
			"log." + stamp: old + "[INF] Rotating logfile...\n",
			"log":          rotated(path, stamp),
		}
		if diff := cmp.Diff(want, files(t, dir)); diff != "" {
			t.Error(diff)
		}
	})
}

// A clock that stands still must not make one backup overwrite the other.
func TestBackupsOfTheSameTime(t *testing.T) {
	inTime(t, func(t *testing.T, dir, path string) {
		l, _ := openTest(t, Config{File: path, SizeLimit: 1})
		l.Noticef("a")
		l.Noticef("b")
		l.Noticef("c")
		stamp := "2000.01.01.02.00.00.00000000"
		want := map[string]string{
			"log." + stamp + "0": "[INF] a\n",
			"log." + stamp + "1": rotated(path, stamp+"0") + "[INF] b\n",
			"log." + stamp + "2": rotated(path, stamp+"1") + "[INF] c\n",
			"log":                rotated(path, stamp+"2"),
		}
		if diff := cmp.Diff(want, files(t, dir)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPurge(t *testing.T) {
	f := func(maxFiles int, purged ...string) {
		t.Helper()
		inTime(t, func(t *testing.T, dir, path string) {
			backups := []string{
				"log.1999.12.31.23.59.59.000000000",
				"log.2000.01.01.00.00.00.000000000",
				"log.2000.01.01.00.00.00.000000001",
			}
			others := []string{
				"log.1999.12.31.23.59.59", "log.1999.12.31.23.59.59.000", "log.1999.12.31.23.59.59,000000000",
				"log.1999.13.31.23.59.59.000000000", "log.1999.12.31.23.59.59.000000000.gz", "log.1",
				"log2.1999.12.31.23.59.59.000000000", "a.log.1999.12.31.23.59.59.000000000", "1999.12.31.23.59.59.000000000",
			}
			for _, name := range slices.Concat(backups, others) {
				writeFile(t, filepath.Join(dir, name), name)
			}
			if err := os.Mkdir(filepath.Join(dir, "log.1998.12.31.23.59.59.000000000"), 0o700); err != nil {
				t.Fatal(err)
			}
			l, _ := openTest(t, Config{File: path, SizeLimit: 1, MaxFiles: maxFiles})
			l.Noticef("x")

			const stamp = "2000.01.01.02.00.00.000000000"
			want := map[string]string{"log": rotated(path, stamp), "log." + stamp: "[INF] x\n"}
			for _, name := range slices.Concat(backups, others) {
				want[name] = name
			}
			for _, name := range purged {
				delete(want, name)
				want["log"] += fmt.Sprintf("[INF] Purged log file %q\n", name)
			}
			if diff := cmp.Diff(want, files(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
	f(0)
	f(6)
	f(5)
	f(4, "log.1999.12.31.23.59.59.000000000")
	f(2, "log.1999.12.31.23.59.59.000000000", "log.2000.01.01.00.00.00.000000000", "log.2000.01.01.00.00.00.000000001")
	f(1, "log.1999.12.31.23.59.59.000000000", "log.2000.01.01.00.00.00.000000000", "log.2000.01.01.00.00.00.000000001",
		"log.2000.01.01.02.00.00.000000000")
}

func TestPurgeInTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	l, _ := openTest(t, Config{File: "log", SizeLimit: 1, MaxFiles: 2})
	for range 5 {
		l.Noticef("x")
	}
	if all := files(t, "."); len(all) != 2 {
		t.Errorf("%d files, want 2: %v", len(all), all)
	}
}

func TestSettingsSurviveReopen(t *testing.T) {
	inTime(t, func(t *testing.T, dir, path string) {
		l, _ := openTest(t, Config{File: path, SizeLimit: 200, MaxFiles: 3, UTC: true})
		for range 50 {
			l.Reopen()
			l.Noticef(filler)
		}
		if all := files(t, dir); len(all) != 3 {
			t.Errorf("%d files, want 3", len(all))
		}
	})
}

func TestFileThatCannotBeClosed(t *testing.T) {
	inTime(t, func(t *testing.T, dir, path string) {
		l, _ := openTest(t, Config{File: path, SizeLimit: 500})
		f := l.(*sink).out.(*file)
		broken := brokenFile(t) // its Close fails
		f.open = broken
		l.Noticef(strings.Repeat(filler, 10))
		l.Noticef("small")
		want := map[string]string{
			"log": "[INF] " + strings.Repeat(filler, 10) + "\n" +
				"[ERR] Unable to close logfile for rotation (close " + broken.Name() + ": file already closed), will attempt next rotation at size 1000\n" +
				"[INF] small\n",
		}
		if diff := cmp.Diff(want, files(t, dir)); diff != "" {
			t.Error(diff)
		}
		l.Noticef(strings.Repeat(filler, 10))
		if all := files(t, dir); len(all) != 2 {
			t.Errorf("%d files, want a rotation", len(all))
		}
		if f.next != 500 {
			t.Errorf("next rotation at %d, want the limit again", f.next)
		}
	})
}

func brokenFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "broken"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	return f
}

// The name of a backup may be too long where the name of the log is not.
func TestFileThatCannotBeRenamed(t *testing.T) {
	inTime(t, func(t *testing.T, dir, _ string) {
		path := filepath.Join(dir, strings.Repeat("l", 250))
		l, stderr := openTest(t, Config{File: path, SizeLimit: 2000})
		var attempts []int64
		f := l.(*sink).out.(*file)
		for range 500 {
			before := f.next
			l.Noticef(filler)
			if f.next != before {
				attempts = append(attempts, f.next)
			}
		}
		if want := []int64{4000, 8000, 16000, 32000, 64000}; !slices.Equal(attempts, want) {
			t.Errorf("attempts announced for %d, want %d", attempts, want)
		}
		got := readFile(t, path)
		if n := strings.Count(got, filler+"\n"); n != 500 {
			t.Errorf("%d of 500 lines", n)
		}
		form := regexp.MustCompile(`\[ERR\] Unable to rename logfile for rotation \(rename .*\), will attempt next rotation at size 4000\n`)
		if !form.MatchString(got) {
			t.Errorf("not explained in %q", got[:3000])
		}
		if stderr.Len() > 0 {
			t.Errorf("stderr has %q", stderr)
		}
	})
}

// The directory vanishes, and with it the place for a new file; then it is back.
func TestDirectoryThatGoesAndComes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	path := filepath.Join(dir, "log")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, stderr := openTest(t, Config{File: path, SizeLimit: 200})
	l.Noticef(strings.Repeat("x", 100))
	if err := os.RemoveAll(dir); err != nil {
		t.Skip("an open file cannot be removed")
	}
	l.Noticef(strings.Repeat("y", 100)) // the last one into the removed file
	l.Noticef("lost")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l.Noticef("back")
	checkFile(t, path, pid+"[INF] back\n"+pid+"[WRN] Logging to \""+path+"\" works again, lines lost: 2\n")
	want := pid + "[ERR] Logging to \"" + path + "\" fails: open " + path + ": no such file or directory\n" +
		pid + "[INF] Logging to \"" + path + "\" works again, lines lost: 2\n"
	if diff := cmp.Diff(want, stderr.String()); diff != "" {
		t.Error(diff)
	}
}

// Every line is found once, in one piece, whatever happens to the file meanwhile.
func TestConcurrentRotationAndReopen(t *testing.T) {
	const writers, lines = 8, 20_000
	dir := t.TempDir()
	l, stderr := openTest(t, Config{File: filepath.Join(dir, "log"), SizeLimit: 8 << 10})
	var writing, reopening sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range lines {
				l.Noticef("writer %d line %d.", w, i)
			}
		})
	}
	stop := make(chan struct{})
	reopening.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				l.Reopen()
			}
		}
	})
	writing.Wait()
	close(stop)
	reopening.Wait()
	l.Close()

	all := files(t, dir)
	if len(all) < 100 {
		t.Errorf("only %d files", len(all))
	}
	form := regexp.MustCompile(`^\[INF\] (?:writer (\d) line (\d+)\.|File log re-opened|Rotated log, backup saved as "[^"]*")$`)
	seen := map[string]bool{}
	for name, text := range all {
		for line := range strings.Lines(text) {
			m := form.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
			if m == nil || line[len(line)-1] != '\n' {
				t.Fatalf("%s has a broken line %q", name, line)
			}
			if m[1] == "" {
				continue
			}
			if seen[m[0]] {
				t.Fatalf("%q is there twice", line)
			}
			seen[m[0]] = true
		}
	}
	if len(seen) != writers*lines {
		t.Errorf("%d lines of %d", len(seen), writers*lines)
	}
	if stderr.Len() > 0 {
		t.Errorf("stderr has %q", stderr)
	}
}

func TestDevicesAreNotRotated(t *testing.T) {
	if _, err := os.Stat("/dev/null"); err != nil {
		t.Skip("no /dev/null")
	}
	// A link, lest a failure of this test renames the device.
	path := filepath.Join(t.TempDir(), "null")
	if err := os.Symlink("/dev/null", path); err != nil {
		t.Fatal(err)
	}
	l, _ := openTest(t, Config{File: path, SizeLimit: 10})
	for range 100 {
		l.Noticef(filler)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link has gone: %v, %v", info, err)
	}
}

func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	l, stderr := openTest(t, Config{File: "/dev/full", SizeLimit: 10})
	for range 100 {
		l.Noticef(filler)
	}
	if got, want := stderr.String(), pid+"[ERR] Logging to \"/dev/full\" fails: write /dev/full: no space left on device\n"; got != want {
		t.Errorf("stderr has %q, want %q", got, want)
	}
}
