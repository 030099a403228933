package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"nats-server/internal/wire"
)

// grammar calls f for every rule of the grammar: input and what comes out of it.
func grammar(f func(in string, want ...string)) {
	unknown := broken(wire.FaultUnknownOp)
	badArgs := broken(wire.FaultArguments)

	// PUB
	f("PUB foo 5\r\nhello\r\n", pub("foo", "", "hello"))
	f("PUB foo r 5\r\nhello\r\n", pub("foo", "r", "hello"))
	f("PUB foo 0\r\n\r\n", pub("foo", "", ""))
	f("pUb foo 2\r\nhi\r\n", pub("foo", "", "hi"))
	f("PUB\tfoo\tr\t2\r\nhi\r\n", pub("foo", "r", "hi"))
	f("PUB  \t foo \t r  \t2 \t\r\nhi\r\n", pub("foo", "r", "hi"))
	f("PUB foo 2\nhi\r\n", pub("foo", "", "hi"))
	f("PUB foo r 2 \nhi\r\n", pub("foo", "r", "hi"))
	f("PUB foo 2\t\nhi\r\n", pub("foo", "", "hi"))
	f("PUB foo 000000002\r\nhi\r\n", pub("foo", "", "hi"))
	f("PUB foo..bar.> *.x 2\r\nhi\r\n", pub("foo..bar.>", "*.x", "hi"))
	f("PUB \x00\xff \x01 2\r\n\x00\n\r\n", pub("\x00\xff", "\x01", "\x00\n"))
	f("PUB foo 9\r\nPING\r\nPUB\r\n", pub("foo", "", "PING\r\nPUB"))
	f("PUB foo 2\r\n\r\n\r\n", pub("foo", "", "\r\n"))
	f("PUB foo 2\r\nhi\n", unknown)
	f("PUB foo 2\r\nhi\rx", unknown)
	f("PUB foo 2\r\nhix", unknown)
	f("PUB foo 3\r\nhi\r\n\r\n", unknown)
	f("PUB foo 2\r\nhi\r", more)
	f("PUB foo 2\r\nhi", more)
	f("PUB foo 2\r\n", more)
	f("PUB foo 2\r", more)
	f("PUB foo", more)
	f("PUB", more)
	f("PU", more)
	f("PUB \r\n", badArgs)
	f("PUB foo\r\n", badArgs)
	f("PUB foo bar\r\n", badArgs)
	f("PUB foo bar baz 2\r\n", badArgs)
	f("PUB a b c d e f g h i 2\r\n", badArgs)
	f("PUB foo -1\r\n", badArgs)
	f("PUB foo +1\r\n", badArgs)
	f("PUB foo 0x1\r\n", badArgs)
	f("PUB foo 1.0\r\n", badArgs)
	f("PUB foo 1\r\r\n", badArgs)
	f("PUB foo 0000000002\r\nhi\r\n", badArgs)
	f("PUBfoo 2\r\n", unknown)
	f("PUB\r\n", unknown)
	f("PUBX foo 2\r\n", unknown)

	// HPUB
	f("HPUB foo 2 5\r\nhdbod\r\n", hpub("foo", "", "hd", "bod"))
	f("HPUB foo r 2 5\r\nhdbod\r\n", hpub("foo", "r", "hd", "bod"))
	f("hpub foo 5 5\r\nhdbod\r\n", hpub("foo", "", "hdbod", ""))
	f("HPUB foo 0 3\r\nbod\r\n", pub("foo", "", "bod"))
	f("HPUB foo r 0 0\r\n\r\n", pub("foo", "r", ""))
	f("HPUB\tfoo  r\t2   5\nhdbod\r\n", hpub("foo", "r", "hd", "bod"))
	f("HPUB foo 2 5 \nhdbod\r\n", hpub("foo", "", "hd", "bod"))
	f("HPUB foo 002 0005\r\nhdbod\r\n", hpub("foo", "", "hd", "bod"))
	f("HPUB foo 2 5\r\nhdbod\n", unknown)
	f("HPUB foo 2 5\r\nhdbod", more)
	f("H", more)
	f("HPUB foo 5\r\nhello\r\n", badArgs)
	f("HPUB foo r s 2 5\r\nhdbod\r\n", badArgs)
	f("HPUB foo 6 5\r\nhdbod\r\n", badArgs)
	f("HPUB foo x 5\r\nhdbod\r\n", badArgs)
	f("HPUB foo -1 5\r\nhdbod\r\n", badArgs)
	f("HPUB foo 2 x\r\nhdbod\r\n", badArgs)
	f("HPUB foo 0000000002 5\r\nhdbod\r\n", badArgs)
	f("HPUB foo r 2 0000000005\r\nhdbod\r\n", badArgs)
	f("HPUBfoo 2 5\r\n", unknown)
	f("HMSG foo 1 2 5\r\nhdbod\r\n", unknown)

	// SUB and UNSUB: what the arguments are is for SubArgs and UnsubArgs to say.
	f("SUB foo 1\r\n", arg("SUB", "foo 1"))
	f("sub foo 1\n", arg("SUB", "foo 1"))
	f("SUB \t foo  q\t1 \r\n", arg("SUB", "foo  q\t1 "))
	f("SUB \r\n", arg("SUB", ""))
	f("SUB foo 1\r\r\n", arg("SUB", "foo 1\r"))
	f("SUB foo", more)
	f("SUB\r\n", unknown)
	f("SUBfoo 1\r\n", unknown)
	f("UNSUB 1\r\n", arg("UNSUB", "1"))
	f("uNsUb 1 5 \r\n", arg("UNSUB", "1 5 "))
	f("UNSUB\r\n", unknown)
	f("UNSUBSCRIBE 1\r\n", unknown)

	// CONNECT and INFO need no blank.
	f("CONNECT {}\r\n", arg("CONNECT", "{}"))
	f("connect{}\r\n", arg("CONNECT", "{}"))
	f("CONNECT \t {} \n", arg("CONNECT", "{} "))
	f("CONNECT\r\n", arg("CONNECT", ""))
	f("CONNECT {", more)
	f("CONNECTED", more)
	f("CONNEXION {}\r\n", unknown)
	f("INFO {}\r\n", arg("INFO", "{}"))
	f("info{}\n", arg("INFO", "{}"))
	f("INFORM", more)
	f("INTO {}\r\n", unknown)

	// PING, PONG and +OK: the rest of the line means nothing.
	f("PING\r\n", "PING")
	f("pInG\n", "PING")
	f("PINGxyz\r\n", "PING")
	f("PING "+strings.Repeat("x", 10000)+"\r\n", "PING")
	f("PINGPING\r\nPONG\r\n", "PING", "PONG")
	f("PONG\r\n", "PONG")
	f("PoNg and more\r\n", "PONG")
	f("+OK\r\n", "+OK")
	f("+ok whatever\r\n", "+OK")
	f("PING", more)
	f("PINGx", more)
	f("P", more)
	f("+", more)
	f("PUNG\r\n", unknown)
	f("PANG\r\n", unknown)
	f("PINK\r\n", unknown)
	f("PONY\r\n", unknown)
	f("+KO\r\n", unknown)

	// -ERR
	f("-ERR 'any'\r\n", broken(wire.FaultPeerError))
	f("-err x\n", broken(wire.FaultPeerError))
	f("-ERR \n", broken(wire.FaultPeerError))
	f("-ERR\r\n", unknown)
	f("-ERR 'any'", more)
	f("-", more)
	f("-OK\r\n", unknown)

	// What is no command of a client.
	f("\r\n", unknown)
	f("\n", unknown)
	f(" PING\r\n", unknown)
	f("\tPING\r\n", unknown)
	f("\x00", unknown)
	f("\xd0ING\r\n", unknown) // 'P' with the eighth bit
	f("MSG foo 1 2\r\nhi\r\n", unknown)
	f("RMSG $G foo 2\r\nhi\r\n", unknown)
	f("RS+ $G foo\r\n", unknown)
	f("LS+ foo\r\n", unknown)
	f("A+ x\r\n", unknown)
	f("X", unknown)
	f("PING\r\n\r\n", "PING", unknown)

	// Many commands in one buffer.
	f("CONNECT {}\r\nPING\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nUNSUB 1\r\nPO",
		arg("CONNECT", "{}"), "PING", arg("SUB", "a 1"), pub("a", "", "hi"), arg("UNSUB", "1"), more)
	f("")
}

