package logs

import "slices"

const hexDigits = "0123456789abcdef"

// escape rewrites the control characters of b[from:], except the tab, the way Go
// writes them in a string literal. The backslash itself stays as it is: paths
// remain readable, and a forged line would need a real newline.
func escape(b []byte, from int) []byte {
	first := slices.IndexFunc(b[from:], isControl)
	if first < 0 {
		return b
	}
	from += first
	end := len(b)
	// The escaped form is built behind the text and then moved over it, which
	// saves a second buffer. c is read by index: b may move while it grows.
	for i := from; i < end; i++ {
		b = appendEscaped(b, b[i])
	}
	return slices.Delete(b, from, end)
}

func isControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }

func appendEscaped(b []byte, c byte) []byte {
	if !isControl(c) {
		return append(b, c)
	}
	switch c {
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	}
	return append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}
