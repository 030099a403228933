package keys

import (
	"crypto/sha256"
	"encoding/hex"
)

// Setting is the value in force of one key, fit to be shown and stored.
type Setting struct {
	Name   string `json:"name"`             // its label, or its path: "authorization timeout"
	Value  string `json:"value"`            // of a secret: a salted digest
	Secret bool   `json:"secret,omitempty"` // never show Value

	change Change
	why    string
}

// Settings returns the present value of every key. Two lists can be compared if
// they were made with the same salt, which keeps secrets from being guessed.
func (t Table) Settings(salt []byte) []Setting { return t.settings(nil, "", salt) }

func (t Table) settings(list []Setting, path string, salt []byte) []Setting {
	for i := range t {
		row := &t[i]
		name := path + row.Name
		if row.Label != "" {
			name = row.Label
		}
		if row.Value.sub != nil {
			list = row.Value.sub.settings(list, name+" ", salt)
			continue
		}
		if row.Value.show == nil {
			continue
		}
		s := Setting{Name: name, Value: row.Value.show(), Secret: row.Secret, change: row.Change, why: row.Why}
		if s.Secret {
			sum := sha256.Sum256(append(append([]byte(nil), salt...), s.Value...))
			s.Value = hex.EncodeToString(sum[:])
		}
		list = append(list, s)
	}
	return list
}

// Difference is one key whose value a reload would change.
type Difference struct {
	Name     string
	Old, New string // "" for a secret
	Change   Change
	Why      string // for Restart
}

// Compare returns what changes from old to new, in the order of new, of which the
// rows decide what a reload does.
func Compare(old, new []Setting) []Difference {
	was := make(map[string]Setting, len(old))
	for _, s := range old {
		was[s.Name] = s
	}
	var all []Difference
	for _, s := range new {
		before, known := was[s.Name]
		if !known || before.Value == s.Value {
			continue
		}
		d := Difference{Name: s.Name, Change: s.change, Why: s.why}
		if !s.Secret {
			d.Old, d.New = before.Value, s.Value
		}
		all = append(all, d)
	}
	return all
}
