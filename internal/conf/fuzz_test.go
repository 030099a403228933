package conf_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/conf"
)

// FuzzParse checks what holds for any text: parsing ends, twice with the same
// result, and everything is located inside the text.
func FuzzParse(f *testing.F) {
	for _, text := range seeds {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") && strings.ContainsAny(text, "./\\") {
			t.Skip("would read whatever is on this machine")
		}
		const file = "nowhere/f"
		got, err := conf.Parse([]byte(text), file)
		again, errAgain := conf.Parse([]byte(text), file)
		if err != nil {
			if errAgain == nil || err.Error() != errAgain.Error() {
				t.Fatalf("an error once, another the next time:\n%v\n%v", err, errAgain)
			}
			e := err.(*conf.Error)
			in := inside{t, file, text, nil}
			in.check(e.Pos)
			if e.What != "" {
				in.check(e.Began)
			}
			return
		}
		if errAgain != nil {
			t.Fatalf("an error only the second time: %v", errAgain)
		}
		if diff := cmp.Diff(positions(got.Root), positions(again.Root)); diff != "" {
			t.Fatalf("another tree the next time:\n%s", diff)
		}
		if got.Digest() != again.Digest() {
			t.Fatal("another digest the next time")
		}
		in := inside{t, file, text, map[*conf.Value]bool{}}
		in.walk(got.Root)
	})
}

// inside checks that positions are inside of a text.
type inside struct {
	t    *testing.T
	file string
	text string
	seen map[*conf.Value]bool
}

func (in inside) check(pos conf.Pos) {
	in.t.Helper()
	if pos.File != in.file {
		if !strings.HasPrefix(pos.File, "$") {
			in.t.Fatalf("located in %s", pos.File)
		}
		return
	}
	lines := strings.SplitAfter(strings.TrimPrefix(in.text, "\ufeff"), "\n")
	if pos.Line < 1 || pos.Line > len(lines) {
		in.t.Fatalf("%s is beyond the %d lines", pos, len(lines))
	}
	first := min(pos.Line-1, 1)
	if col := pos.Col - first; col < 0 || col > len(lines[pos.Line-1]) {
		in.t.Fatalf("%s is beyond the %d columns of its line", pos, len(lines[pos.Line-1]))
	}
}

func (in inside) walk(v *conf.Value) {
	if in.seen[v] {
		return
	}
	in.seen[v] = true
	in.check(v.Pos)
	in.check(v.At)
	if len(v.Raw) > 64+len("…") {
		in.t.Fatalf("%d bytes of source", len(v.Raw))
	}
	for i, e := range v.Map {
		in.check(e.Pos)
		if e.Value.Pos != e.Pos {
			in.t.Fatalf("the value of the key at %s is located at %s", e.Pos, e.Value.Pos)
		}
		if v.Get(e.Key) != e.Value {
			in.t.Fatalf("entry %d is not what its key leads to", i)
		}
		in.walk(e.Value)
	}
	for _, e := range v.List {
		in.walk(e)
	}
}

var seeds = []string{
	"", "}", "a", "a 1", "a=1\r\nb=2\r\n", "{a:1, b:2}", `{ "a": 1.5, "b": [ 1, 2 ] }`,
	"a = {b=1, c=2; d=3\ne=4}", "a {b 1}, c 2", `a="x\ty\x41"`, "a='x\\ty'", "a (\n l1\n)\nb=1",
	"a=2016-05-04T18:53:41Z", "A=x\nb=$A", "a=[1,1]\nb=[$a,$a]\nc=[$b,$b]\n", "p=$2a$11$abc",
	"# c\n// d\na=1 # e", "listen: 127.0.0.1:4222", "routes = [\n nats-route://u:p@h:4245\n]",
	"users = [\n {user: a, password: b}\n {user: c, password: $P}\n]", "x=$PATH", "x=$x",
	"a=10e b=-5kb,c=1.2.3.4;d=5min", "include x", "include 'x\ny", "a {include}", "\ufeffa=1",
	"cluster{\n a=1\n}", "a=\"\\\n", "\xff\xfea\x00", "a\u00a0=\u0663", strings.Repeat("[", 20), "a=" + strings.Repeat("{b ", 20),
}
