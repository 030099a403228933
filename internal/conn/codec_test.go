package conn_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"nats-server/internal/buf"
	"nats-server/internal/conn"
)

// inverter is a codec: frames have their length in two bytes, and their bits inverted.
type inverter struct{}

const invertedHead = 2

func (inverter) Seal(batch []*buf.Chunk) (sealed []*buf.Chunk) {
	for _, c := range batch {
		for b := c.Data; len(b) > 0; {
			n := min(len(b), 1000)
			out := buf.Get(invertedHead + n)
			out.Data = append(out.Data, inverted(b[:n])...)
			sealed = append(sealed, out)
			b = b[n:]
		}
		c.Release()
	}
	return sealed
}

func inverted(b []byte) []byte {
	out := binary.BigEndian.AppendUint16(nil, uint16(len(b)))
	for _, c := range b {
		out = append(out, ^c)
	}
	return out
}

func (inverter) Frame(b []byte) (size, plain int, err error) {
	if len(b) < invertedHead {
		return invertedHead, 0, nil
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > 1000 {
		return 0, 0, errors.New("too long")
	}
	return invertedHead + n, n, nil
}

func (inverter) Open(dst, frame []byte) error {
	for i, c := range frame[invertedHead:] {
		dst[i] = ^c
	}
	if bytes.Contains(dst, []byte("broken")) {
		return errors.New("broken")
	}
	return nil
}

// opened returns what the far end reads of a sealed text.
func opened(t *testing.T, far io.Reader, want int) (text string) {
	t.Helper()
	for len(text) < want {
		head := make([]byte, invertedHead)
		_, err := io.ReadFull(far, head)
		noErr(t, err)
		b := make([]byte, binary.BigEndian.Uint16(head))
		_, err = io.ReadFull(far, b)
		noErr(t, err)
		for _, c := range b {
			text += string(^c)
		}
	}
	return text
}

// switching is a session of lines, of which "switch" has all that follows sealed, in both
// directions. What it takes goes to got.
func switching(got chan string) *session {
	s := new(session)
	s.consume = func(b []byte) (used, need int, err error) {
		for {
			line, _, ok := bytes.Cut(b[used:], []byte("\n"))
			if !ok {
				return used, 0, nil
			}
			used += len(line) + 1
			got <- string(line)
			if string(line) == "switch" {
				s.Out.Append([]byte("plain\n"))
				s.Encode(inverter{})
				s.Decode(inverter{})
				s.say("sealed\n")
				return used, 0, nil
			}
		}
	}
	return s
}

// What follows the switch is sealed, and nothing before, however it is cut.
func TestCodecIsSwitchedOn(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		long := strings.Repeat("x", 5000)
		whole := append([]byte("first\nswitch\n"), inverted([]byte("second\nthi"))...)
		whole = append(append(whole, inverted(nil)...), inverted([]byte("rd\nfourth\n"))...)
		for b := []byte(long + "\n"); len(b) > 0; b = b[min(len(b), 700):] {
			whole = append(whole, inverted(b[:min(len(b), 700)])...)
		}
		for _, step := range []int{1, 3, len(whole)} {
			w, got := newWorld(t), make(chan string, 100)
			s := switching(got)
			far := w.connect(tr, s)
			go func() {
				for b := whole; len(b) > 0; b = b[min(step, len(b)):] {
					far.Write(b[:min(step, len(b))])
				}
			}()
			hears(t, far, "plain\n")
			equal(t, "sealed", opened(t, far, len("sealed\n")), "sealed\n")
			for _, want := range []string{"first", "switch", "second", "third", "fourth", long} {
				equal(t, "line", <-got, want)
			}
			s.say("more\n")
			equal(t, "sealed", opened(t, far, len("more\n")), "more\n")
			eventually(t, "nothing is pending", func() bool { return s.Out.Pending() == 0 })
			s.say("bye\n")
			go s.Close(conn.ServerShutdown)
			equal(t, "the last", opened(t, far, len("bye\n")), "bye\n")
			s.reason(t)
		}
	})
}

// What was queued before is not sealed, though it leaves afterwards, and is more than goes
// into one chunk.
func TestBacklogIsNotSealed(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w := newWorld(t)
		s := new(session)
		far := w.connect(tr, s)
		backlog := strings.Repeat("backlog\n", 20_000)
		for b := backlog; len(b) > 0; b = b[min(len(b), 1000):] {
			s.Out.Append([]byte(b[:min(len(b), 1000)]))
		}
		s.Encode(inverter{})
		s.Out.Append([]byte("sealed\n"))
		go s.Out.Flush(true)
		hears(t, far, backlog)
		equal(t, "sealed", opened(t, far, len("sealed\n")), "sealed\n")
		eventually(t, "nothing is pending", func() bool { return s.Out.Pending() == 0 })
	})
}

// While something has to return, no more frames are opened.
func TestHoldBetweenFrames(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, got := newWorld(t), make(chan string, 100)
		s := switching(got)
		var holds, holding atomic.Int32
		s.settle = func() func() {
			if holding.Load() != 0 {
				t.Error("goes on while somebody holds")
			}
			holding.Store(1)
			return func() {
				holds.Add(1)
				holding.Store(0)
			}
		}
		far := w.connect(tr, s)
		go func() {
			b := []byte("switch\n")
			for range 20 {
				b = append(b, inverted([]byte("line\n"))...)
			}
			far.Write(b)
		}()
		hears(t, far, "plain\n")
		for range 21 {
			<-got
		}
		eventually(t, "all holds", func() bool { return holds.Load() == 21 })
	})
}

// What cannot be opened ends the connection.
func TestWhatIsNotSealed(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		for _, bad := range []string{"\xff\xff", string(inverted([]byte("this is broken\n")))} {
			w, got := newWorld(t), make(chan string, 100)
			s := switching(got)
			far := w.connect(tr, s)
			go far.Write([]byte("switch\n" + string(inverted([]byte("good\n"))) + bad))
			hears(t, far, "plain\n")
			go io.Copy(io.Discard, far)
			equal(t, "reason", s.reason(t), conn.ProtocolViolation)
			equal(t, "lines", len(got), 2)
		}
	})
}

// A peer with which something is to be settled first is not pinged, and is stale if that
// takes too long.
func TestHeldPings(t *testing.T) {
	w := newWorld(t)
	w.cfg.PingInterval, w.cfg.PingAlways = 1_000_000, true // 1 ms
	s := new(session)
	far := w.bind(transports[0], s)
	s.HoldPings(true)
	s.StartPings()
	s.Start()
	equal(t, "heard", everything(t, far), "-ERR 'Stale Connection'\r\n")
	equal(t, "reason", s.reason(t), conn.StaleConnection)
}
