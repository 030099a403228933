//go:build linux || darwin

package server_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// A server that may open no more files goes on accepting when it may again, and
// says so meanwhile.
func TestOutOfFiles(t *testing.T) {
	s, log := startLogged(t, server.Options{}, false)
	served := testkit.Dial(t, s.Addr().String())

	var before unix.Rlimit
	noErr(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &before))
	restore := func() { noErr(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before)) }
	defer restore()
	few := before
	few.Cur = 100
	noErr(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	var open []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		defer f.Close()
		open = append(open, f)
	}
	if len(open) == 0 {
		t.Skip("the process has more files open than the limit that was to be tried")
	}
	noErr(t, open[0].Close()) // for the client's end

	late := testkit.DialSilent(t, s.Addr().String())
	eventually(t, "the failure is logged", func() bool { return log.has("ERR Error accepting connections on ") })
	served.Sync() // those who are connected do not notice
	restore()
	late.Greeting()
	late.Sync()
}
