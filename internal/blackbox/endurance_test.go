//go:build unix

package blackbox_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"nats-server/internal/testkit"
)

// Signals that come faster than they can be dealt with: the one that ends the server
// is not lost among the others. The configuration is a pipe here, so that a reload
// lasts as long as the test wants.
func TestSignalStorm(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "x.conf")
	if err := syscall.Mkfifo(conf, 0o600); err != nil {
		t.Skip(err)
	}
	p := ours.start(t, "-c", conf)
	feed := func() {
		t.Helper()
		testkit.Eventually(t, patience, "somebody reads the configuration", func() bool {
			pipe, err := os.OpenFile(conf, os.O_WRONLY|syscall.O_NONBLOCK, 0)
			if err == nil {
				_, err = pipe.WriteString("max_payload: 1000\n")
				pipe.Close()
			}
			return err == nil || p.over()
		})
	}
	feed()
	p.addr()
	p.signal(syscall.SIGHUP)
	p.logs(`Trapped "hangup" signal$`)
	for range 2000 {
		p.signal(syscall.SIGUSR1)
	}
	p.signal(syscall.SIGINT)
	feed()
	p.exits(0)
	inOrder(t, p.log(), trapped(t, ours, "interrupt"), initiating, exiting)
}

// Whoever reads the log may go away; the server stays.
func TestClosedStderr(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := ours.startAs(t, &exec.Cmd{Stderr: out}, "--ports_file_dir", dir, "-DV")
	out.Close()
	ports := filepath.Join(dir, fmt.Sprintf("nats-server_%d.ports", p.pid()))
	addr := ""
	testkit.Eventually(t, patience, "the ports file", func() bool {
		addr = regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(read(t, ports))
		return addr != ""
	})
	in.Close()
	r := testkit.Dial(t, addr)
	r.Connect(`{"verbose":false}`)
	r.Send("SUB x 1\r\nPUB x 2\r\nhi\r\n")
	r.ExpectBytes("MSG x 1 2\r\nhi\r\n")
	p.stop()
}

// However often it is reloaded, the server holds on to no more files.
func TestReloadLeaksNoFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows the files of a process")
	}
	dir := t.TempDir()
	conf := file(t, "x.conf", "")
	rewrite := func(i int) {
		t.Helper()
		write(t, conf, fmt.Sprintf("max_payload: %d\nlog_file: %q\npid_file: %q\nports_file_dir: %q\n", 1000+i,
			filepath.Join(dir, fmt.Sprintf("log.%d", i)), filepath.Join(dir, fmt.Sprint(i%2)), dir))
	}
	rewrite(0)
	p := ours.start(t, "-c", conf)
	p.file = filepath.Join(dir, "log.0")
	p.addr()
	open := func() int {
		t.Helper()
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.pid()))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	reload := func(i int) {
		t.Helper()
		rewrite(i)
		p.signal(syscall.SIGHUP)
		p.file = filepath.Join(dir, fmt.Sprintf("log.%d", i))
		p.logs(reloaded)
	}
	reload(1)
	before := open()
	for i := range 30 {
		reload(2 + i)
	}
	// Connections of the test may not be gone yet.
	testkit.Eventually(t, patience, "as few files are open as before", func() bool { return open() <= before+1 })
	write(t, conf, "nosuch: 1")
	for range 30 {
		p.reload(notReloaded)
	}
	testkit.Eventually(t, patience, "as few files are open as before", func() bool { return open() <= before+1 })
}

// Messages are traced to the one file or the other while a reload switches.
func TestReloadLogFileUnderTraffic(t *testing.T) {
	const clients, messages = 4, 3000
	dir := t.TempDir()
	conf := file(t, "x.conf", "")
	rewrite := func(i int) {
		t.Helper()
		write(t, conf, fmt.Sprintf("trace: true\nlog_file: %q\n", filepath.Join(dir, fmt.Sprint(i))))
	}
	rewrite(0)
	p := ours.start(t, "-c", conf)
	p.file = filepath.Join(dir, "0")
	published := startPublishing(t, p.addr(), clients, messages)
	reloads := 0
	for busy := true; busy; {
		select {
		case <-published:
			busy = false
		default:
		}
		reloads++
		rewrite(reloads)
		p.signal(syscall.SIGHUP)
		p.file = filepath.Join(dir, fmt.Sprint(reloads))
		p.logs(reloaded)
	}
	p.stop()
	var all strings.Builder
	for i := range reloads + 1 {
		all.WriteString(read(t, filepath.Join(dir, fmt.Sprint(i))))
	}
	checkTraces(t, p, all.String(), clients, messages)
	t.Logf("%d reloads", reloads)
}
