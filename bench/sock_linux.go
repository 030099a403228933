package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// sock is a blocking TCP socket outside the Go poller.
type sock struct {
	fd       int
	received atomic.Int64 // bytes counted by a receiver thread
	rest     []byte       // read beyond the last line
}

// sockOptions: zero values leave the kernel's defaults.
type sockOptions struct {
	receiveBuffer int
	sendBuffer    int
	source        byte // last byte of the source address 127.0.0.x
	user, pass    string
}

// wideOptions are for throughput: few wake-ups, still in the CPU's caches.
var wideOptions = sockOptions{receiveBuffer: 1 << 20, sendBuffer: 1 << 20}

const socketTimeout = 10 * time.Second

// open connects to a port of 127.0.0.1.
func (e *env) open(port int, o sockOptions) (*sock, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	s := &sock{fd: fd}
	e.mu.Lock()
	e.socks[s] = true
	e.mu.Unlock()
	if e.failed.Load() {
		return nil, errors.New("stopped")
	}
	s.setup(o)
	if o.source > 1 {
		if err := s.bind(o.source); err != nil {
			return nil, err
		}
	}
	to := &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	for {
		err = syscall.Connect(fd, to)
		switch err {
		case syscall.EINTR, syscall.EALREADY:
		case nil, syscall.EISCONN:
			return s, nil
		default:
			return nil, fmt.Errorf("connect: %w", err)
		}
	}
}

func (s *sock) setup(o sockOptions) {
	syscall.SetsockoptInt(s.fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	if o.receiveBuffer > 0 {
		syscall.SetsockoptInt(s.fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, o.receiveBuffer)
	}
	if o.sendBuffer > 0 {
		syscall.SetsockoptInt(s.fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, o.sendBuffer)
	}
	tv := syscall.NsecToTimeval(int64(socketTimeout))
	syscall.SetsockoptTimeval(s.fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &tv)
	s.readTimeout(socketTimeout)
}

func (s *sock) readTimeout(d time.Duration) {
	tv := syscall.NsecToTimeval(int64(d))
	syscall.SetsockoptTimeval(s.fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv)
}

// bind chooses the source address; the port is chosen at connect, so that one
// port can serve several addresses.
func (s *sock) bind(last byte) error {
	const bindAddressNoPort = 24
	syscall.SetsockoptInt(s.fd, syscall.IPPROTO_IP, bindAddressNoPort, 1)
	from := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, last}}
	if err := syscall.Bind(s.fd, from); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	return nil
}

// close gives the socket back before the run ends.
func (e *env) close(s *sock) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.socks[s] {
		delete(e.socks, s)
		syscall.Close(s.fd)
	}
}

func (s *sock) write(b []byte) error {
	for len(b) > 0 {
		n, err := syscall.Write(s.fd, b)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return errors.New("write: the server has not read for " + socketTimeout.String())
		case err != nil:
			return fmt.Errorf("write: %w", err)
		default:
			b = b[n:]
		}
	}
	return nil
}

// read reads once. EOF is an error.
func (s *sock) read(b []byte) (int, error) {
	for {
		n, err := syscall.Read(s.fd, b)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return 0, errors.New("read: nothing came for " + socketTimeout.String())
		case err != nil:
			return 0, fmt.Errorf("read: %w", err)
		case n == 0:
			return 0, errors.New("the connection was closed")
		default:
			return n, nil
		}
	}
}

// discard takes up to len(scratch) bytes off the socket; the kernel drops them
// without copying. It returns 0 and EAGAIN when the read timeout has passed.
func (s *sock) discard(scratch []byte) (int, error) {
	n, _, errno := syscall.Syscall6(syscall.SYS_RECVFROM, uintptr(s.fd),
		uintptr(unsafe.Pointer(&scratch[0])), uintptr(len(scratch)), syscall.MSG_TRUNC, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	if n == 0 {
		return 0, errors.New("the connection was closed")
	}
	return int(n), nil
}

// readLine returns one line without its CR LF.
func (s *sock) readLine() (string, error) {
	for {
		if i := bytes.IndexByte(s.rest, '\n'); i >= 0 {
			line := strings.TrimRight(string(s.rest[:i]), "\r")
			s.rest = s.rest[i+1:]
			return line, nil
		}
		buf := make([]byte, 4096)
		n, err := s.read(buf)
		if err != nil {
			return "", err
		}
		s.rest = append(s.rest, buf[:n]...)
	}
}

// awaitPong skips INFO, PING and +OK lines; anything else is an error.
func (s *sock) awaitPong() error {
	for {
		line, err := s.readLine()
		switch {
		case err != nil:
			return err
		case line == "PONG":
			return nil
		case line == "PING", line == "+OK", strings.HasPrefix(line, "INFO "):
		default:
			return fmt.Errorf("the server sent %.200q", line)
		}
	}
}

const pingLine = "PING\r\n"

// sync waits until the server has processed everything written before.
func (s *sock) sync() error {
	if err := s.write([]byte(pingLine)); err != nil {
		return err
	}
	return s.awaitPong()
}

// connectLine is the CONNECT and first PING of a client.
func connectLine(o sockOptions) []byte {
	login := ""
	if o.user != "" {
		login = fmt.Sprintf(`,"user":%q,"pass":%q`, o.user, o.pass)
	}
	return []byte(`CONNECT {"verbose":false,"pedantic":false,"echo":true,"headers":true,` +
		`"no_responders":true,"protocol":1,"lang":"bench","version":"1","name":"bench"` + login + "}\r\n" + pingLine)
}

// client opens a connection and makes it ready. The second PING flushes out an
// INFO that some servers send after the first PONG.
func (e *env) client(port int, o sockOptions) (*sock, error) {
	s, err := e.open(port, o)
	if err != nil {
		return nil, err
	}
	line, err := s.readLine()
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(line, "INFO ") {
		return nil, fmt.Errorf("the server greets with %.200q", line)
	}
	if err := s.write(connectLine(o)); err != nil {
		return nil, err
	}
	if err := s.awaitPong(); err != nil {
		return nil, err
	}
	return s, s.sync()
}

// subscriber is a client with one subscription, in a queue group if given.
func (e *env) subscriber(port int, o sockOptions, subject, queue, sid string) (*sock, error) {
	s, err := e.client(port, o)
	if err != nil {
		return nil, err
	}
	if queue != "" {
		queue += " "
	}
	if err := s.write(fmt.Appendf(nil, "SUB %s %s%s\r\n", subject, queue, sid)); err != nil {
		return nil, err
	}
	return s, s.sync()
}
