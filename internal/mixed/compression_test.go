//go:build unix

package mixed_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nats-server/internal/testkit"
)

// modes are those of compression; the first is the default.
var modes = []string{"accept", "off", "s2_fast", "s2_better", "s2_best", "s2_auto"}

// TestNewerCompression has each mode meet each other one.
func TestNewerCompression(t *testing.T) {
	newer(t)
	t.Parallel()
	for _, own := range modes {
		for _, peer := range modes {
			t.Run(own+" "+peer, func(t *testing.T) {
				pairs(t, func(t *testing.T, dialed, dialing program) {
					d := newDuo(t, dialed, dialing, "accounts: [PLAIN], compression: "+own, "accounts: [PLAIN], compression: "+peer)
					d.have(connections{Pool: 3, Pinned: "$SYS PLAIN"})
					d.compress(t, own, peer)
					d.tenantsMeet("APP", "PLAIN")
					d.each(t, func(t *testing.T, from, to *node) {
						for _, account := range []string{"APP", "PLAIN"} {
							a, b := connect(t, from, of(account)), connect(t, to, of(account))
							plain(t, a, b)
							queueGroups(t, a, b)
							requestReply(t, a, b)
							headers(t, a, b)
							large(t, a, b)
						}
					})
					d.compress(t, own, peer)
				})
			})
		}
	}
}

// compress waits until all connections are compressed as it follows from the modes.
func (d duo) compress(t *testing.T, dialed, dialing string) {
	t.Helper()
	d.cluster[0].compresses(t, outcome(dialed, dialing))
	d.cluster[1].compresses(t, outcome(dialing, dialed))
}

func (n *node) compresses(t *testing.T, want string) {
	t.Helper()
	is := func(r routez) bool {
		took, err := time.ParseDuration(r.RTT)
		if want == "s2_auto" {
			// The level for the round trip, which is short here, but not on a busy machine.
			return err == nil && strings.HasPrefix(r.Compression, "s2_")
		}
		return err == nil && took > 0 && r.Compression == want
	}
	var routes []routez
	if !testkit.Within(patience, func() bool {
		routes = n.routez()
		for _, r := range routes {
			if !is(r) {
				return false
			}
		}
		return len(routes) > 0
	}) {
		t.Fatalf("%s (%s) has %s, want compression %s and a round trip", n.name, n.program.name, fmt.Sprintf("%+v", routes), want)
	}
}

// outcome is how a server compresses (spec: cluster-routes 11).
func outcome(own, peer string) string {
	switch {
	case own == "off", peer == "off", own == "accept" && peer == "accept":
		return "off"
	case own != "accept":
		return own
	case peer == "s2_auto":
		return "s2_fast"
	}
	return peer
}
