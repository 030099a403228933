package conf_test

import (
	"strings"
	"testing"

	"nats-server/internal/conf"
)

func TestVariables(t *testing.T) {
	f := parses(t)
	f("x=5\na=$x", "x=5 a=5")
	f("x=[1, 2]\na=$x\nb=[$x, $x]", "x=[1 2] a=[1 2] b=[[1 2] [1 2]]")
	f("x={y=1}\na=$x\nb {c=$x}", "x={y=1} a={y=1} b={c={y=1}}")
	f("x=on\na=$x\nb=$a", "x=true a=true b=true")
	f("\"a:1\"=5\nb=$a:1", "a:1=5 b=5")
	f("x=5\na=\"$x\"\nb='$x'\nc=foo$x\nd=[$x]", `x=5 a="$x" b="$x" c="foo$x" d=[5]`)
	f("x=1\na {y=$x, x=2, z=$x}\nb=$x", "x=1 a={y=1 x=2 z=2} b=1")
	f("x=1\na [{y=2, z=[$y, $x]}]", "x=1 a=[{y=2 z=[2 1]}]")
	f("x=1\nx=2\na=$x\nx=3", "a=2 x=3")
	f("x=1\nx=$x", "x=1")
	f("'$y'=1\n''=2\na=$$y\nb=$\n", "$y=1 =2 a=1 b=2")
	f("a=$2a$x\nb=[$2a$y]", `a="$2a$x" b=["$2a$y"]`)

	f("a=$x", "variable reference for 'x' on line 1 can not be found")
	f("\n\na {\nb=$x", "variable reference for 'x' on line 4 can not be found")
	f("x=1\na=$X", "variable reference for 'X' on line 2 can not be found")
	f("a {x=1}\nb=$x", "variable reference for 'x' on line 2 can not be found")
	f("a=$x\nx=1", "variable reference for 'x' on line 1 can not be found")
	f("a=$a", "variable reference for 'a' on line 1 can not be found")
	f("a {b=$a}", "variable reference for 'a' on line 1 can not be found")
	f("a=$", "variable reference for '' on line 1 can not be found")
	f("a=$2b$x", "variable reference for '2b$x' on line 1 can not be found")
	f("a=$x\nb c d", "variable reference for 'x' on line 1 can not be found")
	f("a=$x\nb=$y", "variable reference for 'x' on line 1 can not be found")
}

// Spec configuration.md 8: only what a reference names may have any name.
func TestUsedAsVariable(t *testing.T) {
	f := func(in, used string) {
		t.Helper()
		var all []string
		var walk func(v *conf.Value)
		walk = func(v *conf.Value) {
			for _, e := range v.Map {
				if e.Value.UsedAsVariable() {
					all = append(all, e.Key)
				}
				walk(e.Value)
			}
		}
		walk(parse(t, in).Root)
		if got := strings.Join(all, " "); got != used {
			t.Errorf("%q: used are %q, want %q", in, got, used)
		}
	}
	f("x=1\ny=2\na=$x", "x")
	f("x=1\na=$x\nx=2", "")
	f("x=1\na=$x\nb=$a", "x a")
	f("m {x=1, a=$x, n {b=$x}}", "x")
	f("x=1\nm {x=2, a=$x}", "x")
	f("x={y=1}\na=$x", "x")
	t.Setenv("V", "1")
	f("a=$V\nb=$V\nc=[$V ]", "")
}

func TestEnvironment(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		t.Setenv("V", value)
		if got := result("a=$V\nb=[$V ]"); got != "a="+want+" b=["+want+"]" {
			t.Errorf("%q:\n got %s\nwant a=%s b=[%[3]s]", value, got, want)
		}
	}
	f("5", "5")
	f(" 5 ", "5")
	f("on", "true")
	f("1k", "1000")
	f("5min", `"5min"`)
	f("[a,b]", `["a" "b"]`)
	f("{x:1}", "{x=1}")
	f("{x:1, y=$x}", "{x=1 y=1}")
	f(`"5"`, `"5"`)
	f("'$x'", `"$x"`)
	f("", `""`)
	f("=5", `"=5"`)
	f("}", `""`)
	f("#x", `"#x"`)
	f("5 # c", "5")
	f("5, c=1", "5")
	f("5\nc=1\nd=2", "5")
	f("(\nx\n)", `"\nx\n"`)
	f("$2a$x", `"$2a$x"`)
	f("nats://h:1", `"nats://h:1"`)

	f = func(value, inner string) {
		t.Helper()
		t.Setenv("V", value)
		const text = "variable reference for 'V' on line 2 could not be parsed: "
		if got := result("\na=$V"); got != text+inner {
			t.Errorf("%q:\n got %s\nwant %s", value, got, text+inner)
		}
	}
	f("5 6", line1+topEnd+"6' instead.'")
	f("\n5", line2+"'Expected value but found new line'")
	f("5\nc d e", line2+topEnd+"e' instead.'")
	f("{x", line1+"'Unexpected EOF processing map key.'")
	f("-----BEGIN", line1+"'Expected a digit but got '-'.'")
	f("9223372036854775808", "integer '9223372036854775808' is out of the range")
	f("$NOWHERE", "variable reference for 'NOWHERE' on line 1 can not be found")
	f("x\ny=$NOWHERE", "variable reference for 'NOWHERE' on line 2 can not be found")
	f("include x", line1+topEnd+"x' instead.'")
	f("$V", "variable reference for 'V' on line 1 could not be parsed: variable reference cycle for 'V'")
	f("[$V ]", "variable reference for 'V' on line 1 could not be parsed: variable reference cycle for 'V'")
}

// A chain of variables, and that they look only at each other.
func TestEnvironmentScopes(t *testing.T) {
	f := parses(t)
	t.Setenv("V", "$W")
	t.Setenv("W", "[$X, $X ]")
	t.Setenv("X", "7")
	f("a=$V", "a=[7 7]")
	f("X=8\na=$V\nb=$X", "X=8 a=[7 7] b=8")
	f("V=1\na=$V", "V=1 a=1")
	t.Setenv("X", "$here")
	f("here=1\na=$V", "variable reference for 'V' on line 2 could not be parsed: variable reference for 'W' on line 1 could not be parsed: "+
		"variable reference for 'X' on line 1 could not be parsed: variable reference for 'here' on line 1 can not be found")
	t.Setenv("X", "$V")
	f("a=$W", "variable reference for 'W' on line 1 could not be parsed: variable reference for 'X' on line 1 could not be parsed: "+
		"variable reference for 'V' on line 1 could not be parsed: variable reference for 'W' on line 1 could not be parsed: variable reference cycle for 'W'")
}

func TestEnvironmentPositions(t *testing.T) {
	t.Setenv("V", "{x:1,\n y 2}")
	root := parse(t, "\na=$V").Root
	a := root.Get("a")
	if got := a.Pos.String() + " " + a.Map[0].Pos.String() + " " + a.Map[1].Pos.String(); got != "f:2:1 $V:1:1 $V:2:2" {
		t.Errorf("located at %s", got)
	}
}
