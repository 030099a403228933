//go:build !windows

package testkit

import "syscall"

// errReset is what a read reports after the peer reset the connection.
const errReset = syscall.ECONNRESET
