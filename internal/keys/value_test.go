package keys_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
)

func TestBool(t *testing.T) {
	for _, yes := range []string{"true", "yes", "ON"} {
		good(t, "on: "+yes, fields{On: true})
		good(t, "off: "+yes, fields{})
		good(t, "fine: "+yes, fields{})
	}
	for _, no := range []string{"false", "no", "Off"} {
		good(t, "on: "+no, fields{})
		good(t, "off: "+no, fields{Off: true})
		good(t, "fine: "+no, fields{})
	}
	bad(t, `on: "true"`, `f:1:0: on expects a boolean, but "true" is a string: leave out the quotes`)
	bad(t, "on: maybe", `f:1:0: on expects a boolean, but maybe is a string: write true or false`)
	bad(t, `on: "maybe"`, `f:1:0: on expects a boolean, but "maybe" is a string: write true or false`)
	bad(t, "on: null", `f:1:0: on expects a boolean, but null is a string: write true or false`)
	bad(t, `on: ""`, `f:1:0: on expects a boolean, but "" is a string: write true or false`)
	bad(t, "on: 1", "f:1:0: on expects a boolean, but 1 is an integer")
	bad(t, "on: 1.5", "f:1:0: on expects a boolean, but 1.5 is a decimal number")
	bad(t, "on: [true]", "f:1:0: on expects a boolean, but the value is an array")
	bad(t, "on: {}", "f:1:0: on expects a boolean, but the value is a map")
	bad(t, "fine: 2", "f:1:0: fine expects a boolean, but 2 is an integer")
	bad(t, "off: 0", "f:1:0: off expects a boolean, but 0 is an integer")
}

func TestString(t *testing.T) {
	good(t, "text: x", fields{Text: "x"})
	good(t, `text: "5"`, fields{Text: "5"})
	good(t, "text: 'true'", fields{Text: "true"})
	good(t, "text: (\nx\n)\n", fields{Text: "\nx\n"})
	good(t, "text: null", fields{Text: "null"})
	good(t, `text: ""`, fields{})
	bad(t, "text: 5", `f:1:0: text expects a string, but 5 is an integer: put it in quotes, "5"`)
	bad(t, "text: 007k", `f:1:0: text expects a string, but 007k is an integer: put it in quotes, "007k"`)
	bad(t, "text: 1.50", `f:1:0: text expects a string, but 1.50 is a decimal number: put it in quotes, "1.50"`)
	bad(t, "text: no", `f:1:0: text expects a string, but no is a boolean: put it in quotes, "no"`)
	bad(t, "text: 2016-05-04T18:53:41Z",
		`f:1:0: text expects a string, but 2016-05-04T18:53:41Z is a time: put it in quotes, "2016-05-04T18:53:41Z"`)
	bad(t, "text: [x]", "f:1:0: text expects a string, but the value is an array")
	bad(t, "text {x: 1}", "f:1:0: text expects a string, but the value is a map")
}

func TestOneOf(t *testing.T) {
	good(t, "mode: fast", fields{Mode: "fast"})
	good(t, "mode: 'slow'", fields{Mode: "slow"})
	bad(t, "mode: Fast", "f:1:0: mode must be 'fast', 'safe' or 'slow', but is \"Fast\"")
	bad(t, "mode: \"a\nb\"", "f:1:0: mode must be 'fast', 'safe' or 'slow', but is \"a\\nb\"")
	bad(t, "mode: 5", `f:1:0: mode expects a string, but 5 is an integer: put it in quotes, "5"`)

	var one string
	r := keys.Decode(keys.Table{{Name: "only", Value: keys.OneOf(&one, "this")}}, parse(t, "only: that"))
	if want := "f:1:0: only must be 'this', but is \"that\"\n"; r.Err() == nil || r.Err().Error() != want {
		t.Errorf("got %v, want %s", r.Err(), want)
	}
}

func TestStrings(t *testing.T) {
	good(t, "list: x", fields{List: []string{"x"}})
	good(t, "list: [x, 'y z']", fields{List: []string{"x", "y z"}})
	good(t, "list: []", fields{})
	good(t, "list: [x]\nLIST: [y]", fields{List: []string{"y"}})
	bad(t, "list: 5", `f:1:0: error parsing list: unsupported type int64: put it in quotes, "5"`)
	bad(t, "list: {}", "f:1:0: error parsing list: unsupported type map[string]interface {}")
	bad(t, "list: [x\n  5\n  [y]\n]",
		`f:2:3: error parsing list: unsupported type in array int64: put it in quotes, "5"`,
		"f:3:6: error parsing list: unsupported type in array []interface {}")
}

