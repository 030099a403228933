package wire

import (
	"bytes"
	"fmt"
	"strconv"
)

// maxDigits is the most digits a size may have, leading zeros included (spec:
// client-protocol 4); it also keeps sizes far from overflow.
const maxDigits = 9

// publishForm tells how many size arguments a publish verb has, and what log
// lines call its errors.
func publishForm(verb string) (sizes int, name string) {
	if verb == "hpub" {
		return 2, "processHeaderPub"
	}
	return 1, "processPub"
}

// publish takes a PUB or HPUB line and then its payload.
func (p *Parser) publish(b []byte, verb string) (Verb, int) {
	at, n, ok := p.argument(b, verb, false)
	if !ok {
		return p.stopped(), 0
	}
	sizes, name := publishForm(verb)
	arg := b[at.from:at.to]
	f, count := fields(arg)
	switch {
	case sizes == 2 && !p.Limits.Headers:
		return p.badArguments("message headers not supported", arg)
	case count < 1+sizes || count > 2+sizes:
		return p.badArguments(name+" Parse Error", arg)
	}
	size, header := parseSize(f[count-1].of(arg)), 0
	if sizes == 2 {
		header = parseSize(f[count-2].of(arg))
	}
	if size < 0 || header < 0 || header > size {
		return p.badArguments(name+" Bad or Missing Size", arg)
	}
	if size > p.Limits.Payload {
		p.Fault = Fault{Kind: FaultPayload, Detail: fmt.Sprintf("%d bytes vs a limit of %d", size, p.Limits.Payload)}
		return Broken, 0
	}
	m := &p.Msg
	m.Subject, m.Reply, m.Header = f[0].of(arg), nil, header
	if count == 2+sizes {
		m.Reply = f[1].of(arg)
	}
	p.line, p.size, p.tail = b[:n], size, 0
	if sizes == 1 || header > 0 {
		p.tail = tailStart(b[:n], at, f[1:count])
	}
	return p.payload(b, n)
}

// tailStart returns where in a publish line its part from the second argument on
// begins, or 0 if that part is not as a delivery must have it: arguments parted
// by single spaces, ended by CR LF.
func tailStart(line []byte, arg span, rest []span) int {
	at := arg.from
	for i := range rest[1:] {
		if rest[i+1].from != rest[i].to+1 || line[at+rest[i].to] != ' ' {
			return 0
		}
	}
	if end := at + rest[len(rest)-1].to; string(line[end:]) != "\r\n" {
		return 0
	}
	return at + rest[0].from
}

// payload completes the message whose line takes n bytes of b. When the line is
// the same as the one before it, all but the body stands in the Parser already,
// which spares steady publishers the parsing.
func (p *Parser) payload(b []byte, n int) (Verb, int) {
	end := n + p.size
	if len(b) < end+2 {
		if len(b) > end && b[end] != '\r' {
			return p.badEnd()
		}
		p.Need = end + 2
		return None, 0
	}
	if b[end] != '\r' || b[end+1] != '\n' {
		return p.badEnd()
	}
	m := &p.Msg
	m.Body = b[n:end]
	if p.tail > 0 {
		m.Tail = b[p.tail : end+2]
	} else {
		p.scratch = appendTail(p.scratch[:0], m.Reply, m.Header, m.Body)
		m.Tail = p.scratch
	}
	return Pub, end + 2
}

// badEnd is the fault of a payload without CR LF after it. What stands there is
// not shown: it may be payload.
func (p *Parser) badEnd() (Verb, int) {
	p.Fault = Fault{Kind: FaultUnknownOp, Detail: "no CR LF after a payload", Payload: true}
	return Broken, 0
}

func appendTail(dst, reply []byte, header int, body []byte) []byte {
	if len(reply) > 0 {
		dst = append(append(dst, reply...), ' ')
	}
	if header > 0 {
		dst = append(strconv.AppendInt(dst, int64(header), 10), ' ')
	}
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, body...)
	return append(dst, "\r\n"...)
}

