package plan

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
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
	Flags    *Flags         `json:"flags,omitempty"` // of the process; nil for a file
}

// Flags are the flags of a process, which its reloads apply over the file.
type Flags struct {
	Args   []string `json:"args,omitempty"`   // with replaced secrets
	Secret []string `json:"secret,omitempty"` // names of the settings that these make
}

// Of returns the settings of completed options, which came about with these flags,
// nil if there may be others.
func Of(o *options.Options, f *Flags) Snapshot {
	salt := make([]byte, 32)
	rand.Read(salt)
	return Snapshot{Digest: o.ConfigDigest, Salt: salt, Settings: o.Keys().Settings(salt), Flags: f}
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
	s.Source += s.Flags.names()
	return s, nil
}

// names says for people which flags there are.
func (f *Flags) names() string {
	if f == nil || len(f.Args) == 0 {
		return ""
	}
	var all []string
	for _, a := range f.Args {
		name, _, _ := strings.Cut(a, "=")
		all = append(all, name)
	}
	return ", whose flags stay in force (" + strings.Join(all, " ") + ")"
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
	s := Of(&full, nil)
	s.Source = "configuration file " + path
	return s, nil
}

// Changes returns what a server with the settings of the snapshot has to change to get
// to completed options, which came about with its flags.
func (s Snapshot) Changes(next *options.Options) []keys.Difference {
	changes := keys.Compare(s.Settings, next.Keys().Settings(s.Salt))
	if s.Flags == nil {
		return changes
	}
	return slices.DeleteFunc(changes, func(d keys.Difference) bool { return slices.Contains(s.Flags.Secret, d.Name) })
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
