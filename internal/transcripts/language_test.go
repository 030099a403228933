package transcripts_test

import (
	"reflect"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got, err := expand(in)
		if err != nil || got != want {
			t.Errorf("expand(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	f(`PING`, "PING\r\n")
	f(``, "\r\n")
	f(`PING\`, "PING")
	f(`\`, "")
	f(`a\r\n\t\\\x00\xff`, "a\r\n\t\\\x00\xff\r\n")
	f(`a\\`, "a\\\r\n")
	f(`a\\\`, "a\\")
	f(`{ab*3}-{\x00*2}`, "ababab-\x00\x00\r\n")
	f(`{"a":"b"} {*} {1|2}`, "{\"a\":\"b\"} {*} {1|2}\r\n")
	f(`ü"'`, "ü\"'\r\n")
	if got, err := expand(`\q`); err == nil {
		t.Errorf(`expand(\q) = %q`, got)
	}
}

func TestCompile(t *testing.T) {
	f := func(pattern, line string, want bool) {
		t.Helper()
		if got := compile(pattern).MatchString(line); got != want {
			t.Errorf("%q matches %q: %v", pattern, line, got)
		}
	}
	if compile("a.b (c) [d]\r\n") != nil {
		t.Error("a text without placeholders needs no pattern")
	}
	f("INFO {*} \r\n", "INFO {\"a\":1} \r\n", true)
	f("INFO {*} \r\n", "INFO {\"a\":1}\r\n", false)
	f("INFO {*} \r\n", "INFO a\n \r\n", false)
	f("MSG a.b {1|22} 0\r\n", "MSG a.b 22 0\r\n", true)
	f("MSG a.b {1|22} 0\r\n", "MSG a.b 2 0\r\n", false)
	f("MSG a.b {1|22} 0\r\n", "MSG axb 1 0\r\n", false)
	f("a{*}\r\n", "a\r\n", true)
}

func TestParseScripts(t *testing.T) {
	text := `// a comment
spec: 7

# first
@a
> PING
> PING\
< PONG
<| x
<| y

# second
spec: 8
options: max_payload=10 user=a
differs: 2.9.10 is older
modes: whole
@a raw
target! 
reference?
~ a => @b
`
	got, err := parseScripts("f", text)
	if err != nil {
		t.Fatal(err)
	}
	want := []*script{
		{file: "f", line: 4, title: "first", spec: "7", steps: []step{
			{line: 5, kind: kindUse, name: "a", names: []string{}},
			{line: 6, kind: kindSend, text: "PING\r\nPING"},
			{line: 8, kind: kindExpect, text: "PONG\r\n"},
			{line: 9, kind: kindAnyOrder, text: "x\r\n", more: []string{"x\r\n", "y\r\n"}},
		}},
		{file: "f", line: 12, title: "second", spec: "8", differs: "2.9.10 is older", whole: true,
			options: map[string]string{"max_payload": "10", "user": "a"}, steps: []step{
				{line: 17, kind: kindUse, name: "a", names: []string{"raw"}},
				{line: 18, kind: kindClosed, only: "target"},
				{line: 19, kind: kindOpen, only: "reference"},
				{line: 20, kind: kindRepeat, text: "a\r\n", name: "b"},
			}},
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("case %d:\ngot  %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

func TestParseErrors(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := parseScripts("f", text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
	f("@a", "1: before the first title")
	f("# t\n@a\n?", `1: "t": names no section`)
	f("# t\nspec: 1", "has no steps")
	f("# t\nspec: 1\n@a\ntarget?", "no differs line")
	f("# t\nspec: 1\ndiffers: somehow\n@a", "from which version")
	f("# t\nspec: 1\noptions: bogus=1\n@a", "unknown option")
	f("# t\nspec: 1\nmodes: odd\n@a", "unknown mode")
	f("# t\nspec: 1\n@", "which connection")
	f("# t\nspec: 1\nPING", "3: no step begins like")
	f("# t\nspec: 1\n@a\n! x", "nothing may follow")
	f("# t\nspec: 1\n@a\n< \\q", "bad escape")
	f("# t\nspec: 1\n@a\n~ x", "want ~ text")
	f("# t\nspec: 1\n@a\n<1 a b", "want <1")
	f("# t\nspec: 1\n@a\n= x", "want = key value")
}
