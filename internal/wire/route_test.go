package wire_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"nats-server/internal/wire"
)

// routeText renders what a RouteParser returned.
func routeText(p *wire.RouteParser, v wire.Verb) string {
	in, m := &p.Interest, &p.Msg
	interest := func(verb string) string {
		return fmt.Sprintf("%s %s/%s %s %s*%d", verb, in.Origin, in.Account, in.Subject, in.Queue, in.Weight)
	}
	switch v {
	case wire.RSub:
		return interest("RS+")
	case wire.RUnsub:
		return interest("RS-")
	case wire.LSub:
		return interest("LS+")
	case wire.LUnsub:
		return interest("LS-")
	case wire.RMsg:
		return fmt.Sprintf("MSG %s/%s %s %s [%s] %q %q => %q", m.Origin, m.Account, m.Subject, m.Reply, m.Queues,
			m.Body[:m.Header], m.Body[m.Header:], m.Tail)
	case wire.Broken:
		if p.Fault.Kind == wire.FaultUnknownOp {
			return "unknown"
		}
		return fmt.Sprintf("broken %d %s", p.Fault.Kind, strings.SplitN(p.Fault.Detail, ":", 2)[0])
	case wire.Info:
		return fmt.Sprintf("INFO %s", p.Arg)
	case wire.Connect:
		return fmt.Sprintf("CONNECT %s", p.Arg)
	case wire.PeerError:
		return fmt.Sprintf("-ERR %s", p.Arg)
	}
	return map[wire.Verb]string{wire.Ping: "PING", wire.Pong: "PONG", wire.OK: "OK", wire.Sub: "SUB", wire.Pub: "PUB"}[v]
}

// parseRoute feeds pieces to a parser as a connection does.
func parseRoute(pinned, origins bool, pieces ...string) (out []string) {
	p := &wire.RouteParser{Pinned: pinned, Origins: origins}
	p.Limits = wire.Limits{ControlLine: 64 << 10, Payload: math.MaxInt, Headers: true}
	var b []byte
	for _, piece := range pieces {
		b = append(bytes.Clone(b), piece...)
		p.Begin()
		for {
			v, n := p.Next(b)
			b = b[n:]
			if v == wire.None {
				break
			}
			out = append(out, routeText(p, v))
			if v == wire.Broken {
				return out
			}
		}
	}
	if len(b) > 0 {
		out = append(out, fmt.Sprintf("rest %d", len(b)))
	}
	return out
}

