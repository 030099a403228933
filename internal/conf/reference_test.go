package conf_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nats-server/internal/conf"
	"nats-server/internal/testkit"
)

// The tables hold what release 2.9 of the reference reads as the specification
// says. It does not know of braces at the top level and of a last key without
// value, and has the habits that doc.go lists.

func TestSyntaxErrorsLikeReference(t *testing.T) {
	check := reference(t)
	for _, text := range []string{
		"a 1\n b 2 c", "a == 1", "a := 1", "a=x\tb", `a="x"b`, `a="x" "y"`, "a=\"x\"\v", `a="x"/y`, "a=\"x\"\xff", "a=\"x\" \u00e4",
		"m {a=x]}", "m {a 1 b 2}", "m {a {b 1} c 2}", "m {} b=2", "m {a=1", "m {a=1 # c", "m {a=1\n", "m {", "m {# c", "m {a", "m {a ", "m {a=\n",
		`m {"a`, "m {'a", `m {"a"`, "m {]}", "m {=1}", "m {:1}", "=1", ":1", "/", "/a 1", `"a`, "'a\n",
		"a=\n1", "a=\r1", "a\n\n=\n1", "a={b}",
		"a=[", "a=[b", "a=[b,\n", "a=[b c]", "a=[b; c]", "a=[;b]", "a=[}", "a=[b,,c]", "a=[,b]", "a=[b\n,c]", "a=[include x]", "a=[5}",
		"a=.5", "a=-.5", "a=-x", "a=-", "a=-\n", "a=-\t", "a=1.", "a=1.\n", "a=1.\t", "a=1..5", "a=10.0.0.1/24", "a=1.5k", "a=1.2.3-beta", "a=1e400",
		"a=4e2x9", "a=5k5", "a=-5x", "a=-5-", "a=5 6", "a=5k]", "a=1.5]", "m {a=5\v}\n}",
		"a=9223372036854775808", "a=9223372036854775808k", "a=-9223372036854775809", "a=\u0663", "a=5\u0663", "a=5.\u0663",
		"a=9-x", "a=201-", "a=20161-", "a=2016-", "a=2019-x", "a=2016-0\n", "a=2016-05x04", "a=2016-05-04 ", "a=2016-05-04T18x53:41Z",
		"a=2016-05-04T18:53:41", "a=2016-05-04T18:53:41+01:00", "a=2016-13-44T18:53:41Z", "a=2016-05-04T18:53:41Zx",
		`a="\q"`, `a=c:\logging`, "a=\"\\\n\"", `a="\`, `a=\`, "a=\"\\\u00e4\"", `a="\X41"`, `a="\xzz"`, "a=\"\\xzz\n\"", `a="\x4"`, `a="\x4G"`, `a="\x"`,
		`a="\x`, `a="\x4`, "a=\"\\x4\n\"", "a=\\x\n", `a="x`, "a='x\n", `m {a="x`, "a=\"x\x00\"", "a=it's", "a=]", `a=5k\q`, `a=\$x`,
		"a ()\n", "a (\nx\n) \n", "a (\n x\n )\nb=1", "a (\nx\n)\r\nb=1", "a (", "m {b (\nx\n)}",
		"include [", "include {", "include (", "include 5", "include -", `include \x`, "include\n", "include \r\n", "include 'x", "include \"x\n",
		"include nowhere", "include nowhere, b=1", "m {include nowhere}", "include it's", "include a\\b", "include =x", "include $x", "INCLUDE\t \tx",
		"include sub.conf y=1", "m {include sub.conf y=1}", "include bad.conf", "include deep.conf",
		"a=$x", "\n\na {\nb=$x", "x=1\na=$X", "a {x=1}\nb=$x", "a=$x\nx=1", "a=$a", "a {b=$a}", "a=$", "a=$2b$x", "a=$x\nb c d",
		"a=$V_TWO", "\na=$V_LINES", "a=$V_MAP", "a=$V_OTHER", "a=$V_DASH", "a=$V_BIG",
	} {
		check(text)
	}
}

