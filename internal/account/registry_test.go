package account_test

import (
	"slices"
	"testing"

	"nats-server/internal/account"
	"nats-server/internal/interest"
)

func TestRegistry(t *testing.T) {
	r := account.NewRegistry()
	f := func(want ...string) {
		t.Helper()
		var got []string
		for _, a := range r.All() {
			got = append(got, a.Name)
			if r.Lookup(a.Name) != a || r.Find([]byte(a.Name)) != a {
				t.Errorf("%s is not found", a.Name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("in force: %q, want %q", got, want)
		}
	}
	f("$G")
	r.Set([]string{"B", "A"})
	f("$G", "A", "B")
	a := r.Lookup("A")
	a.Subscribe(interest.NewSub(new(interest.Subscriber), []byte("foo"), nil, []byte("1")))
	r.Set([]string{"B", "$G"})
	f("$G", "B")
	if r.Lookup("A") != nil || r.Find([]byte("A")) != nil || r.NumSubscriptions() != 1 {
		t.Errorf("A is still there, or its %d subscriptions are not", r.NumSubscriptions())
	}
	r.Set([]string{"A"})
	f("$G", "A")
	if r.Lookup("A") != a || r.Global() != r.Lookup("$G") {
		t.Error("an account that comes back is another one")
	}
}
