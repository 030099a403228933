package conf_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"nats-server/internal/conf"
)

func TestTooLarge(t *testing.T) {
	const text = "the configuration is larger than 64 MiB"
	f := func(err error, want string) {
		t.Helper()
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	big := "# nothing\n\x00" + strings.Repeat("x", 40<<20)
	_, err := conf.Parse([]byte(big+big), file)
	f(err, "f:1:0: "+text)

	write(t, map[string]string{"half.conf": big, "one.conf": "include half.conf", "two.conf": "include half.conf\ninclude half.conf", "all.conf": big + big})
	if _, err := conf.Load("one.conf"); err != nil {
		t.Errorf("40 MiB are too much: %v", err)
	}
	_, err = conf.Load("two.conf")
	f(err, "two.conf:2:1: error parsing include file 'half.conf', "+text+" (at half.conf:1:0)")
	_, err = conf.Load("all.conf")
	f(err, "all.conf:1:0: "+text)

	if _, err := os.Stat("/dev/zero"); err == nil {
		_, err = conf.Load("/dev/zero")
		f(err, "/dev/zero:1:0: "+text)
	}
}

func TestTooDeep(t *testing.T) {
	const text = "'Maps and arrays are nested more than 1000 deep.'"
	f := func(in, want string) {
		t.Helper()
		if want != "" {
			want += text
		}
		_, err := conf.Parse([]byte(in), file)
		switch e, ok := err.(*conf.Error); {
		case ok && e.Text != want, !ok && want != "":
			t.Errorf("%.20q…: error %v, want %s", in, err, want)
		}
	}
	nest := func(open, inner, end string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	f("a="+nest("[", "", "]", 1000), "")
	f("a="+nest("[", "", "]", 1001), line1)
	f("a "+nest("{a ", "1", "}", 1000), "")
	f("a "+nest("{a ", "1", "}", 1001), line1)
	f(nest("{", "a 1", "}", 1000), "")
	f(nest("{", "a 1", "}", 1001), line1)
	f("a="+strings.Repeat("[", 60<<20), line1)
	f("a="+nest("[", "", "]", 990)+"\nb="+nest("[", "$a", "]", 10), "")
	f("a="+nest("[", "", "]", 990)+"\nb="+nest("[", "$a", "]", 11), line2)
	f("a="+nest("[", "", "]", 990)+"\nb {c "+nest("[", "$a", "]", 10)+"\n}", line2)
	t.Setenv("V", nest("[", "", "]", 990))
	f("b="+nest("[", "$V", "]", 10), "")
	f("b="+nest("[", "$V", "]", 11), "variable reference for 'V' on line 1 could not be parsed: "+line1)
}

// What a few lines would expand to without end.
func TestExpansion(t *testing.T) {
	f := func(in string) {
		t.Helper()
		if e := failure(t, in); !strings.Contains(e.Text, "There are too many values, counting those that references insert each time.") {
			t.Errorf("%.40q: %v", in, e)
		}
	}
	arrays, maps := "a0=[1, 1]\n", "a0={x=1, y=1}\n"
	for i := range 64 {
		arrays += fmt.Sprintf("a%d=[$a%d, $a%[2]d]\n", i+1, i)
		maps += fmt.Sprintf("a%d={x=$a%d, y=$a%[2]d}\n", i+1, i)
	}
	f(arrays)
	f(maps)
	f("a='" + strings.Repeat("x", 1<<20) + "'\nb=[" + strings.Repeat("$a,", 200) + "]")
	f("a={'" + strings.Repeat("x", 1<<20) + "'=1}\nb=[" + strings.Repeat("$a,", 200) + "]")
	f("a=[" + strings.Repeat("0,", 3_000_000) + "]")

	t.Setenv("V0", "[1, 1 ]")
	for i := range 64 {
		t.Setenv(fmt.Sprintf("V%d", i+1), fmt.Sprintf("[$V%d, $V%[1]d]", i))
	}
	f("a=$V64")

	// A useful size is far from the limit.
	parse(t, "p={publish: [a, b], subscribe: [c, d]}\nusers=["+strings.Repeat("{user: u, password: p, permissions: $p}\n", 50_000)+"]")
}
