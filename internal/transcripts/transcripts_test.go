package transcripts_test

import (
	"testing"

	"nats-server/internal/testkit"
)

// referenceVersion is the release the differs lines speak of.
const referenceVersion = "2.9.10"

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
					t.Run("reference", func(t *testing.T) { runOnReference(t, c) })
				})
			}
		})
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
	report(t, c, "in one piece", r.run())
}

func report(t *testing.T, c *script, mode string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s.txt, %q (spec %s; options %s), sent %s: %v", c.file, c.title, c.spec, c.summary(), mode, err)
	}
}
