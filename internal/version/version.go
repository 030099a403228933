// Package version is the one place that says which release this is.
package version

import "runtime/debug"

// Number is the semantic version announced in INFO and printed by -v. Clients
// gate features on it (spec: client-protocol 23).
const Number = "3.0.0-dev"

// commit may be set by -ldflags "-X nats-server/internal/version.commit=…" for
// builds outside a work tree.
var commit string

// Commit returns the abbreviated git commit of this build, 7 digits, or "" when
// the build does not know it.
func Commit() string {
	c := commit
	if c == "" {
		c = vcsRevision()
	}
	return c[:min(len(c), 7)]
}

func vcsRevision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
