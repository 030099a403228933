package client_test

import (
	"strings"
	"testing"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// bomb is a Logger that panics for one line, as a fault in a session would.
type bomb struct{ recorder }

func (b *bomb) Tracef(format string, v ...any) {
	b.recorder.Tracef(format, v...)
	if lines := b.lines(); strings.HasSuffix(lines[len(lines)-1], "<<- [SUB bomb 1]") {
		panic("boom")
	}
}

// A panic in a session ends that connection and no other, is logged once with its
// stack, and is counted.
func TestPanicEndsOneConnection(t *testing.T) {
	s := testkit.Start(t, &server.Options{})
	log := new(bomb)
	s.SetLogger(log, true, true)
	other := testkit.Dial(t, s.Addr().String())
	other.Connect(`{"verbose":false}`)
	other.Send("SUB x 1\r\nSUB g q 2\r\n")
	other.Sync()
	for i := range 3 {
		bad := testkit.Dial(t, s.Addr().String())
		bad.Connect(`{"verbose":false}`)
		bad.Send("SUB a 7\r\nSUB g q 8\r\nPUB x 2\r\nhi\r\nPUB g 2\r\nhi\r\nSUB bomb 1\r\nPUB x 2\r\nno\r\n")
		if _, err := bad.TryClosed(); err != nil {
			t.Error(err)
		}
		testkit.Eventually(t, patience, "the connection is gone", func() bool { return s.NumClients() == 1 })
		if n := s.NumPanics(); n != int64(i+1) {
			t.Errorf("%d panics are counted, want %d", n, i+1)
		}
	}
	if n := s.NumSubscriptions(); n != 2 {
		t.Errorf("%d subscriptions are left", n)
	}
	other.Send("PUB x 5\r\nstill\r\nUNSUB 2\r\n")
	other.ReadUntil("still")
	other.Sync() // nothing that the panics left behind is in the way
	if found := log.with("BUG: session ended by a panic: boom"); len(found) != 3 || !strings.HasPrefix(found[0], "ERR 127.0.0.1:") {
		t.Errorf("logged %q", found)
	}
	if len(log.with("runtime/debug.Stack")) == 0 && len(log.with("panic_test.go")) == 0 {
		t.Errorf("no stack in %q", log.lines())
	}
}
