package server_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// pingerAddr tells a child of TestLoginFloodDelaysNobodyElse where the server is.
const pingerAddr = "NATS_TEST_PINGER_ADDR"

// TestPinger is what the child does: for each line that it reads it writes how long
// the median answer to a PING takes. In a process of its own it competes with the
// server as clients do, for processors and not for the server's scheduler.
func TestPinger(t *testing.T) {
	addr := os.Getenv(pingerAddr)
	if addr == "" {
		t.Skip("this is a part of TestLoginFloodDelaysNobodyElse")
	}
	const pings = 300
	r := testkit.Dial(t, addr)
	r.Connect(`{"verbose":false,` + as("in") + `}`)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		all := make([]time.Duration, pings)
		for i := range all {
			began := time.Now()
			r.Send("PING\r\n")
			if line, err := r.TryLine(); line == "PING\r\n" {
				r.Send("PONG\r\n")
				r.ExpectLine("PONG")
			} else {
				noErr(t, err)
			}
			all[i] = time.Since(began)
			time.Sleep(100 * time.Microsecond) // a client, not a flood of its own
		}
		slices.Sort(all)
		fmt.Println(all[pings/2])
	}
}

// pinger starts the child and returns what measures.
func pinger(t *testing.T, s *server.Server) (latency func() time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestPinger$")
	cmd.Env = append(os.Environ(), pingerAddr+"="+s.Addr().String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	noErr(t, err)
	out, err := cmd.StdoutPipe()
	noErr(t, err)
	noErr(t, cmd.Start())
	lines := bufio.NewReader(out)
	t.Cleanup(func() {
		in.Close() // which ends it
		_, _ = io.Copy(io.Discard, lines)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the child: %v", err)
		}
	})
	return func() time.Duration {
		t.Helper()
		_, err := io.WriteString(in, "measure\n")
		noErr(t, err)
		line, err := lines.ReadString('\n')
		noErr(t, err)
		d, err := time.ParseDuration(strings.TrimSpace(line))
		noErr(t, err)
		return d
	}
}

// However many try passwords, those who are in do not notice.
func TestLoginFloodDelaysNobodyElse(t *testing.T) {
	if testing.Short() {
		t.Skip("measures latencies")
	}
	const logins, tries = 200, 8
	hash, err := bcrypt.GenerateFromPassword([]byte("p"), 6) // 200 of them take a second
	noErr(t, err)
	s := testkit.Start(t, &server.Options{AuthTimeout: time.Minute, Users: []*server.User{
		{Username: "in", Password: "p"}, {Username: "u", Password: string(hash)},
	}})
	latency := pinger(t, s)
	// One round of measuring says little on a machine that does other things, too.
	for n := range tries {
		before := latency()
		flood := make([]*testkit.Raw, logins)
		for i := range flood {
			flood[i] = testkit.Dial(t, s.Addr().String())
			flood[i].Send(fmt.Sprintf("CONNECT {\"user\":\"u\",\"pass\":\"%d\"}\r\n", i))
		}
		during := latency()
		left := s.NumClients() - 1
		testkit.Eventually(t, 2*time.Minute, "all are refused", func() bool { return s.NumClients() == 1 })
		for _, r := range flood {
			noErr(t, r.Close())
		}
		t.Logf("round %d: the median answer to a PING takes %v, in a flood of logins, of which %d are left, %v", n+1, before, left, during)
		if left > 0 && during <= 2*before {
			return
		}
	}
	t.Errorf("in none of %d rounds a PING was answered within twice the usual time", tries)
}

// Those who have hung up before their turn cost nothing, however many they are.
func TestHungUpLoginsCostNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere it shows too late")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("p"), 9)
	noErr(t, err)
	s := testkit.Start(t, &server.Options{AuthTimeout: time.Minute, Users: []*server.User{{Username: "u", Password: string(hash)}}})
	enter := func(pass string) *testkit.Raw {
		r := testkit.Dial(t, s.Addr().String())
		r.Send(`CONNECT {"verbose":false,` + member("user", "u") + "," + member("pass", pass) + "}\r\nPING\r\n")
		return r
	}
	const logins = 60
	began := time.Now()
	_ = bcrypt.CompareHashAndPassword(hash, []byte("x"))
	all := logins * time.Since(began)
	began = time.Now()
	for range logins {
		noErr(t, enter("x").Close())
	}
	last := enter("p")
	last.ExpectBytes("PONG\r\n")
	if took := time.Since(began); took > all/2 {
		t.Errorf("%d logins, of which all but one have hung up, took %v, all hashes would take %v", logins, took, all)
	}
}
