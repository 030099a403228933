package auth_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/auth"
)

// hashed returns a bcrypt hash of secret with another version letter.
func hashed(t *testing.T, secret string, letter byte) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	h[2] = letter
	return string(h)
}

func TestAdmit(t *testing.T) {
	hash := func(secret string) string { return hashed(t, secret, 'a') }
	var (
		nobody   = auth.Credentials{}
		user     = auth.Credentials{User: "u"}
		both     = auth.Credentials{User: "u", Password: "p"}
		password = auth.Credentials{Password: "p"}
		token    = auth.Credentials{Token: "t"}
		all      = auth.Credentials{User: "u", Password: "p", Token: "t"}
	)
	wrong := []auth.Credentials{
		{User: "U", Password: "p"},
		{User: "u", Password: "P"},
		{User: "u", Password: "p "},
		{User: "u", Password: "pp"},
		{User: "p", Password: "u"},
		{Token: "T"},
		{Token: "tt"},
		{User: "t"},
		{Password: "t"},
		{User: "t", Password: "t"},
		{User: "u", Token: "p"},
	}
	everybody := append([]auth.Credentials{nobody, user, both, password, token, all}, wrong...)
	f := func(c auth.Config, admitted ...auth.Credentials) {
		t.Helper()
		d := auth.New(c)
		want := make(map[auth.Credentials]bool)
		for _, a := range admitted {
			want[a] = true
		}
		for _, who := range everybody {
			if got := d.Admit(who, never) != nil; got != want[who] {
				t.Errorf("%+v for %+v: %v", who, c, got)
			}
		}
	}
	f(auth.Config{}, everybody...)
	f(auth.Config{User: "u", Password: "p"}, both, all)
	f(auth.Config{User: "u", Password: hash("p")}, both, all)
	f(auth.Config{User: "u"}, user, auth.Credentials{User: "u", Token: "p"})
	f(auth.Config{Password: "p"}, password)
	f(auth.Config{Password: hash("p")}, password)
	f(auth.Config{Token: "t"}, token, all)
	f(auth.Config{Token: hash("t")}, token, all)
	// A token decides alone.
	f(auth.Config{User: "u", Password: "p", Token: "t"}, token, all)
	// A user name is never a hash.
	f(auth.Config{User: hash("u"), Password: "p"})
}

func TestHashIsNoPassword(t *testing.T) {
	h := hashed(t, "p", 'a')
	f := func(c auth.Config, who auth.Credentials) {
		t.Helper()
		if auth.New(c).Admit(who, never) != nil {
			t.Errorf("%+v admits %+v", c, who)
		}
	}
	f(auth.Config{User: "u", Password: h}, auth.Credentials{User: "u", Password: h})
	f(auth.Config{Token: h}, auth.Credentials{Token: h})
	f(auth.Config{Token: h}, auth.Credentials{})
}

func TestRequired(t *testing.T) {
	f := func(c auth.Config, want bool) {
		t.Helper()
		if got := auth.New(c).Required(); got != want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	f(auth.Config{}, false)
	f(auth.Config{User: "u"}, true)
	f(auth.Config{User: "u", Password: "p"}, true)
	f(auth.Config{Password: "p"}, true)
	f(auth.Config{Token: "t"}, true)
}

func TestWhatIsAHash(t *testing.T) {
	h := hashed(t, "p", 'a')
	// Whoever configures a hash is admitted with its password, whoever configures
	// anything else with that itself.
	f := func(configured string, hash bool) {
		t.Helper()
		d := auth.New(auth.Config{Token: configured})
		if got := d.Admit(auth.Credentials{Token: "p"}, never) != nil; got != hash {
			t.Errorf("%q with the password: %v", configured, got)
		}
		if got := d.Admit(auth.Credentials{Token: configured}, never) != nil; got == hash {
			t.Errorf("%q with itself: %v", configured, got)
		}
	}
	for _, letter := range "abxy" {
		f(strings.Replace(h, "$2a$", fmt.Sprintf("$2%c$", letter), 1), true)
	}
	f(strings.Replace(h, "$2a$", "$2c$", 1), false)
	f(strings.Replace(h, "$2a$", "$1a$", 1), false)
	f(strings.Replace(h, "$2a$", "$2$", 1), false)
	f(strings.Replace(h, "$2a$", "2a$", 1), false)
	f(strings.Replace(h, "$2a$04$", "$2a$4$", 1), false)
	f(strings.Replace(h, "$2a$04$", "$2a$x4$", 1), false)
	f(strings.Replace(h, "$2a$04$", "$2a$0x$", 1), false)
	f(strings.Replace(h, "$2a$04$", "$2a$04", 1), false)
	f(" "+h, false)
	f("$2a$", false)
	f("$2a$04", false)
	f("$", false)
}

// What begins like a hash but is damaged admits nobody, not even with itself.
func TestDamagedHashAdmitsNobody(t *testing.T) {
	for _, h := range []string{"$2a$04$", "$2a$04$short", "$2a$99$" + strings.Repeat("x", 53)} {
		d := auth.New(auth.Config{Token: h})
		for _, given := range []string{"", "p", h} {
			if d.Admit(auth.Credentials{Token: given}, never) != nil {
				t.Errorf("%q admits %q", h, given)
			}
		}
	}
}

func TestAdmitFromManyGoroutines(t *testing.T) {
	d := auth.New(auth.Config{User: "u", Password: hashed(t, "p", 'a')})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			who := auth.Credentials{User: "u", Password: "p"}
			if i%2 == 1 {
				who.Password = "wrong"
			}
			if got := d.Admit(who, never) != nil; got != (i%2 == 0) {
				t.Errorf("%+v: %v", who, got)
			}
		})
	}
	wg.Wait()
}

func never(bool) bool { return false }
