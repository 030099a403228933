package auth_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"nats-server/internal/auth"
)

func users(list ...string) (all []auth.User) {
	for i := 0; i < len(list); i += 2 {
		all = append(all, auth.User{Name: list[i], Password: list[i+1]})
	}
	return all
}

func TestUsers(t *testing.T) {
	h := hashed(t, "p", 'a')
	everybody := []auth.Credentials{
		{},
		{User: "u"}, {User: "w"}, {Password: "p"},
		{User: "u", Password: "p"}, {User: "u", Password: "q"}, {User: "u", Password: h},
		{User: "v", Password: "p"}, {User: "v", Password: "q"},
		{User: "w", Password: "p"}, {User: "U", Password: "p"},
		{Token: "p"}, {Token: "t"},
		{User: "u", Token: "p"}, {User: "u", Password: "p", Token: "t"},
	}
	f := func(c auth.Config, admitted ...auth.Credentials) {
		t.Helper()
		d := auth.New(c)
		if !d.Required() {
			t.Errorf("%+v: nothing is required", c)
		}
		want := make(map[auth.Credentials]bool)
		for _, a := range admitted {
			want[a] = true
		}
		for _, who := range append(everybody, admitted...) { // what is remembered changes nothing
			if got := d.Admit(who, never) != nil; got != want[who] {
				t.Errorf("%+v for %+v: %v", who, c, got)
			}
		}
	}
	var (
		up  = auth.Credentials{User: "u", Password: "p"}
		upt = auth.Credentials{User: "u", Password: "p", Token: "t"}
		vq  = auth.Credentials{User: "v", Password: "q"}
	)
	f(auth.Config{Users: users("u", "p")}, up, upt)
	f(auth.Config{Users: users("u", h)}, up, upt)
	f(auth.Config{Users: users("u", "p", "v", "q")}, up, upt, vq)
	f(auth.Config{Users: users("u", h, "v", "q")}, up, upt, vq)
	f(auth.Config{Users: users("u", "p", "v", hashed(t, "q", 'b'))}, up, upt, vq)
	f(auth.Config{Users: users("u", "")}, auth.Credentials{User: "u"}, auth.Credentials{User: "u", Token: "p"})
	// A list decides about who gives a name, a token about the others.
	f(auth.Config{Token: "t", Users: users("u", "p")}, up, upt, auth.Credentials{Token: "t"})
	f(auth.Config{Token: "t", Users: users()}, upt, auth.Credentials{Token: "t"})
	f(auth.Config{User: "v", Password: "q", Users: users("u", "p")}, up, upt)
}

func TestRequiredWithUsers(t *testing.T) {
	f := func(c auth.Config, want bool) {
		t.Helper()
		for _, d := range []*auth.Directory{auth.New(c), auth.New(auth.Config{}).Next(c), auth.New(auth.Config{Token: "t"}).Next(c)} {
			if got := d.Required(); got != want {
				t.Errorf("%+v: %v", c, got)
			}
		}
	}
	f(auth.Config{}, false)
	f(auth.Config{Users: nil}, false)
	f(auth.Config{Users: users()}, false)
	f(auth.Config{Users: users("u", "")}, true)
	f(auth.Config{Token: "t"}, true)
	f(auth.Config{User: "u"}, true)
}

// The list belongs to the caller, who may go on to change it.
func TestUsersAreCopied(t *testing.T) {
	m := users("u", "p")
	d := auth.New(auth.Config{Users: m})
	m[0].Password = "x"
	f := func(user, password string, want bool) {
		t.Helper()
		if got := d.Admit(auth.Credentials{User: user, Password: password}, never) != nil; got != want {
			t.Errorf("%s with %s: %v", user, password, got)
		}
	}
	f("u", "p", true)
	f("u", "x", false)
	f("v", "x", false)
}

// counted admits and returns how many hashes were about to be computed for it.
func counted(d *auth.Directory, c auth.Credentials) (admitted bool, hashes int) {
	admitted = d.Admit(c, func(bool) bool { hashes++; return false }) != nil
	return admitted, hashes
}