func TestGrammar(t *testing.T) {
	grammar(func(in string, want ...string) {
		t.Helper()
		equal(t, fmt.Sprintf("%q", in), parse(t, ample, in), want)
	})
}

func TestRepeatedLinesCarryTheirOwnPayloads(t *testing.T) {
	f := func(line, header string, bodies ...string) {
		t.Helper()
		in, want := "", []string(nil)
		for _, body := range bodies {
			in += line + header + body + "\r\n"
			want = append(want, hpub("foo", "r", header, body))
		}
		equal(t, fmt.Sprintf("%q", line), parse(t, ample, in), want)
		equal(t, fmt.Sprintf("%q, unfinished", line), parse(t, ample, in[:len(in)-1]), append(want[:len(want)-1], more))
		want[len(want)-1] = broken(wire.FaultUnknownOp)
		equal(t, fmt.Sprintf("%q, unended", line), parse(t, ample, in[:len(in)-1]+"x"), want)
		equal(t, fmt.Sprintf("%q, too long", line), parse(t, ample, in[:len(in)-2]+"x\r\n"), want)
	}
	f("PUB foo r 3\r\n", "", "abc", "def", "\r\n\r", "PUB")
	f("PUB foo  r 3\r\n", "", "abc", "def", "ghi")
	f("PUB foo r 03 \n", "", "abc", "def", "ghi")
	f("HPUB foo r 2 5\r\n", "hd", "abc", "def", "ghi")
	f("HPUB foo r 2\t5\r\n", "hd", "abc", "def", "ghi")
	f("HPUB foo r 0 3\r\n", "", "abc", "def", "ghi")
}

