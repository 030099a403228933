//go:build unix

package mixed_test

import (
	"testing"

	"github.com/nats-io/nats.go"
)

// TestUnequal has servers with different settings in one cluster: what a message must
// not be is up to the server where it is published, what a client gets up to its own.
func TestUnequal(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, dialed, dialing program) {
		rich := newNode(t, "rich", limits)
		rich.start(dialed)
		poor := newNode(t, "poor", "no_header_support: true\nmax_payload: 1000\n", rich.cluster)
		poor.start(dialing)
		cluster{rich, poor}.joined()
		a, b := connect(t, rich), connect(t, poor)
		subject := unique("unequal")
		far, group, near := b.on(subject, ""), b.on(subject, "group"), a.on(subject, "")
		a.knows(b)
		big := make([]byte, 2<<20)
		for _, m := range []*nats.Msg{
			{Header: nats.Header{"A": {"b"}}, Data: []byte("body")},
			{Header: nats.Header{"A": {"b"}}, Reply: "back", Data: []byte("body")},
			{Header: nats.Header{"A": {"b"}}},
			{Data: big},
			{Header: nats.Header{"A": {"b"}}, Data: big},
		} {
			m.Subject = subject
			if err := a.PublishMsg(m); err != nil {
				t.Fatal(err)
			}
			for _, sub := range []*nats.Subscription{far, group, near} {
				got, err := sub.NextMsg(patience)
				if err != nil {
					t.Fatalf("%d bytes with %v: %v", len(m.Data), m.Header, err)
				}
				want := len(m.Header)
				if sub != near {
					want = 0
				}
				if string(got.Data) != string(m.Data) || got.Reply != m.Reply || len(got.Header) != want {
					t.Errorf("%d bytes with %v arrive as %d bytes with %v", len(m.Data), m.Header, len(got.Data), got.Header)
				}
			}
		}
		nothingMore(t, a, b, far, group, near)
	})
}

// Clients that ask for no echo get nothing of their own, and everything of others; other
// servers do not know who wants it (spec: cluster-routes 14).
func TestNoEcho(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, dialed, dialing program) {
		seed := newNode(t, "n0", "")
		seed.start(dialed)
		n := newNode(t, "n1", "", seed.cluster)
		n.start(dialing)
		cluster{seed, n}.joined()
		for _, nodes := range [][2]*node{{seed, n}, {n, seed}} {
			a, b := connect(t, nodes[0], nats.NoEcho()), connect(t, nodes[1], nats.NoEcho())
			subject := unique("echo")
			own, other := a.on(subject, ""), b.on(subject, "")
			fence := connect(t, nodes[0])
			fence.knows(b)
			connect(t, nodes[1]).knows(a)
			a.send(subject, 10)
			gets(t, other, subject, 10)
			b.send(subject, 5)
			gets(t, own, subject, 5)
			nothingMore(t, fence, b, own, other)
		}
	})
}