func TestInt(t *testing.T) {
	good(t, "max_size: 0", fields{})
	good(t, "max_size: 1MiB", fields{Size: 1 << 20})
	good(t, "level: -1", fields{Level: -1})
	good(t, "level: 9", fields{Level: 9})
	good(t, "count: 3", fields{Count: 3})
	bad(t, "max_size: 2MB", "f:1:0: max_size value is too big: 2MB, at most 1048576 is possible")
	bad(t, "max_size: 1048577", "f:1:0: max_size value is too big: 1048577, at most 1048576 is possible")
	bad(t, "max_size: -1", "f:1:0: max_size value can not be negative, but is -1")
	bad(t, "level: -2", "f:1:0: level value is too small: -2, at least -1 is possible")
	bad(t, "level: 10", "f:1:0: level value is too big: 10, at most 9 is possible")
	bad(t, "count: 1", "f:1:0: count value is too small: 1, at least 2 is possible")
	bad(t, "count: -1", "f:1:0: count value can not be negative, but is -1")
	bad(t, `max_size: "1MB"`, `f:1:0: max_size expects an integer, but "1MB" is a string: leave out the quotes`)
	bad(t, `max_size: '-5'`, `f:1:0: max_size expects an integer, but '-5' is a string: leave out the quotes`)
	bad(t, `max_size: "1 MB"`, `f:1:0: max_size expects an integer, but "1 MB" is a string`)
	bad(t, `max_size: "lots"`, `f:1:0: max_size expects an integer, but "lots" is a string`)
	bad(t, "max_size: \"5\nx\"", `f:1:0: max_size expects an integer, but "5 x" is a string`)
	bad(t, "max_size: 1_000", "f:1:0: max_size expects an integer, but 1_000 is a string")
	bad(t, "max_size: null", "f:1:0: max_size expects an integer, but null is a string")
	bad(t, "max_size: ", "f:1:0: max_size expects an integer, but the value is a string")
	bad(t, "max_size: 1.5", "f:1:0: max_size expects an integer, but 1.5 is a decimal number")
	bad(t, "max_size: [5]", "f:1:0: max_size expects an integer, but the value is an array")
}

