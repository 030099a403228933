package server_test

import (
	"testing"

	"go.uber.org/goleak"
)

// No test of this package may leave a goroutine behind, of the server or of a
// client.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}
