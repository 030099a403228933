//go:build unix

package mixed_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// link stands between two servers: one dials it, and it dials the other. It can be
// cut, and it can stall or delay what flows through it.
type link struct {
	l      net.Listener
	target func() string // where the other listens now; "" = nowhere
	done   sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	cut     bool
	stalled bool
	delay   time.Duration
	conns   map[net.Conn]bool
}

func newLink(t testing.TB, target func() string) *link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &link{l: l, target: target, conns: map[net.Conn]bool{}}
	k.changed = sync.NewCond(&k.mu)
	k.done.Go(k.accept)
	t.Cleanup(func() {
		l.Close()
		k.set(true, false, 0)
		k.done.Wait()
	})
	return k
}

func (k *link) addr() string { return k.l.Addr().String() }

// set changes what the link does; a cut closes what is open.
func (k *link) set(cut, stalled bool, delay time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut, k.stalled, k.delay = cut, stalled, delay
	if cut {
		for c := range k.conns {
			c.Close()
		}
	}
	k.changed.Broadcast()
}

// links are those between two servers, of which one dials the other or both do.
type links []*link

func (all links) set(cut, stalled bool, delay time.Duration) {
	for _, k := range all {
		k.set(cut, stalled, delay)
	}
}

func (k *link) accept() {
	for {
		in, err := k.l.Accept()
		if err != nil {
			return
		}
		out, err := net.DialTimeout("tcp", k.target(), patience)
		if err != nil || !k.keep(in, out) {
			in.Close()
			if out != nil {
				out.Close()
			}
			continue
		}
		k.done.Go(func() { k.copy(out, in) })
		k.done.Go(func() { k.copy(in, out) })
	}
}

// keep takes a pair of connections in, unless the link is cut.
func (k *link) keep(pair ...net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cut {
		return false
	}
	for _, c := range pair {
		k.conns[c] = true
	}
	return true
}

// copy moves bytes in one direction. The end of one direction ends both.
func (k *link) copy(to, from net.Conn) {
	defer k.drop(to, from)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if k.wait(); n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait is what the link makes of a block of bytes.
func (k *link) wait() {
	k.mu.Lock()
	for k.stalled && !k.cut {
		k.changed.Wait()
	}
	d := k.delay
	k.mu.Unlock()
	if d > 0 {
		time.Sleep(d)
	}
}

func (k *link) drop(pair ...io.Closer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range pair {
		c.Close()
		delete(k.conns, c.(net.Conn))
	}
}
