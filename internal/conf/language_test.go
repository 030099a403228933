package conf_test

import (
	"strconv"
	"strings"
	"testing"
)

// The texts of the terminator errors up to the character.
const (
	topEnd   = "'Expected a top-level value to end with a new line, comment or EOF, but got '"
	blockEnd = "'Expected a block-level value to end with a new line, comment or EOF, but got '"
	mapEnd   = `'Expected a map value terminator "," or a map terminator "}", but got '`
	arrayEnd = `'Expected an array value terminator "," or an array terminator "]", but got '`
	atEOF    = "\x00' instead.'"
	line1    = "Parse error on line 1: "
	line2    = "Parse error on line 2: "
)

// Spec configuration.md 13.
func TestAcceptanceVectors(t *testing.T) {
	f := parses(t)
	f("a 1", "a=1")
	f("a=1", "a=1")
	f("a:1", "a=1")
	f("a = 1 b = 2", line1+topEnd+"b' instead.'")
	f("{a:1, b:2}", "a=1 b=2")
	f(`{ "a": 1.5, "b": [ 1, 2 ] }`, "a=1.5f b=[1 2]")
	f("a = {b=1, c=2; d=3\ne=4}", "a={b=1 c=2 d=3 e=4}")
	f("a = {b=1 c=2}", line1+mapEnd+"c' instead.'")
	f("a {b 1}, c 2", "a={b=1} c=2")
	f("a {b 1} c 2", line1+topEnd+"c' instead.'")
	f("a == 1", line1+topEnd+"1' instead.'")
	f("a := 1", line1+topEnd+"1' instead.'")
	f(`a="x\ty\x41"`, `a="x\tyA"`)
	f(`a='x\ty'`, `a="x\\ty"`)
	f("a=2016-05-04T18:53:41Z", "a=2016-05-04T18:53:41Z")
	f("a (\n l1\n)\nb=1", `a="\n l1\n" b=1`)
	f("A=x\nb=$A", `A="x" b="x"`)
	f("p=$2a$11$abc", `p="$2a$11$abc"`)
	f("# c\n// d\na=1 # e", "a=1")
	f("a", "config is invalid (f:1:1)")
	f("a={b}", line1+"'Unexpected EOF processing map key.'")
	f("a={", line1+"'Unexpected EOF processing map.'")
	f("a=[", line1+arrayEnd+atEOF)
	f("}", "")
	f("", "")
	f("# c\n  // d", "")
	f("a=1\r\nb=2\r\n", "a=1 b=2")
	f("listen: 127.0.0.1:4222", `listen="127.0.0.1:4222"`)
	f("routes = [\n nats-route://u:p@h:4245\n nats-route://u:p@h:4246\n]",
		`routes=["nats-route://u:p@h:4245" "nats-route://u:p@h:4246"]`)
	f("P=x\nusers = [\n {user: a, password: b}\n {user: c, password: $P}\n]",
		`P="x" users=[{user="a" password="b"} {user="c" password="x"}]`)
}

