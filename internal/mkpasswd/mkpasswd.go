package mkpasswd

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"golang.org/x/crypto/bcrypt"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const defaultCost = 11

// Main does what args, the command line without the program's name, asks for and
// returns the exit status (spec: command-line 12). With -p the password is typed
// twice if stdin is a terminal; otherwise it is one line of stdin, and nothing
// after that line is read. While a password is being typed the signals for
// interrupt and termination are taken over; they restore the terminal and make
// Main return, leaving a goroutine that ends with the process.
func Main(args []string, stdin *os.File, stdout, stderr io.Writer) int {
	return run(args, inputOf(stdin), stdout, stderr)
}

func run(args []string, in input, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("mkpasswd", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintln(stdout, "Usage: mkpasswd [-p <stdin password>] [-c COST] ")
		fs.PrintDefaults()
	}
	given := fs.Bool("p", false, "hash a password that is typed in twice, or piped in as one line")
	cost := fs.Int("c", defaultCost, "`cost` of checking a password, 4 to 31; each step doubles it")
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		return exitUsage
	}
	if fs.NArg() > 0 {
		// The argument is not repeated: it may well be a password.
		fmt.Fprintln(stderr, "unexpected argument: with -p the password is read from stdin")
		fs.Usage()
		return exitUsage
	}
	password, err := choose(*given, in, stdout)
	if err != nil {
		return fail(stderr, err)
	}
	// A cost below the minimum means bcrypt's own default.
	hash, err := bcrypt.GenerateFromPassword([]byte(password), *cost)
	if err != nil {
		return fail(stderr, fmt.Errorf("producing bcrypt hash: %w", err))
	}
	fmt.Fprintf(stdout, "bcrypt hash: %s\n", hash)
	return exitOK
}

// fail tells the user what was wrong with the password, or with what was done.
func fail(stderr io.Writer, err error) int {
	if bad, ok := errors.AsType[refusal](err); ok {
		fmt.Fprintf(stderr, "Error, %v\n", bad)
	} else {
		fmt.Fprintf(stderr, "Error %v\n", err)
	}
	return exitFailed
}

// choose returns the password to hash, and shows it if it is a new one.
func choose(given bool, in input, stdout io.Writer) (string, error) {
	if !given {
		password := invent()
		fmt.Fprintf(stdout, "pass: %s\n", password)
		return password, nil
	}
	return in.password(stdout)
}
