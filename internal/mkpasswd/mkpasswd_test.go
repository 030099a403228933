package mkpasswd

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// result is what a call of the tool left behind.
type result struct {
	code           int
	stdout, stderr string
}

func runWith(in input, line string) result {
	var stdout, stderr bytes.Buffer
	code := run(strings.Fields(line), in, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// typed is somebody at a terminal who types these lines, and an end of file after
// them.
func typed(lines ...string) input {
	return input{asks: true, read: func() (string, error) {
		if len(lines) == 0 {
			return "", io.EOF
		}
		line := lines[0]
		lines = lines[1:]
		return line, nil
	}}
}

// piped runs the tool with a pipe that has the content as stdin.
func piped(t *testing.T, content, line string) result {
	t.Helper()
	stdin, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		io.WriteString(w, content) // fails if the tool stops reading
		w.Close()
	})
	defer writing.Wait()
	defer stdin.Close()
	var stdout, stderr bytes.Buffer
	code := Main(strings.Fields(line), stdin, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// hashes checks that the tool succeeded and printed the text, then a hash of
// the password.
func (r result) hashes(t *testing.T, text, password string, cost int) {
	t.Helper()
	before, hash, ok := strings.Cut(r.stdout, "bcrypt hash: ")
	hash, ended := strings.CutSuffix(hash, "\n")
	if r.code != 0 || r.stderr != "" || before != text || !ok || !ended || !strings.HasPrefix(hash, "$2a$") {
		t.Fatalf("got %+v, want %q and a hash", r, text)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)); err != nil {
		t.Errorf("%s is no hash of %q: %v", hash, password, err)
	}
	if got, err := bcrypt.Cost([]byte(hash)); err != nil || got != cost {
		t.Errorf("%s has cost %d, %v, want %d", hash, got, err, cost)
	}
}

func TestInventedPassword(t *testing.T) {
	form := regexp.MustCompile(`^pass: ([a-zA-Z0-9!@$#%^&*()]{22})\n`)
	f := func(line string, cost int) {
		t.Helper()
		r := runWith(input{}, line)
		m := form.FindStringSubmatch(r.stdout)
		if m == nil {
			t.Fatalf("%s: got %+v", line, r)
		}
		r.hashes(t, m[0], m[1], cost)
	}
	f("", 11)
	f("-c 4", 4)
	f("--c=5", 5)
	f("-c 3", 10)
}

func TestTyped(t *testing.T) {
	const prompts = "Enter Password: \nReenter Password: \n"
	f := func(password string) {
		t.Helper()
		runWith(typed(password, password), "-p -c 4").hashes(t, prompts, password, 4)
	}
	f("12345678")
	f(" with blanks ")
	f("äöüßéèñç")
	f("$2a$!@#%")
	f(strings.Repeat("x", 72))
}

func TestTypedIsRefused(t *testing.T) {
	f := func(in input, stdout, stderr string) {
		t.Helper()
		want := result{1, stdout, stderr + "\n"}
		if got := runWith(in, "-p -c 4"); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	const first, both = "Enter Password: \n", "Enter Password: \nReenter Password: \n"
	f(typed("12345678", "12345679"), both, "Error, passwords do not match")
	f(typed("12345678", ""), both, "Error, passwords do not match")
	f(typed(""), first, "Error, the password is empty")
	f(typed("1234567"), first, "Error, the password has fewer than 8 characters")
	f(typed("äöüßéèñ"), first, "Error, the password has fewer than 8 characters")
	f(typed("1234567\t8"), first, "Error, the password contains control characters")
	f(typed("1234567\x7f"), first, "Error, the password contains control characters")
	f(typed("1234567\u0085"), first, "Error, the password contains control characters")
	f(typed("1234567\xe4"), first, "Error, the password is not valid UTF-8")
	f(typed(), first, "Error reading password: EOF")
	f(typed("12345678"), both, "Error reading password: EOF")
	long := strings.Repeat("x", 73)
	f(typed(long, long), both, "Error producing bcrypt hash: bcrypt: password length exceeds 72 bytes")
}

func TestPiped(t *testing.T) {
	f := func(content, password string) {
		t.Helper()
		piped(t, content, "-p -c 4").hashes(t, "", password, 4)
	}
	f("12345678\n", "12345678")
	f("12345678", "12345678")
	f("12345678\r\n", "12345678")
	f("12345678\n87654321\n", "12345678")
	f(" with blanks \n", " with blanks ")
}

func TestPipedIsRefused(t *testing.T) {
	f := func(content, stderr string) {
		t.Helper()
		want := result{1, "", stderr + "\n"}
		if got := piped(t, content, "-p -c 4"); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	f("", "Error, the password is empty")
	f("\n12345678\n", "Error, the password is empty")
	f("1234567\n", "Error, the password has fewer than 8 characters")
	f("12345678\r\r\n", "Error, the password contains control characters")
	f("12345678\x00\n", "Error, the password contains control characters")
	f(strings.Repeat("x", 73), "Error producing bcrypt hash: bcrypt: password length exceeds 72 bytes")
	f(strings.Repeat("x", 1<<20), "Error producing bcrypt hash: bcrypt: password length exceeds 72 bytes")
}

func TestStdinStaysForOthers(t *testing.T) {
	f := func(content, rest string) {
		t.Helper()
		r := strings.NewReader(content)
		if _, err := readLine(r); err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(r); string(got) != rest {
			t.Errorf("%q: left %q, want %q", content, got, rest)
		}
	}
	f("12345678\nmore\n", "more\n")
	f("12345678", "")
}

func TestStdinFails(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	in := inputOf(r)
	r.Close()
	got := runWith(in, "-p")
	if got.code != 1 || got.stdout != "" || !strings.HasPrefix(got.stderr, "Error reading password: ") {
		t.Errorf("got %+v", got)
	}
	if _, err := in.read(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got error %v", err)
	}
}

func TestCostTooHigh(t *testing.T) {
	const want = "Error producing bcrypt hash: crypto/bcrypt: cost 40 is outside allowed inclusive range 4..31\n"
	r := runWith(input{}, "-c 40")
	if r.code != 1 || r.stderr != want || !regexp.MustCompile(`^pass: .{22}\n$`).MatchString(r.stdout) {
		t.Errorf("got %+v", r)
	}
}

func TestUsage(t *testing.T) {
	const stdout = "Usage: mkpasswd [-p <stdin password>] [-c COST] \n"
	f := func(line string, code int, stderr string) {
		t.Helper()
		got := runWith(input{}, line)
		if got.code != code || got.stdout != stdout || !strings.HasPrefix(got.stderr, stderr) || !strings.Contains(got.stderr, "(default 11)\n") {
			t.Errorf("%s: got %+v", line, got)
		}
	}
	f("-h", 0, "  -c ")
	f("--help", 0, "  -c ")
	f("-x", 2, "flag provided but not defined: -x\n")
	f("-c x", 2, `invalid value "x" for flag -c: parse error`)
	f("-c", 2, "flag needs an argument: -c")
	f("-p secret", 2, "unexpected argument: with -p the password is read from stdin\n")
	f("secret", 2, "unexpected argument: with -p the password is read from stdin\n")
}

// TestSymbolsAreEquallyLikely compares how often each symbol occurs with what
// chance allows. Choosing by the remainder of a random byte gives about 5000.
func TestSymbolsAreEquallyLikely(t *testing.T) {
	const passwords = 10000
	count := map[rune]int{}
	for range passwords {
		for _, r := range invent() {
			count[r]++
		}
	}
	if len(symbols) != 72 || len(count) != 72 {
		t.Fatalf("%d different symbols of %d", len(count), len(symbols))
	}
	const want = float64(passwords*length) / 72
	square := 0.0
	for _, r := range symbols {
		d := float64(count[r]) - want
		square += d * d / want
	}
	// 71 is to be expected, and more than 200 less likely than one in 10^13.
	if square > 200 {
		t.Errorf("chi square is %.0f", square)
	}
}

func TestPasswordsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		p := invent()
		if seen[p] {
			t.Fatalf("%q twice", p)
		}
		seen[p] = true
	}
}
