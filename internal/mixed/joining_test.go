//go:build unix

package mixed_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"

	"nats-server/internal/testkit"
)

// pairs runs f with ours dialing the reference, and with the reference dialing ours.
// The reference alone shows that what is expected is right.
func pairs(t *testing.T, f func(t *testing.T, dialed, dialing program)) {
	t.Helper()
	o, r := ours(t), theirs(t)
	for _, p := range [][2]program{{r, r}, {o, r}, {r, o}, {o, o}} {
		t.Run(p[1].name+" dials "+p[0].name, func(t *testing.T) {
			t.Parallel()
			f(t, p[0], p[1])
		})
	}
}

// logs waits for a line that matches.
func (n *node) logs(pattern string) {
	n.t.Helper()
	re := regexp.MustCompile(pattern)
	if !testkit.Within(patience, func() bool { return re.MatchString(n.log.String()) }) {
		n.t.Fatalf("%s (%s) logs no line %q", n.name, n.program.name, pattern)
	}
}

// strangers expects that two servers do not get together.
func strangers(t *testing.T, a, b *node) {
	t.Helper()
	subject := unique("stranger")
	connect(t, b).serve(subject, "", func(*nats.Msg) *nats.Msg { return new(nats.Msg) })
	connect(t, a).unanswered(subject)
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, dialed, dialing program) {
		seed := newNode(t, "seed", "")
		seed.inCluster = `authorization { user: ours, password: secret, timeout: 5 }`
		seed.start(dialed)
		right := newNode(t, "right", "", "ours:secret@"+seed.cluster)
		right.inCluster = seed.inCluster
		right.start(dialing)
		cluster{seed, right}.joined()
		for name, login := range map[string]string{"wrong": "ours:wrong@", "none": ""} {
			n := newNode(t, name, "", login+seed.cluster)
			n.start(dialing)
			seed.logs("rid:\\d+ - (authentication error|Authorization Error|Router connection closed: Authentication)")
			n.logs("Authorization Violation")
			strangers(t, seed, n)
			n.kill()
		}
		// Told of each other by the seed, they log in with their own.
		third := newNode(t, "third", "", "ours:secret@"+seed.cluster)
		third.inCluster = seed.inCluster
		third.start(dialed)
		cluster{seed, right, third}.joined()
	})
}

func TestClusterNames(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, dialed, dialing program) {
		f := func(seedName, otherName string, together bool) {
			t.Helper()
			seed := newNode(t, "seed", "")
			seed.clusterName = seedName
			seed.start(dialed)
			n := newNode(t, "other", "", seed.cluster)
			n.clusterName = otherName
			n.start(dialing)
			if together {
				cluster{seed, n}.joined()
			} else {
				testkit.Eventually(t, patience, "one of both logs the conflict", func() bool {
					return regexp.MustCompile(`(?i)cluster name .*(conflict|does not match)|Cluster Name Conflict`).MatchString(seed.log.String() + n.log.String())
				})
				strangers(t, seed, n)
			}
			seed.kill()
			n.kill()
		}
		f("one", "one", true)
		f("one", "two", false)
		f("one", "", true)
		f("", "one", true)
		f("", "", true)
	})
}

func TestDuplicateName(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, dialed, dialing program) {
		seed := newNode(t, "same", "")
		seed.start(dialed)
		n := newNode(t, "same", "", seed.cluster)
		n.start(dialing)
		seed.logs(`(?i)Remote server has a duplicate name: "same"`)
		strangers(t, seed, n)
	})
}

// Clients are told of the other servers, and when one has gone.
func TestClientURLs(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, dialed, dialing program) {
		seed := newNode(t, "n0", "lame_duck_grace_period: \"1ms\"\nlame_duck_duration: \"30s\"\n")
		seed.start(dialed)
		early := connect(t, seed)
		n := newNode(t, "n1", "lame_duck_grace_period: \"1ms\"\nlame_duck_duration: \"30s\"\n", seed.cluster)
		told := func(p person, addrs ...string) {
			t.Helper()
			slices.Sort(addrs)
			if !testkit.Within(patience, func() bool {
				var got []string
				for _, s := range p.Servers() {
					got = append(got, strings.TrimPrefix(s, "nats://"))
				}
				slices.Sort(got)
				return slices.Equal(got, addrs)
			}) {
				t.Errorf("a client knows %q, want %q", p.Servers(), addrs)
			}
		}
		told(early, seed.client)
		for _, how := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR2} {
			n.start(dialing)
			told(early, seed.client, n.client)
			told(connect(t, n), seed.client, n.client)
			late := connect(t, seed)
			told(late, seed.client, n.client)
			n.end(how)
			told(connect(t, seed), seed.client)
		}
		quiet := newNode(t, "quiet", "", seed.cluster)
		quiet.inCluster = "no_advertise: true"
		quiet.start(dialing)
		cluster{seed, quiet}.joined()
		told(connect(t, seed), seed.client)
		told(connect(t, quiet), quiet.client)
	})
}

// A server in lame duck says so: clients of others are not sent there.
func TestLameDuckIsAnnounced(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, dialed, dialing program) {
		slow := "lame_duck_grace_period: \"20s\"\nlame_duck_duration: \"60s\"\n"
		seed, n := newNode(t, "n0", slow), (*node)(nil)
		seed.start(dialed)
		n = newNode(t, "n1", slow, seed.cluster)
		n.start(dialing)
		for _, pair := range [][2]*node{{n, seed}, {seed, n}} {
			leaving, other := pair[0], pair[1]
			cluster{seed, n}.joined()
			stays := connect(t, leaving) // keeps it from ending at once
			at := stays.on(unique("ldm"), "")
			connect(t, other).knows(stays)
			if err := leaving.signal(syscall.SIGUSR2); err != nil {
				t.Fatal(err)
			}
			testkit.Eventually(t, patience, "new clients are not told of the server that leaves", func() bool {
				return !strings.Contains(fmt.Sprint(connect(t, other).Servers()), leaving.client)
			})
			// It still belongs to the cluster until it ends.
			from := connect(t, other)
			if err := from.Publish(at.Subject, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := at.NextMsg(patience); err != nil {
				t.Errorf("%s in lame duck gets no messages: %v", leaving.name, err)
			}
			leaving.kill()
			from.unanswered(at.Subject)
			leaving.start(leaving.program)
		}
	})
}
