//go:build !windows

package logs

import (
	"bytes"
	"path/filepath"
	"testing"
)

func TestLocalSyslog(t *testing.T) {
	path := tempSocket(t)
	daemon := listenPacket(t, "unixgram", path)
	l, err := openLocalSyslog(Config{Name: "nats-server"}, new(Log), filepath.Join(t.TempDir(), "none"), path)
	if err != nil {
		t.Fatal(err)
	}
	l.Errorf("x")
	l.Close()
	got := packet(daemon)(t)
	if len(got) < 20 {
		t.Fatalf("got %q", got)
	}
	checkText(t, "datagram", got[:4]+got[len("<27>Jan  1 02:00:00"):], "<27> nats-server"+pid[:len(pid)-1]+": x\n")
}

func TestNoLocalSyslog(t *testing.T) {
	_, err := openLocalSyslog(Config{}, new(Log), filepath.Join(t.TempDir(), "none"))
	if want := `error connecting to syslog: "no syslog daemon listens on this machine"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Windows services have no stderr, but others do.
func TestServicesElsewhereLogToStderr(t *testing.T) {
	var out bytes.Buffer
	l, err := Open(Config{WindowsService: true, NoTime: true}, &out)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Noticef("x")
	checkText(t, "stderr", out.String(), pid+"[INF] x\n")
}
