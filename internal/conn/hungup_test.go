package conn_test

import (
	"runtime"
	"testing"
	"time"
)

// A session that takes long notices, where the system tells, that the peer has hung up.
func TestHungUp(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only known on Linux")
	}
	w, s := newWorld(t), new(session)
	began, noticed := make(chan bool, 1), make(chan bool, 1)
	s.consume = func(b []byte) (used, need int, err error) {
		began <- s.HungUp()
		end := time.Now().Add(patience)
		for !s.HungUp() && time.Now().Before(end) {
			time.Sleep(time.Millisecond) // asks again, as one does who waits
		}
		noticed <- s.HungUp()
		return len(b), 0, nil
	}
	far := w.bind(transports[len(transports)-1], s)
	s.ReadApart(true)
	s.Start()
	_, err := far.Write([]byte("login"))
	noErr(t, err)
	equal(t, "hung up before", <-began, false)
	noErr(t, far.Close())
	equal(t, "hung up", <-noticed, true)
	s.reason(t)
}