func TestKeys(t *testing.T) {
	f := parses(t)
	f("cluster{listen: 1}", "cluster{listen=1") // and the brace that closes nothing ends the value
	f("cluster{listen: x}", `cluster{listen="x"`)
	f("cluster {listen: x}", `cluster={listen="x"}`)
	f("cluster:{listen: x}", `cluster={listen="x"}`)
	f(`"cluster"{listen: x}`, `cluster={listen="x"}`)
	f(`"cluster":{listen: x}`, `cluster={listen="x"}`)
	f("a#b=1", "a#b=1")
	f("a//b=1", "a//b=1")
	f(`a\b"'=1`, `a\b"'=1`)
	f(",a=1\n;b=2\n(c=3\n[d=4", ",a=1 ;b=2 (c=3 [d=4")
	f("]a=1", "]a=1")
	f("m {,b=1\n;c=2\n(d=3\n[e=4\n{f=5\n/g=6}", "m={,b=1 ;c=2 (d=3 [e=4 {f=5 /g=6}")
	f("\u00e4=1\n\xff=2", "\u00e4=1 \xff=2")
	f(`"a # b
c\"=1`, "a # b\nc\\=1")
	f(`'a"b'=1`, `a"b=1`)
	f(`''=1`, "=1")
	f(`"a"b=1`, `a="b=1"`)
	f("\u00a0a\u00a0=1", "a=1")
	f("}\nb=1", `}="b=1"`)
	f("a=1\n}", "a=1")
	f("a=1\n} \n ", "a=1")
	f("}=", `}=""`)
	f("PORT=1\nport=2", "PORT=1 port=2")

	f("=1", line1+"'Unexpected key separator '=''")
	f(":1", line1+"'Unexpected key separator ':''")
	f("{=1}", line1+"'Unexpected key separator '=''")
	f("m {=1}", line1+"'Unexpected key separator '='.'")
	f("m {:1}", line1+"'Unexpected key separator ':'.'")
	f("m {]}", line1+"'Unexpected array end ']' processing map.'")
	f("/a 1", line1+"'Unexpected EOF.'")
	f("/", line1+"'Unexpected EOF.'")
	f(`"a`, line1+"'Unexpected EOF.'")
	f("'a\n", line2+"'Unexpected EOF.'")
	f(`m {"a`, line1+"'Unexpected EOF processing double quoted map key.'")
	f("m {'a", line1+"'Unexpected EOF processing quoted map key.'")
	f("m {a", line1+"'Unexpected EOF processing map key.'")
	f("m {a ", line1+mapEnd+atEOF)
	f(`m {"a"`, line1+mapEnd+atEOF)
	f("a \n", "config is invalid (f:2:1)")
	f("a=1\nbc", "config is invalid (f:2:3)")
	f(`"}"`, "config is invalid (f:1:3)")
	f("{a", "config is invalid (f:1:2)")
	f("cluster{}", "config is invalid (f:1:9)")
}

func TestSeparatorsAndEnds(t *testing.T) {
	f := parses(t)
	f("a\nb=1", `a="b=1"`)
	f("a\n\n=1", "a=1")
	f("a\n{ b 1\n}", "a={b=1}")
	f("a\n[b]", `a=["b"]`)
	f("a=\n1", line2+"'Expected value but found new line'")
	f("a=\r1", line1+"'Expected value but found new line'")
	f("{a=\n1}", line2+"'Expected value but found new line'")
	f("m {a=\n\n1\n}", "m={a=1}")
	f("m {a=\v\u00a0 1}", "m={a=1}")
	f("m {a=\n=1}", `m={a="=1"}`)
	f("a=1,,b=2", "a=1 ,b=2")
	f("a=1;;b=2", "a=1 ;b=2")
	f("a=1 ; # c\nb=2", "a=1 b=2")
	f("a=1,b=2;c=3\rd=4", "a=1 b=2 c=3 d=4")
	f("a=1}b=2 } c=3", "a=1 b=2 c=3")
	f("a=x\tb", line1+topEnd+"b' instead.'")
	f(`a="x"b`, line1+topEnd+"b' instead.'")
	f(`a="x" "y"`, line1+topEnd+`"' instead.'`)
	f("a=\"x\"\v", line1+topEnd+"\v' instead.'")
	f(`a="x"/y`, line1+topEnd+"y' instead.'")
	f("a=\"x\"\xff", line1+topEnd+"\ufffd' instead.'")
	f("m {a=1 /y\n}", line1+mapEnd+"y' instead.'")
	f("m {a=x]}", line1+mapEnd+"]' instead.'")
	f("m {a {b 1} c 2}", line1+mapEnd+"c' instead.'")
	f("m {a=1}}b=2", "m={a=1} b=2")
	f("m {}b=2", line1+topEnd+"b' instead.'")
	f("m {a=,}", line1+"'Unexpected map value terminator ','.'")
	f("m {a , b=1}", line1+"'Unexpected map value terminator ','.'")
	f("m {a=;b=\n;}", `m={a="" b=""}`)
	f("m {a=}", line1+"'Unexpected map value terminator '}'.'")
	f("m {a \n}", line2+"'Unexpected map value terminator '}'.'")
	f("m {", line1+"'Unexpected EOF processing map.'")
	f("m {a=1 # c", line1+mapEnd+atEOF)
	f("m {a=1\n", line2+"'Unexpected EOF processing map.'")
}

