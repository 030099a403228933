package system

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"sync"
	"time"

	"nats-server/internal/logs"
	"nats-server/internal/monitor"
)

const (
	// mostWaiting is how many requests for reports may wait. Further ones are refused.
	mostWaiting = 128

	// again is how long after a connection has ended the next one is made.
	again = 100 * time.Millisecond

	// mostLine is how many bytes a line to a client may have.
	mostLine = 64 << 10
)

// Config is what a Responder needs.
type Config struct {
	// Dial connects to the server as a client in the system account.
	Dial    func() (net.Conn, error)
	Reports *monitor.Reports
	About   func() monitor.About
	Log     *logs.Log
}

// Responder answers requests until it is closed.
type Responder struct {
	cfg Config
	seq uint64 // of the answers; under out

	mu     sync.Mutex
	conn   net.Conn // nil between two
	closed bool

	out  sync.Mutex // held while an answer is written
	jobs chan request
	quit chan struct{}
	done sync.WaitGroup
}

// request is a message that wants to be answered.
type request struct {
	conn     net.Conn // that it came by
	account  string   // that it is about; "" = the server
	kind     string   // last token of its subject
	reply    string
	encoding string // of the answer
	body     []byte
}

// Start returns a Responder that is at work. Requests that come before its subscriptions
// are there find nobody.
func Start(cfg Config) *Responder {
	r := &Responder{cfg: cfg, jobs: make(chan request, mostWaiting), quit: make(chan struct{})}
	r.done.Go(r.run)
	r.done.Go(r.work)
	return r
}

// Close ends the Responder and returns when it has ended.
func (r *Responder) Close() {
	r.mu.Lock()
	r.closed = true
	if r.conn != nil {
		r.conn.Close()
	}
	r.mu.Unlock()
	close(r.quit)
	r.done.Wait()
}

// run reads from one connection after the other: a flood of requests may have one closed.
func (r *Responder) run() {
	for {
		if c, err := r.cfg.Dial(); err == nil && r.use(c) {
			err = r.serve(c)
			c.Close()
			if !r.ended() {
				r.cfg.Log.Warnf("System account: requests are not answered for a moment: %v", err)
			}
		}
		select {
		case <-r.quit:
			return
		case <-time.After(again):
		}
	}
}

// use makes c the connection to close, unless it is too late.
func (r *Responder) use(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		c.Close()
		return false
	}
	r.conn = c
	return true
}

func (r *Responder) ended() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

func (r *Responder) serve(c net.Conn) error {
	var hello bytes.Buffer
	hello.WriteString(`CONNECT {"verbose":false,"pedantic":false,"echo":false,"headers":true,"name":"system"}` + "\r\n")
	for i, s := range subjects(r.cfg.About().ID) {
		fmt.Fprintf(&hello, "SUB %s %d\r\n", s, i+1)
	}
	if err := r.write(c, hello.Bytes()); err != nil {
		return err
	}
	in := bufio.NewReaderSize(c, mostLine)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		switch f := bytes.Fields(line); {
		case len(f) == 0:
		case string(f[0]) == "PING":
			err = r.write(c, []byte("PONG\r\n"))
		case string(f[0]) == "MSG" || string(f[0]) == "HMSG":
			err = r.take(c, in, f)
		case string(f[0]) == "-ERR":
			err = fmt.Errorf("%s", bytes.TrimSpace(line))
		}
		if err != nil {
			return err
		}
	}
}

// take reads the message that the fields of a line have announced, and sees to its answer.
func (r *Responder) take(c net.Conn, in *bufio.Reader, f [][]byte) error {
	head, sizes := 0, 1 // MSG subject sid [reply] size, HMSG subject sid [reply] header-size size
	if f[0][0] == 'H' {
		sizes = 2
	}
	size, err := strconv.Atoi(string(f[len(f)-1]))
	if err == nil && sizes == 2 {
		head, err = strconv.Atoi(string(f[len(f)-2]))
	}
	if err != nil || len(f) < 3+sizes || head > size {
		return fmt.Errorf("cannot read: %q", bytes.Join(f, []byte(" ")))
	}
	q := request{conn: c}
	q.account, q.kind = parts(string(f[1]))
	if len(f) == 4+sizes {
		q.reply = string(f[3])
	}
	body := make([]byte, size+len("\r\n"))
	if _, err := io.ReadFull(in, body); err != nil {
		return err
	}
	q.encoding, q.body = encoding(body[:head]), body[head:size]
	if q.reply == "" {
		return nil
	}
	if quick[q.kind] {
		return r.answer(q)
	}
	select {
	case r.jobs <- q:
		return nil
	default:
		return r.respond(q, r.refuse(http.StatusServiceUnavailable, "too many requests at a time"))
	}
}

// encoding is the one that the header of a request asks for.
func encoding(header []byte) string {
	_, lines, _ := bytes.Cut(header, []byte("\r\n"))
	h, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(lines))).ReadMIMEHeader()
	return h.Get("Accept-Encoding")
}

// work makes the reports.
func (r *Responder) work() {
	for {
		select {
		case <-r.quit:
			return
		case q := <-r.jobs:
			_ = r.answer(q) // if it cannot be written, the reader sees that too
		}
	}
}

// respond sends a value as JSON.
func (r *Responder) respond(q request, v any) error {
	header, body, err := encode(v, q.encoding)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if header == "" {
		fmt.Fprintf(&b, "PUB %s %d\r\n", q.reply, len(body))
	} else {
		fmt.Fprintf(&b, "HPUB %s %d %d\r\n%s", q.reply, len(header), len(header)+len(body), header)
	}
	b.Write(body)
	b.WriteString("\r\n")
	return r.write(q.conn, b.Bytes())
}

func (r *Responder) write(c net.Conn, b []byte) error {
	r.out.Lock()
	defer r.out.Unlock()
	_, err := c.Write(b)
	return err
}
