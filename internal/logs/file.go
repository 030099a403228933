package logs

import "os"

// fileMode keeps log files from the eyes of other users: traces hold payloads.
const fileMode = 0o640

// file is the output to a log file that is rotated by size. What is not a regular
// file, like a named pipe, never is.
type file struct {
	stream // its w and size are those of the open file; its mu guards everything
	path   string
	limit  int64
	keep   int // files, the current one included; 0 = all

	open    *os.File // nil between two files, and after close
	regular bool
	next    int64 // size above which rotation is tried next; limit unless that failed
}

// openFile returns a sink that appends to cfg.File and creates it if need be. The
// error is that of os.OpenFile. A file that is over the limit already is rotated.
func openFile(cfg Config, report Logger) (*sink, error) {
	form := newForm(cfg)
	f := &file{
		stream: stream{outage: newOutage(cfg.File, report), form: form},
		path:   cfg.File,
		limit:  cfg.SizeLimit,
		keep:   cfg.MaxFiles,
		next:   cfg.SizeLimit,
	}
	if err := f.openNow(); err != nil {
		return nil, err
	}
	s := newSink(form, f)
	if f.full() {
		s.Noticef("Rotating logfile...")
	}
	return s, nil
}

// openNow makes the file at path the one that is written to. mu is held.
func (f *file) openNow() error {
	fresh, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	info, err := fresh.Stat()
	if err != nil {
		fresh.Close()
		return err
	}
	f.open, f.w = fresh, fresh
	f.size, f.regular = info.Size(), info.Mode().IsRegular()
	f.torn = f.torn && f.size > 0 // it may be the same file
	return nil
}

func (f *file) write(_ level, line []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.add(line)
	if f.open != nil && f.full() {
		f.rotate()
	}
}

// add writes a line without looking at the size. mu is held.
func (f *file) add(line []byte) {
	if f.open == nil {
		if err := f.openNow(); err != nil {
			f.lost++
			f.fail(err)
			return
		}
	}
	f.put(line)
}

func (f *file) full() bool { return f.limit > 0 && f.regular && f.size > f.next }

// reopen opens before it closes: when opening fails, the old file is still there.
// No other goroutine can rotate in between, since it holds the lock throughout.
func (f *file) reopen() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return os.ErrClosed
	}
	old := f.open
	if err := f.openNow(); err != nil {
		return err
	}
	f.next = f.limit
	if old != nil {
		// Every line is complete in the old file: a failing close loses nothing that
		// could still be saved.
		old.Close()
	}
	return nil
}

func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.open == nil {
		return nil
	}
	err := f.open.Close()
	f.open = nil
	return err
}
