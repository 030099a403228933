package auth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"nats-server/internal/auth"
	"nats-server/internal/perms"
)

// asker is an Authenticator, two of which may be the same.
type asker struct {
	answer func(context.Context, *auth.Login) (*auth.Grant, error)
}

func (a *asker) Authenticate(ctx context.Context, l *auth.Login) (*auth.Grant, error) {
	return a.answer(ctx, l)
}

// decided is an Authenticator that can not be compared.
type decided []string

func (decided) Authenticate(context.Context, *auth.Login) (*auth.Grant, error) {
	return &auth.Grant{}, nil
}

func TestCustom(t *testing.T) {
	var refused error
	f := func(g *auth.Grant, err error, want, reason string) *auth.Identity {
		t.Helper()
		refused = nil
		var seen *auth.Login
		d := auth.New(auth.Config{
			Users: []auth.User{{Name: "u"}}, NoAuthUser: "u", Token: "t", // do not count
			Custom: &asker{func(_ context.Context, l *auth.Login) (*auth.Grant, error) { seen = l; return g, err }},
		})
		q := &auth.Question{Login: auth.Login{User: "u"}, Refused: func(err error) { refused = err }}
		id := d.Admit(auth.Credentials{Asked: q}, never)
		got := "refused"
		if id != nil {
			got = id.Account + "/" + id.String()
		}
		if got != want || refused != nil && refused.Error() != reason || refused == nil && reason != "" || seen != &q.Login {
			t.Errorf("%v %v: %s %v, want %s %s", g, err, got, refused, want, reason)
		}
		if !d.Required() || !d.Announced() || !d.Asks() || !d.Challenges() || d.Silent() {
			t.Error("clients are not told to introduce themselves")
		}
		return id
	}
	f(nil, errors.New("no"), "refused", "no")
	f(&auth.Grant{User: "x"}, errors.New("no"), "refused", "no")
	f(nil, nil, "refused", "the Authenticator returned neither a Grant nor an error")
	f(&auth.Grant{}, nil, "/", "")
	f(&auth.Grant{Account: "A", User: "x"}, nil, "A/user:x", "")
	id := f(&auth.Grant{User: "x", Permissions: &perms.Config{Publish: &perms.Rules{Allow: []string{"a"}}}}, nil, "/user:x", "")
	if !id.Permissions.MayPublish([]byte("a")) || id.Permissions.MayPublish([]byte("b")) {
		t.Error("permissions are not those granted")
	}
	f(&auth.Grant{User: "x", Permissions: &perms.Config{Publish: &perms.Rules{Allow: []string{"a..b"}}}}, nil,
		"refused", `invalid permissions for user "x": subject "a..b" is not a valid subject`)
}

// The word of an Authenticator holds as long as it is in force.
func TestVouches(t *testing.T) {
	f := func(a, b auth.Authenticator, want bool) {
		t.Helper()
		d := auth.New(auth.Config{Custom: a})
		id := d.Admit(auth.Credentials{Asked: new(auth.Question)}, never)
		if next := d.Next(auth.Config{Custom: b}); !d.Vouches(id) || next.Vouches(id) != want {
			t.Errorf("%T, %T: %v, want %v", a, b, !want, want)
		}
	}
	yes := func(context.Context, *auth.Login) (*auth.Grant, error) { return &auth.Grant{}, nil }
	a, b := &asker{yes}, &asker{yes}
	f(a, a, true)
	f(a, b, false)
	f(a, nil, false)
	f(decided{}, decided{}, false)
	if auth.New(auth.Config{}).Vouches(new(auth.Identity)) {
		t.Error("vouches for somebody without being asked")
	}
}

// An Authenticator is told when the client does not wait any more.
func TestCustomIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := auth.New(auth.Config{Custom: &asker{func(ctx context.Context, _ *auth.Login) (*auth.Grant, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}})
		var refused error
		began := time.Now()
		q := &auth.Question{Refused: func(err error) { refused = err }}
		id := d.Admit(auth.Credentials{Asked: q}, func(bool) bool { return time.Since(began) > 3*time.Second })
		if took := time.Since(began); id != nil || refused != context.Canceled || took > 4*time.Second {
			t.Errorf("%v %v after %v", id, refused, took)
		}
	})
}

func TestVerifyNkey(t *testing.T) {
	f := func(key, nonce, sig string, want bool) {
		t.Helper()
		l := auth.Login{Nkey: key, Nonce: nonce, Signature: sig}
		if l.VerifyNkey() != want {
			t.Errorf("%+v: %v", l, !want)
		}
	}
	// spec: accounts-and-auth 1.6
	const key, nonce = "UBPP6TXOMCGWGAM5TNQA6WXDYBOEOO4CGLKNQULKOJ2774ZCT4DUEZ5V", "5vj6io187Lfz7JU"
	const sig = "A-MDrmNBdVIvJBfF2ClGzBLH8Xj_rcTT6ZnCIjx9I5J_Mbh_nlxtp5wJVCg_--aOexct1O3dLV97Sxq2Dn2eCg"
	f(key, nonce, sig, true)
	f(key, nonce, "", false)
	f(key, "another", sig, false)
	f("", nonce, sig, false)
}

// Users of the system account alone are no reason to shut others out.
func TestOpen(t *testing.T) {
	d := auth.New(auth.Config{Users: []auth.User{{Name: "admin", Password: "p", Account: "$SYS"}}, Open: true})
	f := func(c auth.Credentials, want string) {
		t.Helper()
		got := "refused"
		if id := d.Admit(c, never); id != nil {
			got = id.Account + "/" + id.String()
		}
		if got != want {
			t.Errorf("%+v: %s, want %s", c, got, want)
		}
	}
	f(auth.Credentials{}, "/")
	f(auth.Credentials{User: "admin", Password: "p"}, "$SYS/user:admin")
	f(auth.Credentials{User: "admin"}, "refused")
	f(auth.Credentials{User: "x"}, "refused")
	f(auth.Credentials{Password: "p"}, "refused")
	f(auth.Credentials{Token: "p"}, "refused")
	if !d.Announced() || !d.Silent() {
		t.Error("not as spec: accounts-and-auth 3.3")
	}
}

// Who seems gone after having waited does not cost a hash, but who did not wait does.
func TestGoneWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := auth.New(auth.Config{User: "u", Password: "$2a$04$d5To1/UAGmMpQKshR/ctGu8YXf1ykW6nfmyRpIfoQxYT8S5WMVuo."})
		right := auth.Credentials{User: "u", Password: "s3cr3t"}
		seemsGone := func(waited bool) bool { return waited }
		free := make(chan struct{})
		go d.Admit(auth.Credentials{User: "u", Password: "x"}, func(bool) bool { <-free; return true })
		synctest.Wait()
		answer := make(chan *auth.Identity)
		go func() { answer <- d.Admit(right, seemsGone) }()
		synctest.Wait()
		close(free)
		if id := <-answer; id != nil {
			t.Error("one that had waited got in")
		}
		if d.Admit(right, seemsGone) == nil {
			t.Error("one that had not waited did not get in")
		}
	})
}
