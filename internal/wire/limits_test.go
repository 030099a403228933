package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"nats-server/internal/wire"
)

func TestControlLineLimit(t *testing.T) {
	const limit = 20
	l := wire.Limits{ControlLine: limit, Payload: 100, Headers: true}
	long := broken(wire.FaultControlLine)
	f := func(in string, want ...string) {
		t.Helper()
		equal(t, fmt.Sprintf("%q", in), parse(t, l, in), want)
	}
	// xs fills arguments up to the limit, and one byte beyond.
	xs := func(around string) (fit, over string) {
		n := limit - len(around)
		return strings.Repeat("x", n), strings.Repeat("x", n+1)
	}
	fit, over := xs(" 2")
	f("PUB "+fit+" 2\r\nhi\r\n", pub(fit, "", "hi"))
	f("PUB "+fit+" 2\nhi\r\n", pub(fit, "", "hi"))
	f("PUB "+over+" 2\r\nhi\r\n", long)
	f("PUB "+over+" 2\nhi\r\n", long)
	fit, over = xs(" 2 2")
	f("HPUB "+fit+" 2 2\r\nhi\r\n", hpub(fit, "", "hi", ""))
	f("HPUB "+over+" 2 2\r\nhi\r\n", long)
	fit, over = xs("")
	for _, verb := range []string{"SUB", "UNSUB", "CONNECT", "INFO"} {
		f(verb+" "+fit+"\r\n", arg(verb, fit))
		f(verb+" "+fit+"\n", arg(verb, fit))
		f(verb+" "+over+"\r\n", long)
		f(verb+" "+over+"\n", long)
		// Incomplete lines are refused as soon as they are too long.
		f(verb+" "+fit, more)
		f(verb+" "+fit+"\r", more)
		f(verb+" "+over, long)
		f(verb+" "+over+"\r", long)
		f(verb+" "+fit+"\rx", long)
		// Blanks inside and at the end count, those after the verb do not.
		f(verb+strings.Repeat(" ", 3*limit)+fit+"\r\n", arg(verb, fit))
		f(verb+" x"+strings.Repeat(" ", limit-1)+"\r\n", arg(verb, "x"+strings.Repeat(" ", limit-1)))
		f(verb+" x"+strings.Repeat(" ", limit)+"\r\n", long)
	}
	f("-ERR "+fit+"\r\n", broken(wire.FaultPeerError))
	f("-ERR "+over+"\r\n", long)
	f("PING"+strings.Repeat(" ", 3*limit)+"\r\n", "PING")
	f("PONG"+strings.Repeat("x", 3*limit)+"\r\n", "PONG")
	f("+OK"+strings.Repeat("x", 3*limit)+"\r\n", "+OK")
	f("PUB x 40\r\n"+strings.Repeat("y", 2*limit)+"\r\n", pub("x", "", strings.Repeat("y", 2*limit)))
}

func TestBlanksAfterTheVerbAreBounded(t *testing.T) {
	f := func(blanks int, in string, want ...string) {
		t.Helper()
		equal(t, fmt.Sprintf("%d blanks", blanks), parse(t, ample, "SUB"+strings.Repeat(" \t", blanks/2)+in), want)
	}
	f(1000, "a 1\r\n", arg("SUB", "a 1"))
	f(1000, "", more)
	f(100_000, "a 1\r\n", broken(wire.FaultControlLine))
	f(100_000, "", broken(wire.FaultControlLine))
}

func TestPayloadLimit(t *testing.T) {
	l := wire.Limits{ControlLine: 100, Payload: 5, Headers: true}
	large := broken(wire.FaultPayload)
	f := func(in string, want ...string) {
		t.Helper()
		equal(t, fmt.Sprintf("%q", in), parse(t, l, in), want)
	}
	f("PUB a 5\r\nhello\r\n", pub("a", "", "hello"))
	f("PUB a 00005\r\nhello\r\n", pub("a", "", "hello"))
	f("PUB a 6\r\nhello!\r\n", large)
	f("PUB a 6\r\n", large)
	f("PUB a 6", more)
	f("PUB a 999999999\r\n", large)
	f("HPUB a 2 5\r\nhdbod\r\n", hpub("a", "", "hd", "bod"))
	f("HPUB a 2 6\r\n", large)
	f("HPUB a 7 6\r\n", broken(wire.FaultArguments))
	l.Payload = 0
	f("PUB a 0\r\n\r\n", pub("a", "", ""))
	f("PUB a 1\r\nx\r\n", large)
}

func TestHeadersMustBeUsable(t *testing.T) {
	l := ample
	l.Headers = false
	f := func(in string, want ...string) {
		t.Helper()
		equal(t, fmt.Sprintf("%q", in), parse(t, l, in), want)
	}
	f("PUB a 2\r\nhi\r\n", pub("a", "", "hi"))
	f("HPUB a 1 2\r\nhi\r\n", broken(wire.FaultArguments))
	f("HPUB a 0 2\r\nhi\r\n", broken(wire.FaultArguments))
	f("HPUB a 1 2", more)
}