func TestAcceptsLikeReference(t *testing.T) {
	check := reference(t)
	for _, text := range []string{
		"a 1", "a=1", " a:1", "a = {b=1, c=2; d=3\ne=4}", "a {b 1}, c 2", "a (\n l1\n)\nb=1", "# c\n// d\na=1 # e\n", "a=1\r\nb=2\r\n", "",
		"a b\n c: d\n\te\tf", "a\nb=1", "a\n\n=1", "a\n{ b 1\n}", "a\n\n[b]", "a=1,,b=2", "a=1;;b=2", "a=1 ; # c\nb=2", "a=1,b=2;c=3\rd=4",
		"a=1}b=2 } c=3", "}\nb=1", "a=1\n}", "}=", "a {}}b=1", "a {} ,b=1", "a {} ;b=1",
		"a{b: x}", "a{\nb: \"x\"\n}", `"a"{b: x}`, "a#b=1", "a//b=1", `a\b"'=1`, ",a=1\n;b=2\n(c=3\n[d=4", "\u00e4: 1, b: 2", "\xff=2", `''=1`, `"a"b=1`,
		"'a'b=1", "\u00a0a\u00a0=1", `"a"=1, 'b'=2` + "\n" + `"c"=3, 'd'=4`,
		"cluster {a=1}", "cluster {\na=1\n b 1\n\"c\" 1, d=2}", "CLUSTER {a=1}", "cluster {a {b=1}, c=1}", "cluster {,a=1\n;b=2\n(c=3\n[d=4}", "cluster {{b 1}",
		"cluster {a=\n\n1\n}", "cluster {a=\v\u00a01}", "cluster {a=\n=1}", "cluster {a=;b=\n;}", "cluster {a # c\n}\n}", "cluster {// c\n a=5 //c\n#d\n b 6\n}",
		"a=foo#bar\nb=5#x\nc=true#x\nd=nats://h:1\ne=//x", `a="x"#c`, `a="x"//c`, "a #c", "a=1 #c\rb=2",
		"a=[]\nb=[ \n ]\nc=[b,]\nd=[b,\n c,\n]\ne=[b\n\n c\rd]\nf=1", "a=[1, 2 ]\nb=[1.5,2.5]\nc=[-1,-2]\nd=[1k]\ne=[[a],[b]]\nf=2", "a=[5\n]\nb=1",
		"a=[#]\n 1 //]\n 2,#]\n//]\n3 ]\nb=1", "a=[(\nx\n)\n]\nb=1", "a=[{b=5]}]\nc=1", "a=[include, b]", "a=[1.2.3.4, \"x\"]\nb=1",
		"a: \"x\ny\", b: 1\nc: 1", "a: 'x\ny', b: 1\nc: 1", "a: (x\ny\n)\nb: 1\nc: 1", "a (\n # $x \\q \"\n )\n) \n)x\n)\nb=1", "a (\r\n5\r\n)\nb=1",
		"a=1\nb=2\na=3", "a {b 1}\na {c 2}", "a=1\nA=2",
		"include sub.conf", "include \"sub.conf\"#c", "include sub.conf # c\nb=1", "include sub.conf; b=1", "cluster {include sub.conf}", "cluster {include 'sub.conf', b=1\n}",
		"include sub.conf'\nb=1", "b=1\ninclude sub.conf\nx=1", "include=x", "include:x", `"include" x`, "included x", "include /sub.conf",
		"x=5\na=$x", "x=[a, b]\na=$x\nb=[$x, $x]", "x=1\na {y=$x, x=2, z=$x}\nb=$x", "x=1\nx=2\na=$x\nx=3", "a=$2a$x", "\"a:1\"=5\nb=$a:1", "x=1\nb=\"$x\"",
		"include sub.conf\nb=$x", "x=1\ncluster {a=$x}", "cluster {x=1, a=$x}", "V=1\na=$V\nb=$a", "a=$V_OK\nb=$V_EMPTY",
	} {
		check(text)
	}
}

