package plan

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"nats-server/internal/keys"
	"nats-server/internal/options"
)

// Snapshot is the settings of a server.
type Snapshot struct {
	Source   string         `json:"-"`                // whose settings these are, for people
	Digest   string         `json:"digest,omitempty"` // of the configuration file
	Salt     []byte         `json:"salt"`             // of the secrets
	Settings []keys.Setting `json:"settings"`
}

// Of returns the settings of completed options.
func Of(o *options.Options) Snapshot {
	salt := make([]byte, 32)
	rand.Read(salt)
	return Snapshot{Digest: o.ConfigDigest, Salt: salt, Settings: o.Keys().Settings(salt)}
}

// Read returns the settings of target: a running server, by its process id or a file
// with it, or a configuration file.
func Read(target string) (Snapshot, error) {
	id := target
	if b, err := os.ReadFile(target); err == nil {
		if id = strings.TrimSpace(string(b)); !isPid(id) {
			return ofFile(target)
		}
	}
	if !isPid(id) {
		return Snapshot{}, fmt.Errorf("%s is neither a configuration file, nor a PID file, nor a process id", target)
	}
	b, err := published(id)
	if err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Source: "process " + id}
	if err := json.Unmarshal(b, &s); err != nil {
		return Snapshot{}, fmt.Errorf("process %s publishes settings that this version does not understand: %w", id, err)
	}
	return s, nil
}

func isPid(s string) bool {
	n, err := strconv.ParseUint(s, 10, 31)
	return err == nil && n > 0
}

func ofFile(path string) (Snapshot, error) {
	o, _, err := options.Load(path)
	if err != nil {
		return Snapshot{}, err
	}
	full, err := o.Complete()
	if err != nil {
		return Snapshot{}, fmt.Errorf("%s: %w", path, err)
	}
	s := Of(&full)
	s.Source = "configuration file " + path
	return s, nil
}

// Changes returns what a server with the settings of the snapshot has to change to get
// to completed options.
func (s Snapshot) Changes(next *options.Options) []keys.Difference {
	return keys.Compare(s.Settings, next.Keys().Settings(s.Salt))
}

// ErrRestart says that a reload would be refused.
var ErrRestart = errors.New("a reload would be refused as a whole, since a restart is needed")

// Describe returns the plan for the operator, a line for each change, and ErrRestart
// if the reload would be refused.
func (s Snapshot) Describe(next *options.Options) (string, error) {
	changes := s.Changes(next)
	var b strings.Builder
	fmt.Fprintf(&b, "compared to %s:\n", s.Source)
	if len(changes) == 0 {
		b.WriteString("  nothing changes\n")
	}
	var err error
	for _, c := range changes {
		what := "changed"
		if c.New != "" {
			what = c.Old + " -> " + c.New
		}
		fmt.Fprintf(&b, "  %s: %s: %s", c.Name, what, c.Change)
		if c.Change == keys.Restart {
			err = ErrRestart
			fmt.Fprintf(&b, " (%s)", c.Why)
		}
		b.WriteByte('\n')
	}
	return b.String(), err
}