func TestDurations(t *testing.T) {
	good(t, "wait: 1h15m", fields{Wait: 75 * time.Minute})
	good(t, "wait: '1.5s'", fields{Wait: 1500 * time.Millisecond})
	good(t, `wait: "2m"`, fields{Wait: 2 * time.Minute})
	good(t, `wait_text: "0"`, fields{})
	good(t, "wait_text: 90s", fields{WaitText: 90 * time.Second})

	warned(t, "wait: 5", fields{Wait: 5 * time.Second},
		`f:1:0: invalid use of field "wait": wait should be converted to a duration: write "5s"`)
	warned(t, "wait: 0", fields{},
		`f:1:0: invalid use of field "wait": wait should be converted to a duration: write "0s"`)
	warned(t, "wait: 2m", fields{Wait: 2_000_000 * time.Second},
		`f:1:0: invalid use of field "wait": wait should be converted to a duration: without quotes, 2m is the number 2000000 and means seconds; write "2m"`)
	warned(t, "wait: 5k", fields{Wait: 5000 * time.Second},
		`f:1:0: invalid use of field "wait": wait should be converted to a duration: without quotes, 5k is the number 5000 and means seconds; write "5000s"`)
	warned(t, "T=2m\nwait: $T", fields{Wait: 2_000_000 * time.Second},
		`f:2:1: invalid use of field "wait": wait should be converted to a duration: without quotes, $T is the number 2000000 and means seconds; write "2000000s"`)

	const units = `; durations are written like "30s", "2m" or "1h30m", with the units h, m, s, ms, us and ns`
	bad(t, "wait: soon", `f:1:0: error parsing wait: time: invalid duration "soon"`+units)
	bad(t, `wait: "5"`, `f:1:0: error parsing wait: time: missing unit in duration "5"`+units)
	bad(t, "wait: 1d", `f:1:0: error parsing wait: time: unknown unit "d" in duration "1d"`+units)
	bad(t, "wait: null", `f:1:0: error parsing wait: time: invalid duration "null"`+units)
	bad(t, "wait: \"1s\n\"", `f:1:0: error parsing wait: time: unknown unit "s\x0a" in duration "1s\x0a"`+units)
	bad(t, `wait: "-1s"`, `f:1:0: wait value can not be negative, but is "-1s"`)
	bad(t, "wait: -1", "f:1:0: wait value can not be negative, but is -1")
	bad(t, "wait: 9223372036", "f:1:0: wait value is too big: 9223372036 seconds")
	good(t, "wait: 2562047h47m16.854775807s", fields{Wait: math.MaxInt64})

	const form = ` expects a duration such as "2m" or "1m30s", but `
	bad(t, "wait: 1.5", "f:1:0: wait"+form+`1.5 is a decimal number: write "1.5s"`)
	bad(t, "wait: 0.0000001", "f:1:0: wait"+form+`0.0000001 is a decimal number: write "0.0000001s"`)
	bad(t, "wait: -1.5", "f:1:0: wait"+form+"-1.5 is a decimal number")
	bad(t, "wait: true", "f:1:0: wait"+form+"true is a boolean")
	bad(t, "wait: [1s]", "f:1:0: wait"+form+"the value is an array")
	bad(t, "wait {}", "f:1:0: wait"+form+"the value is a map")
	bad(t, "wait_text: 60", "f:1:0: wait_text"+form+`60 is an integer: write "60s"`)
	bad(t, "wait_text: -60", "f:1:0: wait_text"+form+"-60 is an integer")
	bad(t, "wait_text: 2m", "f:1:0: wait_text"+form+
		`2m is an integer: without quotes, 2m is the number 2000000 and means seconds; write "2m"`)
}

func TestSeconds(t *testing.T) {
	in := func(d time.Duration) fields { return fields{Inner: inner{Timeout: d}} }
	good(t, "inner {timeout: 2}", in(2*time.Second))
	good(t, "inner {timeout: 0.5}", in(500*time.Millisecond))
	good(t, "inner {timeout: '1m30s'}", in(90*time.Second))
	good(t, "inner {timeout: 60\n}", in(time.Minute))
	const high = " is high, consider keeping it under 60 seconds. possibly caused by unquoted duration; use '1m' instead of 1m, for example"
	warned(t, "inner {timeout: 61}", in(61*time.Second), `f:1:7: invalid use of field "timeout": timeout of 61 (61.000000 seconds)`+high)
	warned(t, "inner {timeout: 90.5}", in(90500*time.Millisecond), `f:1:7: invalid use of field "timeout": timeout of 90.5 (90.500000 seconds)`+high)
	warned(t, "inner {timeout: 1m}", in(1_000_000*time.Second), `f:1:7: invalid use of field "timeout": timeout of 1m (1000000.000000 seconds)`+high)

	bad(t, "inner {timeout: -1}", "f:1:7: timeout value can not be negative, but is -1")
	bad(t, "inner {timeout: -0.5}", "f:1:7: timeout value can not be negative, but is -0.5")
	bad(t, `inner {timeout: "-1s"}`, `f:1:7: timeout value can not be negative, but is "-1s"`)
	bad(t, "inner {timeout: 1e}", "f:1:7: timeout value is too big: 1e seconds")
	bad(t, "inner {timeout: x}", `f:1:7: error parsing inner config, 'timeout' time: invalid duration "x"; `+
		`durations are written like "30s", "2m" or "1h30m", with the units h, m, s, ms, us and ns`)
	bad(t, "inner {timeout: yes}",
		`f:1:7: error parsing inner config, 'timeout' wrong type: expected seconds or a duration such as "2s", but yes is a boolean`)
	bad(t, "inner {timeout {}}",
		`f:1:7: error parsing inner config, 'timeout' wrong type: expected seconds or a duration such as "2s", but the value is a map`)

	var top time.Duration
	r := keys.Decode(keys.Table{{Name: "timeout", Value: keys.Seconds(&top)}}, parse(t, "timeout: no"))
	if want := "f:1:0: error parsing config, 'timeout' wrong type: expected seconds or a duration such as \"2s\", but no is a boolean\n"; r.Err().Error() != want {
		t.Errorf("got %v", r.Err())
	}
}

