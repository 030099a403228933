//go:build unix

package blackbox_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	_ "nats-server/internal/process" // so that no result is taken from the cache when it changes
	"nats-server/internal/testkit"
)

// ours is the executable of this module, as built by TestMain.
var ours binary

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "blackbox")
	if err == nil {
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// build leaves the executable in dir, under the name that it is installed with. Other
// users may run it.
func build(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	ours = binary{"ours", filepath.Join(dir, "nats-server")}
	if out, err := exec.Command("go", "build", "-o", ours.path, "nats-server").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// both runs f with our executable and with the reference.
func both(t *testing.T, f func(t *testing.T, b binary)) {
	t.Helper()
	t.Run("ours", func(t *testing.T) { f(t, ours) })
	t.Run("reference", func(t *testing.T) { f(t, binary{"reference", testkit.Reference(t)}) })
}
