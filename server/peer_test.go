package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"nats-server/server"
)

// peer is a raw client for loads that a line-wise one would slow down. It belongs
// to one goroutine, but send may be called beside read. What goes wrong is reported
// with Errorf and ends the goroutine, so that any goroutine may use it.
type peer struct {
	t    testing.TB
	nc   net.Conn
	in   *bufio.Reader
	args [5][]byte
}

// frame is one thing that a server says.
type frame struct {
	verb    string // MSG, HMSG, PONG, INFO, +OK, -ERR, or EOF at the end
	line    string // without CR LF; "" for messages
	subject string
	sid     string
	reply   string
	header  int
	payload []byte // with header; valid until the next read; nil but for messages
}

// join connects a raw client to s and says CONNECT with the JSON given, unless it
// is empty. All it does has to be over within a minute.
func join(t testing.TB, s *server.Server, connect string) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr().String())
	noErr(t, err)
	return attach(t, nc, connect)
}

func attach(t testing.TB, nc net.Conn, connect string) *peer {
	t.Helper()
	t.Cleanup(func() { nc.Close() })
	noErr(t, nc.SetDeadline(time.Now().Add(time.Minute)))
	p := &peer{t: t, nc: nc, in: bufio.NewReaderSize(nc, 64<<10)}
	if f := p.read(); f.verb != "INFO" {
		t.Fatalf("the greeting is %q", f.line)
	}
	if connect != "" {
		p.send("CONNECT " + connect + "\r\n")
		p.sync()
	}
	return p
}

// quiet is the CONNECT of a client that wants no +OK, and no INFO after its first
// PONG.
const quiet = `{"verbose":false,"pedantic":false}`

func (p *peer) send(text string) {
	if _, err := io.WriteString(p.nc, text); err != nil {
		p.fail("sending: %v", err)
	}
}

// fail reports and ends the goroutine.
func (p *peer) fail(format string, v ...any) {
	p.t.Helper()
	p.t.Errorf(format, v...)
	p.t.FailNow() // ends whichever goroutine this is, which is all that matters here
}

// read returns what comes next, PINGs excepted, which it answers. The end of the
// connection is a frame, too.
func (p *peer) read() frame {
	for {
		line, err := p.in.ReadSlice('\n')
		switch {
		case err != nil:
			return p.ended(string(line), err)
		case line[0] == 'M' || line[0] == 'H':
			return p.message(bytes.TrimSuffix(line, []byte("\r\n")))
		case string(line) == "PING\r\n":
			p.send("PONG\r\n")
		default:
			text := strings.TrimSuffix(string(line), "\r\n")
			verb, _, _ := strings.Cut(text, " ")
			return frame{verb: verb, line: text}
		}
	}
}

func (p *peer) ended(line string, err error) frame {
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		p.fail("nothing arrives any more, after %q", line)
	}
	return frame{verb: "EOF", line: line}
}

// message reads the rest of a message that begins with line.
func (p *peer) message(line []byte) (f frame) {
	verb, rest, _ := bytes.Cut(line, []byte(" "))
	args := p.args[:0]
	for more := true; more && len(args) < cap(args); {
		var arg []byte
		arg, rest, more = bytes.Cut(rest, []byte(" "))
		args = append(args, arg)
	}
	f.verb = string(verb)
	size := p.size(&args, line)
	if f.verb == "HMSG" {
		f.header = p.size(&args, line)
	}
	if len(args) != 2 && len(args) != 3 {
		p.fail("malformed %q", line)
	}
	f.subject, f.sid = string(args[0]), string(args[1])
	if len(args) == 3 {
		f.reply = string(args[2])
	}
	body, err := p.in.Peek(size + 2)
	if err == nil {
		_, err = p.in.Discard(size + 2)
	} else if err == bufio.ErrBufferFull {
		body = make([]byte, size+2)
		_, err = io.ReadFull(p.in, body)
	}
	if err != nil {
		return p.ended(string(body), err)
	}
	if !bytes.HasSuffix(body, []byte("\r\n")) {
		p.fail("a message of %d bytes is %q", size, body)
	}
	f.payload = body[:size]
	return f
}

// size takes the last argument, which is a number.
func (p *peer) size(args *[][]byte, line []byte) int {
	last := len(*args) - 1
	n, err := strconv.Atoi(string((*args)[last]))
	if err != nil {
		p.fail("malformed %q", line)
	}
	*args = (*args)[:last]
	return n
}

// until hands every message to take, which may be nil, up to the frame with that
// verb. Anything else on the way is a failure.
func (p *peer) until(verb string, take func(frame)) {
	p.t.Helper()
	for {
		f := p.read()
		switch {
		case f.verb == verb:
			return
		case f.payload == nil:
			p.fail("got %q before %s", f.verb+": "+f.line, verb)
		case take != nil:
			take(f)
		}
	}
}

// sync waits until the server has dealt with everything sent, and hands the
// messages that come meanwhile to take.
func (p *peer) syncing(take func(frame)) {
	p.t.Helper()
	p.send("PING\r\n")
	p.until("PONG", take)
}

func (p *peer) sync() { p.t.Helper(); p.syncing(nil) }

// pub is a PUB command.
func pub(subject, payload string) string {
	return fmt.Sprintf("PUB %s %d\r\n%s\r\n", subject, len(payload), payload)
}

// number reads the number that a payload "<who> <number>" ends in.
func number(payload []byte) (who string, n int) {
	w, digits, _ := bytes.Cut(payload, []byte(" "))
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		panic(fmt.Sprintf("payload %q", payload))
	}
	return string(w), n
}
