package transcripts_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// kind is what a step does.
type kind int

const (
	kindUse      kind = iota // switch to a connection
	kindSend                 // write bytes
	kindExpect               // read exact bytes
	kindAnyOrder             // read blocks in any order
	kindOneOf                // exactly one connection gets the bytes
	kindInfo                 // look at a field of the last INFO
	kindOpen                 // nothing more has come, still open
	kindClosed               // nothing more has come, closed
	kindDrained              // closed after anything
	kindFin                  // close our direction
	kindRepeat               // send until the answer comes
)

// step is one line of a script, or several that belong together.
type step struct {
	line  int
	only  string // "", "target" or "reference"
	kind  kind
	name  string   // connection, or INFO key
	names []string // connections of a kindOneOf, flags of a kindUse
	text  string   // bytes to send, or the pattern to expect
	more  []string // the blocks of a kindAnyOrder; the answer of a kindRepeat
}

// script is one case.
type script struct {
	file    string
	line    int
	title   string
	spec    string
	differs string
	whole   bool // never split
	tcp     bool // not over a connection within the process
	options map[string]string
	steps   []step
}

func loadScripts(t *testing.T) []*script {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	var all []*script
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		scripts, err := parseScripts(name, string(text))
		if err != nil {
			t.Fatalf("%s:%v", file, err)
		}
		all = append(all, scripts...)
	}
	return all
}

// parseScripts reads the cases of one file. Its errors begin with the line number.
func parseScripts(file, text string) ([]*script, error) {
	var (
		all     []*script
		spec    string // of the file
		current *script
	)
	for i, line := range strings.Split(text, "\n") {
		n := i + 1
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "//"):
		case strings.HasPrefix(line, "# "):
			current = &script{file: file, line: n, title: strings.TrimSpace(line[2:]), spec: spec}
			all = append(all, current)
		case current == nil:
			value, ok := strings.CutPrefix(line, "spec:")
			if !ok {
				return nil, fmt.Errorf("%d: before the first title only a spec line may stand", n)
			}
			spec = strings.TrimSpace(value)
		default:
			if err := current.add(line, n); err != nil {
				return nil, fmt.Errorf("%d: %w", n, err)
			}
		}
	}
	for _, c := range all {
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("%d: %q: %w", c.line, c.title, err)
		}
	}
	return all, nil
}

// check finds what cannot be seen in a single line.
func (c *script) check() error {
	marked := slices.ContainsFunc(c.steps, func(s step) bool { return s.only != "" })
	switch {
	case c.spec == "":
		return fmt.Errorf("names no section of the specification")
	case len(c.steps) == 0:
		return fmt.Errorf("has no steps")
	case marked && c.differs == "":
		return fmt.Errorf("has steps for one server only, but no differs line")
	case c.differs != "" && !strings.HasPrefix(c.differs, "2.9.10 "):
		return fmt.Errorf("differs from which version, and why?")
	}
	return nil
}

// runsOnReference reports whether the case says what the reference does: the same,
// or what its marked steps say.
func (c *script) runsOnReference() bool {
	return c.differs == "" || slices.ContainsFunc(c.steps, func(s step) bool { return s.only != "" })
}

// sends returns how many bytes the case sends to the target.
func (c *script) sends() int {
	n := 0
	for _, s := range c.steps {
		if s.kind == kindSend && s.only != "reference" {
			n += len(s.text)
		}
	}
	return n
}

func (c *script) add(line string, n int) error {
	if key, value, ok := strings.Cut(line, ":"); ok && len(c.steps) == 0 {
		if handled, err := c.setting(key, strings.TrimSpace(value)); handled {
			return err
		}
	}
	s, err := parseStep(line)
	if err != nil {
		return err
	}
	s.line = n
	if last := len(c.steps) - 1; last >= 0 && c.steps[last].join(s) {
		return nil
	}
	c.steps = append(c.steps, s)
	return nil
}

func (c *script) setting(key, value string) (handled bool, err error) {
	switch key {
	case "spec":
		c.spec = value
	case "differs":
		c.differs = value
	case "modes":
		switch value {
		case "whole":
			c.whole = true
		case "tcp":
			c.tcp = true
		default:
			return true, fmt.Errorf("unknown modes %q", value)
		}
	case "options":
		c.options = map[string]string{}
		for _, field := range strings.Fields(value) {
			k, v, ok := strings.Cut(field, "=")
			if !ok || !slices.Contains(knownOptions, k) {
				return true, fmt.Errorf("unknown option %q, use %v", field, knownOptions)
			}
			c.options[k] = v
		}
	default:
		return false, nil
	}
	return true, nil
}

