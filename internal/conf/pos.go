package conf

import "strconv"

// Pos is a place in a file. File is the path as given or, for an include, the
// joined path; for text from an environment variable it is "$" and its name.
//
// Line counts from 1. Col is a byte offset that counts from 0 on line 1 and from
// 1 on every other line, as operators of NATS servers see it in messages (spec:
// configuration.md 7.2).
type Pos struct {
	File      string
	Line, Col int
}

// before reports whether p is an earlier place of the same file.
func (p Pos) before(q Pos) bool {
	return p.File == q.File && (p.Line < q.Line || p.Line == q.Line && p.Col < q.Col)
}

// String returns file:line:col.
func (p Pos) String() string {
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}
