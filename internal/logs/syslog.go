package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Limits of a syslog connection. Lines wait in a queue, so none of the times is one
// that the server stands still for.
const (
	maxQueued    = 1 << 20 // bytes waiting; what comes then is lost
	dialTimeout  = 5 * time.Second
	writeTimeout = 5 * time.Second
	redialAfter  = time.Second // since the last time
	lingerTime   = time.Second // of close, for what is queued
)

var errTooMuch = errors.New("lines come faster than the syslog daemon takes them")

// dialer connects to a daemon, or fails when the context ends.
type dialer func(context.Context) (net.Conn, error)

// syslog is the output to a syslog daemon. A goroutine sends what is queued and
// connects anew when the daemon has gone; close ends it.
type syslog struct {
	form form // for what it has to say itself
	dial dialer

	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{} // has room for one: there is something to do
	done   chan struct{} // closed when the goroutine has ended

	mu sync.Mutex
	outage
	failed time.Time // the last failure
	queue  []byte    // whole lines
	closed bool

	// Of the goroutine alone:
	peer   *peer // nil while there is no connection
	dialed time.Time
}

// startSyslog connects and returns the sink, or the error of the first attempt.
func startSyslog(dest string, f form, report Logger, dial dialer) (*sink, error) {
	s := &syslog{
		outage: newOutage(dest, report),
		form:   f,
		dial:   dial,
		wake:   make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.connect(); err != nil {
		s.cancel()
		return nil, fmt.Errorf("error connecting to syslog: %q", err)
	}
	go s.run()
	return newSink(f, s), nil
}

func (s *syslog) write(_ level, line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return
	case len(s.queue)+len(line) > maxQueued:
		s.lost++
		s.fail(errTooMuch)
		return
	}
	s.queue = append(s.queue, line...)
	s.poke()
}

func (s *syslog) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// fail is that of outage, with the time. mu is held.
func (s *syslog) fail(err error) {
	s.failed = time.Now()
	s.outage.fail(err)
}

func (s *syslog) reopen() error { return errNoFile }

func (s *syslog) close() error {
	s.mu.Lock()
	s.closed = true
	s.poke()
	s.mu.Unlock()

	giveUp := time.AfterFunc(lingerTime, s.cancel)
	<-s.done
	giveUp.Stop()
	s.cancel()
	return nil
}

func (s *syslog) run() {
	defer close(s.done)
	defer s.disconnect()
	var batch []byte
	for {
		var closed bool
		if batch, closed = s.take(batch); len(batch) > 0 {
			s.sendAll(batch)
		} else if closed {
			s.account()
			return
		} else {
			<-s.wake
		}
	}
}

// take exchanges the queue for an empty one, in the memory of the batch before.
func (s *syslog) take(batch []byte) (_ []byte, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cap(batch) > maxKept {
		batch = nil
	}
	batch, s.queue = s.queue, batch[:0]
	return batch, s.closed
}

// sendAll sends lines, or counts them as lost if there is no time any more.
func (s *syslog) sendAll(batch []byte) {
	for len(batch) > 0 {
		n := bytes.IndexByte(batch, '\n') + 1
		if !s.send(batch[:n]) {
			s.mu.Lock()
			s.lost += bytes.Count(batch, []byte{'\n'})
			s.mu.Unlock()
			return
		}
		batch = batch[n:]
	}
}

// send tries until the line is sent, or close has run out of patience.
func (s *syslog) send(line []byte) bool {
	err := s.try(line)
	if err == nil {
		s.sent()
		return true
	}
	for err != nil && s.ctx.Err() == nil {
		s.lostTouch(err)
		err = s.try(line)
	}
	return err == nil
}

func (s *syslog) try(line []byte) error {
	if s.peer == nil {
		if err := s.connect(); err != nil {
			return err
		}
	}
	return s.peer.write(line)
}

func (s *syslog) lostTouch(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peer != nil && s.peer.missed(err) {
		s.lost++ // the line before this one
	}
	s.fail(err)
	s.disconnect()
}

// sent follows a line that was sent at the first attempt. The outage is over if
// that goes well for a while: the first datagram to nobody always does.
func (s *syslog) sent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.failing || time.Since(s.failed) < redialAfter {
		return
	}
	if lost := s.works(); lost > 0 {
		s.queue = append(s.queue, s.form.line(nil, warn, worksAgain, []any{s.dest, lost})...)
	}
}

// account says what has been lost at the end.
func (s *syslog) account() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost > 0 {
		s.report.Errorf(`Logging to "%s" ends, lines lost: %d`, s.dest, s.lost)
	}
}

// connect waits until it may dial again, and dials.
func (s *syslog) connect() error {
	wait := time.NewTimer(time.Until(s.dialed.Add(redialAfter)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	s.dialed = time.Now()
	ctx, cancel := context.WithTimeout(s.ctx, dialTimeout)
	defer cancel()
	conn, err := s.dial(ctx)
	if err == nil {
		s.peer = newPeer(s.ctx, conn)
	}
	return err
}

func (s *syslog) disconnect() {
	if s.peer != nil {
		s.peer.close()
		s.peer = nil
	}
}
