package conf

// File is a configuration with everything it includes.
type File struct {
	Root *Value // a Map
	Path string // as given
}

// Load reads the file at path, and what it includes. If the file itself cannot be
// read, the error is that of package os; anything else is an *Error. Environment
// variables are those of the process.
func Load(path string) (*File, error) { return newLoader().load(path) }

// LoadAgain is Load for a process that has other things to do: nothing but regular
// files is read, since a pipe may keep it waiting forever.
func LoadAgain(path string) (*File, error) {
	l := newLoader()
	l.regular = true
	return l.load(path)
}

func (l *loader) load(path string) (*File, error) {
	text, err := l.read(path)
	if err != nil {
		return nil, err
	}
	return l.root(path, text)
}

// Parse is Load for a text at hand. The path is for positions, and its directory
// the base of includes. Errors are of type *Error.
func Parse(text []byte, path string) (*File, error) {
	l := newLoader()
	if err := l.take(path, len(text)); err != nil {
		return nil, err
	}
	return l.root(path, string(text))
}

func (l *loader) root(path, text string) (*File, error) {
	root, err := l.parse(path, text, 0)
	if err != nil {
		return nil, err
	}
	return &File{Root: root, Path: path}, nil
}
