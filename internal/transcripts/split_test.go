package transcripts_test

// whole writes everything that belongs together in one piece.
func whole(_ int, data []byte) [][]byte { return [][]byte{data} }

// every writes pieces of n bytes.
func every(n int) splitter {
	return func(_ int, data []byte) [][]byte {
		var pieces [][]byte
		for len(data) > n {
			pieces, data = append(pieces, data[:n]), data[n:]
		}
		return append(pieces, data)
	}
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
