package transcripts_test

import (
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"nats-server/internal/testkit"
)

// referenceVersion is the release the differs lines speak of.
const referenceVersion = "2.9.10"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTranscripts(t *testing.T) {
	files := map[string][]*script{}
	var names []string
	for _, c := range loadScripts(t) {
		if files[c.file] == nil {
			names = append(names, c.file)
		}
		files[c.file] = append(files[c.file], c)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			for _, c := range files[name] {
				t.Run(c.title, func(t *testing.T) {
					t.Parallel()
					runCase(t, c)
				})
			}
		})
	}
}

// failures counts the failed runs. A server that answers nothing fails each of
// hundreds of cases after a long wait; a few of them say enough.
var failures atomic.Int32

const enoughFailures = 30

func runCase(t *testing.T, c *script) {
	if failures.Load() >= enoughFailures {
		t.Skip("too much has failed already")
	}
	t.Run("ours", func(t *testing.T) { runOnOurs(t, c, inOnePiece, overTCP) })
	if c.fitsInProcess() {
		t.Run("in process", func(t *testing.T) { runOnOurs(t, c, inOnePiece, inProcess) })
	}
	if !c.whole {
		t.Run("split", func(t *testing.T) { runSplit(t, c) })
	}
	t.Run("reference", func(t *testing.T) { runOnReference(t, c) })
}

// runSplit stops at the first way to split that fails: the others would most
// likely say the same, each after a timeout.
func runSplit(t *testing.T, c *script) {
	for _, m := range splitModes(c.sends(), testing.Short()) {
		if runOnOurs(t, c, m, overTCP); t.Failed() {
			return
		}
	}
}

func runOnReference(t *testing.T, c *script) {
	version := testkit.ReferenceVersion(t)
	switch {
	case !c.runsOnReference():
		t.Skip("differs: " + c.differs)
	case c.differs != "" && version != referenceVersion:
		t.Skipf("known to differ in %s, but this is %s: %s", referenceVersion, version, c.differs)
	}
	addr := startReference(t, c.options)
	r := &runner{t: t, script: c, dial: dialTCP(addr), split: whole}
	report(t, c, inOnePiece.name, r.run())
}

func report(t *testing.T, c *script, mode string, err error) {
	t.Helper()
	if err != nil {
		failures.Add(1)
		t.Errorf("%s.txt, %q (spec %s; options %s), sent %s: %v", c.file, c.title, c.spec, c.summary(), mode, err)
	}
}