// AppendPlainTail appends the Tail of m for a receiver without headers: the
// payload alone (spec: client-protocol 9).
func (m *Msg) AppendPlainTail(dst []byte) []byte {
	return appendTail(dst, m.Reply, 0, m.Body[m.Header:])
}

// AppendPrefix appends what a delivery to sid starts with, always in its HMSG
// form: without its first byte it is the MSG form.
func AppendPrefix[S []byte | string](dst, subject []byte, sid S) []byte {
	dst = append(dst, "HMSG "...)
	dst = append(append(dst, subject...), ' ')
	return append(append(dst, sid...), ' ')
}

// AppendNoResponders appends the status message that tells a requester that
// nobody took its request (spec: client-protocol 11).
func AppendNoResponders[S []byte | string](dst, reply []byte, sid S, subject []byte) []byte {
	const before, after = "NATS/1.0 503\r\nNats-Subject: ", "\r\n\r\n"
	size := int64(len(before) + len(subject) + len(after))
	dst = AppendPrefix(dst, reply, sid)
	dst = append(strconv.AppendInt(dst, size, 10), ' ')
	dst = strconv.AppendInt(dst, size, 10)
	dst = append(append(dst, "\r\n"...), before...)
	dst = append(append(dst, subject...), after...)
	return append(dst, "\r\n"...)
}

// ReadDelivery takes one MSG or HMSG that this package has encoded from the start
// of b. It serves the rare paths that look at what was already encoded: runs of
// messages of which only some are taken, and protocol traces.
func ReadDelivery(b []byte) (m Msg, sid []byte, n int) {
	lf := bytes.IndexByte(b, '\n')
	line := b[:lf-1]
	f, count := fields(line)
	sizes := 1
	if b[0] == 'H' {
		sizes = 2
		m.Header = parseSize(f[count-2].of(line))
	}
	m.Subject, sid = f[1].of(line), f[2].of(line)
	if count == 4+sizes {
		m.Reply = f[3].of(line)
	}
	body := lf + 1
	end := body + parseSize(f[count-1].of(line))
	m.Body = b[body:end]
	m.Tail = b[f[3].from : end+2]
	return m, sid, end + 2
}

func (s span) of(b []byte) []byte { return b[s.from:s.to] }

// maxFields is one more than any command has.
const maxFields = 7

// fields splits arguments at runs of blanks. A count of maxFields means too many.
func fields(arg []byte) (f [maxFields]span, count int) {
	for i := 0; i < len(arg) && count < maxFields; {
		if blank(arg[i]) {
			i++
			continue
		}
		from := i
		for i < len(arg) && !blank(arg[i]) {
			i++
		}
		f[count] = span{from, i}
		count++
	}
	return f, count
}

// parseSize returns the number in d, or -1 if it is not 1 to 9 digits.
func parseSize(d []byte) int {
	if len(d) == 0 || len(d) > maxDigits {
		return -1
	}
	n := 0
	for _, c := range d {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// SubArgs splits the arguments of SUB: subject, optional queue group, sid.
func SubArgs(arg []byte) (subject, queue, sid []byte, ok bool) {
	f, count := fields(arg)
	switch count {
	case 2:
		return f[0].of(arg), nil, f[1].of(arg), true
	case 3:
		return f[0].of(arg), f[1].of(arg), f[2].of(arg), true
	}
	return nil, nil, nil, false
}

// UnsubArgs splits the arguments of UNSUB: sid and the number of messages after
// which it takes effect. Anything but a positive number means at once, as 0.
func UnsubArgs(arg []byte) (sid []byte, most int, ok bool) {
	f, count := fields(arg)
	switch count {
	case 1:
		return f[0].of(arg), 0, true
	case 2:
		return f[0].of(arg), max(parseSize(f[1].of(arg)), 0), true
	}
	return nil, 0, false
}
