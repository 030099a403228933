package wire

import "encoding/json"

// Options are the fields of CONNECT that this server knows (spec:
// client-protocol 3). Fields that a CONNECT leaves out keep their value, so one
// Options belongs to a connection for its lifetime.
type Options struct {
	Verbose      bool   `json:"verbose"`
	Pedantic     bool   `json:"pedantic"`
	Echo         bool   `json:"echo"`
	Protocol     int    `json:"protocol"`
	Headers      bool   `json:"headers"`
	NoResponders bool   `json:"no_responders"`
	User         string `json:"user"`
	Pass         string `json:"pass"`
	Token        string `json:"auth_token"`
	Name         string `json:"name"`
	Lang         string `json:"lang"`
	Version      string `json:"version"`

	// Known only so that a wrong type is refused as the reference refuses it.
	TLSRequired bool   `json:"tls_required"`
	Nkey        string `json:"nkey"`
	Sig         string `json:"sig"`
	JWT         string `json:"jwt"`

	// Historic: any value is an authorization violation.
	Account    string `json:"account"`
	NewAccount bool   `json:"new_account"`
}

// DefaultOptions are in force before, and without, a CONNECT.
func DefaultOptions() Options { return Options{Verbose: true, Pedantic: true, Echo: true} }

// Decode reads the argument of CONNECT into o.
func (o *Options) Decode(arg []byte) error { return json.Unmarshal(arg, o) }

// ValidInfo reports whether arg may stand after INFO when a client sends it.
func ValidInfo(arg []byte) bool {
	var ignored map[string]any
	return json.Unmarshal(arg, &ignored) == nil
}
