package transcripts_test

import (
	"fmt"
	"slices"
	"testing"
)

// A splitter decides in which pieces the bytes of a case are written; at is the
// position of data among all the bytes that the case sends.
type splitter func(at int, data []byte) [][]byte

// A mode is one way to send a case.
type mode struct {
	name  string
	split splitter
}

const (
	// shortCase is the number of bytes up to which a case is split at every point,
	// and byte by byte; longer ones are split at some points and in small pieces.
	shortCase = 64
	somePoint = 24
	smallCase = 600
)

var inOnePiece = mode{"in one piece", whole}

// splitModes returns the ways to split n bytes.
func splitModes(n int, short bool) []mode {
	piece := 1
	if n > smallCase {
		piece = n/smallCase + 1
	}
	modes := []mode{{fmt.Sprintf("in pieces of %d", piece), every(piece)}}
	points := n - 1
	if n > shortCase || short {
		points = min(points, somePoint)
	}
	for i := range points {
		k := 1 + i*(n-1)/points
		modes = append(modes, mode{fmt.Sprintf("split before byte %d", k), cut(k)})
	}
	return modes
}

// whole writes everything that belongs together in one piece.
func whole(_ int, data []byte) [][]byte { return [][]byte{data} }

// every writes pieces of n bytes.
func every(n int) splitter {
	return func(_ int, data []byte) [][]byte { return slices.Collect(slices.Chunk(data, n)) }
}

// cut splits once, before byte number k of the case.
func cut(k int) splitter {
	return func(at int, data []byte) [][]byte {
		if k <= at || k >= at+len(data) {
			return [][]byte{data}
		}
		return [][]byte{data[:k-at], data[k-at:]}
	}
}

func TestSplitModes(t *testing.T) {
	f := func(n int, wantModes int) {
		t.Helper()
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i)
		}
		modes := splitModes(n, false)
		if len(modes) != wantModes {
			t.Errorf("%d bytes: %d modes, want %d", n, len(modes), wantModes)
		}
		for _, m := range modes {
			// The bytes come in two sends, as they do in a case.
			first, second := data[:n/2], data[n/2:]
			pieces := slices.Concat(m.split(0, first), m.split(len(first), second))
			if got := slices.Concat(pieces...); !slices.Equal(got, data) {
				t.Errorf("%d bytes, %s: pieces %v", n, m.name, pieces)
			}
		}
	}
	f(1, 1)
	f(2, 2)
	f(10, 10)
	f(shortCase, shortCase)
	f(shortCase+1, 1+somePoint)
	f(10000, 1+somePoint)
}
