package wire

import "bytes"

// Verb names a command of a peer.
type Verb uint8

const (
	None   Verb = iota // no whole command yet: see Parser.Need
	Broken             // the grammar was broken: see Parser.Fault
	Pub                // PUB or HPUB: see Parser.Msg
	Sub
	Unsub
	Ping
	Pong
	Connect
	Info
	OK

	// Of servers alone; see RouteParser.
	RSub      // RS+
	RUnsub    // RS-
	LSub      // LS+
	LUnsub    // LS-
	RMsg      // RMSG, HMSG or LMSG
	PeerError // -ERR
)

// Limits are the sizes a Parser enforces.
type Limits struct {
	ControlLine int  // bytes of arguments
	Payload     int  // bytes of one message with its header
	Headers     bool // whether HPUB is usable on this connection
}

// Msg is a published message. All slices point into the parsed buffer.
type Msg struct {
	Subject []byte
	Reply   []byte // nil if none
	Header  int    // bytes of header at the start of Body; 0 for PUB
	Body    []byte // header and payload, without the final CR LF
	// Tail is what follows "MSG <subject> <sid> " (or HMSG) when the message is
	// passed on: reply, sizes, CR LF, body, CR LF. The command as received ends in
	// exactly these bytes, so a delivery is two copies.
	Tail []byte
}

// Parser pulls commands out of a buffer, one per call. It remembers nothing of
// the bytes but whether it is in the middle of a line that may be ignored.
type Parser struct {
	Limits Limits
	Msg    Msg    // of the last Pub
	Arg    []byte // arguments of the last Sub, Unsub, Connect or Info, without CR LF
	Need   int    // after None: length of the whole command if known, else 0
	Fault  Fault  // after Broken

	line    []byte // the last PUB or HPUB line of this buffer
	size    int    // message size on that line
	tail    int    // offset in that line where Msg.Tail begins, 0 if it must be built
	ignored Verb   // not None while the rest of this verb's line is skipped
	scratch []byte // backs Msg.Tail when the received bytes are not canonical
}

// Begin tells the parser that a new buffer starts: what earlier calls returned
// is not valid any more.
func (p *Parser) Begin() {
	p.line = nil
	if cap(p.scratch) > mostScratch {
		p.scratch = nil
	}
}

// mostScratch is how much memory a Parser keeps between buffers.
const mostScratch = 64 << 10

// Next returns the command at the start of b and how many bytes it takes. With
// None the caller keeps the remaining bytes and comes back with more.
func (p *Parser) Next(b []byte) (Verb, int) {
	if p.ignored != None {
		return p.skipLine(b, 0, p.ignored)
	}
	if len(b) == 0 {
		p.Need = 0
		return None, 0
	}
	if len(p.line) > 0 && bytes.HasPrefix(b, p.line) {
		return p.payload(b, len(p.line))
	}
	switch b[0] | 0x20 {
	case 'p':
		if len(b) > 1 && b[1]|0x20 == 'u' {
			return p.publish(b, "pub")
		}
		return p.pingPong(b)
	case 'h':
		return p.publish(b, "hpub")
	case 's':
		return p.withArgs(b, "sub", Sub)
	case 'u':
		return p.withArgs(b, "unsub", Unsub)
	case 'c':
		return p.withArgs(b, "connect", Connect)
	case 'i':
		return p.withArgs(b, "info", Info)
	}
	switch b[0] {
	case '+':
		return p.keyword(b, "+ok", OK)
	case '-':
		return p.peerError(b)
	}
	return p.unknown(b)
}

func (p *Parser) pingPong(b []byte) (Verb, int) {
	if len(b) > 1 && b[1]|0x20 == 'o' {
		return p.keyword(b, "pong", Pong)
	}
	return p.keyword(b, "ping", Ping)
}

