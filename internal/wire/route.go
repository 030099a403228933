package wire

import (
	"bytes"
	"strconv"
)

// RouteParser pulls what another server of the cluster sends out of a buffer, one
// command per call (spec: cluster-routes 13.1, 14). Its embedded Parser knows lines,
// their limit and what is incomplete or broken: Limits, Begin, Arg, Need and Fault are
// as there. Of what clients send, SUB, PUB and HPUB mean nothing, but are well-formed
// (spec: cluster-routes 1).
type RouteParser struct {
	Parser
	Pinned   bool           // lines name no account: the connection is for one alone
	Origins  bool           // LUnsub names the origin, as servers do that have said lnocu
	Interest RemoteInterest // of the last RSub, RUnsub, LSub or LUnsub
	Msg      RoutedMsg      // of the last RMsg
}

// RemoteInterest is what another server says about its interest. All slices point
// into the parsed buffer.
type RemoteInterest struct {
	Origin  []byte // of the leafnodes that want it; nil without
	Account []byte // nil on a pinned connection
	Subject []byte
	Queue   []byte // nil if none
	Weight  int    // of a queue group's members; 0 if it is not a number
}

// RoutedMsg is a message from another server. All slices point into the parsed
// buffer, whose bytes may be in another order than received.
type RoutedMsg struct {
	Msg
	Origin  []byte // the leafnode cluster that it comes from; nil without
	Account []byte // nil on a pinned connection
	Queues  []byte // names of the queue groups that are to get it, parted by blanks; nil if none
}

// Next returns the command at the start of b and how many bytes it takes. With None
// the caller keeps the remaining bytes and comes back with more.
func (p *RouteParser) Next(b []byte) (Verb, int) {
	if p.ignored != None {
		return p.skipLine(b, 0, p.ignored)
	}
	if len(b) == 0 {
		p.Need = 0
		return None, 0
	}
	if len(p.line) > 0 && bytes.HasPrefix(b, p.line) {
		return p.routedPayload(b, len(p.line))
	}
	switch b[0] | 0x20 {
	case 'r':
		if len(b) > 1 && b[1]|0x20 == 'm' {
			return p.routed(b, "rmsg")
		}
		return p.interest(b, 'r')
	case 'h':
		if len(b) > 1 && b[1]|0x20 == 'p' {
			return p.stray(b, "hpub")
		}
		return p.routed(b, "hmsg")
	case 'l':
		if len(b) > 1 && b[1]|0x20 == 'm' {
			return p.routed(b, "lmsg")
		}
		return p.interest(b, 'l')
	case 'p':
		if len(b) > 1 && b[1]|0x20 == 'u' {
			return p.stray(b, "pub")
		}
		return p.pingPong(b)
	case 's':
		return p.withArgs(b, "sub", Sub)
	case 'u':
		return p.interestOf(b, "unsub", RUnsub) // as servers read it
	case 'i':
		return p.withArgs(b, "info", Info)
	case 'c':
		return p.withArgs(b, "connect", Connect)
	case 'a':
		return p.gatewayInterest(b)
	}
	switch b[0] {
	case '+':
		return p.keyword(b, "+ok", OK)
	case '-':
		return p.withArgs(b, "-err", PeerError)
	}
	return p.unknown(b)
}

// gatewayInterest takes A+ and A-, which mean nothing on a route.
func (p *RouteParser) gatewayInterest(b []byte) (Verb, int) {
	if len(b) > 1 && b[1] == '-' {
		return p.withArgs(b, "a-", OK)
	}
	return p.withArgs(b, "a+", OK)
}

// stray takes PUB or HPUB and the payload.
func (p *RouteParser) stray(b []byte, verb string) (Verb, int) {
	v, n := p.publish(b, verb)
	p.line = nil // which Next would take for that of a routed message
	return v, n
}

// interest takes RS+, RS-, LS+ or LS-.
func (p *RouteParser) interest(b []byte, kind byte) (Verb, int) {
	sign := byte('+')
	if len(b) > 2 {
		sign = b[2]
	}
	verb, v := "rs+", RSub
	switch {
	case kind == 'r' && sign == '-':
		verb, v = "rs-", RUnsub
	case kind == 'l' && sign == '+':
		verb, v = "ls+", LSub
	case kind == 'l':
		verb, v = "ls-", LUnsub
	}
	return p.interestOf(b, verb, v)
}

