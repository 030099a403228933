package mkpasswd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// input is where passwords come from that the tool is given.
type input struct {
	read func() (string, error) // returns the next password
	asks bool                   // somebody types it unseen, and is therefore asked twice
}

func inputOf(stdin *os.File) input {
	if term.IsTerminal(int(stdin.Fd())) {
		return input{read: func() (string, error) { return readHidden(stdin) }, asks: true}
	}
	return input{read: func() (string, error) { return readLine(stdin) }}
}

// password returns an acceptable password. The error is a refusal or what reading
// came to.
func (in input) password(prompts io.Writer) (string, error) {
	password, err := in.next(prompts, "Enter Password: ")
	if err != nil {
		return "", err
	}
	if err := check(password); err != nil {
		return "", err
	}
	if !in.asks {
		return password, nil
	}
	again, err := in.next(prompts, "Reenter Password: ")
	if err != nil {
		return "", err
	}
	if again != password {
		return "", refusal("passwords do not match")
	}
	return password, nil
}

// next reads a password after a prompt, if somebody is there to see it.
func (in input) next(prompts io.Writer, prompt string) (string, error) {
	if in.asks {
		fmt.Fprint(prompts, prompt)
	}
	password, err := in.read()
	if in.asks {
		fmt.Fprintln(prompts) // the newline that was typed does not show
	}
	if err != nil {
		return "", fmt.Errorf("reading password: %w", err)
	}
	return password, nil
}

// readHidden reads a line from a terminal without echo. A signal that would end
// the process ends the reading instead: else the terminal would stay without echo.
func readHidden(terminal *os.File) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupted)

	type line struct {
		text []byte
		err  error
	}
	typed := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		return string(l.text), l.err
	case sig := <-interrupted:
		return "", errors.Join(errors.New(sig.String()), term.Restore(fd, before))
	}
}

// maxLine is how much of a line is read: far more than bcrypt accepts, so that
// cutting a line never makes a password.
const maxLine = 1024

// readLine reads a line, or what there is of it, byte by byte: what follows on a
// pipe is for somebody else.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < maxLine; line = append(line, b[0]) {
		_, err := io.ReadFull(r, b)
		if err == io.EOF || err == nil && b[0] == '\n' {
			break
		}
		if err != nil {
			return "", err
		}
	}
	return strings.TrimSuffix(string(line), "\r"), nil
}