func TestSimilarLinesAreToldApart(t *testing.T) {
	equal(t, "a longer size",
		parse(t, ample, "PUB foo 1\r\na\r\nPUB foo 10\r\n0123456789\r\nPUB foo 1\r\nb\r\n"),
		[]string{pub("foo", "", "a"), pub("foo", "", "0123456789"), pub("foo", "", "b")})
	equal(t, "other commands between",
		parse(t, ample, "PUB foo 1\r\na\r\nPING\r\nSUB foo 1\r\nPUB foo 1\r\nb\r\n"),
		[]string{pub("foo", "", "a"), "PING", arg("SUB", "foo 1"), pub("foo", "", "b")})
	equal(t, "a reply that comes and goes",
		parse(t, ample, "PUB foo 1\r\na\r\nPUB foo r 1\r\nb\r\nPUB foo 1\r\nc\r\n"),
		[]string{pub("foo", "", "a"), pub("foo", "r", "b"), pub("foo", "", "c")})
	equal(t, "header sizes",
		parse(t, ample, "HPUB foo 1 3\r\nabc\r\nHPUB foo 2 3\r\nabc\r\nHPUB foo 0 3\r\nabc\r\nPUB foo 3\r\nabc\r\n"),
		[]string{hpub("foo", "", "a", "bc"), hpub("foo", "", "ab", "c"), pub("foo", "", "abc"), pub("foo", "", "abc")})
	equal(t, "the start of the line before",
		parse(t, ample, "PUB foo 1\r\na\r\nPUB foo"),
		[]string{pub("foo", "", "a"), more})
}

func TestSubArgs(t *testing.T) {
	f := func(in, subject, queue, sid string) {
		t.Helper()
		s, q, id, ok := wire.SubArgs([]byte(in))
		if got := [3]string{string(s), string(q), string(id)}; !ok || got != [3]string{subject, queue, sid} {
			t.Errorf("%q: got %q, %v", in, got, ok)
		}
	}
	f("foo 1", "foo", "", "1")
	f("foo q 1", "foo", "q", "1")
	f(" foo\t\tq  abc.def-\xff ", "foo", "q", "abc.def-\xff")
	for _, in := range []string{"", " ", "foo", "a b c d", "a b c d e f g h i"} {
		if _, _, _, ok := wire.SubArgs([]byte(in)); ok {
			t.Errorf("%q passes", in)
		}
	}
}

func TestUnsubArgs(t *testing.T) {
	f := func(in, sid string, most int) {
		t.Helper()
		id, n, ok := wire.UnsubArgs([]byte(in))
		if string(id) != sid || n != most || !ok {
			t.Errorf("%q: got %q %d, %v", in, id, n, ok)
		}
	}
	f("1", "1", 0)
	f("1 ", "1", 0)
	f("abc \t 5", "abc", 5)
	f("1 007", "1", 7)
	f("1 999999999", "1", 999999999)
	f("1 0", "1", 0)
	f("1 -5", "1", 0)
	f("1 x", "1", 0)
	f("1 5x", "1", 0)
	for _, in := range []string{"", "\t", "1 2 3", "1 2 3 4 5 6 7 8"} {
		if _, _, ok := wire.UnsubArgs([]byte(in)); ok {
			t.Errorf("%q passes", in)
		}
	}
}
