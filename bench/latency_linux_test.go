package main

import (
	"syscall"
	"testing"
	"time"
)

func TestFramerDropsPings(t *testing.T) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fds[1])
	a, b := "MSG x 1 1\r\na\r\n", "MSG x 1 1\r\nb\r\n"
	if _, err := syscall.Write(fds[0], []byte(pingLine+a+pingLine+pingLine+b)); err != nil {
		t.Fatal(err)
	}
	syscall.Close(fds[0])
	f := &framer{s: &sock{fd: fds[1]}}
	for _, want := range []string{a, b} {
		if got, err := f.next(len(want)); err != nil || string(got) != want {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
	}
	if got, err := f.next(1); err == nil {
		t.Errorf("after the end: %q", got)
	}
}

func TestPacingCountsFromTheSchedule(t *testing.T) {
	p := &pacing{start: time.Now().Add(-10 * pacedInterval), length: 100, skip: 1}
	p.onRead(0, 0, 350) // messages 0 to 2 complete, 0 is warm-up
	p.onRead(0, 350, 400)
	if len(p.samples) != 3 {
		t.Fatalf("%d samples, want 3", len(p.samples))
	}
	for i, late := range []time.Duration{9, 8, 7} {
		if got := time.Duration(p.samples[i]); got < late*pacedInterval || got > late*pacedInterval+time.Second {
			t.Errorf("sample %d is %v", i, got)
		}
	}
}
