package logs

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// backupStamp is what rotation appends to the name of a log file, in local time
// whatever the lines have: names in one directory must sort by age.
const backupStamp = ".2006.01.02.15.04.05.000000000"

// rotate gives the file another name and goes on with a new one. The order, with
// the file closed while it is renamed, is the one that every system allows. mu is
// held.
func (f *file) rotate() {
	backup := f.freeBackup()
	step, err := "close", f.open.Close()
	f.open = nil
	if err == nil {
		step, err = "rename", os.Rename(f.path, backup)
	}
	if err != nil {
		for f.next <= f.size {
			f.next *= 2
		}
		f.say(fault, "Unable to %s logfile for rotation (%v), will attempt next rotation at size %d", step, err, f.next)
		return
	}
	f.next = f.limit
	f.say(notice, `Rotated log, backup saved as "%s"`, backup) // not %q, for the paths of Windows
	f.purge()
}

// say logs a line of the rotation itself, to whatever file is at the path.
func (f *file) say(l level, format string, v ...any) {
	f.add(f.form.line(nil, l, format, v))
}

// freeBackup returns the path for a backup made now. Clocks may be coarse or be
// set back, so the name may be taken, and renaming would overwrite that file.
func (f *file) freeBackup() string {
	for t := time.Now(); ; t = t.Add(1) {
		path := f.path + t.Format(backupStamp)
		if _, err := os.Lstat(path); err != nil {
			return path // if it is not free for certain, renaming will tell
		}
	}
}

// purge removes the oldest backups beyond the number of files to keep.
func (f *file) purge() {
	if f.keep <= 0 {
		return
	}
	dir, base := filepath.Split(f.path)
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir) // sorted by name, and so by age
	if err != nil {
		f.say(fault, "Unable to look for old log files (%v)", err)
		return
	}
	var backups []string
	for _, e := range entries {
		if e.Type().IsRegular() && isBackup(e.Name(), base) {
			backups = append(backups, e.Name())
		}
	}
	for _, name := range backups[:max(0, len(backups)-(f.keep-1))] {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			f.say(fault, "Unable to purge log file %q (%v)", name, err)
			continue
		}
		f.say(notice, "Purged log file %q", name)
	}
}

func isBackup(name, base string) bool {
	stamp, ok := strings.CutPrefix(name, base)
	if !ok {
		return false
	}
	t, err := time.Parse(backupStamp, stamp)
	return err == nil && t.Format(backupStamp) == stamp // Parse takes more than it prints
}