func TestComments(t *testing.T) {
	f := parses(t)
	f("a=foo#bar\nb=5#x\nc=true#x\nd=nats://h:1\ne=//x", `a="foo#bar" b="5#x" c="true#x" d="nats://h:1" e="//x"`)
	f(`a="x"#c`, `a="x"`)
	f(`a="x"//c`, `a="x"`)
	f("a=1 #c\rb=2", "a=1 b=2")
	f("m {#}\na=1 //}\n#}\nb 2#x\n}", `m={a=1 b="2#x"}`)
	f("a=[#]\n 1 //]\n, 2,#]\n//]\n3 ]", "Parse error on line 3: 'Unexpected array value terminator ','.'")
	f("a=[#]\n 1 //]\n 2,#]\n//]\n3 ]", "a=[1 2 3]")
	f("a #c", `a="#c"`)
	f("a # c", line1+topEnd+"c' instead.'")
	f("{#c\na=1#\n b=2 #c\n}", `a="1#" b=2`)
}

func TestArrays(t *testing.T) {
	f := parses(t)
	f("a=[]", "a=[]")
	f("a=[ \n ]", "a=[]")
	f("a=[b,]", `a=["b"]`)
	f("a=[b,\n c,\n]", `a=["b" "c"]`)
	f("a=[b\n\n c\rd]", `a=["b" "c" "d"]`)
	f(`a=[1, x, "y", 'z', true, 1.5, {b=1}, [2], 2016-05-04T18:53:41Z]`,
		`a=[1 "x" "y" "z" true 1.5f {b=1} [2] 2016-05-04T18:53:41Z]`)
	f("a=[include, b]", `a=["include" "b"]`)
	f("a=[/b/c, /d]", `a=["/b/c" "/d"]`)
	f("a=[(\nx\n)\n]", `a=["\nx\n"]`)
	f("a=[b c]", line1+arrayEnd+"c' instead.'")
	f("a=[b; c]", line1+arrayEnd+";' instead.'")
	f("a=[;b]", line1+arrayEnd+";' instead.'")
	f("a=[}", line1+arrayEnd+"}' instead.'")
	f("a=[b,,c]", line1+"'Unexpected array value terminator ','.'")
	f("a=[,b]", line1+"'Unexpected array value terminator ','.'")
	f("a=[b\n,c]", line2+"'Unexpected array value terminator ','.'")
	f("a=[b", line1+arrayEnd+atEOF)
	f("a=[b,\n", line2+arrayEnd+atEOF)
	f("a=[include x]", line1+arrayEnd+"x' instead.'")

	// A bracket ends a number here, but not elsewhere, and does not end a size.
	f("a=[1,2]", "a=[1 2]")
	f("a=[[1],[2]]", "a=[[1] [2]]")
	f("a=[1,2 ]\nb=[1.5,2.5]\nc=[-1,-2]\nd=[1k]\ne=[1k ]", `a=[1 2] b=[1.5f 2.5f] c=[-1 -2] d=["1k"] e=[1000]`)
	f("a=[{b=5]}]", `a=[{b="5]"}]`)
	f("a=5]", `a="5]"`)
}