func TestRouteGrammar(t *testing.T) {
	pinned, origins := false, false
	f := func(in string, want ...string) {
		t.Helper()
		if got := parseRoute(pinned, origins, in); !slices.Equal(got, want) {
			t.Errorf("%q:\n got %q\nwant %q", in, got, want)
		}
		if got := parseRoute(pinned, origins, strings.Split(in, "")...); len(want) == 0 || !strings.HasPrefix(want[len(want)-1], "rest") && !slices.Equal(got, want) {
			t.Errorf("%q, byte by byte:\n got %q\nwant %q", in, got, want)
		}
		for at := range len(in) {
			if got := parseRoute(pinned, origins, in[:at], in[at:]); !slices.Equal(got, want) {
				t.Errorf("%q + %q:\n got %q\nwant %q", in[:at], in[at:], got, want)
			}
		}
	}
	const broken = "broken 4 "
	f("RS+ A foo\r\n", "RS+ /A foo *0")
	f("rs+\tA  foo q 12 \r\n", "RS+ /A foo q*12")
	f("RS+ A foo q x\n", "RS+ /A foo q*0")
	f("RS+ A\r\n", broken+"processRemoteSub Parse Error")
	f("RS+ A foo q\r\n", broken+"processRemoteSub Parse Error")
	f("RS+ A foo q 1 2\r\n", broken+"processRemoteSub Parse Error")
	f("RS- A foo\r\nRS- A foo q\r\n", "RS- /A foo *0", "RS- /A foo q*0")
	f("RS- A\r\n", broken+"processRemoteUnsub parse error")
	f("RS- A foo q 1\r\n", broken+"processRemoteUnsub parse error")
	f("LS+ O A foo\r\nLS+ O A foo q 3\r\n", "LS+ O/A foo *0", "LS+ O/A foo q*3")
	f("LS+ A foo\r\n", broken+"processRemoteSub Parse Error")
	f("LS- A foo\r\n", "LS- /A foo *0")
	f("LS-  A foo\r\n", "LS- /A foo *0")

	origins = true
	f("LS- O A foo\r\nLS-  O\tA foo q\r\nRS- A foo q\r\n", "LS- O/A foo *0", "LS- O/A foo q*0", "RS- /A foo q*0")
	f("LS- A foo\r\n", broken+"processRemoteUnsub parse error")
	origins = false

	f("RMSG A foo 2\r\nhi\r\n", `MSG /A foo  [] "" "hi" => "2\r\nhi\r\n"`)
	f("RMSG A foo 0\r\n\r\n", `MSG /A foo  [] "" "" => "0\r\n\r\n"`)
	f("RMSG A foo r 2\r\nhi\r\n", `MSG /A foo r [] "" "hi" => "r 2\r\nhi\r\n"`)
	f("RMSG A foo | 2\r\nhi\r\n", `MSG /A foo | [] "" "hi" => "| 2\r\nhi\r\n"`)
	f("RMSG A foo | q1 2\r\nhi\r\n", `MSG /A foo  [q1] "" "hi" => "2\r\nhi\r\n"`)
	f("RMSG A foo | q1 q2 2\r\nhi\r\n", `MSG /A foo  [q1 q2] "" "hi" => "2\r\nhi\r\n"`)
	f("RMSG A foo + r q1 q2 2\r\nhi\r\n", `MSG /A foo r [q1 q2] "" "hi" => "r 2\r\nhi\r\n"`)
	f("RMSG A foo + longer q 2\r\nhi\r\n", `MSG /A foo longer [q] "" "hi" => "longer 2\r\nhi\r\n"`)
	f("RMSG A foo + r 2\r\nhi\r\n", `MSG /A foo r [] "" "hi" => "r 2\r\nhi\r\n"`)
	f("rmsg\tA  foo\t+ r  q1\tq2  2 \nhi\r\n", `MSG /A foo r [q1`+"\t"+`q2] "" "hi" => "r 2\r\nhi\r\n"`)
	f("RMSG A foo r  2\r\nhi\r\n", `MSG /A foo r [] "" "hi" => "r 2\r\nhi\r\n"`)
	f("HMSG A foo 2 4\r\nH:hi\r\n", `MSG /A foo  [] "H:" "hi" => "2 4\r\nH:hi\r\n"`)
	f("HMSG A foo r 2 4\r\nH:hi\r\n", `MSG /A foo r [] "H:" "hi" => "r 2 4\r\nH:hi\r\n"`)
	f("HMSG A foo | q 2 4\r\nH:hi\r\n", `MSG /A foo  [q] "H:" "hi" => "2 4\r\nH:hi\r\n"`)
	f("HMSG A foo + r q1 q2 2 4\r\nH:hi\r\n", `MSG /A foo r [q1 q2] "H:" "hi" => "r 2 4\r\nH:hi\r\n"`)
	f("HMSG A foo 0 2\r\nhi\r\n", `MSG /A foo  [] "" "hi" => "2\r\nhi\r\n"`)
	f("LMSG O A foo 0 2\r\nhi\r\n", `MSG O/A foo  [] "" "hi" => "2\r\nhi\r\n"`)
	f("LMSG O A foo + r q 2 4\r\nH:hi\r\n", `MSG O/A foo r [q] "H:" "hi" => "r 2 4\r\nH:hi\r\n"`)
	f("RMSG A foo 2\r\nhi\r\nRMSG A foo 2\r\nho\r\n", `MSG /A foo  [] "" "hi" => "2\r\nhi\r\n"`, `MSG /A foo  [] "" "ho" => "2\r\nho\r\n"`)
	f("RMSG A foo + r q 2\r\nhi\r\nRMSG A foo + r q 2\r\nho\r\n",
		`MSG /A foo r [q] "" "hi" => "r 2\r\nhi\r\n"`, `MSG /A foo r [q] "" "ho" => "r 2\r\nho\r\n"`)
	f("RMSG A foo\r\n", broken+"processRoutedMsgArgs Parse Error")
	f("RMSG A\r\n", broken+"processRoutedMsgArgs Parse Error")
	f("RMSG A foo x\r\n", broken+"processRoutedMsgArgs Bad or Missing Size")
	f("RMSG A foo - q 2\r\n", broken+"processRoutedMsgArgs Bad or Missing Reply Indicator")
	f("HMSG A foo 5 2\r\n", broken+"processRoutedHeaderMsgArgs Header Size larger then TotalSize")
	f("HMSG A foo 2\r\n", broken+"processRoutedMsgArgs Parse Error")
	f("LMSG O A foo 2\r\n", broken+"processRoutedMsgArgs Parse Error")
	f("HMSG A foo x 2\r\n", broken+"processRoutedMsgArgs Bad or Missing Size")
	f("RMSG A foo 2\r\nhix", "unknown")
	f("PING\r\nPONG\r\n+OK\r\nA+ x\r\nA- x\r\n", "PING", "PONG", "OK", "OK", "OK")
	f("-ERR 'x y'\r\n", "-ERR 'x y'")
	f("INFO {} \r\nCONNECT {}\r\n", "INFO {} ", "CONNECT {}")
	f("MSG foo 1 2\r\nhi\r\n", "unknown")
	f("A+\r\n", "unknown")

	// What clients send.
	f("SUB foo 1\r\nsub\ta b c d e f g h\r\nSUB \r\nPING\r\n", "SUB", "SUB", "SUB", "PING")
	f("SUB\r\n", "unknown")
	f("PUB foo 2\r\nhi\r\nPUB foo 2\r\nho\r\npub $G  foo 0\r\n\r\nPING\r\n", "PUB", "PUB", "PUB", "PING")
	f("HPUB foo 2 4\r\nH:hi\r\nHPUB foo r 0 2\r\nhi\r\nPING\r\n", "PUB", "PUB", "PING")
	f("RMSG A foo 2\r\nhi\r\nPUB foo 2\r\nho\r\nRMSG A foo 2\r\nhi\r\n",
		`MSG /A foo  [] "" "hi" => "2\r\nhi\r\n"`, "PUB", `MSG /A foo  [] "" "hi" => "2\r\nhi\r\n"`)
	f("PUB foo\r\n", broken+"processPub Parse Error")
	f("PUB foo bar\r\n", broken+"processPub Bad or Missing Size")
	f("HPUB foo 1\r\n", broken+"processHeaderPub Parse Error")
	f("PUB foo 2\r\nhix", "unknown")
	f("UNSUB 1\r\n", broken+"processRemoteUnsub parse error")
	f("UNSUB 1 2\r\n", "RS- /1 2 *0")

	pinned = true
	f("RS+ foo\r\nRS+ foo q 2\r\nRS- foo\r\nRS- foo q\r\n", "RS+ / foo *0", "RS+ / foo q*2", "RS- / foo *0", "RS- / foo q*0")
	f("LS+ O foo\r\nLS- foo\r\nLS- foo q\r\n", "LS+ O/ foo *0", "LS- / foo *0", "LS- / foo q*0")
	origins = true
	f("LS- O foo\r\nLS- O foo q\r\n", "LS- O/ foo *0", "LS- O/ foo q*0")
	f("RMSG foo 2\r\nhi\r\n", `MSG / foo  [] "" "hi" => "2\r\nhi\r\n"`)
	f("RMSG foo r 2\r\nhi\r\n", `MSG / foo r [] "" "hi" => "r 2\r\nhi\r\n"`)
	f("RMSG foo + r q 2\r\nhi\r\n", `MSG / foo r [q] "" "hi" => "r 2\r\nhi\r\n"`)
	f("LMSG O foo | q 0 2\r\nhi\r\n", `MSG O/ foo  [q] "" "hi" => "2\r\nhi\r\n"`)
}