// A connection may connect again without headers; what it sent before does not
// count then.
func TestHeadersMayBecomeUnusable(t *testing.T) {
	p := wire.Parser{Limits: ample}
	message := []byte("HPUB a 1 2\r\nhi\r\n")
	p.Begin()
	if verb, _ := p.Next(message); verb != wire.Pub {
		t.Fatalf("verb %d with headers", verb)
	}
	p.Limits.Headers = false
	p.Begin() // the next line is not like the one before
	if verb, _ := p.Next(message); verb != wire.Broken {
		t.Errorf("verb %d without", verb)
	}
}

func TestNeedIsTheWholeCommand(t *testing.T) {
	f := func(in string, want int) {
		t.Helper()
		p := wire.Parser{Limits: ample}
		p.Begin()
		if verb, n := p.Next([]byte(in)); verb != wire.None || n != 0 || p.Need != want {
			t.Errorf("%q: verb %d, %d bytes taken, needs %d, want %d", in, verb, n, p.Need, want)
		}
	}
	f("PUB a 5\r\n", 16)
	f("PUB a 5\r\nhello\r", 16)
	f("HPUB a r 2 70000\r\nhd", 18+70000+2)
	f("PUB a 5\r", 0)
	f("SUB a", 0)
	f("", 0)
	p := wire.Parser{Limits: ample}
	p.Begin()
	b := []byte("PUB a 5\r\nhello\r\nPUB a 5\r\nhel")
	_, n := p.Next(b)
	if verb, _ := p.Next(b[n:]); verb != wire.None || p.Need != 16 {
		t.Errorf("repeated line: verb %d, needs %d", verb, p.Need)
	}
	for _, in := range []string{"P", "PIN", "PING", "SUB a"} {
		p.Need = 16
		if p.Next([]byte(in)); p.Need != 0 {
			t.Errorf("%q: needs %d", in, p.Need)
		}
		p = wire.Parser{Limits: ample}
	}
}

// As soon as the line of a message is complete it says what the message is, even
// if its payload never comes.
func TestMessagesAreAnnounced(t *testing.T) {
	f := func(in string, verb wire.Verb, subject, reply string) {
		t.Helper()
		p := wire.Parser{Limits: ample}
		p.Begin()
		got, _ := p.Next([]byte(in))
		announced := got == wire.None && p.Need > 0 || got == wire.Broken && p.Fault.Payload
		if got != verb || announced != (subject != "") {
			t.Errorf("%q: verb %d, announced %v", in, got, announced)
		}
		if announced && (string(p.Msg.Subject) != subject || string(p.Msg.Reply) != reply) {
			t.Errorf("%q announces %q %q", in, p.Msg.Subject, p.Msg.Reply)
		}
	}
	f("PUB a..b 5\r\n", wire.None, "a..b", "")
	f("PUB a r 5\r\nhel", wire.None, "a", "r")
	f("HPUB a r 2 5\r\n", wire.None, "a", "r")
	f("PUB a 2\r\nhix", wire.Broken, "a", "")
	f("HPUB a r 2 2\r\nhi\n", wire.Broken, "a", "r")
	f("PUB a 5\r", wire.None, "", "")
	f("PUB a x\r\n", wire.Broken, "", "")
	f("PUB a 999999999\r\n", wire.Broken, "", "")
	f("BOGUS\r\n", wire.Broken, "", "")
}

func TestFaultsSayWhatWasWrong(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		p := wire.Parser{Limits: wire.Limits{ControlLine: 200, Payload: 10}}
		p.Begin()
		if verb, _ := p.Next([]byte(in)); verb != wire.Broken || !strings.Contains(p.Fault.Detail, want) {
			t.Errorf("%q: verb %d, detail %q does not have %q", in, verb, p.Fault.Detail, want)
		}
	}
	f("BOGUS\r\n", `"BOGUS`)
	f("PUB a\r\n", `processPub Parse Error: "a"`)
	f("PUB a x\r\n", `processPub Bad or Missing Size: "a x"`)
	f("HPUB a 1 2\r\n", `message headers not supported`)
	f("PUB a 11\r\n", "11 bytes vs a limit of 10")
	f("-ERR 'so there'\r\n", `'so there'`)
	f("SUB "+strings.Repeat("x", 300), `"xxx`)

	// However long the line, the log is not flooded.
	p := wire.Parser{Limits: ample}
	p.Next([]byte(strings.Repeat("\x00", 4000)))
	if n := len(p.Fault.Detail); n > 400 {
		t.Errorf("detail of %d bytes", n)
	}
}

// What goes to the log holds no passwords and no payloads.
func TestFaultsKeepSecrets(t *testing.T) {
	for _, in := range []string{
		`CONNECT {"pass":"secret"` + strings.Repeat(" ", 5000),
		`CONNECX {"pass":"secret"}` + "\r\n",
		`{"pass":"secret"}` + "\r\n",
		"PUB a 2\r\nhisecret\r\n",
		"BOGUS\r\nCONNECT {\"pass\":\"secret\"}\r\n",
		"X\nsecret",
	} {
		p := wire.Parser{Limits: ample}
		p.Begin()
		if verb, _ := p.Next([]byte(in)); verb != wire.Broken || strings.Contains(p.Fault.Detail, "secret") {
			t.Errorf("%.40q: verb %d, detail %q", in, verb, p.Fault.Detail)
		}
	}
}
