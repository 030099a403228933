package conn_test

import (
	"bytes"
	"sync/atomic"
	"testing"
)

// What takes long is done where it may, after what came before and before what comes
// after, however it arrives; then all goes on as ever.
func TestGoApart(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		var got []byte
		var asked, held atomic.Int32
		done := make(chan struct{})
		s.consume = func(b []byte) (used, need int, err error) {
			for used < len(b) {
				if b[used] == 'C' {
					asked.Add(1)
					if !s.GoApart() {
						return used, 0, nil
					}
					s.ReadApart(false)
				}
				got = append(got, b[used])
				used++
			}
			if bytes.HasSuffix(got, []byte("end")) {
				close(done)
			}
			return used, 0, nil
		}
		s.settle = func() func() { return func() { held.Add(1) } }
		far := w.connect(tr, s)
		const text = "abCdefCgCC.Cend"
		for _, part := range []string{text[:4], text[4:7], text[7:8], text[8:]} {
			_, err := far.Write([]byte(part))
			noErr(t, err)
		}
		select {
		case <-done:
		case <-s.ended:
			t.Fatal("ended")
		}
		equal(t, "got", string(got), text)
		equal(t, "questions", asked.Load(), 10) // each once here and once there
		if held.Load() < 5 {
			t.Errorf("held back %d times", held.Load())
		}
	})
}
