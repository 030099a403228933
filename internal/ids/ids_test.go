package ids_test

import (
	"regexp"
	"testing"

	"github.com/nats-io/nkeys"

	"nats-server/internal/ids"
)

func TestNewServer(t *testing.T) {
	form := regexp.MustCompile(`^N[A-Z2-7]{55}$`)
	seen := make(map[string]bool)
	for range 20 {
		id, err := ids.NewServer()
		if err != nil {
			t.Fatal(err)
		}
		if !form.MatchString(id) || !nkeys.IsValidPublicServerKey(id) {
			t.Errorf("%q is no public server key", id)
		}
		if seen[id] {
			t.Errorf("%q twice", id)
		}
		seen[id] = true
	}
}

func TestRandom(t *testing.T) {
	form := regexp.MustCompile(`^[0-9A-Za-z]{22}$`)
	if a, b := ids.Random(), ids.Random(); !form.MatchString(a) || a == b {
		t.Errorf("%q %q", a, b)
	}
}
