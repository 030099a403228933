package conf_test

import (
	"fmt"
	"strings"
	"testing"

	"nats-server/internal/conf"
)

// positions lists every value with its line and column: key@1:0 for entries,
// value@1:0 for elements.
func positions(v *conf.Value) string {
	var all []string
	for _, e := range v.Map {
		all = append(all, fmt.Sprintf("%s@%d:%d", e.Key, e.Pos.Line, e.Pos.Col))
		if e.Value.Kind >= conf.Array {
			all = append(all, positions(e.Value))
		}
	}
	for _, e := range v.List {
		name := tree(e)
		if e.Kind >= conf.Array {
			name = positions(e)
		}
		all = append(all, fmt.Sprintf("%s@%d:%d", name, e.Pos.Line, e.Pos.Col))
	}
	if v.Kind == conf.Array {
		return "[" + strings.Join(all, " ") + "]"
	}
	return "{" + strings.Join(all, " ") + "}"
}

// Spec configuration.md 7.2.
func TestPositions(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := positions(parse(t, in).Root); got != "{"+want+"}" {
			t.Errorf("%q:\n got %s\nwant {%s}", in, got, want)
		}
	}
	f("foo: 1\nfoo2: 1\n  bar 1", "foo@1:0 foo2@2:1 bar@3:3")
	f(" foo: 1\n\tbar: 1", "foo@1:1 bar@2:2")
	f("a 1, b: 2\nc=3; d=4", "a@1:0 b@1:5 c@2:1 d@2:6")
	f("\"a\": 1\n'b': 1\n  \"c\" 1", "a@1:1 b@2:2 c@3:4")
	f("a: 1\r\n\r\n b: 1\r\n", "a@1:0 b@3:2")
	f("a 1\rb 1\n", "a@1:0 b@1:4")
	f("m {a: 1}", "m@1:0 {a@1:3}")
	f("m {\na: 1\n b 1\n\"c\" 1}", "m@1:0 {a@2:1 b@3:2 c@4:2}")
	f("{\na: 1, m {b: 2}}", "a@2:1 m@2:7 {b@2:10}")
	f("\u00e4: 1, b: 2", "\u00e4@1:0 b@1:7")
	f("\ufeffa: 1, b: 2\nc: 1", "a@1:0 b@1:6 c@2:1")
	f("# c\n// d\na=1 # e", "a@3:1")
	f("a: \"x\ny\", b: 1\nc: 1", "a@1:0 b@2:5 c@3:1")
	f("a: (x\ny\n)\nb: 1\nc: 1", "a@1:0 b@4:1 c@5:1")
	f("\"a\nb\": 1\nc: 1", "a\nb@1:1 c@3:1")

	// Elements: strings inside their quotes, maps and arrays behind their end.
	f(`a [5, -6, "x", 'y', true, [1 ], w, 1k ]`, `a@1:0 [5@1:3 -6@1:6 "x"@1:11 "y"@1:16 true@1:20 [1@1:27]@1:30 "w"@1:32 1000@1:35]`)
	f("a [\n[] , {  }]", "a@1:0 [[]@2:3 {}@2:10]")
	f("a [\n{b: 1\n } ]", "a@1:0 [{b@2:2}@3:3]")
	f("a [\n \"x\ny\", (z\n)\n]", `a@1:0 ["x\ny"@2:3 "z\n"@3:6]`)

	// References: at the key in a map, behind the $ in an array; what is inside of
	// the value stays where it was written.
	f("x=[5 ]\ny=$x\nz=[$x, $x ]", "x@1:0 [5@1:3] y@2:1 [5@1:3] z@3:1 [[5@1:3]@3:5 [5@1:3]@3:9]")
}

// Where the values themselves begin.
func TestValuePositions(t *testing.T) {
	root := parse(t, "a 5, b: \"x\"\nc = {\n}; d=[ 'y',$a]").Root
	for key, want := range map[string]string{"a": "f:1:2", "b": "f:1:8", "c": "f:2:5"} {
		if v := root.Get(key); v.At.String() != want || v.Pos == v.At {
			t.Errorf("%s: begins at %s, want %s; located at %s", key, v.At, want, v.Pos)
		}
	}
	for i, want := range []string{"f:3:8", "f:3:12"} {
		if v := root.Get("d").List[i]; v.At.String() != want {
			t.Errorf("element %d begins at %s, want %s", i, v.At, want)
		}
	}
	if want := (conf.Pos{File: file, Line: 1}); root.Pos != want || root.At != want {
		t.Errorf("the root is located at %s and begins at %s", root.Pos, root.At)
	}
}

func TestErrorPositions(t *testing.T) {
	f := func(in, pos, what, began string) {
		t.Helper()
		e := failure(t, in)
		if e.What == "" && e.Began != (conf.Pos{}) || e.What != "" && e.Began.String() != "f:"+began {
			t.Errorf("%q: the %s began at %s, want %s", in, e.What, e.Began, began)
		}
		if e.Pos.String() != "f:"+pos || e.What != what {
			t.Errorf("%q: %s at %s, want %s at %s", in, e.What, e.Pos, what, pos)
		}
	}
	f("a b c", "1:4", "", "")
	f("\n a b c", "2:6", "", "")
	f("a=\n1", "1:2", "", "") // although its text says line 2
	f("a=.5", "1:2", "", "")
	f("a=12.x", "1:5", "", "")
	f("m {b=x\\q}", "1:7", "", "")
	f("x=1\nm=9223372036854775808k", "2:3", "", "")
	f("\nm=1kbb\n", "2:3", "", "")
	f("\nm=2016-13-44T18:53:41Z", "2:3", "", "")
	f("m {\nb 1 c}", "2:5", "map", "1:2")
	f("m {\nb 1\n\nc {d 1}\n", "5:1", "map", "1:2")
	f("m {\nb {\n]", "3:1", "map", "2:3")
	f("m {\nb {\n}", "3:2", "map", "1:2")
	f("m [\nb\n\nc = 1\n", "4:3", "array", "1:2")
	f("m [\n[b]\n", "3:1", "array", "1:2")
	f("m [\n,b]\n", "2:1", "array", "1:2")
	f("m {\nb=,", "2:3", "map", "1:2")
	f("m {\nb", "2:2", "map", "1:2")
	f("\n{a=1", "2:5", "brace", "2:1")
	f("a='x\n\ny", "3:2", "string", "1:2")
	f("m {a=\"x\ny", "2:2", "string", "1:5")
	f("a (\nx\n", "3:1", "block", "1:2")
	f("\n'a\n", "3:1", "key", "2:1")
	f("m {\"a", "1:5", "key", "1:3")
	f("\na \n", "3:1", "key", "2:1")
	f("include 'x", "1:10", "path", "1:8")
	f("a=$nowhere", "1:2", "", "")
}
