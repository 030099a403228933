//go:build unix

package mixed_test

import (
	"strings"
	"testing"
)

// TestNewerReload changes pools, accounts with connections of their own and compression of
// one server after the other, while clients ask and work is shared. After each step all
// connections are there that should be, and who should reach each other does. What gets
// lost on the way must not be more than where reference servers do this.
func TestNewerReload(t *testing.T) {
	newer(t)
	t.Parallel()
	steps := []struct {
		name  string
		in    [2]string // of the dialed server, of the dialing one
		want  connections
		apart string // an account in which they do not reach each other
		pins  int    // 1, 2: unless that is because this one pins it, and is one of ours, which keeps to the pool until the other agrees
	}{
		{"pool of the dialed grows", [2]string{"pool_size: 5", "pool_size: 3"}, pooled(5, 3), "", 0},
		{"pool of the dialing grows", [2]string{"pool_size: 5", "pool_size: 5"}, pooled(5, 5), "", 0},
		{"pool of the dialed shrinks", [2]string{"pool_size: 1", "pool_size: 5"}, pooled(1, 5), "", 0},
		{"pool of the dialing shrinks", [2]string{"pool_size: 1", "pool_size: 1"}, pooled(1, 1), "", 0},
		{"default", [2]string{"", "pool_size: 1"}, pooled(3, 1), "", 0},
		{"both default", [2]string{"", ""}, pooled(3, 3), "", 0},
		{"dialed wants compression", [2]string{"compression: s2_fast", ""}, pooled(3, 3), "", 0},
		{"dialing wants other compression", [2]string{"compression: s2_fast", "compression: s2_best"}, pooled(3, 3), "", 0},
		{"dialed goes to another level", [2]string{"compression: s2_better", "compression: s2_best"}, pooled(3, 3), "", 0},
		{"dialing lets the round trip decide", [2]string{"compression: s2_better", "compression: s2_auto"}, pooled(3, 3), "", 0},
		{"dialed switches it off", [2]string{"compression: off", "compression: s2_auto"}, pooled(3, 3), "", 0},
		{"dialing switches it off", [2]string{"compression: off", "compression: off"}, pooled(3, 3), "", 0},
		{"dialed would accept it", [2]string{"", "compression: off"}, pooled(3, 3), "", 0},
		{"dialed pins an account", [2]string{"accounts: [APP]", "compression: off"}, pooled(3, 3), "APP", 1},
		{"dialing pins it, too", [2]string{"accounts: [APP]", "accounts: [APP]"}, pooled(3, 3, "APP"), "", 0},
		{"dialing pins another", [2]string{"accounts: [APP]", "accounts: [APP, PLAIN]"}, pooled(3, 3, "APP"), "PLAIN", 2},
		{"dialed pins that", [2]string{"accounts: [PLAIN, APP]", "accounts: [APP, PLAIN]"}, pooled(3, 3, "APP", "PLAIN"), "", 0},
		{"dialing does not any more", [2]string{"accounts: [PLAIN, APP]", "accounts: [PLAIN]"}, pooled(3, 3, "PLAIN"), "APP", 0},
		{"nor the dialed", [2]string{"", "accounts: [PLAIN]"}, pooled(3, 3), "PLAIN", 0},
		{"none is left", [2]string{"", ""}, pooled(3, 3), "", 0},
		{"dialing has no pool", [2]string{"", "pool_size: -1"}, pooled(3, -1), "", 0},
		{"nobody has", [2]string{"pool_size: -1", "pool_size: -1"}, pooled(-1, -1), "", 0},
	}
	var reports [4]report
	names := [4]string{}
	t.Run("all", func(t *testing.T) {
		o, r := ours(t), theirs(t)
		for i, p := range [4][2]program{{r, r}, {o, r}, {r, o}, {o, o}} {
			names[i] = p[1].name + " dials " + p[0].name
			t.Run(names[i], func(t *testing.T) {
				t.Parallel()
				d := newDuo(t, p[0], p[1], "", "")
				d.have(pooled(3, 3))
				d.tenantsMeet(tenants...)
				ex := startExercise(t, d.cluster, of("BIZ"))
				for _, step := range steps {
					for side, n := range d.cluster {
						if n.inCluster != step.in[side] {
							n.reload(step.in[side])
						}
					}
					if step.apart == "" || p[0].isOurs() || p[1].isOurs() {
						d.have(step.want) // a reference may keep one that the other has refused
					}
					d.compress(t, modeIn(step.in[0]), modeIn(step.in[1]))
					for _, account := range tenants {
						if account != step.apart || step.pins > 0 && p[step.pins-1].isOurs() {
							d.joined(of(account))
						}
					}
					t.Log("done: ", step.name)
					ex.mu.Lock()
					ex.report.replaced++
					ex.mu.Unlock()
					ex.progress(100)
				}
				for _, account := range tenants {
					d.crossings(t, account)
				}
				reports[i] = ex.end()
			})
		}
	})
	for i, r := range reports {
		t.Logf("%s: %v", names[i], &r)
		r.notWorse(t, names[i], &reports[0])
	}
}

// modeIn is the mode of compression in a cluster block.
func modeIn(inCluster string) string {
	if mode, ok := strings.CutPrefix(inCluster, "compression: "); ok {
		return mode
	}
	return modes[0]
}
