package conf_test

import (
	"strings"
	"testing"

	"nats-server/internal/conf"
)

func TestKinds(t *testing.T) {
	root := parse(t, "a=x\nb=1\nc=1.5\nd=on\ne=2016-05-04T18:53:41Z\nf=[]\ng={}").Root
	f := func(key string, kind conf.Kind, human, goType string) {
		t.Helper()
		got := root.Get(key).Kind
		if got != kind || got.String() != human || got.GoType() != goType {
			t.Errorf("%s is %v, Go type %s; want %s, %s", key, got, got.GoType(), human, goType)
		}
	}
	f("a", conf.String, "a string", "string")
	f("b", conf.Int, "an integer", "int64")
	f("c", conf.Float, "a decimal number", "float64")
	f("d", conf.Bool, "a boolean", "bool")
	f("e", conf.Time, "a time", "time.Time")
	f("f", conf.Array, "an array", "[]interface {}")
	f("g", conf.Map, "a map", "map[string]interface {}")
}

func TestRawAndQuoted(t *testing.T) {
	f := func(source, raw string, quoted bool) {
		t.Helper()
		for _, text := range []string{"a=" + source + "\n", "b {a: " + source + "\n}", "a " + source} {
			v := parse(t, "x=1\n"+text).Root
			if m := v.Get("b"); m != nil {
				v = m
			}
			if v = v.Get("a"); v.Raw != raw || v.Quoted != quoted {
				t.Errorf("%q: raw %q, quoted %v", text, v.Raw, v.Quoted)
			}
		}
	}
	f("5", "5", false)
	f("5kB", "5kB", false)
	f("-1.50", "-1.50", false)
	f("On", "On", false)
	f("foo", "foo", false)
	f(`a\tb`, `a\tb`, false)
	f(`"a\tb"`, `"a\tb"`, true)
	f("'a'", "'a'", true)
	f("(\nx\n)", "(\nx\n)", true)
	f("$x", "$x", false)
	f("[1]", "", false)
	f("{y 1}", "", false)
	f("'"+strings.Repeat("x", 100)+"'", "'"+strings.Repeat("x", 63)+"…", true)
	f(strings.Repeat("x", 63)+"\u00e4", strings.Repeat("x", 63)+"…", false)
	f(strings.Repeat("\x80", 100), strings.Repeat("\x80", 60)+"…", false)
}

func TestGet(t *testing.T) {
	root := parse(t, "a=1\nA=2\na=3\n").Root
	f := func(v *conf.Value, key, want string) {
		t.Helper()
		got := "nil"
		if found := v.Get(key); found != nil {
			got = tree(found)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	f(root, "a", "3")
	f(root, "A", "2")
	f(root, "b", "nil")
	f(root.Get("a"), "a", "nil")
	many := ""
	for range 2 {
		for c := 'a'; c <= 'z'; c++ {
			many += string(c) + "=" + string(c) + string(c) + "\n"
		}
	}
	for c := 'a'; c <= 'z'; c++ {
		f(parse(t, many).Root, string(c), quote(string(c)+string(c)))
	}
	f(parse(t, many).Root, "A", "nil")
}