// interestOf takes a verb and its arguments.
func (p *RouteParser) interestOf(b []byte, verb string, v Verb) (Verb, int) {
	at, n, ok := p.argument(b, verb, false)
	if !ok {
		return p.stopped(), 0
	}
	arg := b[at.from:at.to]
	if !p.readInterest(arg, v) {
		if v == RSub || v == LSub {
			return p.badArguments("processRemoteSub Parse Error", arg)
		}
		return p.badArguments("processRemoteUnsub parse error", arg)
	}
	return v, n
}

// readInterest reports whether the arguments are of the right number.
func (p *RouteParser) readInterest(arg []byte, v Verb) bool {
	f, count := fields(arg)
	at := 0
	next := func() []byte {
		at++
		return f[at-1].of(arg)
	}
	in := &p.Interest
	*in = RemoteInterest{}
	named := 1 // fields before the subject
	if p.Pinned {
		named = 0
	}
	if (v == LSub || v == LUnsub && p.Origins) && count > 0 {
		named++
		in.Origin = next()
	}
	rest := count - named
	adds := v == RSub || v == LSub
	switch {
	case rest == 1, rest == 2 && !adds, rest == 3 && adds:
	default:
		return false
	}
	if !p.Pinned {
		in.Account = next()
	}
	in.Subject = next()
	if rest > 1 {
		in.Queue = next()
	}
	if rest > 2 {
		in.Weight = max(parseSize(next()), 0)
	}
	return true
}

// routed takes an RMSG, HMSG or LMSG line and then its payload.
func (p *RouteParser) routed(b []byte, verb string) (Verb, int) {
	at, n, ok := p.argument(b, verb, false)
	if !ok {
		return p.stopped(), 0
	}
	p.line = nil
	arg := b[at.from:at.to]
	m := &p.Msg
	*m = RoutedMsg{}
	rest := arg
	if verb == "lmsg" {
		m.Origin, rest = token(rest)
	}
	if !p.Pinned {
		m.Account, rest = token(rest)
	}
	m.Subject, rest = token(rest)
	if len(rest) == 0 {
		return p.badArguments("processRoutedMsgArgs Parse Error", arg)
	}
	size, rest := lastToken(rest)
	p.size = parseSize(size)
	if verb != "rmsg" {
		var header []byte
		if header, rest = lastToken(rest); len(header) == 0 {
			return p.badArguments("processRoutedMsgArgs Parse Error", arg)
		}
		m.Header = parseSize(header)
	}
	switch {
	case p.size < 0 || m.Header < 0:
		return p.badArguments("processRoutedMsgArgs Bad or Missing Size", arg)
	case m.Header > p.size:
		return p.badArguments("processRoutedHeaderMsgArgs Header Size larger then TotalSize", arg)
	case !m.readGroups(rest):
		return p.badArguments("processRoutedMsgArgs Bad or Missing Reply Indicator", arg)
	}
	p.tail = 0
	if len(b) >= n+p.size+len("\r\n") { // else it is read again from its beginning
		p.tail = m.arrange(b[:n])
		if m.Queues == nil || m.Reply == nil {
			p.line = b[:n] // still as received
		}
	}
	p.Parser.Msg = m.Msg
	return p.routedPayload(b, n)
}

// readGroups takes what stands between subject and sizes: nothing, a reply, or an
// indicator, which tells whether a reply comes first, and names of queue groups.
func (m *RoutedMsg) readGroups(mid []byte) bool {
	first, rest := token(mid)
	if rest = trimBlanks(rest); len(rest) == 0 {
		if len(first) > 0 {
			m.Reply = first
		}
		return true
	}
	switch string(first) {
	case "|":
		m.Queues = rest
	case "+":
		m.Reply, rest = token(rest)
		if rest = trimBlanks(rest); len(rest) > 0 {
			m.Queues = rest
		}
	default:
		return false
	}
	return true
}

