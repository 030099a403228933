package tlsconf

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maxFile is the size of the largest file that is read, in bytes: far more than all
// certificate authorities of the world.
const maxFile = 16 << 20

// young is the age below which the time of a file's last change does not tell a
// later change: file systems count in units of up to two seconds.
const young = 2 * time.Second

// material is something made from a few files, which may change at any time.
type material[T any] struct {
	files []string
	parse func(contents [][]byte) (T, error)

	value  T
	digest [sha256.Size]byte // of the contents that value is from

	seen    []fs.FileInfo // at the last look, nil for a file that could not be seen
	unsure  bool          // whether the contents may have changed afterwards without a sign of it
	failure string        // the last error, if value is not from the files as seen
}

// refresh looks at the files and, if they have changed, replaces value. An error is
// returned once for every change that brings it about; value stays as it was.
func (m *material[T]) refresh(now time.Time) (replaced bool, err error) {
	first, unsure := m.seen == nil, m.unsure
	same := m.look(now)
	if same && !unsure {
		return false, nil
	}
	contents, digest, err := m.read(first)
	if err == nil && digest == m.digest {
		m.failure = ""
		return false, nil
	}
	var value T
	if err == nil {
		value, err = m.parse(contents)
	}
	switch {
	case err == nil:
		m.value, m.digest, m.failure = value, digest, ""
		return true, nil
	case same && err.Error() == m.failure:
		return false, nil
	}
	m.failure = err.Error()
	return false, err
}

// look reports whether the files look as at the last look. It comes before reading,
// so that a change in between is seen by the next look.
func (m *material[T]) look(now time.Time) (same bool) {
	seen := make([]fs.FileInfo, len(m.files))
	same, m.unsure = m.seen != nil, false
	for i, path := range m.files {
		info, err := os.Stat(path)
		if err == nil {
			seen[i] = info
			m.unsure = m.unsure || info.Mode().IsRegular() && now.Sub(info.ModTime()) < young
		}
		same = same && alike(m.seen[i], seen[i])
	}
	m.seen = seen
	return same
}

// alike reports whether two looks show the same file, unchanged. The time of a pipe
// tells nothing.
func alike(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) &&
		(!a.Mode().IsRegular() || a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()))
}

// read returns the contents of the files, and a digest of them. Pipes and the like
// are read the first time only: later they might keep a handshake waiting forever.
func (m *material[T]) read(first bool) (contents [][]byte, digest [sha256.Size]byte, err error) {
	h := sha256.New()
	for i, path := range m.files {
		if info := m.seen[i]; !first && info != nil && !info.Mode().IsRegular() {
			return nil, digest, fmt.Errorf("%s is no regular file, and is not read again", path)
		}
		data, err := readFile(path)
		if err != nil {
			return nil, digest, err
		}
		contents = append(contents, data)
		fmt.Fprintln(h, len(data))
		h.Write(data)
	}
	return contents, [sha256.Size]byte(h.Sum(nil)), nil
}

// RegularFiles returns an error if some file of the configuration is a pipe or the like,
// for a running server, which NewServer might keep waiting forever.
func (c *Config) RegularFiles() error {
	files := []string{c.CAFile}
	for _, p := range c.pairs() {
		files = append(files, p.CertFile, p.KeyFile)
	}
	for _, path := range files {
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no regular file, and is read only when the server starts", path)
		}
	}
	return nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, advice(path, err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("read %s: more than %d MB, which is no certificate", path, maxFile>>20)
	}
	return data, err
}

// advice says what to do about a file that could not be opened, if it is known.
func advice(path string, err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() >= 0:
		return fmt.Sprintf("; the server runs as user %d, who has to be able to read it", os.Geteuid())
	case errors.Is(err, fs.ErrPermission):
		return "; the user that the server runs as has to be able to read it"
	case errors.Is(err, fs.ErrNotExist) && !filepath.IsAbs(path):
		if dir, err := os.Getwd(); err == nil {
			return "; relative names start at the working directory, " + dir
		}
	}
	return ""
}