func TestAddress(t *testing.T) {
	good(t, "listen: 4222", fields{Port: 4222})
	good(t, "listen: -1", fields{Port: -1})
	good(t, "listen: localhost:0", fields{Host: "localhost"})
	good(t, "listen: 127.0.0.1:4222", fields{Host: "127.0.0.1", Port: 4222})
	good(t, `listen: "0.0.0.0:-1"`, fields{Host: "0.0.0.0", Port: -1})
	good(t, `listen: ":65535"`, fields{Port: 65535})
	good(t, `listen: "[::1]:4222"`, fields{Host: "::1", Port: 4222})
	good(t, "listen: h:1\nport: 2", fields{Host: "h", Port: 2})
	good(t, "port: 2\nlisten: h:1", fields{Host: "h", Port: 1})
	bad(t, "listen: localhost", `f:1:0: could not parse address string "localhost": listen expects a port or host:port`)
	bad(t, `listen: "4222"`, `f:1:0: could not parse address string "4222": listen expects a port or host:port, a port without quotes`)
	bad(t, `listen: "::1:4222"`, `f:1:0: could not parse address string "::1:4222": listen expects a port or host:port, an IPv6 address in brackets such as "[::1]:4222"`)
	const port = ": it must be a number from 1 to 65535, or -1 for a random port"
	bad(t, "listen: h:abc", `f:1:0: could not parse port "abc"`+port)
	bad(t, "listen: 'h:'", `f:1:0: could not parse port ""`+port)
	bad(t, "listen: h:65536", `f:1:0: could not parse port "65536"`+port)
	bad(t, "listen: h:-2", `f:1:0: could not parse port "-2"`+port)
	bad(t, "listen: 65536", "f:1:0: listen value is too big: 65536, at most 65535 is possible")
	bad(t, "port: 70000", "f:1:0: port value is too big: 70000, at most 65535 is possible")
	bad(t, "port: -2", "f:1:0: port value is too small: -2, at least -1 is possible")
	bad(t, `port: "4222"`, `f:1:0: port expects an integer, but "4222" is a string: leave out the quotes`)
	bad(t, "listen: true", "f:1:0: expected port or host:port, got bool")
	bad(t, "listen: 1.5", "f:1:0: expected port or host:port, got float64")
	bad(t, "listen: {port: 1}", "f:1:0: expected port or host:port, got map[string]interface {}")
}

func TestBlock(t *testing.T) {
	good(t, "inner {name: n, deep {deepest: d}}", fields{Inner: inner{Name: "n", Deep: "d"}})
	good(t, "inner {}", fields{})
	bad(t, "inner: 5", "f:1:0: Expected map to define inner, got int64: write inner { … }")
	bad(t, "inner: [{}]", "f:1:0: Expected map to define inner, got []interface {}: write inner { … }")
	bad(t, "inner: null", "f:1:0: Expected map to define inner, got string: write inner { … }")
	bad(t, "inner {deep: on}", "f:1:7: Expected map to define deep, got bool: write deep { … }")
}

func TestThen(t *testing.T) {
	var n int
	var name string
	calls := 0
	check := func(r *keys.Report, at conf.Pos) {
		calls++
		r.Errorf(at, "checked")
	}
	table := keys.Table{
		{Name: "n", Value: keys.Int(&n, 0, 9).Then(check)},
		{Name: "block", Value: keys.Block(keys.Table{{Name: "name", Value: keys.String(&name)}}).Then(check)},
	}
	f := func(text, want string) {
		t.Helper()
		if got := keys.Decode(table, parse(t, text)).Err(); got == nil || got.Error() != want {
			t.Errorf("%q: got %v, want %q", text, got, want)
		}
	}
	f("n: 5", "f:1:0: checked\n")
	f("n: 55", "f:1:0: n value is too big: 55, at most 9 is possible\n")
	f("x: 1\nn: 5", "f:1:0: unknown field \"x\", did you mean \"n\"?\nf:2:1: checked\n")
	f("block {name: x}", "f:1:0: checked\n")
	f("block {nam: x}", "f:1:7: unknown field \"nam\", did you mean \"name\"?\nf:1:0: checked\n")
	f("block: x", "f:1:0: Expected map to define block, got string: write block { … }\n")
	if calls != 4 {
		t.Errorf("%d checks", calls)
	}
}

