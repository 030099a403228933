package logs

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long a real socket may take.
const patience = 10 * time.Second

// hear opens a sink for cfg, logs a line and compares with it what arrives.
func hear(t *testing.T, cfg Config, arrives func(t *testing.T) string, want string) {
	t.Helper()
	cfg.Name = "nats-server"
	l, _ := openTest(t, cfg)
	l.Warnf("one\n%d", 1)
	l.Close()
	want = strings.NewReplacer(
		"[PID]", regexp.QuoteMeta(strings.TrimSpace(pid)),
		"RFC3339", `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+02:00`,
		"STAMP", `[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d`,
	).Replace(want)
	if got := arrives(t); !regexp.MustCompile("^" + want + "$").MatchString(got) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// streamed returns what the first connection to l brings.
func streamed(l net.Listener) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(patience))
		var b bytes.Buffer
		if _, err := b.ReadFrom(c); err != nil {
			t.Error(err)
		}
		return b.String()
	}
}

// packet returns the next datagram.
func packet(p net.PacketConn) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		p.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, 1<<16)
		n, _, err := p.ReadFrom(b)
		if err != nil {
			t.Error(err)
		}
		return string(b[:n])
	}
}

func listen(t *testing.T, network, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func listenPacket(t *testing.T, network, addr string) net.PacketConn {
	t.Helper()
	p, err := net.ListenPacket(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// tempSocket returns a path that is short enough for a socket.
func tempSocket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "logs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func TestRemoteSyslog(t *testing.T) {
	host, _ := os.Hostname()
	remote := `<4>RFC3339 ` + regexp.QuoteMeta(host) + ` nats-server[PID]: one\\n1\n`

	tcp := listen(t, "tcp", "127.0.0.1:0")
	hear(t, Config{RemoteSyslog: "tcp://" + tcp.Addr().String()}, streamed(tcp), remote)
	udp := listenPacket(t, "udp", "127.0.0.1:0")
	hear(t, Config{RemoteSyslog: "udp://" + udp.LocalAddr().String()}, packet(udp), remote)
}

func TestSyslogOnUnixSockets(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no datagrams there")
	}
	const remote = `<4>STAMP nats-server[PID]: one\\n1\n`
	path := tempSocket(t)
	stream := listen(t, "unix", path)
	hear(t, Config{RemoteSyslog: "unix://" + path}, streamed(stream), remote)

	path = tempSocket(t)
	gram := listenPacket(t, "unixgram", path)
	hear(t, Config{RemoteSyslog: "unix://" + path}, packet(gram), remote)
}

func TestLongLinesAreCutForDatagrams(t *testing.T) {
	udp := listenPacket(t, "udp", "127.0.0.1:0")
	l, stderr := openTest(t, Config{RemoteSyslog: "udp://" + udp.LocalAddr().String()})
	l.Noticef("%s", strings.Repeat("x", 1<<17))
	l.Noticef("short")
	l.Close()
	if got := packet(udp)(t); len(got) != maxDatagram || !strings.HasSuffix(got, "xx\n") {
		t.Errorf("%d bytes, ending in %q", len(got), got[max(0, len(got)-10):])
	}
	if got := packet(udp)(t); !strings.HasSuffix(got, ": short\n") {
		t.Errorf("got %q", got)
	}
	if stderr.Len() > 0 {
		t.Errorf("stderr has %q", stderr)
	}
}

func TestOpenFailures(t *testing.T) {
	f := func(cfg Config, want string) {
		t.Helper()
		l, err := Open(cfg, new(bytes.Buffer))
		if err == nil {
			l.Close()
			t.Fatalf("no error, want %q", want)
		}
		if !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %q, want %q", err, want)
		}
	}
	gone := listen(t, "tcp", "127.0.0.1:0")
	addr := gone.Addr().String()
	gone.Close()

	path := filepath.Join(t.TempDir(), "no", "log")
	f(Config{File: path}, "error opening file: open "+path+": ")
	f(Config{RemoteSyslog: "tcp://" + addr}, `error connecting to syslog: "dial tcp `+addr+`: connect`)
	f(Config{RemoteSyslog: "udp://127.0.0.1"}, `error connecting to syslog: "dial udp: address 127.0.0.1: missing port in address"`)
	f(Config{RemoteSyslog: "unix:///no/socket"}, `error connecting to syslog: "dial unix /no/socket: connect`)
	f(Config{RemoteSyslog: "foo://127.0.0.1:1"}, `error invalid network type: "foo"`)
	if runtime.GOOS != "windows" { // there it is the name of a machine
		f(Config{RemoteSyslog: "host"}, `error invalid network type: ""`)
		f(Config{RemoteSyslog: "127.0.0.1:514"}, `parse "127.0.0.1:514": `)
	}
}

func TestOpenChoosesTheFirst(t *testing.T) {
	f := func(cfg Config, want string) {
		t.Helper()
		l, _ := openTest(t, cfg)
		if got := fmt.Sprintf("%T", l.(*sink).out); got != want {
			t.Errorf("got a %s, want a %s", got, want)
		}
	}
	url := "udp://" + listenPacket(t, "udp", "127.0.0.1:0").LocalAddr().String()
	f(Config{File: filepath.Join(t.TempDir(), "log"), RemoteSyslog: url, Syslog: true}, "*logs.file")
	f(Config{RemoteSyslog: url, Syslog: true}, "*logs.syslog")
	f(Config{}, "*logs.stream")
}

// A socket to nobody fails with every second datagram only.
func TestSyslogOverUDPToNobody(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems tell less about datagrams")
	}
	udp := listenPacket(t, "udp", "127.0.0.1:0")
	addr := udp.LocalAddr().String()
	stderr := new(heard)
	l, err := Open(Config{RemoteSyslog: "udp://" + addr, NoTime: true}, stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	udp.Close()

	// until logs lines until stderr says something.
	until := func(want string) {
		t.Helper()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		var got string
		for range int(patience / (10 * time.Millisecond)) {
			<-tick.C
			l.Noticef("x")
			if got += strings.Join(stderr.take(), "\n"); strings.Contains(got, want) {
				return
			}
		}
		t.Fatalf("stderr has %q, want %q", got, want)
	}
	until("connection refused")
	udp = listenPacket(t, "udp", addr)
	until("works again")
	if got := packet(udp)(t); !strings.HasSuffix(got, ": x\n") {
		t.Errorf("got %q", got)
	}
}
