package perms_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nats-server/internal/perms"
)

// large returns rules with count entries in each list, literals and wildcards, for
// subjects of each of which the other kinds of entries are near misses.
func large(count int) *perms.Rules {
	r := &perms.Rules{Allow: []string{}, Deny: []string{}}
	for i := range count {
		switch i % 4 {
		case 0:
			r.Allow = append(r.Allow, fmt.Sprintf("orders.eu.%d.new", i))
			r.Deny = append(r.Deny, fmt.Sprintf("orders.eu.%d.secret", i))
		case 1:
			r.Allow = append(r.Allow, fmt.Sprintf("orders.*.%d.new", i))
			r.Deny = append(r.Deny, fmt.Sprintf("*.eu.%d.secret", i))
		case 2:
			r.Allow = append(r.Allow, fmt.Sprintf("orders.%d.>", i))
			r.Deny = append(r.Deny, fmt.Sprintf("orders.*.*.secret%d", i))
		default:
			r.Allow = append(r.Allow, fmt.Sprintf("service%d.>", i))
			r.Deny = append(r.Deny, fmt.Sprintf("service%d.*.secret.>", i))
		}
	}
	return r
}

// questions are asked of large: text, and whether it may be published to.
var questions = []struct {
	name, subj string
	want       bool
}{
	{"literal", "orders.eu.400.new", true},
	{"one", "orders.us.401.new", true},
	{"rest", "orders.402.new.or.not", true},
	{"first", "service403.x.y.z", true},
	{"denied", "service403.x.secret.z", false},
	{"not allowed", "orders.eu.402.new", false},
	{"unknown", "invoices.eu.400.new", false},
}

func TestQuestionsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	long := strings.Repeat("token-longer-than-what-fits-on-a-stack-by-chance.", 3)
	rules := large(1000)
	rules.Allow = append(rules.Allow, long+"*", "q "+long+">")
	rules.Deny = append(rules.Deny, long+"b", long+"a "+long+"*", "*.> "+long+"b")
	p := compile(t, perms.Config{
		Publish:   large(1000),
		Subscribe: rules,
		Responses: &perms.Responses{Max: -1},
	})
	r := perms.NewReplies(p)
	now := time.Now()
	for _, text := range []string{"orders.eu.400.new", "orders.*.*.>", ">", "q", long + "a", long + "b"} {
		for _, group := range []string{"", "q", long + "a"} {
			text, group := []byte(text), []byte(group)
			r.Note(text, now)
			n := testing.AllocsPerRun(20, func() {
				p.MayPublish(text)
				p.MaySubscribe(text, group)
				p.MayReceive(text, group)
				p.Filters(text, group)
				r.Use(text, now)
				r.Note(text, now)
			})
			if n != 0 {
				t.Errorf("%q, group %q: %v allocations", text, group, n)
			}
		}
	}
}

func BenchmarkMayPublish(b *testing.B) {
	for _, count := range []int{4, 1000} {
		p := compile(b, perms.Config{Publish: large(count)})
		for _, q := range questions {
			b.Run(fmt.Sprintf("%d/%s", count, q.name), func(b *testing.B) {
				subj := []byte(q.subj)
				want := p.MayPublish(subj)
				if count == 1000 && want != q.want {
					b.Fatal(want)
				}
				b.ReportAllocs()
				for b.Loop() {
					if p.MayPublish(subj) != want {
						b.Fatal()
					}
				}
			})
		}
	}
}

// Subjects and what they meet are in no cache that helps one subject alone.
func BenchmarkMayPublishMixed(b *testing.B) {
	p := compile(b, perms.Config{Publish: large(1000)})
	var subjs [][]byte
	for i := range 1 << 12 {
		subjs = append(subjs, fmt.Appendf(nil, []string{
			"orders.eu.%d.new", "orders.us.%d.new", "service%d.x.secret.z", "orders.%d.x.y.z",
		}[i%4], i*7919%1000))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.MayPublish(subjs[i%len(subjs)])
	}
}

func BenchmarkMayReceive(b *testing.B) {
	p := compile(b, perms.Config{Subscribe: large(1000)})
	subj, group := []byte("orders.eu.400.new"), []byte("q")
	b.ReportAllocs()
	for b.Loop() {
		if !p.MayReceive(subj, group) {
			b.Fatal()
		}
	}
}

// Every reply is new, as those of requests are, and answered once.
func BenchmarkReplies(b *testing.B) {
	r := perms.NewReplies(compile(b, perms.Config{Responses: &perms.Responses{}}))
	now := time.Now()
	var text []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		text = fmt.Appendf(text[:0], "_INBOX.QjaBSOZd9iFu75QjaBSOZd.%d", i)
		r.Note(text, now)
		if !r.Use(text, now) {
			b.Fatal(i)
		}
	}
}
