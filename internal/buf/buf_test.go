package buf

import "testing"

func TestGetPicksTheSmallestClassThatFits(t *testing.T) {
	f := func(n, wantCap int) {
		t.Helper()
		c := Get(n)
		if cap(c.Data) != wantCap || len(c.Data) != 0 {
			t.Errorf("Get(%d): len %d cap %d, want an empty chunk of %d", n, len(c.Data), cap(c.Data), wantCap)
		}
		c.Release()
	}
	f(0, 512)
	f(512, 512)
	f(513, 4096)
	f(4097, 16384)
	f(Max, Max)
	f(Max+1, Big)
	f(Big+1, Big+1)
}

func TestExtendGrowsDataInPlace(t *testing.T) {
	c := Get(8)
	copy(c.Extend(3), "abc")
	copy(c.Extend(2), "de")
	if string(c.Data) != "abcde" || c.Free() != 512-5 {
		t.Fatalf("data %q, free %d", c.Data, c.Free())
	}
	c.Release()
}

func TestOversizeChunksAreNotKept(t *testing.T) {
	c := Get(Big + 1)
	c.Data = append(c.Data, 'x')
	c.Release()
	if len(c.Data) != 1 {
		t.Fatal("an oversize chunk was reset as if it went to a pool")
	}
}

func TestBorrowingAllocatesNothing(t *testing.T) {
	Get(4096).Release()
	if n := testing.AllocsPerRun(100, func() { Get(4096).Release() }); n > 0.1 {
		t.Errorf("%v allocations per borrow", n)
	}
}