// What is proven by a hash is known to the next directory if the hash is the same,
// and to no other secret.
func TestNextRemembersWhatIsProven(t *testing.T) {
	h, again := hashed(t, "p", 'a'), hashed(t, "p", 'a')
	up, tp := auth.Credentials{User: "u", Password: "p"}, auth.Credentials{Token: "p"}
	f := func(name string, before, after auth.Config, who auth.Credentials, admitted bool, hashes int) {
		t.Helper()
		d := auth.New(before)
		if ok, n := counted(d, who); !ok || n != 1 {
			t.Fatalf("%s: at first: %v, %d hashes", name, ok, n)
		}
		if ok, n := counted(d, who); !ok || n != 0 {
			t.Errorf("%s: proven: %v, %d hashes", name, ok, n)
		}
		next := d.Next(after)
		if ok, n := counted(next, who); ok != admitted || n != hashes {
			t.Errorf("%s: %v, %d hashes, want %v, %d", name, ok, n, admitted, hashes)
		}
		// The one before is not changed by that.
		if ok, n := counted(d, who); !ok || n != 0 {
			t.Errorf("%s: the old one: %v, %d hashes", name, ok, n)
		}
		if next.Required() && next.Admit(auth.Credentials{User: who.User, Password: "P", Token: "P"}, never) != nil {
			t.Errorf("%s: another secret is admitted", name)
		}
	}
	one := auth.Config{Users: users("u", h)}
	f("the same", one, one, up, true, 0)
	f("another user", one, auth.Config{Users: users("u", h, "v", again)}, up, true, 0)
	f("a single user", one, auth.Config{User: "u", Password: h}, up, true, 0)
	f("from a single user", auth.Config{User: "u", Password: h}, one, up, true, 0)
	f("another hash", one, auth.Config{Users: users("u", again)}, up, true, 1)
	f("another password", one, auth.Config{Users: users("u", hashed(t, "P2", 'a'))}, up, false, 1)
	f("in clear", one, auth.Config{Users: users("u", "p")}, up, true, 0)
	f("in clear, another", one, auth.Config{Users: users("u", "q")}, up, false, 0)
	f("the user is gone", one, auth.Config{Users: users("v", "p")}, up, false, 0)
	f("everybody", one, auth.Config{}, up, true, 0)
	f("the same token", auth.Config{Token: h}, auth.Config{Token: h}, tp, true, 0)
	f("another hash of the token", auth.Config{Token: h}, auth.Config{Token: again}, tp, true, 1)
	f("no token any more", auth.Config{Token: h}, one, tp, false, 0)
}

// Nothing is remembered of what was wrong, by whichever directory.
func TestNextRemembersNoGuesses(t *testing.T) {
	h := hashed(t, "p", 'a')
	d := auth.New(auth.Config{Users: users("u", h)})
	for range 3 {
		for _, who := range []auth.Credentials{{User: "u", Password: "x"}, {User: "x", Password: "x"}} {
			if ok, n := counted(d, who); ok || n != 1 {
				t.Errorf("%+v: %v, %d hashes", who, ok, n)
			}
		}
		d = d.Next(auth.Config{Users: users("u", h)})
	}
}

// A peer that has left costs no hash, and is not taken for admitted.
func TestGone(t *testing.T) {
	d := auth.New(auth.Config{Users: users("u", hashed(t, "p", 'a'))})
	who := auth.Credentials{User: "u", Password: "p"}
	if d.Admit(who, func(bool) bool { return true }) != nil {
		t.Error("one who has left is admitted")
	}
	if ok, n := counted(d, who); !ok || n != 1 {
		t.Errorf("then: %v, %d hashes", ok, n)
	}
}

// A directory and those that follow it compute one hash at a time, all together.
func TestOneHashAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := auth.New(auth.Config{Users: users("u", hashed(t, "p", 'a'))})
		next := d.Next(auth.Config{Users: users("v", hashed(t, "p", 'a'))})
		free := make(chan struct{})
		go d.Admit(auth.Credentials{User: "u"}, func(bool) bool {
			<-free
			return true
		})
		synctest.Wait()
		var begun atomic.Int32
		for range 4 {
			go next.Admit(auth.Credentials{User: "v"}, func(bool) bool {
				begun.Add(1)
				return true
			})
		}
		synctest.Wait()
		if n := begun.Load(); n != 0 {
			t.Errorf("%d hashes are computed beside another one", n)
		}
		// Secrets in clear do not wait for it.
		if d.Next(auth.Config{Token: "t"}).Admit(auth.Credentials{Token: "t"}, never) == nil {
			t.Error("a token is not admitted")
		}
		close(free)
		synctest.Wait()
		if n := begun.Load(); n != 4 {
			t.Errorf("then %d hashes are computed", n)
		}
	})
}

func TestPlainPassword(t *testing.T) {
	h := hashed(t, "p", 'a')
	f := func(c auth.Config, want bool) {
		t.Helper()
		if got := auth.New(c).PlainPassword(); got != want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	f(auth.Config{}, false)
	f(auth.Config{Users: users()}, false)
	f(auth.Config{Users: users("u", h)}, false)
	f(auth.Config{Users: users("u", h, "v", "q")}, true)
	f(auth.Config{Users: users("u", "")}, false)
	f(auth.Config{User: "u", Password: "p"}, true)
	f(auth.Config{User: "u", Password: h}, false)
}

// Directories follow each other while everybody asks them.
func TestNextBesideAdmit(t *testing.T) {
	h := hashed(t, "p", 'a')
	d := auth.New(auth.Config{Users: users("u", h)})
	var all sync.WaitGroup
	for i := range 6 {
		current := d
		for range 3 {
			all.Go(func() {
				if nil == current.Admit(auth.Credentials{User: "u", Password: "p"}, never) {
					t.Error("u is not admitted")
				}
				if current.Admit(auth.Credentials{User: "u", Password: "x"}, never) != nil {
					t.Error("a wrong password is admitted")
				}
			})
		}
		d = d.Next(auth.Config{Users: users("u", h, fmt.Sprint(i), "x")})
	}
	all.Wait()
}
