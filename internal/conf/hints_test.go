package conf_test

import (
	"strings"
	"testing"

	"nats-server/internal/conf"
)

func TestHints(t *testing.T) {
	f := func(in, hint string) {
		t.Helper()
		if got := failure(t, in).Hint; got != hint {
			t.Errorf("%q:\n got %s\nwant %s", in, got, hint)
		}
	}
	const (
		number    = "what starts with a digit, a dot or a minus sign is read as a number, a size or a date: put any other text in quotes"
		backslash = `write / or \\ for a backslash, as in paths, or put the value in single quotes`
		entries   = "separate entries with a new line or a comma, and put quotes around a value with blanks"
		utf16     = "the file is not text in UTF-8 but in UTF-16: save it as UTF-8"
		unknown   = "neither an earlier key of that name in the maps around nor an environment variable exists; put the value in quotes if its $ is meant literally"
		block     = "a block ends with a ) at the start of a line that has nothing else in it, not even the carriage return of a Windows line end"
	)
	for _, text := range []string{
		"4e2x9", "2019-x", "20-", "10.0.0.1/24", "1.", "1.5k", "-x", "-", "-.5", ".5", "99999999999999999999", "1kbb",
		"1.2.3-beta", "2016-05-04", "2016-99-99T00:00:00Z", "10e", "5k5",
	} {
		f("password: "+text, number)
		f("authorization {password: "+text+"\n}", number)
	}
	f(`a="c:\logging"`, backslash)
	f(`a=c:\xampp`, backslash)
	f("a=\\x\n", backslash)
	f("a=b c", entries)
	f("a=5 b=6", entries)
	f("a=it's", entries)
	f("m {a=b c}", entries)
	f("m [a b]", entries)
	f("m {a 1", "")
	f("m {a: }", `a key has no value: write "" for an empty one`)
	f("m {a: , b: 1}", `a key has no value: write "" for an empty one`)
	f("m {a=x]}", "")
	f("a (\r\nx\r\n)\r\n", block)
	f("a=\n{b 1}", "put the value on the line of its key")
	f("include [x]", "put quotes around the path of the file")
	f("abc", "the last key has no value")
	f("\xff\xfea\x00=\x001\x00", utf16)
	f("\xfe\xff\x00a\x00=\x001", utf16)

	f("a=$x", unknown)
	f("x: $x", unknown)
	f("m {x: $x}", unknown)
	f("a=$2b$11$abc", "put quotes around a bcrypt hash")
	f("a=$x\n\nx=1", `"x" is defined at f:3:1: move that before its use`)
	f("m {a=[$x]\n x=1}\nx=2", `"x" is defined at f:2:2: move that before its use`)
	f("m {n {a=[$x]}}\nx=2", `"x" is defined at f:2:1: move that before its use`)
	f("n {x=1}\na=$x\n{x=2 y", `"x" is defined at f:3:2: move that before its use`)
	f("n {x=1}\na=$x", unknown)
	f("Pass=1\na=$PASS", `names are case-sensitive: "Pass" at f:1:0 is another one`)
	f("Pass=1\nm {a=$PASS\nPASS=2}", `"PASS" is defined at f:3:1: move that before its use`)
	f("Password=$PASSWORD", unknown)
}

func TestGluedBrace(t *testing.T) {
	f := func(key, hint string) {
		t.Helper()
		if got := conf.GluedBrace(key); got != hint {
			t.Errorf("%q: hint %q, want %q", key, got, hint)
		}
	}
	f("cluster{", `put a blank between "cluster" and the brace`)
	f("cluster{listen", `put a blank between "cluster" and the brace`)
	f("a{b{c", `put a blank between "a" and the brace`)
	f("cluster", "")
	f("{b", "")
	f("}", "")
	f("", "")

	wrong := func(in, at string) {
		t.Helper()
		want := `put a blank between "cluster" and the brace at f:` + at
		if got := failure(t, in).Hint; got != want {
			t.Errorf("%q: hint %q", in, got)
		}
	}
	wrong("cluster{\n port: 1\n}", "1:0")
	wrong("port=1\ncluster{ port: 1\n}", "2:1")
	wrong("cluster{}", "1:0")
	wrong("cluster{\n port=1\n}\nport: 2\n", "1:0")
	wrong("m {cluster{port: x y\n}}", "1:3")
	wrong("cluster{a: 1\nb={", "1:0")
	if got := failure(t, `"cluster{"=x y`).Hint; strings.Contains(got, "blank between") {
		t.Errorf("a quoted key is glued: %s", got)
	}
}

// The whole message is one line, with the text that scripts look for inside.
func TestErrorText(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := failure(t, in).Error(); got != want {
			t.Errorf("%q:\n got %s\nwant %s", in, got, want)
		}
	}
	f("m {\na=1\n]", "f:3:1: Parse error on line 3: 'Unexpected array end ']' processing map.' (the map began at f:1:2)")
	f("a=.5", "f:1:2: Parse error on line 1: 'Floats must start with a digit'; what starts with a digit, a dot or a minus sign is read as a number, a size or a date: put any other text in quotes")
	f("\na='x", "f:2:5: Parse error on line 2: 'Unexpected EOF.' (the string began at f:2:3)")
	f("a", "f:1:1: config is invalid (f:1:1) (the key began at f:1:0); the last key has no value")
	f("=", "f:1:0: Parse error on line 1: 'Unexpected key separator '=''")
	t.Setenv("V", "{x")
	f("\n\na=$V", "f:3:3: variable reference for 'V' on line 3 could not be parsed: Parse error on line 1: 'Unexpected EOF processing map key.' (at $V:1:2, the map began at $V:1:0)")
}
