package interest_test

import (
	"fmt"
	"testing"

	"nats-server/internal/interest"
)

// subjects returns count subjects with their hashes.
func subjects(format string, count int) (subjs [][]byte, hashes []uint64) {
	for i := range count {
		subjs = append(subjs, fmt.Appendf(nil, format, i))
		hashes = append(hashes, interest.Hash(subjs[i]))
	}
	return subjs, hashes
}

func TestMatchDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var table interest.Table
	for i, filter := range []string{"a.b.c", "a.b.c", "a.*.c", "a.>", "*.b.*", ">"} {
		table.Insert(newSub(filter, "", i))
	}
	subj, subs := []byte("a.b.c"), make([]*interest.Sub, 0, 16)
	n := testing.AllocsPerRun(100, func() {
		subs, _ = table.Match(interest.Hash(subj), subj, subs[:0])
		if len(subs) != 6 {
			t.Fatalf("%d matches", len(subs))
		}
	})
	if n != 0 {
		t.Errorf("%v allocations per match", n)
	}
}

func BenchmarkMatch(b *testing.B) {
	const count = 100_000
	f := func(name, format string, filters ...string) {
		b.Run(name, func(b *testing.B) {
			var table interest.Table
			subjs, hashes := subjects(format, count)
			for i, subj := range subjs {
				table.Insert(newSub(string(subj), "", i))
			}
			for i, filter := range filters {
				table.Insert(newSub(filter, "", count+i))
			}
			subs := make([]*interest.Sub, 0, 16)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at := i * 7919 % count
				if subs, _ = table.Match(hashes[at], subjs[at], subs[:0]); len(subs) != 1+len(filters) {
					b.Fatalf("%d matches", len(subs))
				}
			}
		})
	}
	f("literal among 100k", "orders.%d.new")
	f("literal and three wildcards", "orders.%d.new", "orders.*.new", "*.*.new", "orders.>")
	f("literal and four first wildcards", "orders.%d.new", ">", "*.>", "*.*.*", "*.*.new")
}

func BenchmarkWildcardAmong100k(b *testing.B) {
	const count = 100_000
	var table interest.Table
	subjs, hashes := subjects("orders.%d.new", count)
	for i := range count {
		table.Insert(newSub(fmt.Sprintf("orders.%d.*", i), "", i))
	}
	subs := make([]*interest.Sub, 0, 16)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at := i * 7919 % count
		if subs, _ = table.Match(hashes[at], subjs[at], subs[:0]); len(subs) != 1 {
			b.Fatalf("%d matches", len(subs))
		}
	}
}

func BenchmarkInsertRemove(b *testing.B) {
	f := func(name, format string) {
		b.Run(name, func(b *testing.B) {
			const live = 10_000
			var table interest.Table
			var subs []*interest.Sub
			for i := range 2 * live {
				subs = append(subs, newSub(fmt.Sprintf(format, i), "", i))
			}
			for _, s := range subs[:live] {
				table.Insert(s)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				table.Insert(subs[(i+live)%(2*live)])
				table.Remove(subs[i%(2*live)])
			}
		})
	}
	f("literal", "_INBOX.QjaBSOZd9iFu75.%d")
	f("wildcard", "_INBOX.QjaBSOZd9iFu75.%d.*")
	f("first wildcard", "*.%d")
}
