package pipe

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestRingAgainstSlice compares the ring with the obvious queue under random
// operations.
func TestRingAgainstSlice(t *testing.T) {
	f := func(limit int) {
		t.Helper()
		rng := rand.New(rand.NewPCG(1, uint64(limit)))
		r := ring{limit: limit}
		var queue []byte
		for step := range 3000 {
			data := make([]byte, rng.IntN(limit+limit/2+2))
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			n := r.put(data)
			if want := min(len(data), limit-len(queue)); n != want {
				t.Fatalf("limit %d, step %d: put %d of %d with %d queued", limit, step, n, len(data), len(queue))
			}
			queue = append(queue, data[:n]...)
			if len(queue) > 0 {
				got := make([]byte, rng.IntN(limit+2))
				n = r.take(got)
				if !bytes.Equal(got[:n], queue[:n]) || n != min(len(got), len(queue)) {
					t.Fatalf("limit %d, step %d: took other bytes", limit, step)
				}
				queue = queue[n:]
			}
			if r.n != len(queue) || len(r.buf) > limit {
				t.Fatalf("limit %d, step %d: has %d of %d, buffer %d", limit, step, r.n, len(queue), len(r.buf))
			}
		}
	}
	f(1)
	f(2)
	f(3)
	f(511)
	f(512)
	f(513)
	f(5000)
}

func TestRingGrowsWithNeed(t *testing.T) {
	r := ring{limit: 1 << 20}
	f := func(bytes, want int) {
		t.Helper()
		r.put(make([]byte, bytes))
		if len(r.buf) != want {
			t.Errorf("buffer is %d bytes, want %d", len(r.buf), want)
		}
	}
	f(0, 0)
	f(1, firstSize)
	f(firstSize-1, firstSize)
	f(1, 2*firstSize)
	f(10000, 10000+firstSize+1)
	f(2<<20, 1<<20)
}