func TestTopLevelBraces(t *testing.T) {
	f := parses(t)
	f("{a=1}", "a=1")
	f("{\n a=1\n b=2\n}\n", "a=1 b=2")
	f("{a=1} b=2", "a=1 b=2")
	f("x=0\n{a=$x}{b=$a}\nc=$b", "x=0 a=0 b=0 c=0")
	f("{{a=1},{b=2}}", "a=1 ,{b=2")
	f("{{a=1}\n{b=2}}", "a=1 b=2")
	f("{ # }\n a=1 # }\n}", "a=1")
	f("{a=1,}", "a=1")
	f("{a=1;b=2,c=3}", "a=1 b=2 c=3")
	f("{", "")
	f("{{", "")
	f("{a=1\n", "a=1")
	f("{a=1", line1+blockEnd+atEOF)
	f("{a=1 # c", line1+blockEnd+atEOF)
	f("{a=1 b=2}", line1+blockEnd+"b' instead.'")
	f(`{"a":{"b":null},"c":[true,false],"d":"x"}`, `a={b="null"} c=[true false] d="x"`)
}

func TestNumbers(t *testing.T) {
	f := parses(t)
	f("a=0\nb=007\nc=-5\nd=+1", `a=0 b=7 c=-5 d="+1"`)
	f("a=9223372036854775807\nb=-9223372036854775808", "a=9223372036854775807 b=-9223372036854775808")
	f("a=1.5\nb=-1.25\nc=1.50000", "a=1.5f b=-1.25f c=1.5f")
	f("a=99999999999999999999.5", "a=1e+20f")

	sizes := map[string]string{
		"1k": "1000", "1K": "1000", "1kb": "1024", "1ki": "1024", "1KiB": "1024", "-5kb": "-5120",
		"2m": "2000000", "1Mb": "1048576", "1M": "1000000", "1mi": "1048576", "1mib": "1048576",
		"1g": "1000000000", "1gb": "1073741824", "1t": "1000000000000", "1tib": "1099511627776",
		"1p": "1000000000000000", "1pb": "1125899906842624", "9e": "9000000000000000000", "7eb": "8070450532247928832",
		"-8eib": "-9223372036854775808", "0eb": "0",
	}
	for in, want := range sizes {
		f("a="+in, "a="+want)
		f("m {a="+in+"}", "m={a="+want+"}")
	}

	// What only begins like a number.
	for _, word := range []string{
		"127.0.0.1:4222", "1.2.3.4", "0.0.0.0:-1", "1.5.6", "1.5.", "-1.2.3", "1.2.3:4-5",
		"9abc", "1s", "2h", "5min", "10ms", "1kbps", "0x10", "1_000", "1:2", "1=2", "5#x", `5"x"`, "5$x", "5(", "5kx", "-5kix", "5k-", "5k/",
		"5\v", "5\u00a0x", "5\u0e50x",
	} {
		f("a="+word, "a="+quote(word))
	}
	f("a=5'x'", `a="5'x"`) // the first quote is text, the second ends the word
	f(`a=5\q`, `a="5\\q"`) // so is the backslash
	f(`a=5x\t`, `a="5x\t"`)
	f("a=5k'", `a="5k"`)

	f("a=9223372036854775808", "integer '9223372036854775808' is out of the range")
	f("a=9223372036854775808k", "integer '9223372036854775808k' is out of the range")
	f("a=-9223372036854775809", "integer '-9223372036854775809' is out of the range")
	f("a=9223372036854775807k", "integer '9223372036854775807k' is out of the range")
	f("a=10e", "integer '10e' is out of the range")
	f("a=8eb", "integer '8eb' is out of the range")
	f("a=-9eb", "integer '-9eb' is out of the range")
	f("a=1kbb", "integer '1kbb' has an unknown size suffix")
	f("a=5kibi\n", "integer '5kibi' has an unknown size suffix")
	f("a="+nines+".5", "float '"+nines[:64]+"…' is out of the range") // as much of it as there is room for
	f("a=\u0663", "expected integer, but got '\u0663'")
	f("a=5.\u0663", "expected float, but got '5.\u0663'")

	f("a=.5", line1+"'Floats must start with a digit'")
	f("a=-.5", line1+"'Floats must start with a digit, not '.'.'")
	f("a=-x", line1+"'Expected a digit but got 'x'.'")
	f("a=-", line1+"'Expected a digit but got '\x00'.'")
	f("a=-\n", line2+`'Expected a digit but got '\n'.'`)
	f("a=1.", line1+"'Floats must have a digit after the '.', but got '\x00' instead.'")
	f("a=1.\n", line2+`'Floats must have a digit after the '.', but got '\n' instead.'`)
	f("a=1..5", line1+"'Floats must have a digit after the '.', but got '.' instead.'")
	for in, got := range map[string]string{
		"10.0.0.1/24": "2", "1.5k": "k", "1.2.3-beta": "b", "1e400": "4", "4e2x9": "2", "5k5": "5",
		"-5x": "x", "-5-": "-", "5 6": "6", "5k]": "]", "1.5]": "]", "1.5e3": "e",
	} {
		f("a="+in, line1+topEnd+got+"' instead.'")
	}
}

