package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// maxScenario bounds one run of one scenario.
const maxScenario = 60 * time.Second

// env is the surroundings of one run: the server program under test, its
// processes, the sockets and the threads. The first error ends everything.
type env struct {
	program string        // executable, or "" for the relay
	dir     string        // for log files
	length  time.Duration // how long a load should last

	failed atomic.Bool // read in every loop
	quit   atomic.Bool // the run is over; errors do not count any more
	group  sync.WaitGroup

	mu    sync.Mutex
	err   error
	socks map[*sock]bool
	procs []*process
}

func newEnv(program, dir string, length time.Duration) *env {
	return &env{program: program, dir: dir, length: length, socks: map[*sock]bool{}}
}

// runIn carries out one scenario function in fresh surroundings.
func runIn(e *env, f func(*env) (measurement, error)) (measurement, error) {
	watchdog := time.AfterFunc(maxScenario, func() { e.fail(errors.New("timed out after " + maxScenario.String())) })
	defer watchdog.Stop()
	m, err := f(e)
	if first := e.firstError(); first != nil {
		err = first // not what followed from it
	}
	if err != nil {
		err = fmt.Errorf("%w%s", err, e.obituary())
	}
	e.finish()
	return m, err
}

// apart carries out a part of a run in fresh surroundings of its own.
func (e *env) apart(f func(*env) (measurement, error)) (measurement, error) {
	return runIn(newEnv(e.program, e.dir, e.length), f)
}

// spawn runs f on its own thread: blocking socket calls then cost no handing
// over between threads.
func (e *env) spawn(f func() error) *sync.WaitGroup {
	var done sync.WaitGroup
	done.Add(1)
	e.group.Add(1)
	go func() {
		defer e.group.Done()
		defer done.Done()
		runtime.LockOSThread()
		if err := f(); err != nil {
			e.fail(err)
		}
	}()
	return &done
}

// fail notes the first error and wakes every thread that waits on a socket.
func (e *env) fail(err error) {
	e.mu.Lock()
	if e.err == nil && !e.quit.Load() {
		e.err = err
	}
	e.failed.Store(true)
	e.mu.Unlock()
	e.shutSockets()
}

// firstError returns why the run failed, nil if it did not.
func (e *env) firstError() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// stop ends the load at once, without judging what the threads then see.
func (e *env) stop() {
	e.quit.Store(true)
	e.failed.Store(true)
	e.shutSockets()
	e.group.Wait()
}

// finish ends all threads, sockets and processes of the run.
func (e *env) finish() {
	e.stop()
	for _, p := range e.procs {
		p.kill()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.socks {
		syscall.Close(s.fd)
	}
	clear(e.socks)
}

// obituary says so if a server has ended by itself, with its last words.
func (e *env) obituary() string {
	for _, p := range e.procs {
		if p.hasEnded(200 * time.Millisecond) {
			return "; the server has ended: " + p.lastWords()
		}
	}
	return ""
}

func (e *env) shutSockets() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.socks {
		syscall.Shutdown(s.fd, syscall.SHUT_RDWR)
	}
}

// nap sleeps on this thread without involving the Go scheduler's timers.
func nap(d time.Duration) {
	if d <= 0 {
		return
	}
	ts := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&ts, nil)
}

// waitUntil polls cond. It returns an error when the run has failed meanwhile.
func (e *env) waitUntil(cond func() bool) error {
	for !cond() {
		if e.failed.Load() {
			if err := e.firstError(); err != nil {
				return err
			}
			return errors.New("stopped")
		}
		nap(100 * time.Microsecond)
	}
	return nil
}
