package logs

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// disk takes room bytes and then nothing more.
type disk struct {
	bytes.Buffer
	room int
	err  error
}

func (d *disk) Write(b []byte) (int, error) {
	n := min(d.room, len(b))
	d.room -= n
	d.Buffer.Write(b[:n])
	if n < len(b) {
		return n, d.err
	}
	return n, nil
}

// newDisk returns a logger that writes to a disk and reports to stderr.
func newDisk(room int, err error) (l Logger, d *disk, stderr *bytes.Buffer) {
	d, stderr = &disk{room: room, err: err}, new(bytes.Buffer)
	cfg := Config{NoTime: true}
	form := newTextForm(cfg)
	out := &stream{outage: newOutage("d", New(stderr, cfg)), form: form, w: d}
	return newSink(form, out), d, stderr
}

func checkText(t *testing.T, what, got, want string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

func TestOutage(t *testing.T) {
	l, d, stderr := newDisk(len(pid+"[INF] a\n"), errors.New("disk full"))
	l.Noticef("a")
	l.Noticef("lost")
	l.Noticef("lost")
	failed := pid + "[ERR] Logging to \"d\" fails: disk full\n"
	checkText(t, "stderr", stderr.String(), failed)

	d.room = 1000
	l.Noticef("b")
	l.Noticef("c")
	again := "Logging to \"d\" works again, lines lost: 2\n"
	checkText(t, "stderr", stderr.String(), failed+pid+"[INF] "+again)
	checkText(t, "disk", d.String(), pid+"[INF] a\n"+pid+"[INF] b\n"+pid+"[WRN] "+again+pid+"[INF] c\n")

	// The next time is told again, and counted anew.
	d.room = 0
	l.Noticef("lost")
	d.room = 1000
	l.Noticef("d")
	checkText(t, "stderr", stderr.String(), failed+pid+"[INF] "+again+
		failed+pid+"[INF] Logging to \"d\" works again, lines lost: 1\n")
}

// Half a line is lost, but the next one is not glued to it.
func TestTornLine(t *testing.T) {
	l, d, _ := newDisk(len(pid)+3, errors.New("disk full"))
	l.Noticef("torn")
	l.Noticef("lost")
	d.room = 1 // for the newline alone
	l.Noticef("lost")
	d.room = 1000
	l.Noticef("whole")
	checkText(t, "disk", d.String(), pid+"[IN\n"+pid+"[INF] whole\n"+
		pid+"[WRN] Logging to \"d\" works again, lines lost: 3\n")
}

func TestShortWriteIsAFailure(t *testing.T) {
	l, _, stderr := newDisk(3, nil)
	l.Noticef("torn")
	checkText(t, "stderr", stderr.String(), pid+"[ERR] Logging to \"d\" fails: short write\n")
}

// What cannot be reported anywhere else is reported to the stream itself.
func TestOutageOfStderr(t *testing.T) {
	d := &disk{err: errors.New("disk full")}
	l, err := Open(Config{NoTime: true}, d)
	if err != nil {
		t.Fatal(err)
	}
	l.Noticef("lost")
	d.room = 1000
	l.Noticef("a")
	checkText(t, "stream", d.String(), pid+"[INF] a\n"+pid+"[WRN] Logging to \"stream\" works again, lines lost: 1\n")
}

func TestClosedStream(t *testing.T) {
	var out bytes.Buffer
	l := New(&out, Config{})
	l.Close()
	l.Noticef("dropped")
	if out.Len() > 0 {
		t.Errorf("got %q", out.String())
	}
}
