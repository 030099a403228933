package logs

import "os"

// fileMode keeps log files from the eyes of other users: traces hold payloads.
const fileMode = 0o640

// File is a text logger that owns a file. Its labels are never coloured.
type File struct {
	*Text
	path string
	file *os.File // guarded by Text.mu; nil once closed
}

// OpenFile returns a logger that appends to the file at path, creating it with
// mode 0640 if need be. The error is that of os.OpenFile.
func OpenFile(path string, cfg Config) (*File, error) {
	f, err := openAppend(path)
	if err != nil {
		return nil, err
	}
	return &File{Text: newText(f, cfg), path: path, file: f}, nil
}

func openAppend(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, fileMode)
}

// Reopen closes the file and opens its path anew, for log rotation by rename,
// and says so in the new file. If the path cannot be opened, the logger goes on
// with the file it has and the error is returned. After Close it returns
// os.ErrClosed. Lines logged meanwhile land in one of the two files.
func (f *File) Reopen() error {
	fresh, err := openAppend(f.path)
	if err != nil {
		return err
	}
	if err := f.replace(fresh); err != nil {
		fresh.Close()
		return err
	}
	f.Noticef("File log re-opened")
	return nil
}

func (f *File) replace(fresh *os.File) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return os.ErrClosed
	}
	// Every line is complete in the old file: a failing close loses nothing that
	// could still be saved.
	f.file.Close()
	f.file, f.w = fresh, fresh
	return nil
}

// Close closes the file; lines logged afterwards are dropped. Closing again does
// nothing.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}
