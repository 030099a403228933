package client_test

import (
	"testing"

	"go.uber.org/goleak"
)

// No session may leave a goroutine behind, whatever its client did.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}
