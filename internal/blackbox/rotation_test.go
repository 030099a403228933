//go:build unix

package blackbox_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"nats-server/internal/testkit"
)

// backup is the name of a log file that was rotated.
var backup = regexp.MustCompile(`^log\.\d{4}(\.\d\d){5}\.\d{9}$`)

// logFiles returns the files of a rotated log, the oldest first.
func logFiles(t *testing.T, dir string) (paths []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list { // sorted, and with that by age
		if backup.MatchString(e.Name()) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return append(paths, filepath.Join(dir, "log"))
}

// everything is what the files hold, one after the other.
func everything(t *testing.T, paths []string) string {
	t.Helper()
	var all strings.Builder
	for _, path := range paths {
		all.WriteString(read(t, path))
	}
	return all.String()
}

// publish has clients publish messages, all at the same time. It returns when the
// server has dealt with the last one.
func publish(t *testing.T, addr string, clients, messages int) {
	t.Helper()
	<-startPublishing(t, addr, clients, messages)
}

// startPublishing is publish, but returns at once. The channel is closed at the end.
func startPublishing(t *testing.T, addr string, clients, messages int) (done <-chan struct{}) {
	t.Helper()
	var all sync.WaitGroup
	for c := range clients {
		r := testkit.Dial(t, addr)
		r.Connect(`{"verbose":false}`)
		r.SetTimeout(patience)
		all.Go(func() {
			for n := range messages {
				if err := r.TrySend(fmt.Appendf(nil, "PUB load.%d 6\r\n%06d\r\n", c, n)); err != nil {
					t.Error(err)
					return
				}
			}
			if err := r.TrySend([]byte("PING\r\n")); err != nil {
				t.Error(err)
			}
			if err := r.TryExact("PONG\r\n"); err != nil {
				t.Error(err)
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	return ended
}

// checkTraces checks that every message of every client has been traced once, and in
// order, and that every line is whole.
func checkTraces(t *testing.T, p *process, text string, clients, messages int) {
	t.Helper()
	count, next := map[string]int{}, map[string]int{}
	pub := regexp.MustCompile(`^(\S+ - cid:\d+) - <<- \[PUB load\.\d+ 6\]$`)
	payload := regexp.MustCompile(`^(\S+ - cid:\d+) - <<- MSG_PAYLOAD: \["(\d{6})"\]$`)
	for _, line := range lines(text) {
		m := logLine.FindStringSubmatch(strings.TrimSuffix(line, "\r"))
		if m == nil || m[1] != fmt.Sprint(p.pid()) {
			t.Fatalf("%s: line %q", p.name, line)
		}
		if one := pub.FindStringSubmatch(m[4]); one != nil {
			count[one[1]]++
		}
		if one := payload.FindStringSubmatch(m[4]); one != nil {
			if want := fmt.Sprintf("%06d", next[one[1]]); one[2] != want {
				t.Fatalf("%s: payload %s of %s, want %s", p.name, one[2], one[1], want)
			}
			next[one[1]]++
		}
	}
	if len(count) != clients || len(next) != clients {
		t.Errorf("%s: lines of %d and %d clients, want %d", p.name, len(count), len(next), clients)
	}
	for client, n := range count {
		if n != messages || next[client] != messages {
			t.Errorf("%s: %s: %d lines and %d payloads, want %d", p.name, client, n, next[client], messages)
		}
	}
}

// All files together hold every line.
func TestRotation(t *testing.T) {
	const clients, messages, limit = 4, 1000, 20_000
	both(t, func(t *testing.T, b binary) {
		dir := t.TempDir()
		conf := file(t, "x.conf", fmt.Sprintf("log_file: %q\nlogfile_size_limit: %d\ntrace: true\n", filepath.Join(dir, "log"), limit))
		p := b.start(t, "-c", conf)
		p.file = filepath.Join(dir, "log")
		addr := p.addr()
		publish(t, addr, clients, messages)
		p.stop()
		paths := logFiles(t, dir)
		text := everything(t, paths)
		checkTraces(t, p, text, clients, messages)
		if n := len(text) / limit; len(paths) < n*3/4 || len(paths) > n+2 {
			t.Errorf("%d bytes are in %d files", len(text), len(paths))
		}
		for i, path := range paths[1:] {
			inOrder(t, read(t, path), `\A\[\d+\] .* \[INF\] Rotated log, backup saved as "`+regexp.QuoteMeta(paths[i])+`"\r?$`)
			if info, err := os.Stat(paths[i]); err != nil || info.Size() <= limit || info.Size() > limit+1000 {
				t.Errorf("%v, %v", info.Size(), err)
			}
		}
		if p.stderr.String() != "" {
			t.Errorf("stderr %q", &p.stderr)
		}
	})
}

// While the server rotates, something else renames the file and has it reopened.
func TestRotationWithReopen(t *testing.T) {
	const clients, messages = 4, 1000
	dir, away := t.TempDir(), t.TempDir()
	conf := file(t, "x.conf", fmt.Sprintf("log_file: %q\nlogfile_size_limit: 20000\ntrace: true\n", filepath.Join(dir, "log")))
	p := ours.start(t, "-c", conf)
	p.file = filepath.Join(dir, "log")
	addr := p.addr()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Rename(filepath.Join(dir, "log"), filepath.Join(away, fmt.Sprintf("%06d", n))) // or it is not there right now
			_ = p.cmd.Process.Signal(syscall.SIGUSR1)
		}
	}()
	publish(t, addr, clients, messages)
	close(stop)
	<-stopped
	p.stop()
	moved, err := filepath.Glob(filepath.Join(away, "*"))
	if err != nil {
		t.Fatal(err)
	}
	kept := logFiles(t, dir)
	// Which came first is known only within each directory, so only the numbers count.
	var all strings.Builder
	for _, path := range slices.Concat(moved, kept) {
		all.WriteString(read(t, path))
	}
	if n := len(regexp.MustCompile(`(?m) - <<- \[PUB load\.\d 6\]$`).FindAllString(all.String(), -1)); n != clients*messages {
		t.Errorf("%d lines in %d files, want %d", n, len(moved)+len(kept), clients*messages)
	}
	t.Logf("%d files were renamed, %d rotated", len(moved), len(kept)-1)
}

// Old files go, the rest of the directory stays.
func TestRotationPrunes(t *testing.T) {
	dir := t.TempDir()
	const oldest = "log.2001.02.03.04.05.06.000000007"
	others := []string{"log.bak", "log.2001.02.03", "other.2001.02.03.04.05.06.000000007", "log.2001.02.03.04.05.06.000000007.gz"}
	for _, name := range append(others, oldest) {
		write(t, filepath.Join(dir, name), "x")
	}
	conf := file(t, "x.conf", fmt.Sprintf("log_file: %q\nlogfile_size_limit: 20000\nlogfile_max_num: 3\ntrace: true\n", filepath.Join(dir, "log")))
	p := ours.start(t, "-c", conf)
	p.file = filepath.Join(dir, "log")
	addr := p.addr()
	publish(t, addr, 2, 1000)
	p.stop()
	paths := logFiles(t, dir)
	if len(paths) != 3 || slices.Contains(paths, filepath.Join(dir, oldest)) {
		t.Errorf("files %q", paths)
	}
	inOrder(t, everything(t, paths), `\[INF\] Rotated log, backup saved as ".*"$`, `\[INF\] Purged log file "log\.[0-9.]+"$`, exiting)
	for _, name := range others {
		if !exists(filepath.Join(dir, name)) {
			t.Errorf("%s is gone", name)
		}
	}
}

// A file that is too large at the start is rotated at once.
func TestRotationAtStart(t *testing.T) {
	both(t, func(t *testing.T, b binary) {
		dir := t.TempDir()
		old := strings.Repeat("old line\n", 1000)
		write(t, filepath.Join(dir, "log"), old)
		p := b.start(t, "-l", filepath.Join(dir, "log"), "--log_size_limit", "5000")
		p.file = filepath.Join(dir, "log")
		p.addr()
		p.stop()
		paths := logFiles(t, dir)
		if len(paths) != 2 {
			t.Fatalf("files %q", paths)
		}
		inOrder(t, read(t, paths[0]), `\Aold line$`, `\[INF\] Rotating logfile\.\.\.\r?$\n\z`)
		inOrder(t, read(t, paths[1]), `\A\[\d+\] .* \[INF\] Rotated log, backup saved as ".*"\r?$`, `Starting nats-server$`)
	})
}
