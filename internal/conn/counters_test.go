package conn

import (
	"testing"

	"nats-server/internal/facts"
)

// Every value is counted in the first bucket that can hold it.
func TestHistogram(t *testing.T) {
	var h histogram
	values := []int64{-1, 0, 1, 63, 64, 65, 256, 257, 1 << 28, 1<<28 + 1, 1 << 60}
	var sum uint64
	for i, v := range values {
		h.observe(uint64(i), firstBytes, v)
		sum += uint64(max(v, 0))
	}
	d := h.read(firstBytes)
	if d.Count != uint64(len(values)) || d.Sum != sum || len(d.Buckets) != bounds {
		t.Errorf("%+v", d)
	}
	for i, b := range d.Buckets {
		want := facts.Bucket{Bound: 64 << (2 * i)}
		for _, v := range values {
			if v <= int64(want.Bound) {
				want.Count++
			}
		}
		if b != want {
			t.Errorf("bucket %d: %+v, want %+v", i, b, want)
		}
	}
}
