package wire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/wire"
)

func TestDefaultOptions(t *testing.T) {
	want := wire.Options{Verbose: true, Pedantic: true, Echo: true}
	if diff := cmp.Diff(want, wire.DefaultOptions()); diff != "" {
		t.Error(diff)
	}
}

func TestConnectFields(t *testing.T) {
	o := wire.DefaultOptions()
	err := o.Decode([]byte(`{
		"verbose":false,"pedantic":false,"echo":false,"protocol":1,"headers":true,"no_responders":true,
		"user":"u","pass":"p","auth_token":"t","name":"n","lang":"go","version":"1.2.3",
		"tls_required":true,"nkey":"K","sig":"S","jwt":"J","account":"a","new_account":true}`))
	want := wire.Options{
		Protocol: 1, Headers: true, NoResponders: true,
		User: "u", Pass: "p", Token: "t", Name: "n", Lang: "go", Version: "1.2.3",
		TLSRequired: true, Nkey: "K", Sig: "S", JWT: "J", Account: "a", NewAccount: true,
	}
	if diff := cmp.Diff(want, o); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestConnectKeepsWhatIsAbsent(t *testing.T) {
	f := func(in string, change func(*wire.Options)) {
		t.Helper()
		start := wire.DefaultOptions()
		start.Headers, start.Protocol, start.User, start.Name = true, 1, "u", "n"
		want := start
		change(&want)
		got := start
		if err := got.Decode([]byte(in)); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
	nothing := func(*wire.Options) {}
	f(`{}`, nothing)
	f(` { } `, nothing)
	f(`null`, nothing)
	f(`{"verbose":null,"user":null,"protocol":null}`, nothing)
	f(`{"unknown":[1,{"verbose":false}],"import":{},"proxy_sig":"x"}`, nothing)
	f(`{"verbose":false}`, func(o *wire.Options) { o.Verbose = false })
	f(`{"VERBOSE":false,"Echo":false}`, func(o *wire.Options) { o.Verbose, o.Echo = false, false })
	f(`{"user":"","headers":false}`, func(o *wire.Options) { o.User, o.Headers = "", false })
	f(`{"name":"first","name":"last"}`, func(o *wire.Options) { o.Name = "last" })
	f(`{"protocol":-7}`, func(o *wire.Options) { o.Protocol = -7 })
	f(`{"name":"\u00e9\n\"世"}`, func(o *wire.Options) { o.Name = "é\n\"世" })
}

func TestConnectRefuses(t *testing.T) {
	for _, in := range []string{
		``, ` `, `x`, `{`, `{"verbose":true`, `{verbose:true}`, `{'verbose':true}`, `{"verbose":true,}`,
		`[]`, `[{}]`, `"x"`, `1`, `true`,
		`{} x`, `{}{}`, `{}]`,
		`{"verbose":"x"}`, `{"verbose":1}`, `{"echo":"true"}`, `{"pedantic":{}}`, `{"headers":0}`, `{"no_responders":[]}`,
		`{"protocol":"1"}`, `{"protocol":1.0}`, `{"protocol":1e0}`, `{"protocol":true}`, `{"protocol":99999999999999999999}`,
		`{"user":1}`, `{"pass":true}`, `{"auth_token":[]}`, `{"name":{}}`, `{"lang":0}`, `{"version":2}`,
		`{"tls_required":"no"}`, `{"nkey":1}`, `{"sig":1}`, `{"jwt":1}`, `{"account":1}`, `{"new_account":"x"}`,
	} {
		o := wire.DefaultOptions()
		if o.Decode([]byte(in)) == nil {
			t.Errorf("%q passes", in)
		}
	}
}

func TestValidInfo(t *testing.T) {
	f := func(in string, want bool) {
		t.Helper()
		if got := wire.ValidInfo([]byte(in)); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
	f(`{}`, true)
	f(`{"server_id":"x","any":[1,2,{}]}`, true)
	f(``, false)
	f(`{`, false)
	f(`{} x`, false)
	f(`[]`, false)
	f(`"x"`, false)
}
