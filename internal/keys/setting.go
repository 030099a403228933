package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
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
// they were made with the same salt. Whoever has the list and its salt can try out
// guesses of the secrets, so both are for their owner alone.
func (t Table) Settings(salt []byte) []Setting { return t.settings(nil, "", false, salt) }

func (t Table) settings(list []Setting, path string, secret bool, salt []byte) []Setting {
	for i := range t {
		row := &t[i]
		name := path + row.Name
		if row.Label != "" {
			name = row.Label
		}
		secret := secret || row.Secret
		switch {
		case row.Value.sub != nil:
			list = row.Value.sub.settings(list, name+" ", secret, salt)
			continue
		case row.Value.show == nil:
			continue
		}
		s := Setting{Name: name, Value: row.Value.show(), Secret: secret, change: row.Change, why: row.Why}
		if secret {
			s.Value = digest(salt, name, s.Value)
		}
		list = append(list, s)
	}
	return list
}

// digest depends on the name, so that it does not show which secrets are the same.
func digest(salt []byte, name, value string) string {
	h := hmac.New(sha256.New, salt)
	io.WriteString(h, name+"\x00"+value)
	return hex.EncodeToString(h.Sum(nil))
}

// Difference is one key whose value a reload would change.
type Difference struct {
	Name     string
	Old, New string // "" for a secret
	Change   Change
	Why      string // for Restart
}

// Compare returns what changes from old to new, in the order of new, whose table says
// what a reload does about it. A key that only one of them knows is left out: the
// lists may come from two versions of the program.
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
