package tlsconf_test

import (
	"strings"
	"testing"

	"nats-server/internal/tlsconf"
)

func TestParseDN(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got, _, ok := tlsconf.CanonicalDN(in)
		if !ok || got != want {
			t.Errorf("%q: got %q, %t, want %q", in, got, ok, want)
		}
	}
	f("CN=joe", `CN="joe"`)
	f("cn=joe, ou=Unit,o=Org", `CN="joe",OU="Unit",O="Org"`)
	f("  CN  =  joe smith  ,  O = Org ", `CN="joe smith",O="Org"`)
	f("CN=", `CN=""`)
	f("CN= ,O=Org", `CN="",O="Org"`)
	f("CN=a=b", `CN="a=b"`)
	f("CN=a#b", `CN="a#b"`)

	// Several attributes in one part, in any order.
	f("OU=Unit+CN=joe,O=Org", `CN="joe"+OU="Unit",O="Org"`)
	f("CN=joe + OU=Unit, O=Org", `CN="joe"+OU="Unit",O="Org"`)
	f("OU=b+OU=a", `OU="a"+OU="b"`)

	// Escapes.
	f(`CN=a\,b\+c\=d`, `CN="a,b+c=d"`)
	f(`CN=\ a\ \ `, `CN=" a  "`)
	f(`CN=\20 a `, `CN="  a"`)
	f(`CN=a\20`, `CN="a "`)
	f(`CN=\#1`, `CN="#1"`)
	f(`CN=\"\;\<\>\\`, `CN="\";<>\\"`)
	f(`CN=J\c3\B6rg`, `CN="J`+"\u00f6"+`rg"`)
	f(`CN=\FF`, `CN="\xff"`)
	f(`CN=\00`, `CN="\x00"`)

	// A quoted value cannot be mistaken for two parts.
	f(`CN=a\"\,O=\"b`, `CN="a\",O=\"b"`)
}

func TestNoDN(t *testing.T) {
	f := func(in string) {
		t.Helper()
		if got, _, ok := tlsconf.CanonicalDN(in); ok {
			t.Errorf("%q is taken for %s", in, got)
		}
	}
	f("")
	f("joe")
	f("joe@x.com")
	f("=joe")
	f(" =joe")
	f("CN=joe,")
	f("CN=joe,O")
	f("CN=joe+")
	f(",CN=joe")
	f("CN=joe,,O=Org")
	f("1CN=joe")
	f("2.5.4.3=joe")
	f("C N=joe")
	f("C\u00e9=joe")
	f("CN=#04024869")
	f("CN= #04024869")
	f(`CN=joe\`)
	f(`CN=joe\4`)
	f(`CN=joe\4g`)
	f(`CN=joe\n`)
	f(`CN="joe"`)
	f("CN=joe;O=Org")
	f("CN=<joe>")
	f("CN=joe\x00")
	f("CN=" + strings.Repeat("x", 5000))
}

func TestOrderOfDN(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		_, x, okX := tlsconf.CanonicalDN(a)
		_, y, okY := tlsconf.CanonicalDN(b)
		if !okX || !okY || (x == y) != want {
			t.Errorf("%q %q: equal in any order is %t", a, b, x == y)
		}
	}
	f("CN=a,O=b,OU=c", "OU=c,CN=a,O=b", true)
	f("CN=a,O=b", "CN=a,O=b,O=b", false)
	f("CN=a,CN=a,O=b", "CN=a,O=b,O=b", false)
	f("CN=a+O=b", "CN=a,O=b", false)
	f("CN=a+O=b,C=d", "C=d,O=b+CN=a", true)
	f(`CN=a\,O=b`, "CN=a,O=b", false)
}

// No text is too odd, and what is a name is the same with blanks in it.
func FuzzDN(f *testing.F) {
	for _, s := range []string{"CN=joe, OU=Unit,O=Org", `CN=\ a\2c\+b\ +OU=x`, "=", `CN=\`, "CN=#01", "a=b=c,d="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		ordered, sorted, ok := tlsconf.CanonicalDN(in)
		if !ok {
			if ordered != "" || sorted != "" {
				t.Errorf("%q is no name, but gives %q", in, ordered)
			}
			return
		}
		if len(ordered) != len(sorted) {
			t.Errorf("%q: %q and %q", in, ordered, sorted)
		}
		var b strings.Builder
		for i := 0; i < len(in); i++ {
			switch c := in[i]; {
			case c == '\\' && i+1 < len(in):
				b.WriteString(in[i : i+2])
				i++
			case c == ',' || c == '+':
				b.WriteString(" " + string(c) + " ")
			default:
				b.WriteByte(c)
			}
		}
		if again, _, ok := tlsconf.CanonicalDN(" " + b.String() + " "); b.Len() < 4000 && (!ok || again != ordered) {
			t.Errorf("%q gives %q, with blanks %q", in, ordered, again)
		}
	})
}
