package auth_test

import (
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"nats-server/internal/auth"
	"nats-server/internal/perms"
)

// The test vector of spec: accounts-and-auth 1.6.
const (
	vectorSeed  = "SUAEI7QUWZTFLSXDFAVIPRETIMIX6DXPDATPPSTIYAPXXT7WXARDVN5USM"
	vectorKey   = "UBPP6TXOMCGWGAM5TNQA6WXDYBOEOO4CGLKNQULKOJ2774ZCT4DUEZ5V"
	vectorNonce = "5vj6io187Lfz7JU"
	vectorSig   = "A-MDrmNBdVIvJBfF2ClGzBLH8Xj_rcTT6ZnCIjx9I5J_Mbh_nlxtp5wJVCg_--aOexct1O3dLV97Sxq2Dn2eCg"
)

// who says who is admitted: "nobody", or how the identity is logged.
func who(d *auth.Directory, c auth.Credentials) string {
	id := d.Admit(c, never)
	if id == nil {
		return "nobody"
	}
	return id.String()
}

func TestSignatures(t *testing.T) {
	d := auth.New(auth.Config{Users: []auth.User{{Nkey: vectorKey}}})
	f := func(nkey, nonce, sig string, want bool) {
		t.Helper()
		c := auth.Credentials{Nkey: nkey, Nonce: nonce, Signature: sig}
		if got := who(d, c) == "nkey:"+vectorKey; got != want {
			t.Errorf("%+v is admitted: %v", c, got)
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(vectorSig)
	if err != nil {
		t.Fatal(err)
	}
	f(vectorKey, vectorNonce, vectorSig, true)
	f(vectorKey, vectorNonce, base64.StdEncoding.EncodeToString(raw), true)
	f(vectorKey, vectorNonce, "", false)
	f(vectorKey, vectorNonce, " "+vectorSig, false)
	f(vectorKey, vectorNonce, vectorSig[:len(vectorSig)-4], false)
	f(vectorKey, vectorNonce, vectorSig+"AAAA", false)
	f(vectorKey, vectorNonce, "B"+vectorSig[1:], false)
	f(vectorKey, "5vj6io187Lfz7JV", vectorSig, false)
	f(vectorKey, "", vectorSig, false)
	f(strings.ToLower(vectorKey), vectorNonce, vectorSig, false)
	f("", vectorNonce, vectorSig, false)
	f(vectorSeed, vectorNonce, vectorSig, false)

	// Nothing was given to be signed, so nothing can have been.
	pair, err := nkeys.FromSeed([]byte(vectorSeed))
	if err != nil {
		t.Fatal(err)
	}
	empty, err := pair.Sign(nil)
	if err != nil {
		t.Fatal(err)
	}
	f(vectorKey, "", base64.RawURLEncoding.EncodeToString(empty), false)
}

// An identity is what the configuration says of the one who was admitted.
func TestIdentity(t *testing.T) {
	p, err := (&perms.Config{Publish: &perms.Rules{Allow: []string{"x"}}}).Compile()
	if err != nil {
		t.Fatal(err)
	}
	signed := auth.Credentials{Nkey: vectorKey, Nonce: vectorNonce, Signature: vectorSig}
	list := []auth.User{{Name: "u", Password: "p", Permissions: p}, {Name: "free"}, {Nkey: vectorKey, Permissions: p}}
	f := func(cfg auth.Config, c auth.Credentials, want auth.Identity) {
		t.Helper()
		id := auth.New(cfg).Admit(c, never)
		if id == nil {
			t.Errorf("%+v is not admitted", c)
		} else if id.Kind != want.Kind || id.Name != want.Name || id.Listed != want.Listed || id.Permissions != want.Permissions {
			t.Errorf("%+v is %+v, want %+v", c, id, want)
		}
	}
	f(auth.Config{Users: list}, auth.Credentials{User: "u", Password: "p"}, auth.Identity{Kind: auth.ByName, Name: "u", Listed: true, Permissions: p})
	f(auth.Config{Users: list}, auth.Credentials{User: "free"}, auth.Identity{Kind: auth.ByName, Name: "free", Listed: true})
	f(auth.Config{Users: list}, signed, auth.Identity{Kind: auth.ByNkey, Name: vectorKey, Listed: true, Permissions: p})
	f(auth.Config{Users: list, NoAuthUser: "u"}, auth.Credentials{}, auth.Identity{Kind: auth.ByName, Name: "u", Listed: true, Permissions: p})
	f(auth.Config{Users: list, NoAuthUser: vectorKey}, auth.Credentials{}, auth.Identity{Kind: auth.ByNkey, Name: vectorKey, Listed: true, Permissions: p})
	f(auth.Config{User: "u", Password: "p"}, auth.Credentials{User: "u", Password: "p"}, auth.Identity{Kind: auth.ByName, Name: "u"})
	f(auth.Config{Token: "t"}, auth.Credentials{User: "u", Token: "t"}, auth.Identity{Kind: auth.ByToken})
	f(auth.Config{}, auth.Credentials{User: "u", Nkey: vectorKey}, auth.Identity{})
}

// Which part of the configuration decides (spec: accounts-and-auth 1.2).
func TestOrderOfAdmission(t *testing.T) {
	var (
		nkey   = auth.User{Nkey: vectorKey}
		user   = auth.User{Name: "u", Password: "p"}
		noName = auth.Credentials{}
		byKey  = auth.Credentials{Nkey: vectorKey, Nonce: vectorNonce, Signature: vectorSig}
	)
	with := func(c auth.Credentials, user, password, token string) auth.Credentials {
		c.User, c.Password, c.Token = user, password, token
		return c
	}
	unsigned, stranger := auth.Credentials{Nkey: vectorKey}, auth.Credentials{Nkey: "UABC"}
	f := func(cfg auth.Config, c auth.Credentials, want string) {
		t.Helper()
		if got := who(auth.New(cfg), c); got != want {
			t.Errorf("%+v with %+v: %s, want %s", c, cfg, got, want)
		}
	}
	// An nkey decides where there are some, and what else is presented does not count.
	all := auth.Config{Users: []auth.User{user, nkey}, Token: "t", User: "single", Password: "p"}
	f(all, byKey, "nkey:"+vectorKey)
	f(all, with(byKey, "u", "wrong", "wrong"), "nkey:"+vectorKey)
	f(all, with(unsigned, "u", "p", "t"), "nobody")
	f(all, with(stranger, "u", "p", "t"), "nobody")
	f(auth.Config{Users: []auth.User{user}}, with(stranger, "u", "p", ""), "user:u")
	f(auth.Config{Token: "t"}, with(unsigned, "", "", "t"), "token")
	f(auth.Config{}, stranger, "")
	// Then a name, where there are some.
	f(all, with(noName, "u", "p", "t"), "user:u")
	f(all, with(noName, "u", "wrong", "t"), "nobody")
	f(all, with(noName, "single", "p", "t"), "nobody")
	f(auth.Config{Users: []auth.User{nkey}, Token: "t"}, with(noName, "u", "p", "t"), "token")
	f(auth.Config{Users: []auth.User{nkey}, User: "u", Password: "p"}, with(noName, "u", "p", ""), "user:u")
	f(auth.Config{Users: []auth.User{nkey}}, with(noName, "u", "p", "t"), "nobody")
	// Then the token, or else the single user.
	f(all, with(noName, "", "", "t"), "token")
	f(all, with(noName, "", "p", "t"), "token")
	f(all, with(noName, "", "p", ""), "nobody")
	f(auth.Config{Token: "t", User: "u", Password: "p"}, with(noName, "u", "p", ""), "nobody")
	f(auth.Config{Users: []auth.User{user}, User: "single", Password: "p"}, with(noName, "single", "p", ""), "nobody")
	// The one who stands for those without credentials.
	for _, id := range []string{"u", vectorKey} {
		want := map[string]string{"u": "user:u", vectorKey: "nkey:" + vectorKey}[id]
		guest := auth.Config{Users: []auth.User{user, nkey}, NoAuthUser: id, Token: "t"}
		f(guest, noName, want)
		f(guest, auth.Credentials{Nonce: "x", Signature: "x"}, want)
		f(guest, byKey, "nkey:"+vectorKey)
		f(guest, unsigned, "nobody")
		f(guest, stranger, "nobody")
		f(guest, with(noName, "u", "", ""), "nobody")
		f(guest, with(noName, "", "p", ""), "nobody")
		f(guest, with(noName, "", "", "t"), "token")
		f(guest, with(noName, "", "", "x"), "nobody")
	}
	f(auth.Config{Users: []auth.User{user}, NoAuthUser: "u"}, stranger, "user:u")
	f(auth.Config{Users: []auth.User{user}, NoAuthUser: "other"}, noName, "nobody")
}

func TestTypesOfConnections(t *testing.T) {
	f := func(types []string, standard, inProcess bool) {
		t.Helper()
		cfg := auth.Config{Users: []auth.User{
			{Name: "u", Password: "p", Types: types}, {Nkey: vectorKey, Types: types},
		}}
		for kind, want := range map[string]bool{auth.Standard: standard, auth.InProcess: inProcess} {
			for _, noAuth := range []string{"", "u", vectorKey} {
				cfg.NoAuthUser = noAuth
				d := auth.New(cfg)
				if got := who(d, auth.Credentials{Type: kind, User: "u", Password: "p"}) != "nobody"; got != want {
					t.Errorf("%q: a user on %s: %v", types, kind, got)
				}
				if got := who(d, auth.Credentials{Type: kind, Nkey: vectorKey, Nonce: vectorNonce, Signature: vectorSig}) != "nobody"; got != want {
					t.Errorf("%q: an nkey on %s: %v", types, kind, got)
				}
				if got := who(d, auth.Credentials{Type: kind}) != "nobody"; got != (want && noAuth != "") {
					t.Errorf("%q: nobody, who may be %q, on %s: %v", types, noAuth, kind, got)
				}
			}
		}
	}
	f(nil, true, true)
	f([]string{}, true, true)
	f([]string{auth.Standard}, true, false)
	f([]string{"WEBSOCKET", auth.InProcess}, false, true)
	f([]string{auth.InProcess, auth.Standard}, true, true)
	f([]string{"WEBSOCKET"}, false, false)
}

// What peers are told, and asked.
func TestWhatADirectoryAsks(t *testing.T) {
	user, nkey := auth.User{Name: "u"}, auth.User{Nkey: vectorKey}
	f := func(cfg auth.Config, required, announced, challenges, silent bool, lists ...string) {
		t.Helper()
		for _, d := range []*auth.Directory{auth.New(cfg), auth.New(auth.Config{Token: "t", Users: []auth.User{{Name: "x"}}}).Next(cfg)} {
			got := []bool{d.Required(), d.Announced(), d.Challenges(), d.Silent()}
			if want := []bool{required, announced, challenges, silent}; !slices.Equal(got, want) {
				t.Errorf("%+v: required, announced, challenges, silent: %v, want %v", cfg, got, want)
			}
			for _, name := range []string{"u", vectorKey, "x", "single", ""} {
				if got, want := d.Lists(name), slices.Contains(lists, name); got != want {
					t.Errorf("%+v lists %q: %v", cfg, name, got)
				}
			}
		}
	}
	f(auth.Config{}, false, false, false, false)
	f(auth.Config{Users: []auth.User{}}, false, false, false, false)
	f(auth.Config{NoAuthUser: "u"}, false, false, false, false)
	f(auth.Config{Token: "t"}, true, true, false, false)
	f(auth.Config{User: "single"}, true, true, false, false)
	f(auth.Config{Users: []auth.User{user}}, true, true, false, false, "u")
	f(auth.Config{Users: []auth.User{nkey}}, true, true, true, false, vectorKey)
	f(auth.Config{Users: []auth.User{user, nkey}}, true, true, true, false, "u", vectorKey)
	f(auth.Config{Users: []auth.User{user, nkey}, NoAuthUser: "u"}, true, false, true, true, "u", vectorKey)
	f(auth.Config{Users: []auth.User{user, nkey}, NoAuthUser: vectorKey}, true, false, true, false, "u", vectorKey)
	f(auth.Config{Users: []auth.User{user}, NoAuthUser: "other"}, true, true, false, false, "u")
}

// What is proven stays so when all else about the user changes.
func TestNextKeepsProofs(t *testing.T) {
	h := hashed(t, "p", 'b')
	c := auth.Credentials{User: "u", Password: "p", Type: auth.Standard}
	d := auth.New(auth.Config{Users: []auth.User{{Name: "u", Password: h}}})
	if ok, n := counted(d, c); !ok || n != 1 {
		t.Fatalf("at first: %v, %d hashes", ok, n)
	}
	p, err := (&perms.Config{}).Compile()
	if err != nil {
		t.Fatal(err)
	}
	next := d.Next(auth.Config{NoAuthUser: "u", Users: []auth.User{{Nkey: vectorKey}, {Name: "u", Password: h, Permissions: p, Types: []string{auth.Standard}}}})
	if ok, n := counted(next, c); !ok || n != 0 {
		t.Errorf("then: %v, %d hashes", ok, n)
	}
	if id := next.Admit(c, never); id == nil || id.Permissions != p {
		t.Errorf("the permissions are not those of the new directory: %+v", id)
	}
	c.Type = auth.InProcess
	if ok, _ := counted(next, c); ok {
		t.Error("a proof stands for the type of connection")
	}
}

// Certificates say who a peer is, where they do, and a password has to fit as well.
func TestMappedCertificates(t *testing.T) {
	cert := new(x509.Certificate)
	var asked [][]string
	var found string
	cfg := auth.Config{
		Token: "t",
		Users: []auth.User{
			{Name: "a"}, {Name: "b", Password: "p"}, {Name: "c", Types: []string{auth.InProcess}}, {Nkey: vectorKey},
		},
		MapCertificate: func(names []string) auth.CertificateMap {
			asked = append(asked, slices.Sorted(slices.Values(names)))
			return func(c *x509.Certificate, usable func(string) bool) (string, bool) {
				if c != cert {
					t.Error("another certificate is to be mapped")
				}
				for name, want := range map[string]bool{"a": true, "b": true, "c": false, "d": false, vectorKey: false, "": false} {
					if usable(name) != want {
						t.Errorf("%q may be used: %v", name, !want)
					}
				}
				return found, found != ""
			}
		},
	}
	d := auth.New(cfg)
	f := func(mapped string, c auth.Credentials, want string) {
		t.Helper()
		found, c.Type = mapped, auth.Standard
		if got := who(d, c); got != want {
			t.Errorf("%+v, mapped to %q: %s, want %s", c, mapped, got, want)
		}
	}
	f("a", auth.Credentials{Certificate: cert}, "user:a")
	f("a", auth.Credentials{Certificate: cert, User: "b"}, "user:a")
	f("a", auth.Credentials{Certificate: cert, User: "a", Token: "x"}, "user:a")
	f("a", auth.Credentials{Certificate: cert, Password: "p"}, "nobody")
	f("b", auth.Credentials{Certificate: cert}, "nobody")
	f("b", auth.Credentials{Certificate: cert, Password: "p"}, "user:b")
	// No certificate, or one of nobody, is the end, whatever else is presented.
	f("", auth.Credentials{Certificate: cert, User: "a"}, "nobody")
	f("", auth.Credentials{Certificate: cert, User: "b", Password: "p", Token: "t"}, "nobody")
	f("a", auth.Credentials{User: "a"}, "nobody")
	f("a", auth.Credentials{Token: "t"}, "nobody")
	f("a", auth.Credentials{}, "nobody")
	// But for an nkey.
	f("a", auth.Credentials{Certificate: cert, Nkey: vectorKey, Nonce: vectorNonce, Signature: vectorSig}, "nkey:"+vectorKey)
	f("a", auth.Credentials{Certificate: cert, Nkey: vectorKey}, "nobody")
	if want := []string{"a", "b", "c"}; len(asked) != 1 || !slices.Equal(asked[0], want) {
		t.Errorf("the map is made of %q, want once %q", asked, want)
	}

	// The nkey of nobody in particular comes before certificates, its name after them.
	cfg.NoAuthUser = vectorKey
	d = auth.New(cfg)
	f("a", auth.Credentials{Certificate: cert}, "nkey:"+vectorKey)
	f("a", auth.Credentials{Certificate: cert, User: "a"}, "user:a")
	cfg.NoAuthUser = "a"
	d = auth.New(cfg)
	f("", auth.Credentials{Certificate: cert}, "nobody")
	cfg.NoAuthUser, asked = "", asked[:1]
	// Without a list of users any certificate will do, and none.
	cfg.Users = []auth.User{{Nkey: vectorKey}}
	d = auth.New(cfg)
	f("a", auth.Credentials{Certificate: cert, Token: "t"}, "token")
	if len(asked) != 1 {
		t.Errorf("a map is made for no users: %q", asked)
	}
}
