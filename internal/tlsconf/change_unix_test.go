//go:build unix

package tlsconf_test

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// A file that cannot be read at once delays one handshake, and no other.
func TestSlowFile(t *testing.T) {
	l := newLive(t)
	l.remove("cert.pem")
	if err := syscall.Mkfifo(l.file("cert.pem"), 0o600); err != nil {
		t.Skip(err)
	}
	l.wait(time.Second)
	done := make(chan outcome)
	go func() { done <- handshake(t, l.tls, l.ca.trusts("localhost")) }()

	// Opening the other end waits for the reader.
	cert, key := l.named("two")
	l.write("key.pem", key)
	w, err := os.OpenFile(l.file("cert.pem"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	l.wait(time.Second)
	l.serves("one")
	if _, err := w.Write(cert); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if o := <-done; o.name() != "two" {
		t.Errorf("the client got %q", o.name())
	}
	l.logged(renewed)

	// A pipe has nothing more to give.
	l.wait(time.Second)
	l.serves("two")
}
