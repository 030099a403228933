package keys

// Shown is the value in force of one key as anybody may see it.
type Shown struct {
	Name    string `json:"key"`
	Value   string `json:"value"` // of a secret: ""
	Secret  bool   `json:"secret,omitempty"`
	Default bool   `json:"default"` // it is what it would be without a configuration
	Reload  string `json:"reload"`  // what a reload does about another value
	Why     string `json:"why,omitempty"`
}

// Show returns the settings in force without secrets. Defaults are the settings without
// a configuration, made with the same salt; a key that they lack has no default.
func Show(inForce, defaults []Setting) []Shown {
	usual := make(map[string]string, len(defaults))
	for _, s := range defaults {
		usual[s.Name] = s.Value
	}
	all := make([]Shown, 0, len(inForce))
	for _, s := range inForce {
		value, known := usual[s.Name]
		shown := Shown{
			Name: s.Name, Value: s.Value, Secret: s.Secret,
			Default: known && value == s.Value,
			Reload:  s.change.String(), Why: s.why,
		}
		if s.Secret {
			shown.Value = ""
		}
		all = append(all, shown)
	}
	return all
}
