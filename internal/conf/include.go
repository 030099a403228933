package conf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// loader is what the parsers of one configuration share: the limits, and what is
// being read right now.
type loader struct {
	left    int64 // bytes that may still be read
	weight  int64 // of all values so far
	count   int   // included files so far
	regular bool  // read only regular files

	files []string          // being parsed, outermost first, as cleaned paths
	vars  []string          // environment variables being parsed, outermost first
	env   map[string]*Value // environment variables that were parsed
}

func newLoader() *loader { return &loader{left: maxBytes, env: map[string]*Value{}} }

// charge counts n of weight.
func (p *parser) charge(n int64) {
	p.load.weight += n
	if p.load.weight > maxWeight {
		p.fail("There are too many values, counting those that references insert each time.")
	}
}

// read returns what the file holds. Anything that can be read will do, such as the
// pipes a shell passes for <(command), but only as much as the limit allows.
func (l *loader) read(path string) (string, error) {
	if info, err := os.Stat(path); l.regular && err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file, and is read only when the server starts", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var b strings.Builder
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		b.Grow(int(min(info.Size(), l.left)))
	}
	if _, err := io.Copy(&b, io.LimitReader(f, l.left+1)); err != nil {
		return "", err
	}
	return b.String(), l.take(path, b.Len())
}

// take counts bytes that were read from a file.
func (l *loader) take(path string, n int) error {
	l.left -= int64(n)
	if l.left < 0 {
		return &Error{Pos: Pos{path, 1, 0}, Text: fmt.Sprintf("the configuration is larger than %d MiB", maxBytes>>20)}
	}
	return nil
}

// parse parses a file that is inside as many maps and arrays as given.
func (l *loader) parse(path, text string, above int) (*Value, *Error) {
	l.files = append(l.files, filepath.Clean(path))
	defer func() { l.files = l.files[:len(l.files)-1] }()
	return newParser(l, path, text, above).parse()
}

// include reads the file that an include of the file from names.
func (l *loader) include(from, name string, above int) (*Value, error) {
	path := resolve(from, name)
	l.count++
	switch {
	case slices.Contains(l.files, path):
		return nil, fmt.Errorf("include cycle for '%s'", path)
	case len(l.files) > maxIncludes:
		return nil, fmt.Errorf("includes are nested more than %d deep", maxIncludes)
	case l.count > maxFiles:
		return nil, fmt.Errorf("more than %d files are included", maxFiles)
	}
	text, err := l.read(path)
	if err != nil {
		return nil, err
	}
	root, broken := l.parse(path, text, above)
	if broken != nil {
		return nil, broken
	}
	return root, nil
}

// resolve returns the path that an include of the file from means: below the
// directory of that file even if it is absolute, unless only the absolute one
// exists (spec: configuration.md 5).
func resolve(from, name string) string {
	if filepath.VolumeName(name) != "" {
		return filepath.Clean(name) // cannot be joined to anything
	}
	path := filepath.Join(filepath.Dir(from), name)
	if filepath.IsAbs(name) && !exists(path) && exists(name) {
		return filepath.Clean(name)
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// include reads the path of an include and puts the entries of that file into the
// innermost map. at is the position of the include.
//
//	include = "include" WS+ path
func (p *parser) include(at Pos) {
	name := p.includePath()
	if p.err != nil {
		return
	}
	root, err := p.load.include(p.file, name, p.depth())
	if err != nil {
		e := p.stop(&Error{Pos: at, Text: fmt.Sprintf("error parsing include file '%s', %s", name, plain(err)), Cause: err})
		if errors.Is(err, fs.ErrNotExist) {
			e.Hint = hintInclude
		}
		return
	}
	for _, e := range root.Map {
		p.put(e)
	}
}

func (p *parser) includePath() string {
	p.skip(blank)
	found := ""
	switch c := p.char(); {
	case c == '"':
		return p.quotedPath(`"`, "Unexpected EOF in double quoted include")
	case c == '\'':
		return p.quotedPath("'", "Unexpected EOF in quoted include")
	case c == '[':
		found = "start of an array"
	case c == '{':
		found = "start of a map"
	case c == '(':
		found = "start of a block"
	case c == '-' || digit(c):
		found = "start of a number"
	case c == '\\':
		found = "escape sequence"
	case newLine(c):
		found = "new line"
	default:
		path := p.upTo("\n\r;} \t'")
		p.accept('\'')
		return path
	}
	p.fail("Expected include value but found %s", found).Hint = "put quotes around the path of the file"
	return ""
}

func (p *parser) quotedPath(quote, unclosed string) string {
	began := p.here()
	p.next()
	path := p.upTo(quote)
	if p.atEnd() {
		e := p.fail("%s", unclosed)
		e.What, e.Began = "path", began
	}
	p.next()
	return path
}