// arrange sees to it that the line ends as a delivery does, and returns where that
// end begins, or 0 if it must be built. A reply that stands before the names of queue
// groups changes places with them.
func (m *RoutedMsg) arrange(line []byte) int {
	end := len(line) - len("\r\n")
	if line[end] != '\r' || blank(line[end-1]) || bytes.IndexByte(line, '\t') >= 0 {
		return 0
	}
	from := bytes.LastIndexByte(line[:end], ' ') + 1
	switch {
	case m.Header > 0:
		before := bytes.LastIndexByte(line[:from-1], ' ') + 1
		if before == from-1 {
			return 0
		}
		from = before
	case line[0]|0x20 != 'r':
		return 0 // "0 5", which is passed on as "5"
	}
	switch {
	case m.Reply == nil:
		return from
	case m.Queues == nil:
		return joined(line, m.Reply, from)
	}
	return m.swap(line, from)
}

// swap moves the reply behind the names of queue groups, so that it stands right
// before the sizes, which begin at from. It returns where the reply begins then, or 0
// if the blanks are not as they should be.
func (m *RoutedMsg) swap(line []byte, from int) int {
	nr, nq := len(m.Reply), len(m.Queues)
	start := from - nr - nq - 2
	if start < 0 || &line[start] != &m.Reply[0] || &line[start+nr+1] != &m.Queues[0] {
		return 0
	}
	var fixed [128]byte // longer replies are allocated
	reply := append(fixed[:0], m.Reply...)
	at := start + copy(line[start:], m.Queues) + 1
	line[at-1] = ' '
	copy(line[at:], reply)
	m.Queues, m.Reply = line[start:start+nq:start+nq], line[at:at+nr:at+nr]
	return at
}

// joined returns where field begins in line if it ends one blank before from, else 0.
func joined(line, field []byte, from int) int {
	start := from - 1 - len(field)
	if start <= 0 || &line[start] != &field[0] || line[from-1] != ' ' {
		return 0
	}
	return start
}

// routedPayload completes the message whose line takes n bytes of b.
func (p *RouteParser) routedPayload(b []byte, n int) (Verb, int) {
	v, used := p.payload(b, n)
	if v != Pub {
		return v, used
	}
	p.Msg.Body, p.Msg.Tail = p.Parser.Msg.Body, p.Parser.Msg.Tail
	return RMsg, used
}

// token splits off the first token of b.
func token(b []byte) (first, rest []byte) {
	b = trimBlanks(b)
	for i, c := range b {
		if blank(c) {
			return b[:i:i], b[i:]
		}
	}
	return b, nil
}

// lastToken splits off the last token of b.
func lastToken(b []byte) (last, rest []byte) {
	b = trimBlanks(b)
	for i := len(b) - 1; i >= 0; i-- {
		if blank(b[i]) {
			return b[i+1:], b[:i]
		}
	}
	return b, nil
}

func trimBlanks(b []byte) []byte {
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// NextQueue splits off the first name of a list as in RoutedMsg.Queues. The name is
// empty at its end.
func NextQueue(list []byte) (name, rest []byte) { return token(list) }

// AppendInterest appends the line that announces how many members a queue group has,
// or that there is interest at all; n of 0 says that there is none any more. The
// account is "" on a pinned connection.
func AppendInterest(dst []byte, account, filter, group string, n int) []byte {
	if n == 0 {
		dst = append(dst, "RS- "...)
	} else {
		dst = append(dst, "RS+ "...)
	}
	if account != "" {
		dst = append(append(dst, account...), ' ')
	}
	dst = append(dst, filter...)
	if group != "" {
		dst = append(append(dst, ' '), group...)
		if n > 0 {
			dst = strconv.AppendInt(append(dst, ' '), int64(n), 10)
		}
	}
	return append(dst, "\r\n"...)
}

// AppendRoutedPrefix appends what a message to another server starts with, as HMSG;
// with another first byte it is RMSG. The account is "" on a pinned connection.
func AppendRoutedPrefix(dst []byte, account string, subject []byte) []byte {
	dst = append(dst, "HMSG "...)
	if account != "" {
		dst = append(append(dst, account...), ' ')
	}
	return append(append(dst, subject...), ' ')
}

// AppendGroups appends what stands between the prefix of a message and its sizes if it
// is for queue groups of another server: the reply, if any, and their names.
func AppendGroups(dst, reply, queues []byte) []byte {
	if len(reply) == 0 {
		dst = append(dst, "| "...)
	} else {
		dst = append(append(append(dst, "+ "...), reply...), ' ')
	}
	return append(append(dst, queues...), ' ')
}
