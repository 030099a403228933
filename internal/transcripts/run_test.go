package transcripts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"nats-server/internal/testkit"
)

// pingAge is the age from which a connection may get the server's first PING
// though the case is not about pings: the machine was slow.
const pingAge = 1800 * time.Millisecond

// runner plays one case against one server.
type runner struct {
	t      testing.TB
	script *script
	target bool // our server, not the reference
	dial   func() (net.Conn, error)
	split  splitter
	nudge  func() // called between two pieces, so that they arrive as two

	conns   map[string]*peer
	order   []string
	current *peer
	sent    int
}

// peer is one connection of a case.
type peer struct {
	*testkit.Raw
	name     string
	born     time.Time
	anyPings bool // the case is not about pings, late ones are skipped
	finished bool // closed by the server, or by us in our direction
	finSent  bool
}

func (r *runner) run() error {
	r.conns = map[string]*peer{}
	defer r.close()
	for _, s := range r.script.steps {
		if s.only == "target" && !r.target || s.only == "reference" && r.target {
			continue
		}
		if r.current == nil && s.kind != kindUse {
			return fmt.Errorf("line %d: no connection is in use", s.line)
		}
		if err := r.step(s); err != nil {
			return fmt.Errorf("line %d: %w", s.line, err)
		}
	}
	return r.finish()
}

// finish proves that no connection has got more than the case says.
func (r *runner) finish() error {
	for _, name := range r.order {
		p := r.conns[name]
		var err error
		switch {
		case p.finished:
		case p.finSent:
			err = p.closed()
		default:
			err = p.open()
		}
		if err != nil {
			return fmt.Errorf("after the last step: connection %s: %w", name, err)
		}
	}
	return nil
}

func (r *runner) close() {
	for _, p := range r.conns {
		_ = p.Close()
	}
}

func (r *runner) step(s step) error {
	p := r.current
	switch s.kind {
	case kindUse:
		return r.use(s.name, s.names)
	case kindSend:
		return r.send([]byte(s.text))
	case kindExpect:
		return p.expect(s.text)
	case kindAnyOrder:
		return p.anyOrder(s.more)
	case kindOneOf:
		return r.oneOf(s.names, s.text)
	case kindInfo:
		return p.checkInfo(s.name, s.text)
	case kindOpen:
		return p.open()
	case kindClosed:
		return p.closed()
	case kindDrained:
		_, err := p.TryClosed()
		p.finished = err == nil
		return err
	case kindFin:
		p.finSent = true
		return p.HalfClose()
	case kindRepeat:
		if s.name != "" {
			return r.repeatUntil(s.text, s.name)
		}
		return p.repeat(s.text, s.more[0])
	}
	return fmt.Errorf("unknown step")
}

func (r *runner) use(name string, flags []string) error {
	if p, ok := r.conns[name]; ok {
		r.current = p
		return nil
	}
	var p *peer
	var err error
	if slices.Contains(flags, "retry") {
		p, err = r.connectUntilKept(name, flags)
	} else {
		p, err = r.connect(name, flags)
	}
	if err != nil {
		return err
	}
	r.conns[name], r.current = p, p
	r.order = append(r.order, name)
	return nil
}

func (r *runner) connect(name string, flags []string) (*peer, error) {
	conn, err := r.dial()
	if err != nil {
		return nil, err
	}
	p := &peer{Raw: testkit.Attach(r.t, conn), name: name, born: time.Now()}
	_, interval := r.script.options["ping_interval"]
	p.anyPings = !interval
	if slices.Contains(flags, "raw") {
		return p, nil
	}
	line, err := p.TryLine()
	if err != nil {
		return nil, fmt.Errorf("waiting for INFO: %w", err)
	}
	return p, p.keepInfo(line)
}

// connectUntilKept dials until the server does not close the connection again.
func (r *runner) connectUntilKept(name string, flags []string) (p *peer, err error) {
	kept := testkit.Within(10*time.Second, func() bool {
		if p, err = r.connect(name, flags); err == nil {
			err = p.open()
		}
		return err == nil
	})
	if !kept {
		return nil, err
	}
	return p, nil
}

// send writes in pieces. Failing writes are left to the expectations that follow:
// the server may have closed at an earlier byte, which is then what they expect.
func (r *runner) send(data []byte) error {
	for i, piece := range r.split(r.sent, data) {
		if i > 0 {
			r.nudge()
		}
		r.current.Send(string(piece))
	}
	r.sent += len(data)
	return nil
}

// oneOf makes sure that every connection has got everything on its way to it, and
// that exactly one of them has got the text.
func (r *runner) oneOf(names []string, text string) error {
	count := 0
	for _, name := range names {
		p := r.conns[name]
		if p == nil {
			return fmt.Errorf("no connection %s", name)
		}
		got, err := p.sync()
		switch {
		case err != nil:
			return fmt.Errorf("connection %s: %w", name, err)
		case got == text:
			count++
		case got != "":
			return fmt.Errorf("connection %s: want nothing or %s, got %s", name, testkit.Quote(text), testkit.Quote(got))
		}
	}
	if count != 1 {
		return fmt.Errorf("%d connections got %s, want one", count, testkit.Quote(text))
	}
	return nil
}

