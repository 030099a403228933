package conn_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"nats-server/internal/conn"
	"nats-server/internal/pipe"
)

// byLine makes s take lines, and hand each to f.
func (s *session) byLine(f func(line string)) {
	s.consume = func(b []byte) (used, need int, err error) {
		for {
			n := bytes.IndexByte(b[used:], '\n') + 1
			if n == 0 {
				return used, 0, nil
			}
			f(string(b[used : used+n]))
			used += n
		}
	}
}

// bySize makes s take commands that begin with their length, and hand each to f.
// If told, it says how many bytes an unfinished one needs.
func (s *session) bySize(told bool, f func(command []byte)) {
	s.consume = func(b []byte) (used, need int, err error) {
		for {
			rest := b[used:]
			if len(rest) < 4 {
				return used, 0, nil
			}
			n := int(binary.BigEndian.Uint32(rest))
			if len(rest) < n {
				if !told {
					n = 0
				}
				return used, n, nil
			}
			f(rest[4:n])
			used += n
		}
	}
}

func sized(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(4+len(body))), body...)
}

// send writes b in pieces of n bytes, or of random sizes if n is 0.
func send(t *testing.T, far net.Conn, b []byte, n int) {
	t.Helper()
	for len(b) > 0 {
		size := n
		if n == 0 {
			size = 1 + rand.IntN(1<<(1+rand.IntN(16)))
		}
		size = min(size, len(b))
		_, err := far.Write(b[:size])
		noErr(t, err)
		b = b[size:]
	}
}

func TestCommandsMaySpanReads(t *testing.T) {
	var sent []string
	for i := range 200 {
		sent = append(sent, fmt.Sprintf("%d %s\n", i, strings.Repeat("x", i*i%701)))
	}
	text := []byte(strings.Join(sent, ""))
	overAll(t, func(t *testing.T, tr transport) {
		for _, size := range []int{1, 2, 3, 7, 64, 511, 512, 513, 4095, 4096, 4097, 65535, 65536, 65537, 0} {
			w, s := newWorld(t), new(session)
			var got []string
			s.byLine(func(line string) { got = append(got, line) })
			far := w.connect(tr, s)
			b := text
			if size > 1000 {
				b = bytes.Repeat(text, 5)
			}
			send(t, far, b, size)
			far.Close()
			equal(t, "reason", s.reason(t), conn.ClientClosed)
			if strings.Join(got, "") != string(b) {
				t.Errorf("%d bytes at a time: %d commands of %d", size, len(got), len(sent)*len(b)/len(text))
			}
		}
	})
}

func TestLargeCommands(t *testing.T) {
	body := make([]byte, 3<<20)
	for i := range body {
		body[i] = byte(rand.Uint32())
	}
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		var want, input []byte
		for _, n := range []int{5, 65_000, 65_532, 65_533, 100_000, 3, 1 << 20, 200_000, 3 << 20, 0, 10} {
			want = append(want, body[:n]...)
			input = append(input, sized(body[:n])...)
		}
		var got []byte
		s.bySize(true, func(command []byte) { got = append(got, command...) })
		far := w.connect(tr, s)
		send(t, far, input, 0)
		far.Close()
		equal(t, "reason", s.reason(t), conn.ClientClosed)
		if !bytes.Equal(got, want) {
			t.Errorf("got %d bytes, want %d", len(got), len(want))
		}
	})
}

// Room for a command of unknown size grows in steps, not byte by byte.
func TestCommandsOfUnknownSize(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		body := bytes.Repeat([]byte("0123456789"), 10_000)
		var got []byte
		s.bySize(false, func(command []byte) { got = append(got, command...) })
		reads := 0
		s.settle = func() func() {
			reads++
			return nil
		}
		far := w.connect(tr, s)
		send(t, far, sized(body), 4096)
		far.Close()
		equal(t, "reason", s.reason(t), conn.ClientClosed)
		if !bytes.Equal(got, body) {
			t.Errorf("got %d bytes, want %d", len(got), len(body))
		}
		if reads > 500 {
			t.Errorf("%d reads for %d bytes", reads, len(body))
		}
	})
}

// What a peer announces costs nothing; what it has sent, little more than that.
func TestInputMemoryFollowsTheBytesReceived(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	const conns, announced = 20, 100 << 20
	overAll(t, func(t *testing.T, tr transport) {
		w := newWorld(t)
		var fars []net.Conn
		var received [conns]atomic.Int64
		for i := range conns {
			s := new(session)
			s.consume = func(b []byte) (int, int, error) {
				received[i].Store(int64(len(b)))
				return 0, announced, nil
			}
			fars = append(fars, w.connect(tr, s))
		}
		sent := int64(0)
		before := heap()
		for _, size := range []int{10, 5_000, 300_000} {
			sent += int64(size)
			b := make([]byte, size)
			for i, far := range fars {
				send(t, far, b, size)
				eventually(t, "all is received", func() bool { return received[i].Load() == sent })
			}
			// A chunk doubles when it is full, and while it does there are two.
			most := 3*sent + 5<<10
			var held int64
			eventually(t, fmt.Sprintf("at most %d bytes held for %d", most, sent), func() bool {
				held = (heap() - before) / conns
				return held <= most
			})
			t.Logf("%d bytes sent, %d held for each connection", sent, held)
		}
	})
}

