package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// guest is a Fielder.
type guest []Field

func (g guest) String() string     { return "1.2.3.4:5 - cid:5" }
func (g guest) LogFields() []Field { return g }

func jsonLine(cfg Config, log func(Logger)) string {
	var out bytes.Buffer
	cfg.JSON = true
	log(New(&out, cfg))
	return out.String()
}

func TestJSONLine(t *testing.T) {
	f := func(cfg Config, want string, log func(Logger)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(1234567 * time.Microsecond)
			want := strings.ReplaceAll(want, "PID", fmt.Sprint(os.Getpid())) + "\n"
			if diff := cmp.Diff(want, jsonLine(cfg, log)); diff != "" {
				t.Error(diff)
			}
		})
	}
	hello := func(l Logger) { l.Noticef("hello %d", 1) }
	f(Config{}, `{"time":"2000-01-01T02:00:01.234567+02:00","level":"info","pid":PID,"msg":"hello 1"}`, hello)
	f(Config{UTC: true}, `{"time":"2000-01-01T00:00:01.234567Z","level":"info","pid":PID,"msg":"hello 1"}`, hello)
	f(Config{NoTime: true, Server: `a"b`}, `{"level":"info","pid":PID,"server":"a\"b","msg":"hello 1"}`, hello)

	f(Config{NoTime: true}, strings.Join([]string{
		`{"level":"info","pid":PID,"msg":"a 1"}`,
		`{"level":"warn","pid":PID,"msg":"b"}`,
		`{"level":"error","pid":PID,"msg":"c"}`,
		`{"level":"fatal","pid":PID,"msg":"d"}`,
		`{"level":"debug","pid":PID,"msg":"e"}`,
		`{"level":"trace","pid":PID,"msg":"f"}`,
	}, "\n"), everyLevel)
}

func TestJSONFields(t *testing.T) {
	f := func(want, format string, v ...any) {
		t.Helper()
		got := jsonLine(Config{NoTime: true}, func(l Logger) { l.Noticef(format, v...) })
		got = strings.TrimPrefix(got, fmt.Sprintf(`{"level":"info","pid":%d,`, os.Getpid()))
		if diff := cmp.Diff(want+"\n", got); diff != "" {
			t.Error(diff)
		}
	}
	g := guest{{"remote", "1.2.3.4:5"}, {"cid", uint64(5)}, {"client", []Field{{"lang", "go"}, {"name", ""}}}}
	const fields = `,"remote":"1.2.3.4:5","cid":5,"client":{"lang":"go","name":""}}`

	f(`"msg":"slow 3"`+fields, "%s - slow %d", g, 3)
	f(`"msg":"x"`+fields, "%s - %s", g, "x")
	f(`"msg":""`+fields, "%s - ", g)
	f(`"msg":"none"}`, "%s - none", guest{})
	// A line is about something only in this form.
	f(`"msg":"1.2.3.4:5 - cid:5: x"}`, "%s: x", g)
	f(`"msg":"x 1.2.3.4:5 - cid:5 - y"}`, "x %s - y", g)
	f(`"msg":"somebody - y"}`, "%s - y", "somebody")
	f(`"msg":"%!s(MISSING) - y"}`, "%s - y")

	f(`"msg":"v","b":true,"i":-1,"f":1.5,"n":null,"l":["a"],"o":{}}`, "%s - v", guest{
		{"b", true}, {"i", -1}, {"f", 1.5}, {"n", nil}, {"l", []string{"a"}}, {"o", []Field{}},
	})
	f(`"msg":"v","nan":"NaN","e":"{}"}`, "%s - v", guest{{"nan", math.NaN()}, {"e", "{}"}})
	f(`"msg":"v","k\"\n":"\u001b"}`, "%s - v", guest{{"k\"\n", "\x1b"}})
}

func TestTextHasThePrefixOfAFielder(t *testing.T) {
	var out bytes.Buffer
	New(&out, Config{NoTime: true}).Warnf("%s - slow", guest{{"cid", 5}})
	if got, want := out.String(), pid+"[WRN] 1.2.3.4:5 - cid:5 - slow\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// checkJSON fails if the text does not come back from a JSON line.
func checkJSON(t *testing.T, text string) {
	t.Helper()
	line := jsonLine(Config{}, func(l Logger) {
		l.Errorf("%s - %s", guest{{"f", text}, {"e", errors.New(text)}}, text)
	})
	if strings.Count(line, "\n") != 1 || strings.ContainsFunc(line[:len(line)-1], func(r rune) bool { return r < ' ' || r == 0x7f }) {
		t.Errorf("%q: control characters in %q", text, line)
	}
	if !utf8.ValidString(line) {
		t.Errorf("%q: invalid UTF-8 in %q", text, line)
	}
	var got struct{ Msg, F string }
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Errorf("%q: %v in %q", text, err, line)
	}
	want := string([]rune(text)) // makes invalid bytes U+FFFD, one by one
	if got.Msg != want || got.F != want {
		t.Errorf("got %q and %q, want %q", got.Msg, got.F, want)
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		"", "plain", `"\`, "a\nb\rc\td", "\x00\x1b\x7f", "naïve 世界 \u2028", "\xff\xc3", "\xed\xa0\x80", "\ufffd", "<&>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { checkJSON(t, text) })
}