func TestUnsupported(t *testing.T) {
	for _, off := range []string{"false", "no", "off", "disabled", "disable", "0", "0kb"} {
		good(t, "later: "+off, fields{})
	}
	for _, on := range []string{"true", "yes", "enabled", "8222", "-1", "null", "{}", "[]", "1.5"} {
		bad(t, "later: "+on, `f:1:0: "later" is not supported by this version`)
	}
	bad(t, "\n  Clusters {\n    any: thing\n  }", `f:2:3: "clusters" is not supported by this version`)
}

// What a reference inserts is wrong where it is defined, so that is what the hints are
// about.
func TestReferences(t *testing.T) {
	t.Setenv("KEYS_TEST_NUMBER", "12345")
	t.Setenv("KEYS_TEST_QUOTED", `"12345"`)
	good(t, "text: $KEYS_TEST_QUOTED", fields{Text: "12345"})
	good(t, "text: $2a$11$abc", fields{Text: "$2a$11$abc"})
	bad(t, "text: $KEYS_TEST_NUMBER", "f:1:0: text expects a string, but $KEYS_TEST_NUMBER is an integer: "+
		`put quotes around the value of KEYS_TEST_NUMBER; in the environment they are part of it, as in KEYS_TEST_NUMBER='"…"'`)
	bad(t, "P: on\ntext: $P", "f:2:1: text expects a string, but $P is a boolean: "+
		`put quotes around the value of P; in the environment they are part of it, as in P='"…"'`)
	bad(t, "P: '5'\nmax_size: $P", "f:2:1: max_size expects an integer, but $P is a string: leave out the quotes around the value of P")
	bad(t, "P: x\nmax_size: $P", "f:2:1: max_size expects an integer, but $P is a string")
	bad(t, "P: 5\nmax_size: \"$P\"", "f:1:0: unknown field \"P\": it is no key, and no value refers to it as $P without quotes",
		`f:2:1: max_size expects an integer, but "$P" is a string: leave out the quotes, within which $ has no meaning`)
	bad(t, "P {x: 1}\ntext: $P", "f:2:1: text expects a string, but the value is a map")
	bad(t, "on: $2a$11$abc", "f:1:0: on expects a boolean, but $2a$11$abc is a string: write true or false")
}

// Messages get into logs, so what is secret is in none.
func TestSecretsAreNotQuoted(t *testing.T) {
	t.Setenv("KEYS_TEST_NUMBER", "12345")
	bad(t, "inner {\n  pass: 12345\n  name: 12345\n}",
		"f:2:3: pass expects a string, but the value is an integer: put it in quotes",
		`f:3:3: name expects a string, but 12345 is an integer: put it in quotes, "12345"`)
	bad(t, "members: [{name: 5, pass: 1.5}]\ntext: 6",
		"f:1:11: name expects a string, but the value is an integer: put it in quotes",
		"f:1:20: pass expects a string, but the value is a decimal number: put it in quotes",
		`f:2:1: text expects a string, but 6 is an integer: put it in quotes, "6"`)
	bad(t, "inner {pass: $KEYS_TEST_NUMBER}", "f:1:7: pass expects a string, but the value is an integer: "+
		`put quotes around the value of KEYS_TEST_NUMBER; in the environment they are part of it, as in KEYS_TEST_NUMBER='"…"'`)
}

func TestListAndCustom(t *testing.T) {
	good(t, "members: [\n {name: a, pass: b}\n {NAME: c}\n]", fields{Members: []member{{"a", "b"}, {Name: "c"}}})
	good(t, "odd: 0x1F", fields{Odd: "0x1F"})
	var f fields
	r := keys.Decode(f.table(), parse(t, "members: [{name: a}, {nme: b}, {name: c}]"))
	if want := "f:1:22: unknown field \"nme\", did you mean \"name\"?\n"; r.Err() == nil || r.Err().Error() != want {
		t.Errorf("got %v", r.Err())
	}
	if diff := cmp.Diff([]member{{Name: "a"}, {Name: "c"}}, f.Members); diff != "" {
		t.Error("what was right is kept: -want +got\n", diff)
	}
}
