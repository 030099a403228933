//go:build unix

package mixed_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	_ "nats-server/internal/process" // so that no result is taken from the cache when it changes
	"nats-server/internal/testkit"
)

// patience bounds every wait. It is generous, since test machines are shared; a wait
// that succeeds never takes this long.
const patience = 20 * time.Second

var debugFlag = flag.Bool("debug", false, "servers log everything")

var oursFlag = flag.String("ours", "", "`executable` to test (default: build the module)")

// program is an executable under test.
type program struct{ name, path string }

func (p program) isOurs() bool { return p.name == "ours" }

// inside is our server in this process.
var inside = program{name: "inside"}

// scratch is a directory for the executable.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "mixed"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(scratch)
		os.Exit(code)
	}))
}

var built = sync.OnceValues(func() (string, error) {
	if *oursFlag != "" {
		return *oursFlag, nil
	}
	path := filepath.Join(scratch, "nats-server")
	if out, err := exec.Command("go", "build", "-o", path, "nats-server").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// ours is the executable of this module.
func ours(t testing.TB) program {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return program{"ours", path}
}

func theirs(t testing.TB) program {
	t.Helper()
	return program{"reference", testkit.Reference(t)}
}
