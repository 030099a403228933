package ctl

import "testing"

// complains checks the text of an error.
func complains(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("got error %q, want %q", err, want)
	}
}

func TestTooManyParameters(t *testing.T) {
	f := func(arg, want string) {
		t.Helper()
		complains(t, Send(arg), want)
	}
	f("reload=1=2", "invalid signal parameters: [2]")
	f("bogus=1=2", "invalid signal parameters: [2]")
	f("reload=1=2=3 4", "invalid signal parameters: [2 3 4]")
	f("==", "invalid signal parameters: []")
}
