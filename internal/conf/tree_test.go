package conf_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"nats-server/internal/conf"
)

// file is the path that tests give their texts.
const file = "f"

// tree writes a value on one line: {key=value …}, [value …], "string", 1, 1.5f,
// true, time.
func tree(v *conf.Value) string {
	switch v.Kind {
	case conf.String:
		return strconv.Quote(v.Str)
	case conf.Int:
		return strconv.FormatInt(v.Int, 10)
	case conf.Float:
		return strconv.FormatFloat(v.Float, 'g', -1, 64) + "f"
	case conf.Bool:
		return strconv.FormatBool(v.Bool)
	case conf.Time:
		return v.Time.Format(time.RFC3339Nano)
	case conf.Array:
		var all []string
		for _, e := range v.List {
			all = append(all, tree(e))
		}
		return "[" + strings.Join(all, " ") + "]"
	case conf.Map:
		return "{" + entries(v) + "}"
	}
	return "no kind"
}

func entries(v *conf.Value) string {
	var all []string
	for _, e := range v.Map {
		all = append(all, e.Key+"="+tree(e.Value))
	}
	return strings.Join(all, " ")
}

// result is the tree of a text, without the outer braces, or the Text of its error.
func result(text string) string {
	f, err := conf.Parse([]byte(text), file)
	if err != nil {
		var e *conf.Error
		if !errors.As(err, &e) {
			return "not a *conf.Error: " + err.Error()
		}
		return e.Text
	}
	return entries(f.Root)
}

// parses returns the function that language tests are tables of.
func parses(t *testing.T) func(in, want string) {
	return func(in, want string) {
		t.Helper()
		if got := result(in); got != want {
			t.Errorf("%q:\n got %s\nwant %s", in, got, want)
		}
	}
}

// parse parses a text that has to be in order.
func parse(t testing.TB, text string) *conf.File {
	t.Helper()
	f, err := conf.Parse([]byte(text), file)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return f
}

// failure parses a text that has to be wrong.
func failure(t testing.TB, text string) *conf.Error {
	t.Helper()
	_, err := conf.Parse([]byte(text), file)
	var e *conf.Error
	if !errors.As(err, &e) {
		t.Fatalf("%q: error %v", text, err)
	}
	return e
}