// What a value is shows in what the reference says when it wants another kind.
func TestKindsLikeReference(t *testing.T) {
	check := reference(t)
	for _, value := range []string{
		"5", "5,", "5;", "5}", "007", "-5", "5k", "5KiB", "-5kb", "+1", "5.5", "-1.25", "5.5 ", "true", "TRUE", "Yes", "on", "off", "no", "NO", "offf", "tru", "null",
		"127.0.0.1:4222", "1.5.", "-1.2.3", "1.2.3:4-5", "9abc", "1s", "5min", "1kbps", "0x10", "1_000", "1:2", "1=2", "5#", `5"x"`, "5'x", "5'", `5\q`, "5]", "5k'", "5kx", "-5kix", "5k-",
		"5\v", "5\u00a0x", "\u00a05", "x\u00a0y", "=5", ":5", "", " ,x=1", ";", "'true'", `"5"`, "true'", `on\t`, "$x'", `$x\t`, "$2a$x", "x$x", `"$x"`, "@x", ">", "//x",
		"2016-05-04T18:53:41Z", "[a]", "[]", "{}", "{a=1}", "$V_OK", "$V_EMPTY", "$V_QUOTED",
	} {
		check("port=" + value)
	}
}

// reference returns a function that compares what the reference says about a text
// with what it should say if it read it as we do. The tests are skipped without a
// reference server.
func reference(t *testing.T) func(text string) {
	exe := testkit.Reference(t)
	if v := testkit.ReferenceVersion(t); !strings.HasPrefix(v, "2.9.") {
		t.Skipf("the tables are for release 2.9 of the reference, this is %s", v)
	}
	write(t, map[string]string{
		"sub.conf":  "x=1\n y=$x",
		"bad.conf":  "\na b c",
		"deep.conf": "include bad.conf",
	})
	for name, value := range map[string]string{
		"V_OK": "5 # c\nx=1", "V_EMPTY": "", "V_QUOTED": `"5"`, "V_TWO": "5 6", "V_LINES": "5\nc d e", "V_MAP": "{x", "V_OTHER": "$nowhere",
		"V_DASH": "-----BEGIN", "V_BIG": "9223372036854775808",
	} {
		t.Setenv(name, value)
	}
	const file = "f.conf"
	return func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		// It exits with an error after most texts.
		out, _ := exec.CommandContext(ctx, exe, "-t", "-c", file).CombinedOutput()
		said := strings.Split(strings.TrimRight(strings.TrimPrefix(string(out), "nats-server: "), "\n"), "\n")
		slices.Sort(said) // its order is random
		want := expected(file)
		if !slices.Equal(said, want) {
			t.Errorf("%q:\nthe reference says %q\nit should say     %q", text, said, want)
		}
	}
}

// expected is what the reference should say about a file, line by line: the error,
// or which keys it does not know and that a port has the wrong type.
func expected(file string) (lines []string) {
	f, err := conf.Load(file)
	if e := new(conf.Error); errors.As(err, &e) {
		return strings.Split(e.Text, "\n")
	}
	unknown := func(m *conf.Value) {
		for _, e := range m.Map {
			switch {
			case strings.EqualFold(e.Key, "cluster"), e.Value.UsedAsVariable():
			case e.Key == "port" && e.Value.Kind == conf.Int:
			case e.Key == "port":
				lines = append(lines, fmt.Sprintf("%s: interface conversion: interface {} is %s, not int64", e.Pos, e.Value.Kind.GoType()))
			default:
				lines = append(lines, fmt.Sprintf("%s: unknown field %s", filepath.ToSlash(e.Pos.String()), strconv.Quote(e.Key)))
			}
		}
	}
	unknown(f.Root)
	for _, e := range f.Root.Map {
		if strings.EqualFold(e.Key, "cluster") {
			unknown(e.Value)
		}
	}
	if lines == nil {
		return []string{"configuration file " + file + " is valid"}
	}
	slices.Sort(lines)
	return lines
}
