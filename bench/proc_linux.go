package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// cpuTime returns the CPU time used by all threads of a process so far. The
// process CPU clock counts nanoseconds and keeps what ended threads have used.
func cpuTime(pid int) (time.Duration, error) {
	const schedClock = 2 // user and system time as the scheduler counts it
	var ts syscall.Timespec
	clock := uintptr(^pid<<3 | schedClock)
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&ts)), 0)
	if errno == 0 {
		return time.Duration(ts.Nano()), nil
	}
	return statTime(pid)
}

// statTime reads the same from /proc/<pid>/stat, in ticks of 10 ms.
func statTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The command name may contain blanks; the fields after it do not.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: unknown format", pid)
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("/proc/%d/stat: unknown format", pid)
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// memory reads a field of /proc/<pid>/status, VmRSS or VmHWM, in bytes.
func memory(pid int, field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) == 3 && string(f[0]) == field+":" {
			kb, err := strconv.ParseInt(string(f[1]), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no %s", pid, field)
}

// peakMB is the most resident memory the servers of the run have had, in MB.
func (e *env) peakMB() float64 {
	var all int64
	for _, p := range e.procs {
		b, _ := memory(p.pid, "VmHWM")
		all += b
	}
	return float64(all) / (1 << 20)
}

// settledMemory waits until resident memory stands still: two readings 500 ms
// apart within 1 %, not before least and not after 10 s.
func settledMemory(pid int, least time.Duration) (int64, error) {
	start := time.Now()
	last, err := memory(pid, "VmRSS")
	for err == nil {
		time.Sleep(500 * time.Millisecond)
		var now int64
		now, err = memory(pid, "VmRSS")
		still := math.Abs(float64(now-last)) <= 0.01*float64(last)
		age := time.Since(start)
		if age >= 10*time.Second || still && age >= least {
			return now, err
		}
		last = now
	}
	return 0, err
}

// cpuTime is what all servers of the run have used so far.
func (e *env) cpuTime() (all time.Duration, err error) {
	for _, p := range e.procs {
		one, err := cpuTime(p.pid)
		if err != nil {
			return 0, err
		}
		all += one
	}
	return all, nil
}

// quietCPU waits until the servers have stopped working (at most 2 s) and
// returns their CPU time.
func (e *env) quietCPU() (time.Duration, error) {
	last, err := e.cpuTime()
	for range 100 {
		if err != nil {
			break
		}
		nap(20 * time.Millisecond)
		var now time.Duration
		now, err = e.cpuTime()
		if now-last < 100*time.Microsecond {
			return now, err
		}
		last = now
	}
	return last, err
}

// raiseFiles lifts the limit of open files as far as it goes, for this program
// and the servers it starts.
func raiseFiles() {
	const wanted = 65536
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) != nil {
		return
	}
	more := syscall.Rlimit{Cur: wanted, Max: max(lim.Max, wanted)}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &more) != nil {
		lim.Cur = lim.Max
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim)
	}
}

// checkFiles fails early, with a useful reason, when n sockets cannot be open.
func checkFiles(n uint64) error {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return err
	}
	if lim.Cur < n+200 {
		return fmt.Errorf("at most %d open files are allowed (ulimit -n), %d are needed", lim.Cur, n+200)
	}
	return nil
}
