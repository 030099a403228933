package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// exchange is the wire form of one request and its reply. Everything has a
// fixed length; eight digits in the reply subject are new for each request.
type exchange struct {
	request, delivered, reply, answer                     []byte
	requestToken, deliveredToken, replyToken, answerToken int
}

const answerSid = "1"

func newExchange() *exchange {
	inbox := inboxPrefix + ".xxxxxxxx"
	body := string(payload(16))
	x := &exchange{
		request:   []byte("PUB svc " + inbox + " 16\r\n" + body + "\r\n"),
		delivered: []byte("MSG svc 1 " + inbox + " 16\r\n" + body + "\r\n"),
		reply:     []byte("PUB " + inbox + " 16\r\n" + body + "\r\n"),
		answer:    []byte("MSG " + inbox + " " + answerSid + " 16\r\n" + body + "\r\n"),
	}
	skip := len(inboxPrefix) + 1
	x.requestToken = len("PUB svc ") + skip
	x.deliveredToken = len("MSG svc 1 ") + skip
	x.replyToken = len("PUB ") + skip
	x.answerToken = len("MSG ") + skip
	return x
}

// framer cuts messages of known length out of a connection and drops the PINGs
// that a server sends between them.
type framer struct {
	s     *sock
	buf   [4096]byte
	n     int
	taken int
}

// next returns a message of the given length, valid until the next call.
func (f *framer) next(length int) ([]byte, error) {
	f.n = copy(f.buf[:], f.buf[f.taken:f.n])
	f.taken = 0
	for {
		for f.n >= len(pingLine) && string(f.buf[:len(pingLine)]) == pingLine {
			f.n = copy(f.buf[:], f.buf[len(pingLine):f.n])
		}
		if f.n >= length && f.buf[0] == 'M' {
			f.taken = length
			return f.buf[:length], nil
		}
		if f.n > 0 && f.buf[0] != 'M' && f.buf[0] != 'P' {
			return nil, fmt.Errorf("the server sent %.100q", f.buf[:f.n])
		}
		got, err := f.s.read(f.buf[f.n:])
		if err != nil {
			return nil, err
		}
		f.n += got
	}
}

// runReqRep measures round trips, one at a time. One thread plays both sides:
// as only one message is on its way, it can simply block on whoever is next,
// and the client costs two wake-ups per round trip and no thread more.
func runReqRep(e *env) (measurement, error) {
	p, err := e.startServer()
	if err != nil {
		return measurement{}, err
	}
	requester, err := e.subscriber(p.port, sockOptions{}, inboxPrefix+".*", "", answerSid)
	if err != nil {
		return measurement{}, err
	}
	responder, err := e.subscriber(p.port, sockOptions{}, "svc", "", "1")
	if err != nil {
		return measurement{}, err
	}
	return e.measureReqRep(newExchange(), requester, responder)
}

func (e *env) measureReqRep(x *exchange, requester, responder *sock) (measurement, error) {
	times := make([]int64, 0, 1<<20)
	asking, answering := &framer{s: requester}, &framer{s: responder}
	var count uint32
	ask := func(length time.Duration) (int64, error) {
		times = times[:0]
		deadline := time.Now().Add(length)
		for start := time.Now(); start.Before(deadline) && len(times) < cap(times); {
			count++
			if err := roundTrip(x, asking, answering, count); err != nil {
				return 0, err
			}
			end := time.Now()
			times = append(times, int64(end.Sub(start)))
			start = end
		}
		return int64(len(times)), nil
	}
	if _, err := ask(e.length / 6); err != nil {
		return measurement{}, err
	}
	m, err := e.measureOps(func() (int64, error) { return ask(e.length) })
	if err != nil {
		return m, err
	}
	m.CPU = m.Figure
	m.latencies(times)
	m.Figure = m.P50
	return m, nil
}

func roundTrip(x *exchange, asking, answering *framer, count uint32) error {
	token := x.request[x.requestToken : x.requestToken+8]
	putToken(token, count)
	if err := asking.s.write(x.request); err != nil {
		return err
	}
	request, err := answering.next(len(x.delivered))
	if err != nil {
		return fmt.Errorf("responder: %w", err)
	}
	copy(x.reply[x.replyToken:], request[x.deliveredToken:x.deliveredToken+8])
	if err := answering.s.write(x.reply); err != nil {
		return err
	}
	answer, err := asking.next(len(x.answer))
	if err != nil {
		return fmt.Errorf("requester: %w", err)
	}
	if string(answer[x.answerToken:x.answerToken+8]) != string(token) {
		return fmt.Errorf("wrong answer: %.100q", answer)
	}
	return nil
}

const (
	pacedSubscribers = 50
	pacedRate        = 2000
	pacedInterval    = time.Second / pacedRate
	pacedSize        = 128
)

// pacing turns what the receivers see into latencies: the n-th message of a
// connection was due at start + n intervals, whenever it was really sent.
type pacing struct {
	start   time.Time
	length  int64
	skip    int64 // warm-up messages, not judged
	samples []int64
}

func (p *pacing) onRead(_ int, before, after int64) {
	now := time.Since(p.start)
	for seq := before / p.length; seq < after/p.length; seq++ {
		if seq >= p.skip {
			p.samples = append(p.samples, int64(now-time.Duration(seq)*pacedInterval))
		}
	}
}

// runPaced measures latency under a fixed schedule, one to many.
func runPaced(e *env) (measurement, error) {
	p, err := e.startServer()
	if err != nil {
		return measurement{}, err
	}
	count := int64(2 * e.length / pacedInterval)
	one := appendPub(nil, hotSubject, payload(pacedSize))
	length := msgLen(hotSubject, hotSid, pacedSize)
	f := &flow{}
	for range pacedSubscribers {
		s, err := e.subscriber(p.port, sockOptions{}, hotSubject, "", hotSid)
		if err != nil {
			return measurement{}, err
		}
		f.subs = append(f.subs, s)
	}
	pub, err := e.client(p.port, sockOptions{})
	if err != nil {
		return measurement{}, err
	}
	pace := &pacing{
		start:   time.Now().Add(100 * time.Millisecond),
		length:  length,
		skip:    count / 10,
		samples: make([]int64, 0, count*pacedSubscribers),
	}
	r := e.receive(f.subs, pace.onRead)
	m, err := e.measureOps(func() (int64, error) {
		e.spawn(func() error { return e.publishPaced(pub, one, pace.start, count) }).Wait()
		f.sent.Add(count * length)
		return count * pacedSubscribers, e.waitUntil(func() bool { return f.outstanding() <= 0 })
	})
	r.end()
	if err != nil {
		return m, err
	}
	if err := f.verify(); err != nil {
		return m, err
	}
	if len(pace.samples) == 0 {
		return m, errors.New("no message was timed; -time is too short")
	}
	m.CPU, m.Wall, m.Rate = m.Figure, 0, 0
	m.latencies(pace.samples)
	m.Figure = m.P99
	return m, nil
}

// publishPaced keeps the schedule: after a late message the next ones follow
// at once, so that a server which delays the publisher is charged for it.
func (e *env) publishPaced(pub *sock, one []byte, start time.Time, count int64) error {
	const prSetTimerSlack = 29
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerSlack, 1, 0) // wake up in time
	for seq := range count {
		if e.failed.Load() {
			return nil
		}
		if early := time.Until(start.Add(time.Duration(seq) * pacedInterval)); early > 0 {
			nap(early)
		}
		if err := pub.write(one); err != nil {
			return fmt.Errorf("publisher: %w", err)
		}
	}
	return nil
}
