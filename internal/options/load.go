package options

import (
	"strings"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
)

const empty = ": config has no values or is empty"

// SaysEmpty reports whether a warning says that there is nothing in the file.
func SaysEmpty(warning string) bool { return strings.HasSuffix(warning, empty) }

// Load reads a configuration file. The error has everything that is wrong with it,
// for the operator; warnings are about what works, but is probably not meant.
func Load(path string) (o *Options, warnings []string, err error) { return load(path, conf.Load) }

// LoadAgain is Load for a running server. It reads regular files only, and so does not
// wait for a pipe.
func LoadAgain(path string) (o *Options, warnings []string, err error) {
	return load(path, conf.LoadAgain)
}

func load(path string, read func(string) (*conf.File, error)) (o *Options, warnings []string, err error) {
	f, err := read(path)
	if err != nil {
		return nil, nil, err
	}
	o = &Options{ConfigFile: path, ConfigDigest: f.Digest()}
	report := keys.Decode(o.Keys(), f.Root)
	if err := report.Err(); err != nil {
		return nil, nil, err
	}
	warnings = report.Warnings()
	if len(f.Root.Map) == 0 {
		warnings = append(warnings, path+empty)
	}
	return o, warnings, nil
}
