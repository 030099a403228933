package server_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// thousands are rules with 1,000 entries in each list, literals and wildcards.
func thousands() *server.SubjectPermission {
	r := new(server.SubjectPermission)
	for i := range 250 {
		r.Allow = append(r.Allow,
			fmt.Sprintf("orders.eu.%d.new", i), fmt.Sprintf("orders.*.%d.old", i), fmt.Sprintf("orders.%d.>", i), fmt.Sprintf("service%d.>", i))
		r.Deny = append(r.Deny,
			fmt.Sprintf("orders.eu.%d.secret", i), fmt.Sprintf("*.eu.%d.hidden", i), fmt.Sprintf("orders.*.*.secret%d", i), fmt.Sprintf("service%d.*.secret.>", i))
	}
	return r
}

// BenchmarkPublishWithPermissions publishes as a user with 1,000 allow and 1,000 deny
// entries and as one without permissions, in turn, to one subscriber. "speed" is that
// of the first as a part of the second, in percent. It should be 90 at least.
func BenchmarkPublishWithPermissions(b *testing.B) {
	f := func(name, filter string, subject func(i int) string) {
		b.Run(name, func(b *testing.B) {
			s := testkit.Start(b, &server.Options{Users: []*server.User{
				{Username: "free", Password: "p"},
				{Username: "bound", Password: "p", Permissions: &server.Permissions{Publish: thousands()}},
			}})
			seer := join(b, s, `{"verbose":false,`+as("free")+`}`)
			seer.send("SUB " + filter + " 1\r\n")
			seer.sync()
			var read sync.WaitGroup
			read.Go(func() {
				for seer.read().verb != "PONG" {
				}
			})
			free, bound := join(b, s, `{"verbose":false,`+as("free")+`}`), join(b, s, `{"verbose":false,`+as("bound")+`}`)
			for _, p := range []*peer{free, bound, seer} {
				noErr(b, p.nc.SetDeadline(time.Time{}))
			}
			const batch = 10_000
			n := 0
			next := func() string {
				var text strings.Builder
				for range batch {
					text.WriteString(pub(subject(n), "0123456789abcdef"))
					n++
				}
				return text.String()
			}
			timed := func(p *peer, text string) time.Duration {
				began := time.Now()
				p.send(text)
				p.sync()
				return time.Since(began)
			}
			var with, without []time.Duration
			for b.Loop() {
				without = append(without, timed(free, next()))
				with = append(with, timed(bound, next()))
			}
			seer.send("PING\r\n")
			read.Wait()
			median := func(all []time.Duration) float64 {
				slices.Sort(all)
				return float64(all[len(all)/2])
			}
			b.ReportMetric(median(without)/batch, "ns/msg-free")
			b.ReportMetric(median(with)/batch, "ns/msg-bound")
			b.ReportMetric(100*median(without)/median(with), "speed")
		})
	}
	f("one subject", "orders.>", func(int) string { return "orders.eu.40.new" })
	f("250 subjects", "orders.>", func(i int) string { return fmt.Sprintf("orders.eu.%d.new", i%250) })
	f("10,000 subjects", "orders.>", func(i int) string { return fmt.Sprintf("orders.%d.%d", i%250, i%10_000) })
	f("subjects used once", "orders.>", func(i int) string { return fmt.Sprintf("orders.%d.%d", i%250, i) })
	f("longer subjects used once", "orders.>", func(i int) string { return fmt.Sprintf("orders.40.%d.new", i) })
	f("nobody listens", "none", func(i int) string { return fmt.Sprintf("orders.40.%d", i) })
}
