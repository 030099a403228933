package cmdline

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"nats-server/internal/options"
	"nats-server/internal/version"
)

// Exit statuses of a command that does not run a server.
const (
	exitOK     = 0
	exitFailed = 1 // the command line asks for something that does not exist
	exitUsage  = 2 // a flag could not be parsed
)

// Action is what a command line asks for.
type Action int

const (
	Print    Action = iota // Stdout and Stderr, and exit with Code
	Serve                  // run a server with the options of Load
	Test                   // say whether Load succeeds, see Against
	Signal                 // send Argument to another server
	Mkpasswd               // make a password, with the arguments Args
)

// Command is what a command line asks for.
type Command struct {
	Do Action

	Stdout, Stderr string // of Print: whole lines
	Code           int

	Argument string   // of Signal: command[=target]
	Args     []string // of Mkpasswd
	Against  string   // of Test: show what a reload would change compared to this; "" = do not

	config string // the configuration file, "" = none
	flags  *flags
}

// Parse interprets args, the command line without the program's name. A flag error
// comes before everything else, then -v, -h, --help_tls, the first word that is not a
// flag, -sl and -t, in this order; words after the first are ignored.
func Parse(args []string) Command {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the error is reported by the caller
	f := declare(fs)
	if err := fs.Parse(args); err != nil {
		return Command{Stderr: err.Error() + "\n", Stdout: usage, Code: exitUsage}
	}
	switch {
	case f.version:
		return showVersion()
	case f.help:
		return Command{Stdout: usage}
	case f.helpTLS:
		return Command{Stdout: tlsHelp()}
	case fs.NArg() > 0:
		return word(fs.Args())
	case f.signal != "":
		return Command{Do: Signal, Argument: f.signal}
	}
	f.note(fs)
	c := Command{Do: Serve, Against: f.against, config: f.config, flags: f}
	switch {
	case f.test && f.config == "":
		return failed("must specify [-c, --config] option to check configuration file syntax")
	case f.test:
		c.Do = Test
	case f.against != "":
		return failed("--against compares with a tested configuration: give -t and -c, too")
	}
	return c
}

// word is the command for positional arguments. A boolean flag takes no argument, so
// that "-D true" ends here, too.
func word(args []string) Command {
	switch strings.ToLower(args[0]) {
	case "version":
		return showVersion()
	case "help":
		return Command{Stdout: usage}
	case "mkpasswd":
		return Command{Do: Mkpasswd, Args: args[1:]}
	}
	return failed(fmt.Sprintf("unrecognized command: %q", args[0]))
}

func failed(text string) Command {
	return Command{Stderr: "nats-server: " + text + "\n", Code: exitFailed}
}

func showVersion() Command {
	return Command{Stdout: "nats-server: v" + version.Number + "\n", Code: exitOK}
}

// Load returns the options that the configuration file and the flags give, defaults
// not filled in, and what the operator is to be warned of.
func (c *Command) Load() (o *options.Options, warnings []string, err error) {
	return c.load(options.Load)
}

// LoadAgain is Load for a running server: the file has to be a regular one.
func (c *Command) LoadAgain() (o *options.Options, warnings []string, err error) {
	return c.load(options.LoadAgain)
}

func (c *Command) load(read func(string) (*options.Options, []string, error)) (o *options.Options, warnings []string, err error) {
	if len(c.flags.unsupported) > 0 {
		return nil, nil, errors.New(strings.Join(c.flags.unsupported, "\n"))
	}
	o = new(options.Options)
	if c.config != "" {
		if o, warnings, err = read(c.config); err != nil {
			return nil, nil, err
		}
	}
	password := o.Password
	for _, apply := range c.flags.given {
		apply(o)
	}
	if users, _ := o.AllUsers(); o.Password != password && o.Username == "" && len(users) > 0 {
		warnings = append(warnings, "--pass has no effect: it is the password of a single user, and the configuration has users: add --user, or leave it out")
	}
	if t := o.TLS; t != nil && c.flags.tls && len(t.Certificates) == 0 {
		switch {
		case t.CertFile == "":
			return nil, nil, errors.New("TLS Server certificate must be present and valid")
		case t.KeyFile == "":
			return nil, nil, errors.New("TLS Server private key must be present and valid")
		}
	}
	if err := c.flags.applyCluster(o); err != nil {
		return nil, nil, err
	}
	return o, warnings, nil
}