func TestAppendInterest(t *testing.T) {
	f := func(account, filter, group string, n int, want string) {
		t.Helper()
		if got := string(wire.AppendInterest(nil, account, filter, group, n)); got != want+"\r\n" {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f("A", "foo", "", 1, "RS+ A foo")
	f("A", "foo", "q", 3, "RS+ A foo q 3")
	f("A", "foo", "", 0, "RS- A foo")
	f("A", "foo", "q", 0, "RS- A foo q")
	f("", "foo", "q", 2, "RS+ foo q 2")
	f("", "foo", "", 0, "RS- foo")
}

// FuzzRouteParser feeds any bytes in two pieces: what comes out must not depend on
// where they are cut, unless something is broken.
func FuzzRouteParser(f *testing.F) {
	f.Add("RMSG A foo + r q1 q2 2\r\nhi\r\nRS+ A foo q 1\r\n", 7, false, false)
	f.Add("HMSG foo | q 2 4\r\nH:hi\r\nLS- O foo\r\nPING\r\n", 3, true, true)
	f.Fuzz(func(t *testing.T, in string, cut int, pinned, origins bool) {
		cut = min(max(cut, 0), len(in))
		whole, pieces := parseRoute(pinned, origins, in), parseRoute(pinned, origins, in[:cut], in[cut:])
		if !slices.Equal(whole, pieces) && !slices.ContainsFunc(whole, func(s string) bool { return strings.HasPrefix(s, "broken") }) {
			t.Errorf("%q cut at %d:\n whole  %q\n pieces %q", in, cut, whole, pieces)
		}
	})
}

func TestRoutedMessagesAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	in := []byte(strings.Repeat("RMSG $G orders.new + _INBOX.abc q1 q2 2\r\nhi\r\nRMSG $G foo 2\r\nhi\r\nHMSG $G foo r 2 4\r\nH:hi\r\n", 50))
	p := new(wire.RouteParser)
	p.Limits.ControlLine = 4096
	work := make([]byte, len(in))
	if n := testing.AllocsPerRun(20, func() {
		p.Begin()
		for b := work[:copy(work, in)]; len(b) > 0; {
			v, n := p.Next(b)
			if v != wire.RMsg {
				t.Fatal(v, p.Fault)
			}
			b = b[n:]
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
