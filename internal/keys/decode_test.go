package keys_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/keys"
)

func TestNames(t *testing.T) {
	for _, key := range []string{"text", "txt", "words", "TEXT", "Txt", `"Words"`} {
		good(t, key+": x", fields{Text: "x"})
	}
	// Upper case of other alphabets is another letter.
	bad(t, "te\u017ft: x", "f:1:0: unknown field \"te\u017ft\", did you mean \"text\"?")
}

// Whatever the spelling, the later one wins.
func TestLastWins(t *testing.T) {
	good(t, "text: a\ntext: b", fields{Text: "b"})
	good(t, "text: a\nTEXT: b", fields{Text: "b"})
	good(t, "TEXT: a\ntext: b", fields{Text: "b"})
	good(t, "text: a\nwords: b\ntxt: c", fields{Text: "c"})
	good(t, "text: a\nTEXT: b\ntext: c", fields{Text: "c"})
	good(t, "inner {name: a, pass: p}\nINNER {username: b}", fields{Inner: inner{Name: "b", Pass: "p"}})
}

func TestVariablesMayHaveAnyName(t *testing.T) {
	good(t, "X: a\ntext: $X", fields{Text: "a"})
	good(t, "X: a\nY: $X\ntext: $Y", fields{Text: "a"})
	good(t, "inner {\n  N: n\n  name: $N\n}", fields{Inner: inner{Name: "n"}})
	good(t, "X {username: n, deep {deepest: d}}\ninner: $X", fields{Inner: inner{Name: "n", Deep: "d"}})
	good(t, "Z: no\nlater: $Z", fields{})
	good(t, "text: a\ninner {name: $text}", fields{Text: "a", Inner: inner{Name: "a"}})
	bad(t, "X: a", `f:1:0: unknown field "X": it is no key, and no value refers to it as $X without quotes`)
	bad(t, "X: a\nX2: $X\ntext: b", `f:2:1: unknown field "X2": it is no key, and no value refers to it as $X2 without quotes`)
}

func TestSuggestions(t *testing.T) {
	f := func(text, at, want string) {
		t.Helper()
		bad(t, text, "f:"+at+": unknown field "+want)
	}
	// A slip in a name of the same block.
	f("txet: x", "1:0", `"txet", did you mean "text"?`)
	f("maxsize: 1", "1:0", `"maxsize", did you mean "max_size"?`)
	f("Max-Size: 1", "1:0", `"Max-Size", did you mean "max_size"?`)
	f("wird: x", "1:0", `"wird"`)
	f("wird5: x", "1:0", `"wird5", did you mean "words"?`)
	f("clustr {x: 1}", "1:0", `"clustr", did you mean "cluster"?`)
	f("prt: 1", "1:0", `"prt", did you mean "port"?`) // rather than an unsupported one
	f("inner {pas: x}", "1:7", `"pas", did you mean "pass"?`)
	f("members: [{rol: x}]", "1:11", `"rol", did you mean "role"?`)
	f(strings.Repeat("x", 100)+": 1", "1:0", `"`+strings.Repeat("x", 64)+`…"`) // as much of it as there is room for
	f(`"": 1`, "1:1", `""`)
	f("\"a\nb\": 1", "1:1", `"a\nb"`)
	// A key of another block, or of this one's outside.
	f("pass: x", "1:0", `"pass": that key belongs in "inner"`)
	f("deepest: x", "1:0", `"deepest": that key belongs in "inner deep"`)
	f("role: x", "1:0", `"role": that key belongs in "members"`)
	f("inner {deepest: x}", "1:7", `"deepest": that key belongs in "inner deep"`)
	f("inner {max_size: 1}", "1:7", `"max_size": that key belongs outside of this block`)
	f("inner {deep {port: 1}}", "1:13", `"port": that key belongs outside of this block`)
	f("members: [{cluster: {}}]", "1:11", `"cluster": that key belongs outside of this block`)
	f("inner {deep {name: x}}", "1:13", `"name": that key belongs in "inner"`)
	f("zzzzzz: x", "1:0", `"zzzzzz"`)
	// A missing blank.
	f("inner{ x\n}", "1:0", `"inner{": put a blank between "inner" and the brace`)
	f("inner{name: x}", "1:0", `"inner{name": put a blank between "inner" and the brace`)
	f("nobody{: x}", "1:0", `"nobody{": put a blank between "nobody" and the brace`)
	// A variable that is not used.
	f("ALICE_PW: x", "1:0", `"ALICE_PW": it is no key, and no value refers to it as $ALICE_PW without quotes`)
	f("PASS: x", "1:0", `"PASS": it is no key, and no value refers to it as $PASS without quotes`)
	f("P2: x", "1:0", `"P2": it is no key, and no value refers to it as $P2 without quotes`)
	f("10: x", "1:0", `"10"`)
	f("\"A\nB\": x", "1:1", `"A\nB"`)
}

// Everything is reported: warnings first, and both in the order of the file.
func TestOrder(t *testing.T) {
	const text = `max_size: x
wait: 7
inner {
  unknown1: 1
  timeout: 99
  name: 5
}
unknown2: 2
WAIT: 8
members: [{name: a}
  {name: 5}
]
cluster {}
`
	const high = " is high, consider keeping it under 60 seconds. possibly caused by unquoted duration; use '1m' instead of 1m, for example"
	warnings := []string{
		`f:2:1: invalid use of field "wait": wait should be converted to a duration: write "7s"`,
		`f:5:3: invalid use of field "timeout": timeout of 99 (99.000000 seconds)` + high,
		`f:9:1: invalid use of field "wait": wait should be converted to a duration: write "8s"`,
	}
	errors := []string{
		"f:1:0: max_size expects an integer, but x is a string",
		`f:4:3: unknown field "unknown1"`,
		`f:6:3: name expects a string, but 5 is an integer: put it in quotes, "5"`,
		`f:8:1: unknown field "unknown2"`,
		"f:11:4: name expects a string, but the value is an integer: put it in quotes",
		`f:13:1: "cluster" is not supported by this version`,
	}
	var got fields
	r := keys.Decode(got.table(), parse(t, text))
	if diff := cmp.Diff(warnings, r.Warnings()); diff != "" {
		t.Error("-want +got\n", diff)
	}
	all := append(warnings, errors...)
	if diff := cmp.Diff(error(keys.Problems(all)), r.Err()); diff != "" {
		t.Error("-want +got\n", diff)
	}
	if want := strings.Join(all, "\n") + "\n"; r.Err().Error() != want {
		t.Errorf("got  %q\nwant %q", r.Err(), want)
	}
	if diff := cmp.Diff(warnings, r.Warnings()); diff != "" {
		t.Error("the error has changed the warnings: -want +got\n", diff)
	}
	// What is right has been stored.
	want := fields{Wait: 8 * time.Second, Inner: inner{Timeout: 99 * time.Second}, Members: []member{{Name: "a"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("-want +got\n", diff)
	}
}

func TestWarningsAreNoError(t *testing.T) {
	_, r := decode(t, "wait: 5")
	if r.Err() != nil || len(r.Warnings()) != 1 {
		t.Errorf("%v %q", r.Err(), r.Warnings())
	}
	_, r = decode(t, "")
	if r.Err() != nil || r.Warnings() != nil {
		t.Errorf("%v %q", r.Err(), r.Warnings())
	}
}