func TestDates(t *testing.T) {
	f := parses(t)
	f("a=1999-12-31T23:59:59Z", "a=1999-12-31T23:59:59Z")
	f("a=[2016-05-04T18:53:41Z]", "a=[2016-05-04T18:53:41Z]")
	f("a=9-x", line1+"'All ISO8601 dates must be in full Zulu form.'")
	f("a=201-", line1+"'All ISO8601 dates must be in full Zulu form.'")
	f("a=20161-", line1+"'All ISO8601 dates must be in full Zulu form.'")
	f("a=2019-x", line1+"'Expected digit in ISO8601 datetime, but found 'x' instead.'")
	f("a=2016-0\n", line2+`'Expected digit in ISO8601 datetime, but found '\n' instead.'`)
	f("a=2016-05x04", line1+"'Expected '-' in ISO8601 datetime, but found 'x' instead.'")
	f("a=2016-05-04 ", line1+"'Expected 'T' in ISO8601 datetime, but found ' ' instead.'")
	f("a=2016-05-04T18x", line1+"'Expected ':' in ISO8601 datetime, but found 'x' instead.'")
	f("a=2016-05-04T18:53:41", line1+"'Expected 'Z' in ISO8601 datetime, but found '\x00' instead.'")
	f("a=2016-05-04T18:53:41+01:00", line1+"'Expected 'Z' in ISO8601 datetime, but found '+' instead.'")
	f("a=2016-13-44T18:53:41Z", "expected Zulu formatted DateTime, but got '2016-13-44T18:53:41Z'")
	f("a=2016-05-04T18:53:41Zx", line1+topEnd+"x' instead.'")
}

func TestWords(t *testing.T) {
	f := parses(t)
	for _, word := range []string{"foo{(#/=:@*>%", "truely", "tru", "nope", "null", "@x", ">", "x$y", "\u00e4\xff", "falsey", "x\vy"} {
		f("a="+word, "a="+quote(word))
	}
	f("a=", `a=""`)
	f("a= ,b=1", `a="" b=1`)
	f("a=}", `a=""`)
	f("a=]", line1+topEnd+"]' instead.'")
	for _, word := range []string{"true", "TRUE", "yes", "Yes", "on", "ON"} {
		f("a="+word, "a=true")
	}
	for _, word := range []string{"false", "False", "no", "NO", "off"} {
		f("a="+word, "a=false")
	}
	f("a='true'\nb=\"on\"\nc=true'", `a="true" b="on" c="true"`)
	f(`a=x\ty\\z\"`, `a="x\ty\\z\""`)
	f(`a=on\t`, `a="on\t"`)
	f(`a=$x\t`, `a="$x\t"`)
	f("a=$x'", `a="$x"`)
	f("a=it's", line1+topEnd+"s' instead.'")
	f("a=it'", `a="it"`)
	f(`a=c:\\logging`, `a="c:\\logging"`)
	f("a=x\x00y\nb=1", `a="x"`)
}

