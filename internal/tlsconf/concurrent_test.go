package tlsconf_test

import (
	"crypto/tls"
	"sync"
	"testing"
	"time"

	"nats-server/internal/tlsconf"
)

// Whose authority was dismissed does not come in with a session of before, but a
// renewed certificate of the server ends no session.
func TestSessionsAfterChange(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		l := newLive(t, verifying)
		trust := l.ca.trusts("localhost", l.ca.identity(t, "joe"))
		trust.MaxVersion = version
		trust.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		resumes := func(want bool) {
			t.Helper()
			o := handshake(t, l.tls, trust)
			accepted(t, o)
			if o.server.DidResume != want {
				t.Errorf("%x: resumed is %t", version, o.server.DidResume)
			}
		}
		resumes(false)
		cert, key := l.named("two")
		l.write("cert.pem", cert)
		l.write("key.pem", key)
		l.wait(time.Second)
		resumes(true)
		l.logged(renewed)
		l.write("ca.pem", newAuthority(t, "other").pem)
		l.wait(time.Second)
		if o := handshake(t, l.tls, trust); o.serverErr == nil {
			t.Errorf("%x: accepted, resumed is %t", version, o.server.DidResume)
		}
	}
}

// Handshakes at the same time see one certificate or the other, with its own key.
func TestChangeDuringHandshakes(t *testing.T) {
	l := newLive(t)
	var certs, keys [2][]byte
	certs[0], keys[0] = l.named("one")
	certs[1], keys[1] = l.named("two")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				l.wait(time.Second)
				accepted(t, handshake(t, l.tls, l.ca.trusts("localhost")))
			}
		})
	}
	for i := range 20 {
		l.replace("cert.pem", certs[i%2])
		l.replace("key.pem", keys[i%2])
	}
	wg.Wait()
	l.wait(time.Second)
	o := handshake(t, l.tls, l.ca.trusts("localhost"))
	if o.name() != "two" {
		t.Errorf("the client got %q", o.name())
	}
}

// A look at the files that takes its time, such as on a disk that is gone, delays one
// handshake and no other.
func TestSlowLook(t *testing.T) {
	ca := newAuthority(t, "CA")
	c := newFolder(t).pair(ca.issue(t, "localhost"))
	looking, resume := make(chan bool), make(chan bool)
	slow := false // written before the first handshake
	s, err := tlsconf.NewServerAt(&c, new(recorder), func() time.Time {
		if slow {
			looking <- true
			<-resume
		}
		return time.Now()
	})
	if err != nil {
		t.Fatal(err)
	}
	slow = true
	done := make(chan outcome)
	go func() { done <- handshake(t, s.TLS(), ca.trusts("localhost")) }()
	<-looking
	accepted(t, handshake(t, s.TLS(), ca.trusts("localhost")))
	close(resume)
	accepted(t, <-done)
}