func TestSettleFollowsEachRead(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		var calls strings.Builder
		s.consume = func(b []byte) (int, int, error) {
			calls.WriteByte('c')
			return len(b), 0, nil
		}
		s.settle = func() func() {
			calls.WriteByte('s')
			s.say("x")
			return nil
		}
		s.onEnd = func() { calls.WriteByte('e') }
		far := w.connect(tr, s)
		for range 3 {
			_, err := far.Write([]byte("x"))
			noErr(t, err)
			hears(t, far, "x")
		}
		far.Close()
		s.reason(t)
		w.over()
		equal(t, "calls", calls.String(), "cscscse")
	})
}

// A peer that is held back is not read from, and holds up nobody else.
func TestHeldBackPeersAreNotRead(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		release, held := make(chan bool), make(chan bool, 1)
		var reads atomic.Int64
		s.consume = func(b []byte) (int, int, error) {
			reads.Add(1)
			return len(b), 0, nil
		}
		first := true
		s.settle = func() func() {
			if !first {
				s.say("again")
				return nil
			}
			first = false
			return func() {
				held <- true
				<-release
			}
		}
		far := w.connect(tr, s)
		_, err := far.Write([]byte("x"))
		noErr(t, err)
		<-held
		go far.Write([]byte("y"))

		other := new(session)
		other.consume = func(b []byte) (int, int, error) {
			other.say("served")
			return len(b), 0, nil
		}
		otherFar := w.connect(tr, other)
		for range 10 {
			_, err = otherFar.Write([]byte("x"))
			noErr(t, err)
			hears(t, otherFar, "served")
		}
		equal(t, "reads while held back", reads.Load(), 1)
		close(release)
		hears(t, far, "again")
		equal(t, "reads", reads.Load(), 2)
	})
}

// Sessions that take their time do so apart, where they hold up nobody.
func TestReadingApart(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w := newWorld(t)
		release, entered := make(chan bool), make(chan bool)
		var slow []net.Conn
		for range 2*runtime.GOMAXPROCS(0) + 2 {
			s := new(session)
			s.consume = func(b []byte) (int, int, error) {
				entered <- true
				<-release
				s.ReadApart(false)
				s.say("done")
				return len(b), 0, nil
			}
			far := w.bind(tr, s)
			s.ReadApart(true)
			s.Start()
			slow = append(slow, far)
			_, err := far.Write([]byte("x"))
			noErr(t, err)
			<-entered
		}
		quick := new(session)
		quick.byLine(func(line string) { quick.say(line) })
		far := w.connect(tr, quick)
		for range 10 {
			send(t, far, []byte("line\n"), 0)
			hears(t, far, "line\n")
		}
		close(release)
		for _, far := range slow {
			hears(t, far, "done")
		}
	})
}

// script is a connection from which is read what it says, a piece at a time, and
// then the end.
type script struct {
	net.Conn
	t      *testing.T
	pieces [][]byte
}

func (c *script) Read(b []byte) (int, error) {
	if len(b) == 0 {
		c.t.Error("a read into nothing")
		return 0, net.ErrClosed
	}
	if len(c.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.pieces[0])
	if c.pieces[0] = c.pieces[0][n:]; len(c.pieces[0]) == 0 {
		c.pieces = c.pieces[1:]
	}
	return n, nil
}

// A reader that gives back the memory of a large command keeps room for the rest
// of the next, whatever its size.
func TestUnfinishedCommandsAfterLargeOnes(t *testing.T) {
	for _, begun := range []int{1, 502, 512, 4086, 16<<10 - 10, 64<<10 - 10, 64 << 10, 100_000, 250_000, 256<<10 - 10, 300_000} {
		large, next := sized(make([]byte, 2_000_000)), sized(bytes.Repeat([]byte("x"), 400_000))
		first := append(large[:len(large):len(large)], next[:begun]...)
		w, s := newWorld(t), new(session)
		var got []int
		s.bySize(true, func(command []byte) { got = append(got, len(command)) })
		near, far := pipe.New(1)
		tr := transport{"script", func(*world) (conn.Endpoint, net.Conn) {
			return conn.Stream(&script{near, t, [][]byte{first, next[begun : begun+10], next[begun+10:]}}), far
		}}
		w.connect(tr, s)
		equal(t, "reason", s.reason(t), conn.ClientClosed)
		equalAll(t, fmt.Sprintf("commands, with %d bytes of the second at first", begun), got, []int{2_000_000, 400_000})
	}
}
