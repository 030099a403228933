package cmdline

import (
	"flag"
	"fmt"
	"slices"
)

// secretFlags are the flags with secrets and the settings that they make.
var secretFlags = map[string]string{
	"user": "authorization username",
	"pass": "authorization password",
	"auth": "authorization token",
}

// noteArgs keeps what was given to set options, in a form that Parse understands.
func (f *flags) noteArgs(fs *flag.FlagSet) {
	fs.Visit(func(fl *flag.Flag) {
		if f.apply[fl.Name] == nil {
			return
		}
		value := fl.Value.String()
		if setting := secretFlags[fl.Name]; setting != "" {
			f.secret = append(f.secret, setting)
			if value != "" {
				value = "secret"
			}
		}
		f.args = append(f.args, dashes(fl.Name)+fl.Name+"="+value)
	})
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