// join makes one step of two neighbours that belong together.
func (s *step) join(next step) bool {
	if s.kind != next.kind || s.only != next.only {
		return false
	}
	switch s.kind {
	case kindSend:
		s.text += next.text
	case kindAnyOrder:
		s.more = append(s.more, next.more...)
	default:
		return false
	}
	return true
}

// signs are the marks that begin a step; longer ones come first.
var signs = []struct {
	sign string
	kind kind
}{
	{"<| ", kindAnyOrder}, {"<1 ", kindOneOf}, {"< ", kindExpect}, {"<", kindExpect},
	{"> ", kindSend}, {">", kindSend}, {"= ", kindInfo}, {"@", kindUse}, {"~ ", kindRepeat},
	{"!*", kindDrained}, {"!", kindClosed}, {"?", kindOpen}, {".", kindFin},
}

func parseStep(line string) (step, error) {
	var s step
	for _, only := range []string{"target", "reference"} {
		if rest, ok := strings.CutPrefix(line, only); ok {
			s.only, line = only, rest
		}
	}
	for _, sign := range signs {
		if rest, ok := strings.CutPrefix(line, sign.sign); ok {
			s.kind = sign.kind
			return s, s.fill(rest)
		}
	}
	return s, fmt.Errorf("no step begins like %q", line)
}

// fill reads what follows the sign.
func (s *step) fill(rest string) (err error) {
	switch s.kind {
	case kindUse:
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			return fmt.Errorf("which connection?")
		}
		s.name, s.names = fields[0], fields[1:]
	case kindSend, kindExpect:
		s.text, err = expand(rest)
	case kindAnyOrder:
		s.text, err = expand(rest)
		s.more = []string{s.text}
	case kindOneOf:
		names, text, ok := strings.Cut(rest, "|")
		if !ok {
			return fmt.Errorf("want <1 connections | text")
		}
		s.names = strings.Fields(names)
		s.text, err = expand(strings.TrimPrefix(text, " "))
	case kindInfo:
		name, value, ok := strings.Cut(rest, " ")
		if !ok {
			return fmt.Errorf("want = key value")
		}
		s.name, s.text = name, value
	case kindRepeat:
		send, answer, ok := strings.Cut(rest, " => ")
		if !ok {
			return fmt.Errorf("want ~ text => text")
		}
		if s.text, err = expand(send); err != nil {
			return err
		}
		if name, ok := strings.CutPrefix(answer, "@"); ok {
			s.name = name
			return nil
		}
		answer, err = expand(answer)
		s.more = []string{answer}
	default:
		if strings.TrimSpace(rest) != "" {
			return fmt.Errorf("nothing may follow here, not %q", rest)
		}
	}
	return err
}

var repetition = regexp.MustCompile(`\{([^{}|*]+)\*(\d+)\}`)

// expand turns the text of a line into bytes.
func expand(text string) (string, error) {
	text = repetition.ReplaceAllStringFunc(text, func(m string) string {
		parts := repetition.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[2])
		return strings.Repeat(parts[1], n)
	})
	end := "\r\n"
	var out strings.Builder
	for text != "" {
		if text == `\` {
			end = ""
			break
		}
		if text[0] != '\\' {
			out.WriteByte(text[0]) // a quote or a byte of UTF-8 stands for itself
			text = text[1:]
			continue
		}
		c, multibyte, rest, err := strconv.UnquoteChar(text, 0)
		if err != nil {
			return "", fmt.Errorf("bad escape in %q", text)
		}
		if multibyte {
			out.WriteRune(c)
		} else {
			out.WriteByte(byte(c))
		}
		text = rest
	}
	return out.String() + end, nil
}

var placeholder = regexp.MustCompile(`\{\*\}|\{[^{}]*\|[^{}]*\}`)

// compile turns expected bytes into a pattern for exactly them, or returns nil if
// they hold no placeholder.
func compile(text string) *regexp.Regexp {
	places := placeholder.FindAllStringIndex(text, -1)
	if places == nil {
		return nil
	}
	var out strings.Builder
	from := 0
	for _, p := range places {
		out.WriteString(regexp.QuoteMeta(text[from:p[0]]))
		switch inner := text[p[0]+1 : p[1]-1]; inner {
		case "*":
			out.WriteString(`[^\n]*?`)
		default:
			var alternatives []string
			for _, a := range strings.Split(inner, "|") {
				alternatives = append(alternatives, regexp.QuoteMeta(a))
			}
			out.WriteString("(?:" + strings.Join(alternatives, "|") + ")")
		}
		from = p[1]
	}
	out.WriteString(regexp.QuoteMeta(text[from:]))
	return regexp.MustCompile(`(?s)\A` + out.String() + `\z`)
}

// summary names the settings of a case, for reports.
func (c *script) summary() string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(c.options)) {
		parts = append(parts, k+"="+c.options[k])
	}
	return strings.Join(parts, " ")
}