// prefixed tells whether b starts with the verb (given in lower case), as far as
// b goes.
func prefixed(b []byte, verb string) bool {
	for i := 0; i < len(verb) && i < len(b); i++ {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != verb[i] {
			return false
		}
	}
	return true
}

// keyword takes a verb without arguments: the rest of its line means nothing and
// has no length limit, so it is skipped as it arrives.
func (p *Parser) keyword(b []byte, verb string, v Verb) (Verb, int) {
	switch {
	case !prefixed(b, verb):
		return p.unknown(b)
	case len(b) < len(verb):
		p.Need = 0
		return None, 0
	}
	return p.skipLine(b, len(verb), v)
}

func (p *Parser) skipLine(b []byte, from int, v Verb) (Verb, int) {
	lf := bytes.IndexByte(b[from:], '\n')
	if lf < 0 {
		p.ignored, p.Need = v, 0
		return None, len(b)
	}
	p.ignored = None
	return v, from + lf + 1
}

// withArgs takes a verb followed by arguments up to the end of the line.
func (p *Parser) withArgs(b []byte, verb string, v Verb) (Verb, int) {
	arg, n, ok := p.argument(b, verb, v == Connect || v == Info)
	if !ok {
		return p.stopped(), 0
	}
	p.Arg = b[arg.from:arg.to]
	return v, n
}

// stopped is the verb after an argument call that found no arguments.
func (p *Parser) stopped() Verb {
	if p.Fault.Kind != FaultNone {
		return Broken
	}
	return None
}

// span is a range of bytes in the buffer being parsed.
type span struct{ from, to int }

// argument finds the arguments of verb in b and the length of its line. Not ok
// means that the line is incomplete or, with p.Fault set, broken. CONNECT and
// INFO need no blank before their JSON (spec: client-protocol 3).
func (p *Parser) argument(b []byte, verb string, bare bool) (arg span, n int, ok bool) {
	p.Need = 0
	if !prefixed(b, verb) {
		p.unknown(b)
		return arg, 0, false
	}
	at := len(verb)
	if len(b) <= at {
		return arg, 0, false
	}
	if !bare && !blank(b[at]) {
		p.unknown(b)
		return arg, 0, false
	}
	for at < len(b) && blank(b[at]) {
		at++
	}
	if at > len(verb)+maxBlanks {
		p.tooLong(b)
		return arg, 0, false
	}
	// Beyond the limit only the CR and LF of the line's end may follow.
	window := b[at:min(len(b), at+p.Limits.ControlLine+2)]
	end := bytes.IndexByte(window, '\n')
	line := end + 1
	if end < 0 {
		end = len(window)
	}
	if end > 0 && window[end-1] == '\r' {
		end--
	}
	if end > p.Limits.ControlLine {
		p.tooLong(window)
	}
	if end > p.Limits.ControlLine || line == 0 {
		return arg, 0, false
	}
	return span{at, at + end}, at + line, true
}

// maxBlanks bounds the run of blanks between a verb and its arguments, which the
// control line limit does not count.
const maxBlanks = 1024

func (p *Parser) tooLong(b []byte) {
	p.Fault = Fault{Kind: FaultControlLine, Detail: "got " + excerpt(b)}
}

func (p *Parser) unknown(b []byte) (Verb, int) {
	p.Fault = Fault{Kind: FaultUnknownOp, Detail: "got " + excerpt(b)}
	return Broken, 0
}

func (p *Parser) badArguments(what string, arg []byte) (Verb, int) {
	p.Fault = Fault{Kind: FaultArguments, Detail: what + ": " + excerpt(arg)}
	return Broken, 0
}

func (p *Parser) peerError(b []byte) (Verb, int) {
	arg, _, ok := p.argument(b, "-err", false)
	if !ok {
		return p.stopped(), 0
	}
	p.Fault = Fault{Kind: FaultPeerError, Detail: "client sent an error: " + excerpt(b[arg.from:arg.to])}
	return Broken, 0
}

func blank(c byte) bool { return c == ' ' || c == '\t' }
