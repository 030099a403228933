//go:build unix

package tlsconf_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"nats-server/internal/tlsconf"
)

// pipe puts a pipe in the place of a file.
func (l *live) pipe(name string) {
	l.t.Helper()
	l.remove(name)
	if err := syscall.Mkfifo(l.file(name), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// A file that gives its contents once is fine, if nothing else changes.
func TestPipe(t *testing.T) {
	l := newLive(t, func(l *live, c *tlsconf.Config) {
		cert, key := l.named("pipe")
		l.write("key.pem", key)
		l.pipe("cert.pem")
		go func() {
			w, err := os.OpenFile(l.file("cert.pem"), os.O_WRONLY, 0)
			if err != nil {
				t.Error(err)
				return
			}
			w.Write(cert)
			w.Close()
		}()
	})
	for range 3 {
		l.wait(time.Second)
		l.serves("pipe")
	}
	_, key := l.named("two")
	l.write("key.pem", key)
	l.wait(time.Second)
	l.serves("pipe", kept+"$CERT is no regular file, and is not read again")
}

// Nobody writes to this one, and no handshake waits for that.
func TestPipeInPlaceOfFile(t *testing.T) {
	l := newLive(t)
	l.pipe("key.pem")
	for i := range 3 {
		l.wait(time.Second)
		if i == 0 {
			l.serves("one", kept+"$KEY is no regular file, and is not read again")
		} else {
			l.serves("one")
		}
	}
}

// A running server reads no pipe, since it would wait for somebody to write.
func TestRegularFiles(t *testing.T) {
	l := newLive(t)
	f := func(c tlsconf.Config, want string) {
		t.Helper()
		got := ""
		if err := c.RegularFiles(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	const text = " is no regular file, and is read only when the server starts"
	cert, key := l.file("cert.pem"), l.file("key.pem")
	pair := tlsconf.Pair{CertFile: cert, KeyFile: key}
	f(tlsconf.Config{CertFile: cert, KeyFile: key}, "")
	f(tlsconf.Config{CertFile: cert, KeyFile: l.file("nosuch")}, "")
	l.pipe("key.pem")
	f(tlsconf.Config{CertFile: cert, KeyFile: key}, key+text)
	f(tlsconf.Config{Certificates: []tlsconf.Pair{{CertFile: cert, KeyFile: cert}, pair}}, key+text)
	f(tlsconf.Config{CertFile: cert, KeyFile: cert, CAFile: key}, key+text)
}
