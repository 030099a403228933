package cmdline

import (
	"flag"
	"fmt"
	"slices"
)

// secretFlags are the flags with secrets and the settings that they make.
var secretFlags = map[string][]string{
	"user":           {"authorization username"},
	"pass":           {"authorization password"},
	"auth":           {"authorization token"},
	"routes":         {"cluster routes"},
	"cluster":        {"cluster authorization user", "cluster authorization pass"},
	"cluster_listen": {"cluster authorization user", "cluster authorization pass"},
}

// noteArgs keeps what was given to set options, in a form that Parse understands.
func (f *flags) noteArgs(fs *flag.FlagSet) {
	fs.Visit(func(fl *flag.Flag) {
		settings, value := secretFlags[fl.Name], fl.Value.String()
		if f.apply[fl.Name] == nil && settings == nil {
			return
		}
		f.secret = append(f.secret, settings...)
		arg := dashes(fl.Name) + fl.Name + "=" + value
		for _, s := range slices.Backward(Secrets([]string{arg})) {
			if s.From < s.To {
				arg = arg[:s.From] + replacement(fl.Name) + arg[s.To:]
			}
		}
		f.args = append(f.args, arg)
	})
}

// replacement is what stands for the secret of a flag.
func replacement(flag string) string {
	switch flag {
	case "user", "pass", "auth":
		return "secret"
	}
	return "secret:secret" // in a URL
}

// Given returns the flags that set options, which a reload applies again, as arguments
// for GivenTo. The values of secrets are replaced; secret has the names of the settings
// that they make.
func (c *Command) Given() (args, secret []string) {
	return slices.Clone(c.flags.args), slices.Clone(c.flags.secret)
}

// GivenTo returns c with these flags in the place of its own, those that say what to do
// excepted. The error is that they are of a version with other flags.
func (c *Command) GivenTo(args []string) (Command, error) {
	other := Parse(args)
	if other.flags == nil {
		return Command{}, fmt.Errorf("the process was started with flags that this version does not know: %q", args)
	}
	to := *c
	to.flags = other.flags
	return to, nil
}