// expect reads exactly the text.
func (p *peer) expect(text string) error {
	if err := p.skipPing(text); err != nil {
		return err
	}
	pattern := compile(text)
	if pattern == nil {
		if err := p.TryExact(text); err != nil {
			return fmt.Errorf("want %s: %w", testkit.Quote(text), err)
		}
		return nil
	}
	line, err := p.TryLine()
	if err != nil {
		return fmt.Errorf("want %s: %w", testkit.Quote(text), err)
	}
	if !pattern.MatchString(line) {
		return fmt.Errorf("want %s, got %s", testkit.Quote(text), testkit.Quote(line))
	}
	if strings.HasPrefix(line, "INFO ") {
		return p.keepInfo(line)
	}
	return nil
}

// anyOrder reads all the blocks, whose first lines tell them apart as far as possible.
func (p *peer) anyOrder(blocks []string) error {
	left := slices.Clone(blocks)
	for len(left) > 0 {
		if err := p.skipPing(left[0]); err != nil {
			return err
		}
		got := ""
		found := -1
		for found < 0 {
			line, err := p.TryLine()
			if err != nil {
				return fmt.Errorf("want one of %q: %w", left, err)
			}
			got += line
			if !slices.ContainsFunc(left, func(b string) bool { return strings.HasPrefix(b, got) }) {
				return fmt.Errorf("want one of %q, got %s", left, testkit.Quote(got))
			}
			found = slices.Index(left, got)
		}
		left = slices.Delete(left, found, found+1)
	}
	return nil
}

// open proves that nothing more has come and that the connection still works.
func (p *peer) open() error {
	got, err := p.sync()
	if err == nil && got != "" {
		err = fmt.Errorf("nothing more should come, got %s", testkit.Quote(got))
	}
	return err
}

// sync returns what comes before the answer to a PING.
func (p *peer) sync() (string, error) {
	p.Send("PING\r\n")
	var got bytes.Buffer
	for {
		if err := p.skipPing("PONG\r\n"); err != nil {
			return got.String(), fmt.Errorf("want PONG after %s: %w", testkit.Quote(got.String()), err)
		}
		line, err := p.TryLine()
		if err != nil {
			return got.String(), fmt.Errorf("want PONG after %s: %w", testkit.Quote(got.String()), err)
		}
		if line == "PONG\r\n" {
			return got.String(), nil
		}
		got.WriteString(line)
	}
}

func (p *peer) closed() error {
	before, err := p.TryClosed()
	if err == nil && before != "" {
		err = fmt.Errorf("want the end of the connection, got %s", testkit.Quote(before))
	}
	p.finished = err == nil
	return err
}

// repeat sends until one line of the answers is the one wanted.
func (p *peer) repeat(text, want string) error {
	pattern := compile(want)
	var last string
	var err error
	ok := testkit.Within(10*time.Second, func() bool {
		p.Send(text)
		if last, err = p.sync(); err != nil {
			return true
		}
		return slices.ContainsFunc(strings.SplitAfter(last, "\n"), func(line string) bool {
			return line == want || pattern != nil && pattern.MatchString(line)
		})
	})
	if err == nil && !ok {
		err = fmt.Errorf("%s never came, the last answer was %s", testkit.Quote(want), testkit.Quote(last))
	}
	return err
}

// repeatUntil keeps the current connection busy until something has come for
// another one; nothing may come for the current one meanwhile.
func (r *runner) repeatUntil(text, name string) error {
	other := r.conns[name]
	if other == nil {
		return fmt.Errorf("no connection %s", name)
	}
	var err error
	came := testkit.Within(10*time.Second, func() bool {
		r.current.Send(text)
		err = r.current.open()
		return err != nil || other.Arrived(time.Millisecond)
	})
	if err == nil && !came {
		err = fmt.Errorf("nothing came for connection %s", name)
	}
	return err
}

// skipPing passes over a PING of the server that the case does not wait for and
// that comes only because the machine is slow. It gives no answer, which might end
// up within a payload; without one the connection lives for minutes.
func (p *peer) skipPing(expected string) error {
	const ping = "PING\r\n"
	if !p.anyPings || strings.HasPrefix(expected, "PING") {
		return nil
	}
	for n := 1; n <= len(ping); n++ {
		got, err := p.Peek(n)
		if err != nil || string(got) != ping[:n] {
			return nil // whatever it is, the expectation will tell
		}
	}
	if time.Since(p.born) < pingAge {
		return nil // too early, so it is one too many
	}
	return p.TryExact(ping)
}

// keepInfo checks the form that every INFO has and remembers it.
func (p *peer) keepInfo(line string) error {
	body, ok := strings.CutPrefix(line, "INFO ")
	body, ended := strings.CutSuffix(body, " \r\n")
	if !ok || !ended || !strings.HasPrefix(body, "{") || !json.Valid([]byte(body)) {
		return fmt.Errorf("this is no INFO: %s", testkit.Quote(line))
	}
	p.Info = body
	return nil
}

// checkInfo compares a field of the last INFO with JSON, /a pattern/ for the JSON,
// or absent.
func (p *peer) checkInfo(key, want string) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(p.Info), &fields); err != nil {
		return errors.New("no INFO has been read")
	}
	got, present := fields[key]
	pattern, isPattern := strings.CutPrefix(want, "/")
	ok := present && string(got) == want
	switch {
	case want == "absent":
		ok = !present
	case isPattern:
		ok = present && regexp.MustCompile(`\A(?:`+strings.TrimSuffix(pattern, "/")+`)\z`).Match(got)
	}
	if !ok {
		return fmt.Errorf("INFO has %s = %s (present: %v), want %s", key, got, present, want)
	}
	return nil
}
