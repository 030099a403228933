//go:build unix

package mixed_test

import "testing"

// TestNewerPinnedAccounts has accounts with connections of their own.
func TestNewerPinnedAccounts(t *testing.T) {
	newer(t)
	t.Parallel()
	pairs(t, func(t *testing.T, dialed, dialing program) {
		d := newDuo(t, dialed, dialing, `pool_size: 3, accounts: [APP, PLAIN]`, `pool_size: 3, accounts: [PLAIN, APP]`)
		d.have(connections{Pool: 3, Pinned: "$SYS APP PLAIN"})
		d.tenantsMeet(tenants...)
		for _, account := range tenants {
			d.crossings(t, account)
		}
		for _, way := range [][2]int{{0, 1}, {1, 0}} {
			for _, account := range tenants {
				rid := d.carrier(t, way[0], way[1], account)
				for _, r := range d.cluster[way[0]].routez() {
					own := account == "APP" || account == "PLAIN"
					if r.RID == rid && own != (r.Account == account) {
						t.Errorf("messages of %s take a connection for %q", account, r.Account)
					}
				}
			}
		}
	})
}

// TestNewerPinnedOnOneSide has an account with a connection of its own by one of the two
// alone. That one hears of the other's interest in it and tells nothing of its own:
// messages go there, and answers do not come back. Other accounts are none the worse.
func TestNewerPinnedOnOneSide(t *testing.T) {
	newer(t)
	t.Parallel()
	for pinning, in := range [][2]string{{"accounts: [APP]", ""}, {"", "accounts: [APP]"}} {
		t.Run([]string{"dialed", "dialing"}[pinning], func(t *testing.T) {
			pairs(t, func(t *testing.T, dialed, dialing program) {
				d := newDuo(t, dialed, dialing, in[0], in[1])
				d.have(connections{Pool: 3, Pinned: "$SYS"})
				d.tenantsMeet("BIZ", "ORDERS", "PLAIN")
				d.crossings(t, "BIZ")
				d.crossings(t, "PLAIN")
				with, without := d.cluster[pinning], d.cluster[1-pinning]
				a, b := connect(t, with, of("APP")), connect(t, without, of("APP"))
				subject := unique("apart")
				deaf := a.on(subject, "")
				heard := b.on(subject+".there", "")
				fence := connect(t, without, of("BIZ")) // BIZ has the same connection of the pool
				connect(t, with, of("BIZ")).knows(fence)
				b.unanswered(subject)
				a.send(subject+".there", 20)
				gets(t, heard, subject+".there", 20)
				fence.knows(connect(t, with, of("BIZ")))
				if n, _, err := deaf.Pending(); n != 0 || err != nil {
					t.Errorf("%d messages came to where nobody was known, %v", n, err)
				}
			})
		})
	}
}