func TestStrings(t *testing.T) {
	f := parses(t)
	f("a=\"x\ny\" \nb='x\ny'", `a="x\ny" b="x\ny"`)
	f(`a="\t\n\r\"\\\x00\xfF"`, `a="\t\n\r\"\\\x00\xff"`)
	f("a=\"\xff\x80\"", `a="\xff\x80"`)
	f(`a='\'`, `a="\\"`)
	f(`a="#{$x}"`, `a="#{$x}"`)
	f(`a="\q"`, line1+`'Invalid escape character 'q'. Only the following escape characters are allowed: \xXX, \t, \n, \r, \", \\.'`)
	f(`a=c:\logging`, line1+`'Invalid escape character 'l'. Only the following escape characters are allowed: \xXX, \t, \n, \r, \", \\.'`)
	f("a=\"\\\n\"", line2+`'Invalid escape character '\n'. Only the following escape characters are allowed: \xXX, \t, \n, \r, \", \\.'`)
	f(`a="\`, line1+"'Invalid escape character '\x00'. Only the following escape characters are allowed: "+`\xXX, \t, \n, \r, \", \\.'`)
	f(`a="\xzz"`, line1+`'Expected two hexadecimal digits after '\x', but got 'zz''`)
	f("a=\"\\xzz\n\"", line1+`'Expected two hexadecimal digits after '\x', but got 'zz''`)
	f(`a="\x4"`, line1+`'Expected two hexadecimal digits after '\x', but got '4"''`)
	f(`a="\x`, line1+`'Expected two hexadecimal digits after '\x', but got '\x''`)
	f("a=\"\\x4\n\"", line2+`'Expected two hexadecimal digits after '\x', but hit end of line'`)
	f("a=\\x\n", line2+`'Expected two hexadecimal digits after '\x', but hit end of line'`)
	f(`a="x`, line1+"'Unexpected EOF.'")
	f("a='x\n", line2+"'Unexpected EOF.'")
	f(`m {a="x`, line1+"'Unexpected EOF.'")
	f("a=\"x\x00\"", line1+"'Unexpected EOF.'")
}

func TestBlocks(t *testing.T) {
	f := parses(t)
	f("a (x\n)\n", `a="x\n"`)
	f("a (\n)\nb=1", `a="\n" b=1`)
	f("a (\n # $x \\q \"\n )\n) \n)x\n)\n", `a="\n # $x \\q \"\n )\n) \n)x\n"`)
	f("a (\nx\n)", `a="\nx\n"`)
	f("m {a (\nx\n)\n}\nb=1", `m={a="\nx\n"} b=1`)
	f("a (\r\n5\r\n)\n", `a="\r\n5\r\n"`)
	f("a ()\n", line2+"'Unexpected EOF processing block.'")
	f("a (\nx\n) \n", "Parse error on line 4: 'Unexpected EOF processing block.'")
	f("a (\r\nx\r\n)\r\n", "Parse error on line 4: 'Unexpected EOF processing block.'")
	f("a (", line1+"'Unexpected EOF processing block.'")
}

func TestDuplicateKeys(t *testing.T) {
	f := parses(t)
	f("a=1\nb=2\na=3", "b=2 a=3")
	f("a {b 1}\na {c 2}", "a={c=2}")
	f("m {a=1,b=2,a=3,b=4,a=5}", "m={b=4 a=5}")
	many := ""
	for c := 'a'; c <= 'z'; c++ {
		many += string(c) + "=1," // beyond what is looked through one by one
	}
	f("m {"+many+many+"b=$c\n}", "m={a=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1 l=1 m=1 n=1 o=1 p=1 q=1 r=1 s=1 t=1 u=1 v=1 w=1 x=1 y=1 z=1 b=1}")
}

func TestByteOrderMark(t *testing.T) {
	f := parses(t)
	f("\ufeffport=1", "port=1")
	f("\ufeff{port=1}", "port=1")
	f("a=\ufeff5", `a="\ufeff5"`)
}

var nines = strings.Repeat("9", 400)

func quote(s string) string { return strconv.Quote(s) }
