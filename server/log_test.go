package server_test

import (
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
	"nats-server/server"
)

func TestStartUpLog(t *testing.T) {
	f := func(o server.Options, debug bool, want ...string) {
		t.Helper()
		s, log := startLogged(t, o, debug)
		s.Shutdown()
		lines := log.lines()
		if debug {
			lines = withoutClients(lines)
		}
		if len(lines) != len(want) {
			t.Errorf("got %q, want %d lines", lines, len(want))
			return
		}
		for i := range want {
			text := strings.NewReplacer("<ID>", s.ID(), "<ADDR>", `127\.0\.0\.1:\d+`, "<COMMIT>", `(not set|[0-9a-f]{7})`).Replace(regexp.QuoteMeta(want[i]))
			if !regexp.MustCompile("^" + text + "$").MatchString(lines[i]) {
				t.Errorf("line %d is %q, want %q", i, lines[i], want[i])
			}
		}
	}
	f(server.Options{}, false,
		"INF Starting nats-server",
		"INF   Version:  "+server.Version,
		"INF   Git:      [<COMMIT>]",
		"INF   Name:     <ID>",
		"INF   ID:       <ID>",
		"INF Listening for client connections on <ADDR>",
		"INF Server is ready",
		"INF Initiating Shutdown...",
		"INF Server Exiting..",
	)
	f(server.Options{ServerName: "me", MaxPayload: 9 << 20}, true,
		"INF Starting nats-server",
		"INF   Version:  "+server.Version,
		"INF   Git:      [<COMMIT>]",
		"DBG   Go build: "+runtime.Version(),
		"INF   Name:     me",
		"INF   ID:       <ID>",
		"WRN Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance",
		"INF Listening for client connections on <ADDR>",
		"INF Server is ready",
		"INF Initiating Shutdown...",
		"INF Server Exiting..",
	)
}

func withoutClients(lines []string) (rest []string) {
	for _, line := range lines {
		if !strings.Contains(line, "cid:") {
			rest = append(rest, line)
		}
	}
	return rest
}

func TestNoListenerIsLogged(t *testing.T) {
	s, log := startLogged(t, server.Options{DontListen: true}, true)
	s.Shutdown()
	if log.has("Listening") || !log.has("Server is ready") {
		t.Errorf("got %q", log.lines())
	}
}

func TestConnectionLog(t *testing.T) {
	s, log := startLogged(t, server.Options{}, true)
	r := testkit.Dial(t, s.Addr().String())
	r.Connect(`{"verbose":false,"version":"1.2","lang":"go","name":"x"}`)
	local := r.Conn.LocalAddr().String()
	r.Close()
	eventually(t, "the connection is gone", func() bool { return s.NumClients() == 0 })
	for _, want := range []string{
		"DBG " + local + " - cid:1 - Client connection created",
		"DBG " + local + ` - cid:1 - "v1.2:go:x" - Client connection closed: Client Closed`,
	} {
		if !log.has(want) {
			t.Errorf("no line %q in %q", want, log.lines())
		}
	}
}

func TestLoggerMayBeReplaced(t *testing.T) {
	s, first := startLogged(t, server.Options{}, true)
	second := new(recorder)
	s.SetLogger(second, false, false)
	dial(t, s).Close()
	s.SetLogger(nil, true, true)
	s.Shutdown()
	if first.has("Shutdown") || len(second.lines()) != 0 {
		t.Errorf("first %q, second %q", first.lines(), second.lines())
	}
}

// What a server has to say goes to its Logger or nowhere.
func TestNothingIsPrinted(t *testing.T) {
	r, w, err := os.Pipe()
	noErr(t, err)
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	restore := func() { os.Stdout, os.Stderr = stdout, stderr }
	defer restore()
	printed := make(chan string)
	go func() {
		all, _ := io.ReadAll(r)
		printed <- string(all)
	}()

	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RandomPort, Debug: true, Trace: true})
	noErr(t, err)
	noErr(t, s.Start())
	bad, err := server.NewServer(&server.Options{Host: "192.0.2.1", Port: server.RandomPort})
	noErr(t, err)
	if bad.Start() == nil {
		t.Error("listens on an address this machine does not have")
	}
	bad.Shutdown()
	broken := testkit.Dial(t, s.Addr().String())
	broken.Send("nonsense\r\n")
	broken.ExpectLine("-ERR 'Unknown Protocol Operation'")
	nc, err := nats.Connect(s.ClientURL())
	noErr(t, err)
	flush(t, nc)
	nc.Close()
	s.Shutdown()

	restore()
	w.Close()
	if got := receive(t, "the end of the output", printed); got != "" {
		t.Errorf("printed %q", got)
	}
}
