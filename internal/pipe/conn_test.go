package pipe

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func mustWrite(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("write %q: %d, %v", text, n, err)
	}
}

func mustRead(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v, want %q", got, err, want)
	}
}

// readFails and writeFails try one byte.
func readFails(t *testing.T, c net.Conn, want error) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, want) {
		t.Fatalf("read: %d, %v, want 0, %v", n, err, want)
	}
}

func writeFails(t *testing.T, c net.Conn, want error) {
	t.Helper()
	if n, err := c.Write([]byte("x")); n != 0 || !errors.Is(err, want) {
		t.Fatalf("write: %d, %v, want 0, %v", n, err, want)
	}
}

func TestBothEndsMayWriteFirst(t *testing.T) {
	a, b := New(100)
	mustWrite(t, a, "from a")
	mustWrite(t, b, "from b")
	mustRead(t, a, "from b")
	mustRead(t, b, "from a")
}

func TestReadTakesWhatThereIs(t *testing.T) {
	a, b := New(100)
	mustWrite(t, a, "abc")
	mustWrite(t, a, "def")
	p := make([]byte, 10)
	if n, err := b.Read(p[:0]); n != 0 || err != nil {
		t.Errorf("empty read: %d, %v", n, err)
	}
	if n, err := b.Read(p); string(p[:n]) != "abcdef" || err != nil {
		t.Errorf("got %q, %v", p[:n], err)
	}
	if n, err := b.Read(nil); n != 0 || err != nil {
		t.Errorf("empty read of an empty pipe: %d, %v", n, err)
	}
}

func TestTransferInBothDirections(t *testing.T) {
	f := func(bufSize, total int) {
		t.Helper()
		a, b := New(bufSize)
		data := bytes.Repeat([]byte("0123456789abcdefg"), total/17+1)[:total]
		var wg sync.WaitGroup
		for _, c := range []net.Conn{a, b} {
			wg.Go(func() {
				if n, err := c.Write(data); n != total || err != nil {
					t.Errorf("wrote %d of %d: %v", n, total, err)
				}
			})
			wg.Go(func() {
				h := sha256.New()
				if _, err := io.CopyN(h, c, int64(total)); err != nil {
					t.Error(err)
				}
				if want := sha256.Sum256(data); !bytes.Equal(h.Sum(nil), want[:]) {
					t.Error("other bytes arrived")
				}
			})
		}
		wg.Wait()
	}
	f(-1, 100)
	f(0, 100)
	f(1, 5000)
	f(7, 5000)
	f(4096, 1<<20)
	f(1<<20, 4<<20)
}

func TestWriteWaitsForSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := New(4)
		mustWrite(t, a, "1234")
		done := false
		go func() {
			_, err := a.Write([]byte("56789"))
			done = err == nil
		}()
		f := func(read string, want bool) {
			t.Helper()
			mustRead(t, b, read)
			synctest.Wait()
			if done != want {
				t.Errorf("after %q: done is %v", read, done)
			}
		}
		f("12", false)
		f("34", false)
		f("5", true)
		f("6789", true)
	})
}

func TestConcurrentWritesDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := New(3)
		const size = 100
		for _, s := range []string{"a", "b", "c", "d"} {
			go a.Write([]byte(strings.Repeat(s, size)))
		}
		seen := ""
		for range 4 {
			p := make([]byte, size)
			if _, err := io.ReadFull(b, p); err != nil {
				t.Fatal(err)
			}
			if string(p) != strings.Repeat(string(p[0]), size) {
				t.Fatalf("mixed: %s", p)
			}
			seen += string(p[0])
		}
		if len(seen) != 4 || strings.Trim("abcd", seen) != "" {
			t.Errorf("got blocks %s", seen)
		}
	})
}

func TestWrittenDataOutlivesClose(t *testing.T) {
	a, b := New(100)
	mustWrite(t, a, "last words")
	for range 2 {
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	mustRead(t, b, "last ")
	writeFails(t, b, io.ErrClosedPipe)
	mustRead(t, b, "words")
	readFails(t, b, io.EOF)
	readFails(t, b, io.EOF)
	writeFails(t, b, io.ErrClosedPipe)
}

func TestOwnEndClosed(t *testing.T) {
	a, b := New(100)
	mustWrite(t, b, "unread")
	a.Close()
	readFails(t, a, net.ErrClosed)
	writeFails(t, a, net.ErrClosed)
	if n, err := a.Write(nil); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("empty write: %d, %v", n, err)
	}
	for _, err := range []error{a.SetDeadline(soon()), a.SetReadDeadline(soon()), a.SetWriteDeadline(soon())} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("deadline: %v", err)
		}
	}
	b.Close()
	readFails(t, a, net.ErrClosed)
	writeFails(t, a, net.ErrClosed)
}

// TestCloseWakes: each kind of blocked call ends with the error of whoever closed.
func TestCloseWakes(t *testing.T) {
	f := func(reads, peerCloses bool, want error) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			a, b := New(2)
			mustWrite(t, a, "ab")
			errs := make(chan error, 2)
			for range 2 { // the second write waits for the first
				go func() {
					var err error
					if reads {
						_, err = a.Read(make([]byte, 1))
					} else {
						_, err = a.Write([]byte("x"))
					}
					errs <- err
				}()
				synctest.Wait()
			}
			if len(errs) > 0 {
				t.Fatal("did not block")
			}
			if peerCloses {
				b.Close()
			} else {
				a.Close()
			}
			synctest.Wait()
			if len(errs) != 2 {
				t.Fatalf("reads %v, peerCloses %v: %d of 2 calls ended", reads, peerCloses, len(errs))
			}
			for range 2 {
				if err := <-errs; !errors.Is(err, want) {
					t.Errorf("reads %v, peerCloses %v: got %v, want %v", reads, peerCloses, err, want)
				}
			}
		})
	}
	f(true, false, net.ErrClosed)
	f(true, true, io.EOF)
	f(false, false, net.ErrClosed)
	f(false, true, io.ErrClosedPipe)
}

func TestAddresses(t *testing.T) {
	a, b := New(1)
	for _, addr := range []net.Addr{a.LocalAddr(), a.RemoteAddr(), b.LocalAddr(), b.RemoteAddr()} {
		if addr.Network() != "pipe" || addr.String() != "pipe" {
			t.Errorf("%s %s", addr.Network(), addr)
		}
	}
}

func TestIdlePipeHasNoBuffer(t *testing.T) {
	a, _ := New(64 << 20)
	if a.in.ring.buf != nil || a.out.ring.buf != nil {
		t.Error("buffers exist before they are needed")
	}
	mustWrite(t, a, "x")
	if n := len(a.out.ring.buf); n > firstSize {
		t.Errorf("one byte took a buffer of %d", n)
	}
}

func TestSteadyTrafficDoesNotAllocate(t *testing.T) {
	a, b := New(1 << 16)
	p := make([]byte, 1000)
	n := testing.AllocsPerRun(100, func() {
		a.SetWriteDeadline(soon())
		b.SetReadDeadline(soon())
		a.Write(p)
		io.ReadFull(b, p)
	})
	if n != 0 {
		t.Errorf("%v allocations per round", n)
	}
}
