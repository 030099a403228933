package cmdline

import (
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

// Command is what a command line asks for.
type Command struct {
	// Run holds the options of the server to run, defaults not yet filled in. If it
	// is nil, the texts below are to be printed and the process exits with Code.
	Run *options.Options

	Stdout, Stderr string // whole lines
	Code           int
}

// Parse interprets args, the command line without the program's name. A flag
// error comes before everything else, then -v, -h and the first word that is not
// a flag, in this order; words after it are ignored.
func Parse(args []string) Command {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the error is reported by the caller
	v := declare(fs)
	if err := fs.Parse(args); err != nil {
		return Command{Stderr: err.Error() + "\n", Stdout: usage, Code: exitUsage}
	}
	switch {
	case v.version:
		return showVersion()
	case v.help:
		return showHelp()
	case fs.NArg() > 0:
		return word(fs.Arg(0))
	}
	return Command{Run: v.options(fs)}
}

// word is the command for a positional argument. A boolean flag takes no
// argument, so that "-D true" ends here, too.
func word(w string) Command {
	switch strings.ToLower(w) {
	case "version":
		return showVersion()
	case "help":
		return showHelp()
	}
	return Command{
		Stderr: fmt.Sprintf("nats-server: unrecognized command: %q\n", w),
		Code:   exitFailed,
	}
}

func showVersion() Command {
	return Command{Stdout: "nats-server: v" + version.Number + "\n", Code: exitOK}
}

func showHelp() Command {
	return Command{Stdout: usage, Code: exitOK}
}
